import argparse
import json

import numpy as np
import pytest
import torch
from sine_voice import SPEC

from gansynth_core import DataError, InputError, ModelError
from gansynth_core.training.data.dataset import NOTE, READY, NoteSet, quantize
from gansynth_core.training.evaluation import judge as module
from gansynth_core.training.evaluation.judge import (
    Judge,
    JudgeCard,
    JudgeNetwork,
    bands_hz,
    levels_of,
    load_judge,
    ranks,
    save_judge,
)

SECONDS = torch.arange(SPEC.samples) / SPEC.sample_rate
INSTRUMENTS = ("flute", "clarinet")


def tone(pitch, partials=(1,)):
    hz = 440 * 2 ** ((pitch - 69) / 12)
    return sum(torch.sin(2 * np.pi * hz * k * SECONDS) / k for k in partials) * 0.3 * torch.exp(-SECONDS)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Two instruments told by their partials, at eight pitches; every note in three levels of hiss, one held out."""
    folder = tmp_path_factory.mktemp("set")
    records, stored = np.zeros(48, NOTE), []
    random = torch.Generator().manual_seed(0)
    for number, record in enumerate(records):
        instrument, pitch, variant = number % 2, 40 + 4 * (number // 2 % 8), number // 16
        record["instrument"], record["pitch"], record["velocity"] = instrument, pitch, 80
        record["held_out"] = variant == 2
        wave = tone(pitch, (1, 2, 4) if instrument else (1, 3, 5, 7))
        wave = wave + 1e-4 * (1 + variant) * torch.randn(SPEC.samples, generator=random)
        stored.append(quantize(SPEC.encode(wave[None]))[0])
    np.save(folder / "notes.npy", records)
    np.save(folder / "specgrams.npy", np.stack(stored))
    np.save(folder / "state.npy", np.full(len(records), READY, np.uint8))
    source = {"name": "tones", "licence": "CC0", "notes": len(records), "variation_names": []}
    description = {"format": 1, "specgram": SPEC.to_json(), "instruments": INSTRUMENTS, "sources": [source]}
    (folder / "set.json").write_text(json.dumps(description))
    return NoteSet.open(folder)


def tiny_judge(**changes):
    torch.manual_seed(0)
    facts = {"sample_rate": SPEC.sample_rate, "samples": SPEC.samples, "instruments": INSTRUMENTS} | changes
    card = JudgeCard(**facts, pitch_low=24, pitches=61)
    return Judge(card, JudgeNetwork(len(bands_hz(SPEC.sample_rate)), 61, len(card.instruments)).requires_grad_(False))


@pytest.mark.slow
def test_a_judge_that_has_learned_knows_notes_it_never_heard(data, tmp_path, capsys):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    file = tmp_path / "judge.safetensors"
    command = ["--data", str(data.folder), "--out", str(file), "--epochs", "40", "--device", "cpu"]
    module.run(parser.parse_args(command))
    judge = load_judge(file)
    assert judge.sha256 in capsys.readouterr().out
    assert judge.card.notes == 32 and judge.card.sources == ("tones",)
    assert judge.card.real_accuracy["notes"] == 16
    assert judge.card.real_accuracy["pitch"] > 0.9 and judge.card.real_accuracy["instrument_top_1"] > 0.9
    # It hears sound: the same answer for a note of another level, another for another instrument.
    waves = torch.stack([tone(60, (1, 3, 5, 7)), 0.1 * tone(60, (1, 3, 5, 7)), tone(60, (1, 2, 4))])
    said = judge.hear(judge.levels_of(waves))
    assert said.instrument.argmax(axis=1).tolist() == [0, 0, 1]
    assert np.allclose(said.features[0], said.features[1], atol=1e-3)


def test_a_judge_says_which_instruments_of_a_set_it_does_not_know(data):
    assert tiny_judge().unknown(data) is None
    sentence = tiny_judge(instruments=("flute", "reed")).unknown(data)
    assert (
        "does not know 1 of the set's instruments (clarinet)" in sentence and "gansynth_core judge --data" in sentence
    )


def test_the_loudest_band_is_the_one_of_the_tone():
    levels = levels_of(torch.stack([tone(69), tone(81)]), SPEC.sample_rate)
    assert levels.shape == (2, module.FRAMES, len(bands_hz(SPEC.sample_rate)))
    loudest = bands_hz(SPEC.sample_rate)[levels.mean(dim=1).argmax(dim=1).numpy()]
    assert np.abs(np.log2(loudest / [440, 880])).max() < 1 / module.BANDS_PER_OCTAVE
    assert levels.max() == 1 and levels.min() == 0
    decay_db = (levels[0].amax(dim=1)[5] - levels[0].amax(dim=1)[21]) * -module.FLOOR_DB
    assert float(decay_db) == pytest.approx(20 * np.log10(np.e), abs=0.3)  # 16 frames are a second of exp(-t)


def test_ranks_and_classes():
    assert ranks(np.array([[0.1, 0.7, 0.2], [0.5, 0.2, 0.3]]), np.array([2, 0])).tolist() == [1, 0]
    judge = tiny_judge()
    assert judge.pitch_classes(np.array([24, 84, 85, 23, 60.2])).tolist() == [0, 60, -1, -1, 36]
    assert judge.instrument_classes(["clarinet", "tuba"]).tolist() == [1, -1]


def test_a_saved_judge_says_the_same(tmp_path):
    judge = tiny_judge()
    digest = save_judge(tmp_path / "a.safetensors", judge)
    again = load_judge(tmp_path / "a.safetensors")
    assert again.card == judge.card and again.sha256 == digest
    levels = judge.levels_of(tone(60)[None])
    assert np.allclose(judge.hear(levels).pitch, again.hear(levels).pitch, atol=1e-3)


def test_what_is_no_judge_is_refused(data, tmp_path):
    with pytest.raises(ModelError, match="no judge"):
        load_judge(tmp_path / "none.safetensors")
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    with pytest.raises(ModelError, match="damaged"):
        load_judge(tmp_path / "bad.safetensors")
    with pytest.raises(DataError, match="hears notes of"):
        tiny_judge(sample_rate=SPEC.sample_rate // 2).check(data)
    with pytest.raises(InputError, match="2 notes and 1 epoch or more"):
        module.train_judge(data, notes=1)


def test_notes_are_heard_in_the_order_they_are_asked_for(data):
    indices = np.array([40, 3, 17])
    heard = module.levels_of_notes(data, indices, quiet=True)
    alone = torch.cat([module.levels_of_notes(data, indices[n : n + 1], quiet=True) for n in range(3)])
    assert torch.equal(heard, alone) and not torch.equal(heard[0], heard[1])

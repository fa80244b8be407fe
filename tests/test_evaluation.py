import argparse
import dataclasses
import json
import math
import re
import shutil

import numpy as np
import pytest
import soundfile
import torch
from sine_voice import SPEC, SineGenerator, sine_card

from gansynth_core import DataError, InputError, ModelError, Synth
from gansynth_core.cards import ModelCard, load_card, save_model, save_tensors
from gansynth_core.generators import build_generator
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.spectrum import levels_db, log_spectral_distance
from gansynth_core.training.data.dataset import NOTE, READY, NoteSet, quantize
from gansynth_core.training.evaluation import command, trials
from gansynth_core.training.evaluation.audio import evaluate_folder
from gansynth_core.training.evaluation.command import evaluate
from gansynth_core.training.evaluation.figures import measured_notes
from gansynth_core.training.evaluation.judge import Judge, JudgeCard, JudgeNetwork, bands_hz, save_judge
from gansynth_core.training.evaluation.judged import DISTANCES, KINDS
from gansynth_core.training.evaluation.notes import choose_notes, other_instrument, variations_of
from gansynth_core.training.evaluation.pitch import is_in_tune, is_octave_error
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear
from gansynth_core.training.evaluation.textures import contrast_db, modulation_db

INSTRUMENTS = ("violin", "flute", "gunshot")
SECONDS = np.arange(SPEC.samples) / SPEC.sample_rate


def tone(pitch, partials=1):
    """A decaying note of harmonics falling by 6 dB an octave."""
    hz = 440 * 2 ** ((pitch - 69) / 12)
    wave = sum(np.sin(2 * np.pi * hz * k * SECONDS + k * k) / k for k in range(1, partials + 1))
    return (0.3 * wave * np.exp(-SECONDS)).astype(np.float32)


def noise(seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, SPEC.samples).astype(np.float32)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """A set on disk: violin and flute at six held-out pitches, twice each, a gunshot of noise, and a training note."""
    folder = tmp_path_factory.mktemp("set")
    notes = [(i, pitch, True) for i in (0, 1) for pitch in (30, 45, 57, 60, 72, 84) for _ in range(2)]
    notes += [(2, 60, True), (0, 61, False)]
    records = np.zeros(len(notes), NOTE)
    stored = []
    for number, (record, (instrument, pitch, held_out)) in enumerate(zip(records, notes, strict=True)):
        record["instrument"], record["pitch"], record["held_out"] = instrument, pitch, held_out
        record["velocity"] = 100
        wave = noise(number) if instrument == 2 else tone(pitch, partials=(3, 8)[number % 2])
        stored.append(quantize(SPEC.encode(torch.from_numpy(wave)[None]))[0])
    np.save(folder / "notes.npy", records)
    np.save(folder / "specgrams.npy", np.stack(stored))
    np.save(folder / "state.npy", np.full(len(notes), READY, np.uint8))
    source = {"name": "tones", "licence": "CC0", "notes": len(notes), "variation_names": []}
    description = {"format": 1, "specgram": SPEC.to_json(), "instruments": INSTRUMENTS, "sources": [source]}
    (folder / "set.json").write_text(json.dumps(description))
    return NoteSet.open(folder)


@pytest.fixture(autouse=True)
def few_morphs(monkeypatch):
    monkeypatch.setattr(trials, "MORPHS", 2)


@pytest.fixture(scope="module")
def judge():
    """An untrained one: whatever it says, it says of every version alike."""
    torch.manual_seed(1)
    card = JudgeCard(SPEC.sample_rate, SPEC.samples, INSTRUMENTS, 24, 61)
    return Judge(card, JudgeNetwork(len(bands_hz(SPEC.sample_rate)), 61, 3).requires_grad_(False), sha256="a" * 64)


# --- hearing -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("partials", [1, 12])
@pytest.mark.parametrize("pitch", [24, 25.5, 48, 69, 84])
def test_tones_are_heard_at_their_pitch(pitch, partials):
    heard = hear(tone(pitch, partials), SPEC.sample_rate)
    assert abs(cents_off(heard.hz, pitch)) < 5 and heard.voiced > 0.9


def test_a440_is_a4():
    assert cents_off(440.0, 69) == 0 and cents_off(880.0, 69) == pytest.approx(1200)
    assert hear(np.sin(2 * np.pi * 440 * SECONDS), SPEC.sample_rate).hz == pytest.approx(440, rel=0.0005)


def test_a_missing_fundamental_is_heard():
    hz = 440 * 2 ** ((36 - 69) / 12)
    wave = sum(np.sin(2 * np.pi * hz * k * SECONDS) for k in range(2, 9)) / 8
    assert abs(cents_off(hear(wave, SPEC.sample_rate).hz, 36)) < 5


def test_silence_and_noise_have_no_pitch():
    assert math.isnan(hear(np.zeros(SPEC.samples), SPEC.sample_rate).hz)
    for seed in range(3):
        assert math.isnan(hear(noise(seed), SPEC.sample_rate).hz)


def test_an_out_of_tune_attack_does_not_decide():
    wave = tone(60, 4)
    wave[: SPEC.sample_rate // 10] = tone(66, 4)[: SPEC.sample_rate // 10]
    assert abs(cents_off(hear(wave, SPEC.sample_rate).hz, 60)) < 5


def test_notes_of_two_instruments_are_nothing_to_measure_by(data):
    notes = data.notes.copy()
    notes["share"][1::2] = 0.4  # of every two of a pitch, the second
    mixed, card = dataclasses.replace(data, notes=notes), sine_card(instruments=INSTRUMENTS)
    assert choose_notes(mixed, card, 100, 0).tolist() == list(range(0, 25, 2))
    assert variations_of(data, 0).tolist() == [0, 1] and variations_of(mixed, 0).tolist() == [0]
    others = {other_instrument(mixed, 0, np.random.default_rng(seed)) for seed in range(20)}
    assert others == {12}
    assert trials._plainest(mixed, 0, 61) is None and trials._plainest(data, 0, 61) == 25
    assert measured_notes(mixed, np.arange(4)) != measured_notes(data, np.arange(4))


def test_octave_errors_are_told_from_other_wrong_pitches():
    cents = np.array([0.0, 20.0, 1210.0, -2390.0, 700.0, 30.0, math.nan])
    assert is_in_tune(cents).tolist() == [True, True, False, False, False, False, False]
    assert is_octave_error(cents).tolist() == [False, False, True, True, False, False, False]


# --- distance ----------------------------------------------------------------------------------------------------


def test_equal_notes_are_no_distance_apart_whatever_their_loudness():
    wave = torch.from_numpy(np.stack([tone(60, 8), noise()]))
    levels = levels_db(wave, SPEC)
    assert log_spectral_distance(levels, levels).tolist() == [0, 0]
    assert log_spectral_distance(levels, levels_db(wave * 0.1, SPEC)).max() < 1e-3


def test_a_band_raised_by_6_db_is_as_far_as_the_formula_says():
    wave = torch.from_numpy(noise())[None]
    spectrum = torch.fft.rfft(wave)
    spectrum[:, spectrum.shape[1] // 2 :] *= 2
    raised = torch.fft.irfft(spectrum, n=SPEC.samples)
    # Half of the bins gain 20 log10 2 dB; aligning the loudness takes 10 log10 2.5 dB from all of them.
    gain, aligned = 20 * math.log10(2), 10 * math.log10(2.5)
    expected = math.sqrt(((gain - aligned) ** 2 + aligned**2) / 2)
    distance = float(log_spectral_distance(levels_db(wave, SPEC), levels_db(raised, SPEC)))
    assert distance == pytest.approx(expected, abs=0.1)


def test_two_draws_of_noise_are_as_far_apart_as_the_docstring_says():
    levels = levels_db(torch.from_numpy(np.stack([noise(0), noise(1)])), SPEC)
    assert float(log_spectral_distance(levels[:1], levels[1:])) == pytest.approx(7.9, abs=0.2)


def test_rests_and_what_lies_below_the_floor_do_not_count():
    wave = torch.from_numpy(tone(60, 8))[None].clone()
    wave[:, SPEC.samples // 2 :] = 0
    hiss = torch.from_numpy(noise())[None] * 1e-6
    distance = log_spectral_distance(levels_db(wave, SPEC), levels_db(wave + hiss, SPEC))
    assert distance < 0.1


# --- choosing ----------------------------------------------------------------------------------------------------


def test_notes_are_spread_over_instruments_then_over_pitches(data):
    first = data.notes[choose_notes(data, sine_card(), 3, 0)]
    assert sorted(first["instrument"]) == [0, 1, 2]
    most = data.notes[choose_notes(data, sine_card(), 13, 0)]
    pairs = list(zip(most["instrument"].tolist(), most["pitch"].tolist(), strict=True))
    assert len(set(pairs)) == 13 and most["held_out"].all()
    everything = choose_notes(data, sine_card(), 999, 0)
    assert everything.tolist() == data.held_out().tolist()
    assert choose_notes(data, sine_card(), 5, 1).tolist() == choose_notes(data, sine_card(), 5, 1).tolist()


def test_a_set_that_does_not_fit_is_refused(data, judge, tmp_path):
    with pytest.raises(DataError, match="no held-out note"):
        choose_notes(data, sine_card(instruments=("tuba",)), 5, 0)
    with pytest.raises(InputError, match="At least one"):
        choose_notes(data, sine_card(), 0, 0)
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match="something other"):
        evaluate(Synth(sine_card(), SineGenerator(), device="cpu"), data, tmp_path, judge=judge)
    assert (tmp_path / "thesis.txt").read_text() == "precious"


# --- all of it ---------------------------------------------------------------------------------------------------


class Detuned(SineGenerator):
    """Plays `cents` away from the key."""

    def __init__(self, cents):
        self.cents = cents

    def __call__(self, z, pitch, instruments):
        return super().__call__(z, pitch + self.cents / 100, instruments)


@pytest.mark.slow
@pytest.mark.parametrize(("cents", "share", "octaves"), [(0, 1, 0), (40, 0, 0), (-1200, 0, 1)])
def test_the_headline_tells_who_is_in_tune(data, judge, tmp_path, cents, share, octaves):
    synth = Synth(sine_card(), Detuned(cents), device="cpu")
    figures = evaluate(synth, data, tmp_path / "report", judge=judge, notes=5, seed=2)
    assert figures["notes"] == 5 and figures["notes_real_in_tune"] == 4  # the gunshot is not judged
    assert figures["in_tune_share"] == share
    assert figures["octave_error_share"] == pytest.approx(octaves, abs=0.25)  # the lowest key's octave is out of reach
    if share:
        assert figures["in_tune_median_cents"] == pytest.approx(abs(cents), abs=3)


@pytest.mark.slow
def test_a_trained_model_folder_gets_a_full_report(data, judge, tmp_path, capsys):
    torch.manual_seed(0)
    hyperparameters = {"channels": 16, "features": 16, "bands": 8}
    generator = build_generator("studio", SPEC, 3, 16, hyperparameters)
    encoder = StudioEncoder(SPEC, 3, 16)
    model = tmp_path / "tiny"
    card = ModelCard("tiny", "Tiny", "studio", 16, 24, 84, INSTRUMENTS, SPEC, hyperparameters)
    card = save_model(model, card, {name: value.numpy() for name, value in generator.state_dict().items()})
    weights = {name: value.detach().numpy() for name, value in encoder.state_dict().items()}
    save_tensors(model / "encoder.safetensors", weights)
    digest = save_judge(tmp_path / "judge.safetensors", judge)

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    out = tmp_path / "reports" / "tiny"
    line = ["--model", str(model), "--data", str(data.folder), "--out", str(out), "--notes", "4", "--device", "cpu"]
    line += ["--judge", str(tmp_path / "judge.safetensors")]
    command.run(parser.parse_args([*line, "--into-card"]))
    assert "in_tune_share" in capsys.readouterr().out

    report = json.loads((out / "report.json").read_text())
    assert report["model"]["sha256"] == card.sha256 and report["seed"] == 0
    assert report["judge"]["sha256"] == digest
    assert load_card(model).quality == report["headline"]
    assert report["headline"]["notes"] == 4 and len(report["judged"]) == 4
    assert report["data"]["held_out_notes"] == 25 and report["data"]["held_out_pairs"] == 13
    distance = {kind: value["db"] for kind, value in report["distance"].items()}
    assert set(distance) == set(DISTANCES)
    assert distance["resynthesis"] < 1 < distance["variation"] < distance["model"]  # an untrained model is far off
    assert all(set(note["cents"]) == set(KINDS) for note in report["judged"])
    measures = report["measures"]
    assert measures["real"]["variety_db"] > 0 and measures["model"]["morph_unevenness"] >= 1
    # Of 3 notes that have another variation the distance is finite; a model so far off is farther.
    assert 0 < measures["real"]["fid"] < measures["model"]["fid"]
    text = (out / "report.md").read_text()
    assert card.sha256 in text and digest in text and "Pipe" in text and "its reconstruction" in text
    assert "nan" not in text.lower()
    assert (out / "notes_1.png").read_bytes().startswith(b"\x89PNG")
    wavs = sorted((out / "listen").glob("*.wav"))
    assert len(wavs) % 5 == 0 and {soundfile.info(wav).subtype for wav in wavs} == {"PCM_16"}
    page = (out / "listen" / "index.html").read_text()
    assert sorted(re.findall(r'src="([^"]+)"', page)) == [wav.name for wav in wavs]

    # Another model beside: its column is what its own report said.
    (out / "listen" / "stale.wav").write_bytes(b"")
    earlier = tmp_path / "earlier"
    shutil.copytree(out, earlier)
    report["model"]["training"] = {"stage": "warm start"}  # as reports said it once
    (earlier / "report.json").write_text(json.dumps(report))
    command.run(parser.parse_args([*line, "--beside", f"an hour={earlier}", "--name", "GAN"]))
    text = (out / "report.md").read_text()
    assert "| real | an hour | GAN | reconstruction |" in text
    assert json.loads((out / "report.json").read_text())["beside"]["an hour"]["training"]["stage"] == "reconstruction"
    row = next(line for line in text.splitlines() if line.startswith("| FID"))
    assert row.split("|")[4] == row.split("|")[5]
    assert not (out / "listen" / "stale.wav").exists()  # the whole of the earlier report was replaced
    assert [path.name for path in out.parent.iterdir()] == ["tiny"]

    with pytest.raises(InputError, match="another seed"):
        command.run(parser.parse_args([*line, "--beside", str(earlier), "--seed", "1"]))
    with pytest.raises(InputError, match="other notes"):
        command.run(parser.parse_args([*line, "--beside", str(earlier), "--notes", "3"]))
    report["judge"]["sha256"] = "b" * 64
    (earlier / "report.json").write_text(json.dumps(report))
    with pytest.raises(InputError, match="another judge"):
        command.run(parser.parse_args([*line, "--beside", str(earlier)]))
    with pytest.raises(InputError, match="not a report"):
        command.run(parser.parse_args([*line, "--beside", str(tmp_path / "nothing.json")]))
    (model / "encoder.safetensors").write_bytes(b"not weights")
    with pytest.raises(ModelError, match="encoder"):
        command.run(parser.parse_args(line))


@pytest.mark.slow
def test_what_was_measured_of_sines_is_what_they_are(data, judge, tmp_path):
    evaluate(Synth(sine_card(), SineGenerator(), device="cpu"), data, tmp_path / "report", judge=judge, notes=13)
    measures = json.loads((tmp_path / "report" / "report.json").read_text())["measures"]
    # Seeds of the sines differ in level alone, which notes of one peak do not keep; real variants in their partials.
    assert measures["model"]["variety_db"] < 0.5 < 2 < measures["real"]["variety_db"]
    assert measures["model"]["morph_unevenness"] < 6  # a leap would be 16
    assert measures["model"]["click_share"] == 0


class HalfTheRate(SineGenerator):
    """The same sines at 12 kHz."""

    spec = SpecgramSpec(12000, SPEC.samples // 2, 1536, 384, 1152, 1152, -6.2, 6.6)

    def __call__(self, z, pitch, instruments):
        return self.spec.encode(SPEC.decode(super().__call__(z, pitch, instruments))[:, ::2])


@pytest.mark.slow
def test_a_model_of_a_lower_rate_is_measured_at_that_of_the_set(data, judge, tmp_path):
    found = {}
    for name, spec, generator in [("whole", SPEC, SineGenerator()), ("half", HalfTheRate.spec, HalfTheRate())]:
        synth = Synth(dataclasses.replace(sine_card(), specgram=spec), generator, device="cpu")
        evaluate(synth, data, tmp_path / name, judge=judge, notes=7)
        found[name] = json.loads((tmp_path / name / "report.json").read_text())
    half, whole = found["half"], found["whole"]
    assert half["headline"]["in_tune_share"] == 1
    # The tones are as they were; what the real notes have above 6 kHz is beyond its reach.
    for row, other in zip(half["judged"], whole["judged"], strict=True):
        if row["instrument"] != "gunshot" and row["pitch"] <= 60:
            assert row["distance"]["resynthesis"] < 1.5
        assert row["distance"]["model"] == pytest.approx(other["distance"]["model"], abs=1)
    gunshot = next(row["distance"] for row in half["judged"] if row["instrument"] == "gunshot")
    assert gunshot["resynthesis"] > 20
    said = {
        name: "12 kHz: its notes have nothing above 6 kHz" in (tmp_path / name / "report.md").read_text()
        for name in found
    }
    assert said == {"half": True, "whole": False}


def run_command(*options):
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args([str(option) for option in options]))


def test_a_folder_of_notes_is_measured_beside_real_ones(data, judge, tmp_path, capsys):
    notes = tmp_path / "notes"
    notes.mkdir()
    for pitch in (45, 57, 60, 72):
        soundfile.write(notes / f"violin_{pitch:03}.wav", tone(pitch, 3), SPEC.sample_rate)
    soundfile.write(notes / "flute_084.wav", tone(83, 3), SPEC.sample_rate)  # a semitone flat
    soundfile.write(notes / "flute_083.wav", tone(83, 3), SPEC.sample_rate)  # a key that the set does not have
    soundfile.write(notes / "kazoo_060.wav", tone(60, 3), SPEC.sample_rate)
    save_judge(tmp_path / "judge.safetensors", judge)
    run_command("--audio", notes, "--data", data.folder, "--judge", tmp_path / "judge.safetensors", "--out", tmp_path)
    figures = json.loads((tmp_path / "report.json").read_text())
    assert figures["notes"] == 5 and figures["measures"]["notes"]["in_tune"] == pytest.approx(0.8)
    assert figures["measures"]["real"]["in_tune"] == 1
    text = (tmp_path / "report.md").read_text()
    assert "| in tune, by the pitch tracker, where real is | 5 | 100.0 % | 80.0 % |" in text and "tremolo" in text
    assert "in_tune: 0.8" in capsys.readouterr().out
    with pytest.raises(InputError, match="go with a model"):
        run_command("--audio", notes, "--data", data.folder, "--out", tmp_path / "other", "--into-card")
    only_kazoo = tmp_path / "kazoo"
    only_kazoo.mkdir()
    (notes / "kazoo_060.wav").rename(only_kazoo / "kazoo_060.wav")
    with pytest.raises(DataError, match=r"0 have a held-out real note .* such as 'violin'"):
        evaluate_folder(only_kazoo, data, tmp_path / "other", judge, notes=9, seed=0, name="kazoo")


def test_what_lives_is_told_from_what_stands_still():
    steady = tone(57, 12)
    shaken = steady * (1 + 0.3 * np.sin(2 * np.pi * 6 * SECONDS)).astype(np.float32)
    slow, rough = (steady * (1 + 0.3 * np.sin(2 * np.pi * hz * SECONDS)).astype(np.float32) for hz in (0.4, 60))
    still = modulation_db(steady, SPEC.sample_rate)
    swing = 20 / math.log(10) * 0.3 / math.sqrt(2)  # RMS in dB of 1 + 0.3 sin, nearly
    assert still < 0.1 and modulation_db(shaken, SPEC.sample_rate) == pytest.approx(swing, rel=0.1)
    assert max(modulation_db(wave, SPEC.sample_rate) for wave in (slow, rough)) < 0.3 * swing
    assert contrast_db(tone(57, 36), SPEC.sample_rate) > contrast_db(tone(57, 36) + noise(), SPEC.sample_rate) + 6
    silence = np.zeros(SPEC.samples, np.float32)
    assert (contrast_db(silence, SPEC.sample_rate), modulation_db(silence, SPEC.sample_rate)) == (0, 0)

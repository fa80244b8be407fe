"""Synthesizers as sources: auditions, choosing, naming, and notes of what was chosen."""

import argparse
import dataclasses
import importlib.util
import json
import shutil

import fake_engine
import numpy as np
import pytest

from gansynth_core import GM_INSTRUMENTS, AudioError, DataError, InputError
from gansynth_core.training.config import STUDIO_SPEC, STUDIO_WIDE_SPEC
from gansynth_core.training.data import command, prepare
from gansynth_core.training.data.audition import (
    KEPT,
    KEYS,
    PITCHES,
    Audition,
    clips,
    hold,
    judged,
    octaves_off,
    read_pool,
    summary,
)
from gansynth_core.training.data.choose import Chosen, choose, named, read_choice, write_choice
from gansynth_core.training.data.engine import FAMILIES, Key, Program, build_engine, lengths
from gansynth_core.training.data.features import SIZE, Scale, distances, features
from gansynth_core.training.data.isolated import Isolated
from gansynth_core.training.data.prepare import _jobs
from gansynth_core.training.data.synthesizers import Synthesized, all_kept
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear

RATE = STUDIO_WIDE_SPEC.sample_rate
FAKE = fake_engine.Fake()
PROGRAMS = {program.settings["what"]: program for program in FAKE.programs(9, 0)}


def auditioned(what):
    return judged(PROGRAMS[what], FAKE.play(PROGRAMS[what], KEYS, RATE), RATE)


@pytest.mark.parametrize(
    ("what", "verdict", "octaves"),
    [
        ("good", KEPT, 0),
        ("octave", KEPT, 1),
        ("silent", "silent", 0),
        ("clipped", "clipped", 0),
        ("flat", "out of tune", 0),
        ("noise", "no pitch", 0),
    ],
)
def test_a_program_is_kept_or_not_and_its_octave_noted(what, verdict, octaves):
    found = auditioned(what)
    assert (found.verdict, found.octaves) == (verdict, octaves)
    if found.kept:
        assert len(found.features) == len(PITCHES) and {len(row) for row in found.features} == {SIZE}
        assert found.softer_db == pytest.approx(20 * np.log10(100 / 40), abs=0.05)
        assert found.described["tuning"] == pytest.approx(0, abs=1)  # of the octave at which it sounds


def test_octaves_are_those_of_every_key():
    assert octaves_off(np.array([-1200.0, -1201, -1199, -1195])) == (-1, "")
    assert octaves_off(np.array([3.0, np.nan, -2, 1])) == (0, "")
    assert octaves_off(np.array([3.0, np.nan, np.nan, 1]))[1] == "no pitch"
    assert octaves_off(np.array([0.0, 1200, 2400, 0]))[1] == "another octave at every key"
    assert octaves_off(np.array([700.0, 700, 700, 700]))[1] == "out of tune"


def test_full_scale_alone_is_no_clipping():
    square = np.where(np.sin(np.arange(4000) * 0.03) > 0, 0.9, -0.9).astype(np.float32)
    assert not clips(square) and clips(square / 0.9)
    assert not clips(np.sin(np.arange(4000) * 0.03).astype(np.float32))


def test_features_are_those_of_the_sound_not_of_its_rate():
    def note(rate, brightness):
        seconds = np.arange(4 * rate) / rate
        wave = sum(np.sin(2 * np.pi * 220 * k * seconds) * brightness**k for k in range(1, 20))
        return features((wave * np.exp(-seconds) * 0.1).astype(np.float32), rate)

    wide, narrow, other = note(RATE, 0.7), note(STUDIO_SPEC.sample_rate, 0.7), note(RATE, 0.8)
    scale = Scale(np.stack([wide, narrow, other, note(RATE, 0.5), note(RATE, 0.9)]))
    near, far = distances(scale(wide), scale(np.stack([narrow, other])))
    assert near < 0.35 * far and features(np.zeros(RATE, np.float32), RATE) is None


def sound(name, place, kind="pad", verdict=KEPT, **described):
    """An audition whose features are all `place`."""
    values = dict.fromkeys(
        ("brightness", "attack", "decay", "noisiness", "richness", "hollowness", "warmth", "vibrato", "tremolo"), 1.0
    )
    settings = Program("fm", name, kind, "CC0", {})
    rows = [[float(place)] * SIZE for _ in PITCHES]
    return Audition(settings, verdict, 0, rows, values | {"beating": 1.0} | described)


KNOWN = [sound(f"gm_{place}.font", place) for place in (0, 1, 2, 3)]


def test_the_farthest_is_chosen_first_and_nothing_near():
    candidates = [
        *(sound(f"fm_{name}.1", place) for name, place in (("a", 3.1), ("b", 7.5), ("c", 7.4), ("d", 5))),
        sound("fm_broken.1", 20, verdict="silent"),
    ]
    chosen = choose(candidates, KNOWN, 9)
    assert [instrument.program.name for instrument in chosen] == ["fm_b.1", "fm_d.1"]
    assert {c.name: c.distance for c in chosen}["fm_d"] == pytest.approx(2.0, rel=0.01)  # in units of known ones
    assert [c.program.name for c in choose(candidates, KNOWN, 1)] == ["fm_b.1"]
    with pytest.raises(DataError, match="0 kept programs"):
        choose(candidates[-1:], KNOWN, 9)


def test_names_are_unique_and_say_how_namesakes_differ():
    differing = ((1, 100, 1), (2, 900, 1), (3, 300, 9))
    bells = [sound(f"fm_glass_bell.{n}", n, brightness=b, attack=a) for n, b, a in differing]
    names = named([*bells, sound("fm_lead.1", 5), sound("zyn_0033_space_choir_2.1a2b3c", 6), sound("violin.1", 7)])
    assert len(set(names)) == 6 and not set(names) & set(GM_INSTRUMENTS)
    assert names[:3] == ["dark_fm_glass_bell", "bright_fm_glass_bell", "slow_fm_glass_bell"]
    assert names[3:5] == ["fm_lead", "space_choir"] and names[5].endswith("_violin")
    many = named([sound("fm_pad.1", n, brightness=n + 1) for n in range(60)])
    assert len(set(many)) == 60


def test_a_choice_is_kept_and_a_damaged_one_is_refused(tmp_path):
    chosen = choose([sound("fm_b.1", 9, "bell")], KNOWN, 1)
    write_choice(tmp_path / "choice.json", chosen)
    assert read_choice(tmp_path / "choice.json") == chosen and chosen[0].family == FAMILIES["bell"]
    (tmp_path / "choice.json").write_text(json.dumps([dataclasses.asdict(chosen[0])] * 2))
    with pytest.raises(InputError, match="two instruments 'fm_b'"):
        read_choice(tmp_path / "choice.json")
    (tmp_path / "choice.json").write_text("[{}]")
    with pytest.raises(DataError, match="damaged"):
        read_choice(tmp_path / "choice.json")
    with pytest.raises(DataError, match="choose"):
        read_choice(tmp_path / "none.json")


def synthesized(**options):
    chosen = [
        Chosen("high", "New Leads", PROGRAMS["octave"], 1, 2.0),
        Chosen("lead", "New Leads", PROGRAMS["good"], 0, 2.0),
    ]
    return Synthesized(fake_engine.NAME, chosen, pitches=range(8, 15), sample_rate=RATE, **options)


def test_keys_are_played_so_that_notes_have_the_pitches_they_are_called(monkeypatch):
    source = synthesized(variations=1)
    plan = source.plan()
    assert min(note.pitch for note in plan if note.instrument == "high") == 12  # 8 to 11 would need keys below 0
    assert len(plan) == (3 + 7) * 4 and source.families == {"high": "New Leads", "lead": "New Leads"}
    assert [note.variation for note in plan[:4]] != [plan[4].variation] * 4 and plan == synthesized(variations=1).plan()
    played = []
    monkeypatch.setattr(source._player, "play", lambda *call: played.append(call) or np.full((1, 9), 0.5, np.float32))
    source.read(0)
    program, (key,), rate = played[0]
    assert (program.name, key.pitch, rate) == ("fake_octave.1", 0, RATE)
    for wrong, reason in ((np.full((1, 9), np.nan), "not a number"), (np.ones((1, 99)), "clipped")):
        monkeypatch.setattr(source._player, "play", lambda *_, wave=wrong: wave.astype(np.float32))
        with pytest.raises(AudioError, match=reason):
            source.read(0)
    with pytest.raises(InputError, match="Did you mean 'lead'"):
        synthesized(instruments=("laed",))


def run_command(module, *options):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    module.run(parser.parse_args([str(option) for option in options]))


def test_the_command_says_what_a_choice_would_take_and_refuses_what_has_no_room(tmp_path, capsys, monkeypatch):
    write_choice(tmp_path / "choice.json", [Chosen("lead", "New Leads", PROGRAMS["good"], 0, 2.0)])
    options = ["--source", "chosen", "--path", tmp_path / "choice.json", "--out", tmp_path / "set", "--workers", 1]
    run_command(command, *options, "--spec", "studio-wide", "--variations", 1, "--dry-run")
    said = capsys.readouterr().out
    assert "244 notes of 1 instruments, pitches 24-84, licence CC0" in said
    assert "244 notes of 4 s at 48 kHz take 191.9 MB" in said and "about 0.0 hours" in said
    monkeypatch.setattr(prepare, "_free_bytes", lambda folder: 1_000_000)
    with pytest.raises(DataError, match=r"needs 72\.0 MB and the disk has 1\.0 MB free"):
        run_command(command, *options, "--dry-run")
    with pytest.raises(InputError, match="--doubled works with --source soundfont"):
        run_command(command, *options, "--doubled", 1)
    with pytest.raises(InputError, match="Did you mean 'lead'"):
        run_command(command, *options, "--instruments", "leed")
    assert not (tmp_path / "set").exists()


def test_notes_of_one_instrument_are_rendered_in_a_row():
    source = synthesized()
    notes = [(row, 0, row) for row in np.random.default_rng(0).permutation(len(source.plan()))]
    jobs = _jobs(notes, [source])
    assert sorted(row for job in jobs for row, _, _ in job) == list(range(len(notes)))
    assert all(len({source.plan()[index].instrument for _, _, index in job}) == 1 for job in jobs)


@pytest.mark.slow
def test_crashes_and_hangs_cost_a_program_and_auditions_go_on_where_they_stopped(tmp_path):
    """In one test, because an engine's process takes seconds to start."""
    first = hold(fake_engine.NAME, tmp_path, RATE, 2, workers=1)
    assert [audition.verdict for audition in first] == [KEPT, KEPT]
    path = tmp_path / f"{fake_engine.NAME}.jsonl"
    path.write_bytes(path.read_bytes() + b'{"program": {"en')  # as a power cut may leave it
    again = hold(fake_engine.NAME, tmp_path, RATE, 9, workers=1)
    whole = {audition.program.settings["what"]: audition for audition in again}
    assert len(path.read_text().splitlines()) == 8 == len(read_pool(tmp_path, fake_engine.NAME))
    assert whole["crash"].verdict == "the engine crashed" and whole["good"] == first[0]
    assert whole["refuse"].verdict == "the engine failed: RuntimeError: no such wave"
    assert summary(again)[0] == "8 tried, 2 kept (1 of them at another octave)"
    assert [instrument.name for instrument in all_kept(again)] == ["fake_good", "fake_octave"]

    player = Isolated(fake_engine.NAME, call_seconds=0.5)
    hanging = dataclasses.replace(PROGRAMS["good"], settings={"what": "hang"})
    with pytest.raises(AudioError, match="hung"):
        player.play(hanging, [Key(60, 100)], RATE)
    player._call_seconds = 60.0
    assert np.array_equal(player.play(PROGRAMS["good"], KEYS, RATE), FAKE.play(PROGRAMS["good"], KEYS, RATE))
    player.close()


def test_an_unknown_synthesizer_and_a_missing_pool_are_refused(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'csound'"):
        build_engine("csoud")
    with pytest.raises(DataError, match="audition --source fm"):
        read_pool(tmp_path, "fm")
    (tmp_path / "fm.jsonl").write_text("{}\n")
    with pytest.raises(DataError, match="damaged"):
        read_pool(tmp_path, "fm")


# --- the engines, where they are installed ------------------------------------------------------------------------

INSTALLED = {
    "fm": importlib.util.find_spec("dexed") is not None,
    "csound": shutil.which("csound") is not None,
}


@pytest.mark.parametrize("name", INSTALLED)
def test_an_engine_plays_the_key_the_same_way_every_time(name):
    if not INSTALLED[name]:
        pytest.skip(f"{name} is not installed")
    engine = build_engine(name)
    programs = engine.programs(60, 0)
    assert programs == engine.programs(60, 0) != engine.programs(60, 1)
    assert len({program.name for program in programs}) == 60 and {p.kind for p in programs} <= set(FAMILIES)
    wanted = {"fm": "fm_harp.1", "csound": "plucked_string.1"}[name]
    program = next(program for program in programs if program.name == wanted)
    low = tuple(low for low, _ in engine.variation_ranges)
    keys = [Key(57, 100), Key(57, 40), Key(57, 100, low)]
    notes = engine.play(program, keys, RATE)
    assert notes.shape == (3, lengths(RATE)[1]) and np.array_equal(notes[1:2], engine.play(program, keys[1:2], RATE))
    assert abs(cents_off(hear(notes[0], RATE).hz, 57)) < 20
    levels = [float(np.square(note).mean()) for note in notes]
    assert levels[0] > 1.5 * levels[1] and not np.allclose(notes[0], notes[2], atol=1e-3)

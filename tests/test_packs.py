import json
import math
import os
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from packtools import CARD, PITCHES, Voice, heard_pitch, notes_of, plan, sfz_player, synth, timbre, unpack
from wavinfo import WavInfoReader

from gansynth_core import (
    AudioError,
    InputError,
    PackItem,
    PackPlan,
    Synth,
    Timbre,
    morph_items,
    read_timbre,
    write_pack,
)
from gansynth_core.__main__ import main
from gansynth_core.packs import command, quality, render, sound_writer
from gansynth_core.packs.levels import PEAK, true_peak
from gansynth_core.packs.naming import letters, safe_name, unique_names
from gansynth_core.packs.wav import write_wav
from gansynth_core.packs.zones import Zone, key_ranges


@pytest.fixture(scope="module")
def pack(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("pack") / "two.zip"
    report = write_pack(plan(), synth(), out)
    assert (report.notes, report.left_out, report.kept, report.bytes) == (8, 0, 0, out.stat().st_size)
    assert [path.name for path in out.parent.iterdir()] == ["two.zip"]
    return unpack(out)


def test_every_note_sounds_at_the_pitch_that_its_name_and_its_header_tell(pack):
    for note in notes_of(pack):
        path = pack / note["file"]
        samples, rate = soundfile.read(path)
        header = WavInfoReader(str(path)).smpl
        assert abs(heard_pitch(samples, rate) - note["pitch"]) < 0.05
        assert path.stem.endswith(f"_{note['pitch']:03d}") and header.midi_note == note["pitch"]
        assert header.midi_pitch_detune_cents == 0 and header.sample_period_ns == 22676
        assert abs(len(samples) / rate - note["seconds"]) < 1e-3


def test_chunks_stand_where_samplers_look_and_texts_can_be_read(pack):
    path = pack / "Multisamples/Soft/Soft_060.wav"
    data = path.read_bytes()
    places = [data.index(code) for code in (b"fmt ", b"smpl", b"inst", b"LIST", b"data", b"GSyn")]
    assert places == sorted(places) and int.from_bytes(data[4:8], "little") == len(data) - 8
    inst = data[places[2] + 8 : places[2] + 15]
    assert tuple(inst) == (60, 0, 0, 58, 62, 1, 127)
    info = WavInfoReader(str(path), info_encoding="utf-8").info
    assert (info.title, info.software) == ("Soft 60", "GANSynth Studio")
    assert soundfile.info(path).subtype == "PCM_24"


def test_a_sound_is_levelled_as_a_whole_and_ends_in_silence(pack):
    for name in ("Soft", "Bright"):
        waves = [soundfile.read(path)[0] for path in sorted((pack / "Multisamples" / name).glob("*.wav"))]
        assert abs(max(true_peak(wave) for wave in waves) - PEAK) < 1e-4
        for wave in waves:
            assert abs(wave[-1]) < 1e-4 and np.abs(wave[-441:]).max() < 0.3 * np.abs(wave).max()


def test_each_note_is_levelled_by_itself_only_when_asked(tmp_path):
    class Uneven(Synth):
        def render(self, timbre, pitches, **options):
            clips = super().render(timbre, pitches, **options)
            clips.audio[0] *= 0.5
            return clips

    for level, peaks in (("sound", [0.5, 1]), ("note", [1, 1])):
        out = tmp_path / f"{level}.zip"
        uneven = Uneven(CARD, Voice(), device="cpu", griffin_lim_steps=0)
        write_pack(plan(items=plan().items[:1], pitches=(60, 64), level=level, name=level), uneven, out)
        folder = unpack(out)
        found = [np.abs(soundfile.read(folder / note["file"])[0]).max() / PEAK for note in notes_of(folder)]
        assert np.allclose(found, peaks, atol=0.01)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "FLOAT"])
def test_samples_read_back_within_half_a_step(subtype, tmp_path):
    samples = np.random.default_rng(0).uniform(-1, 1, 1001).astype(np.float32)
    path = tmp_path / "a.wav"
    write_wav(path, samples, 48000, subtype, Zone("a.wav", len(samples), 60), {"INAM": "odd"}, timbre())
    back, rate = soundfile.read(path, dtype="float64")
    step = {"PCM_16": 2.0**-15, "PCM_24": 2.0**-23, "FLOAT": 0}[subtype]
    assert rate == 48000 and soundfile.info(path).subtype == subtype
    assert np.abs(back - np.clip(samples, -1, 1 - step)).max() <= step / 2 + 1e-12


def test_a_whole_note_keeps_its_length_at_any_rate(tmp_path):
    for rate, samples in ((24000, 96000), (44100, 176400), (48000, 192000)):
        out = tmp_path / f"{rate}.zip"
        write_pack(plan(pitches=(60,), sample_rate=rate, name=str(rate)), synth(), out)
        info = soundfile.info(unpack(out) / "OneShots/Soft_060.wav")
        assert info.samplerate == rate and 0 <= samples - info.frames < 0.06 * rate  # what a release leaves silent goes


def test_an_sfz_player_plays_a_scale_in_tune_over_the_whole_pack(pack):
    player = sfz_player(pack / "Multisamples/Bright.sfz", 48000)
    assert player.playable_keys == list(range(128))
    for pitch in (48, 50, 51, 57, 60, 62, 67, 72):
        left = player.render_note(pitch, 100, 1.0, 1.0)[0]
        assert abs(heard_pitch(left[4800:], 48000) - pitch) < 0.05


def test_decentsampler_finds_every_note_and_one_for_every_key(pack):
    root = ElementTree.parse(pack / "Multisamples/Soft.dspreset").getroot()
    assert root.tag == "DecentSampler" and [child.tag for child in root] == ["groups", "modulators"]
    samples = root.findall("groups/group/sample")
    documented = {"path", "rootNote", "loNote", "hiNote", "loopEnabled", "loopStart", "loopEnd"}
    assert all(set(sample.attrib) == documented for sample in samples)
    assert all((pack / "Multisamples" / sample.get("path")).is_file() for sample in samples)
    keys = [key for sample in samples for key in range(int(sample.get("loNote")), int(sample.get("hiNote")) + 1)]
    assert keys == list(range(128)) and [int(sample.get("rootNote")) for sample in samples] == list(PITCHES)


@pytest.mark.parametrize("roots", [[60], [0, 127], [36, 39, 42, 84], list(range(128)), [126, 127]])
def test_zones_cover_the_keyboard_without_gap_or_overlap(roots):
    ranges = key_ranges(roots)
    assert [key for low, high in ranges for key in range(low, high + 1)] == list(range(128))
    assert all(low <= root <= high for root, (low, high) in zip(roots, ranges, strict=True))


def test_a_note_brings_its_timbre_and_the_plan_within_makes_the_same_pack_again(pack, tmp_path):
    original = plan().items[1].timbre
    restored = read_timbre(pack / "Multisamples/Bright/Bright_055.wav")
    assert restored == original
    assert np.array_equal(synth().render(restored, [55]).audio, synth().render(original, [55]).audio)
    (sound,) = [s for s in json.loads((pack / "manifest.json").read_text())["sounds"] if s["name"] == "Bright"]
    assert Timbre.from_json(sound["timbre"]) == original
    again = PackPlan.from_json(json.loads((pack / "plan.json").read_text()), CARD)
    assert again == plan()
    write_pack(again, synth(), tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (pack.parent.parent / "two.zip").read_bytes()


def test_what_is_no_note_of_a_pack_has_no_timbre(tmp_path):
    soundfile.write(tmp_path / "a.wav", np.zeros(100), 24000)
    (tmp_path / "b.wav").write_bytes(b"no")
    for name, message in (("a.wav", "holds no timbre"), ("b.wav", "not a WAV"), ("c.wav", "No such file")):
        with pytest.raises(AudioError, match=message):
            read_timbre(tmp_path / name)


def test_faulty_notes_are_left_out_and_listed_or_kept_as_asked(tmp_path):
    items = (
        PackItem("good", timbre()),
        PackItem("nan", timbre(z2=9.0)),
        PackItem("silent", timbre(z3=9.0)),
        PackItem("twin", timbre(z5=1.0)),
    )
    reasons = ["not a number", "silent", "near-duplicate of good"]
    for rejects, notes, kept in (("drop", 1, 0), ("keep", 3, 2)):
        out = tmp_path / f"{rejects}.zip"
        report = write_pack(plan(items=items, pitches=(60,), rejects=rejects, name=rejects), synth(), out)
        assert (report.notes, report.left_out, report.kept) == (notes, 3 - kept, kept)
        folder = unpack(out)
        sounds = json.loads((folder / "manifest.json").read_text())["sounds"]
        told = [
            *(left["reason"] for s in sounds for left in s["left_out"]),
            *(n.get("fault") for n in notes_of(folder)),
        ]
        assert sorted(filter(None, told)) == sorted(reasons)
        assert all(f"{name}, key 60: " in (folder / "README.txt").read_text() for name in ("nan", "twin"))
        assert len(list(folder.glob("OneShots/*.wav"))) == notes


def test_a_wave_that_was_cut_off_or_is_but_a_click_is_told_from_a_whole_one():
    wave = np.sin(np.arange(24000) * 2 * math.pi * 32.7 / 24000).astype(np.float32)
    assert quality.fault(wave, 24000, 24) is None
    assert quality.fault(np.clip(wave, -0.9, 0.9), 24000, 24) == "clipped"
    assert quality.fault(wave * np.exp(-np.arange(24000) / 100), 24000, 24) == "shorter than 0.05 s"


def test_a_twin_is_the_same_sound_and_not_one_with_another_partial():
    time = np.arange(24000) / 24000
    wave, octave = (0.5 * np.sin(2 * np.pi * hz * time) for hz in (261.6, 523.3))
    heard = quality.Heard()
    for number in range(20):
        heard.add(f"far {number}", 60, quality.fingerprint(wave * np.exp(-(number + 1) * time), 24000))
    heard.add("first", 60, quality.fingerprint(wave + 0.10 * octave, 24000))
    twin, brighter = (quality.fingerprint(0.9 * (wave + level * octave), 24000) for level in (0.101, 0.15))
    assert heard.twin(60, twin) == "first" and heard.twin(61, twin) is None and heard.twin(60, brighter) is None


def test_a_pack_of_nothing_but_faults_is_refused_and_leaves_nothing(tmp_path):
    with pytest.raises(InputError, match="None of the 4 notes passed"):
        write_pack(plan(items=(PackItem("nan", timbre(z2=9.0)),)), synth(), tmp_path / "a.zip")
    assert list(tmp_path.iterdir()) == []


def test_a_killed_export_leaves_no_zip_and_goes_on_to_the_same_one(tmp_path, monkeypatch):
    monkeypatch.setattr(render, "BATCH", 2)
    items = tuple(PackItem(f"sound {n}", timbre(z1=float(n - 4))) for n in range(0, 9, 2))
    short = plan(items=items, pitches=(60, 67), seconds=1)
    whole = write_pack(short, synth(), tmp_path / "whole.zip")

    def kill(done, total):
        if done >= 8:
            raise KeyboardInterrupt

    out = tmp_path / "a.zip"
    with pytest.raises(KeyboardInterrupt):
        write_pack(short, synth(), out, progress=kill)
    work = tmp_path / "a.zip.work"
    assert not out.exists() and work.is_dir()
    records = sorted((work / "sounds").iterdir())
    for record in records[2:]:  # as if the power had failed in the third sound
        record.unlink()
    for note in (work / "pack").rglob("sound_4_*.wav"):
        note.write_bytes(note.read_bytes()[:1000])
    with pytest.raises(InputError, match="stopped or is under way"):
        write_pack(short, synth(), out)
    with pytest.raises(InputError, match="another plan"):
        write_pack(plan(items=items), synth(), out, resume=True)
    last, seen = synth(), []
    write_pack(short, last, out, resume=True, progress=lambda done, total: seen.append(done))
    assert seen == [4, 6, 8, 10] and last._generator.rendered == 6
    assert out.read_bytes() == whole.path.read_bytes() and not work.exists()


def test_a_full_disk_is_a_sentence_and_loses_nothing(tmp_path, monkeypatch):
    def full(*arguments, **options):
        raise OSError(28, os.strerror(28))

    out = tmp_path / "a.zip"
    with monkeypatch.context() as patch, pytest.raises(AudioError, match=r"No space left on device; .* 'resume'"):
        patch.setattr(sound_writer, "write_wav", full)
        write_pack(plan(pitches=(60,)), synth(), out)
    assert not out.exists()
    assert write_pack(plan(pitches=(60,)), synth(), out, resume=True).notes == 2


def test_an_existing_file_is_never_replaced(tmp_path):
    out = tmp_path / "a.zip"
    out.write_text("mine")
    with pytest.raises(InputError, match="already exists"):
        write_pack(plan(), synth(), out)
    with pytest.raises(InputError, match=r"\.zip"):
        write_pack(plan(), synth(), tmp_path / "a.rar")
    assert out.read_text() == "mine" and [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_two_exports_to_one_name_do_not_meet(tmp_path):
    out = tmp_path / "a.zip"

    def second(done, total):
        with pytest.raises(InputError, match="under way"):
            write_pack(plan(), synth(), out)
        with pytest.raises(InputError, match="Another export"):
            write_pack(plan(), synth(), out, resume=True)

    assert write_pack(plan(pitches=(60,)), synth(), out, progress=second).notes == 2


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Ember Horn", "Ember_Horn"),
        ("../../etc/passwd", "etc_passwd"),
        ("C:\\Windows\\x", "C_Windows_x"),
        ("..", "sound"),
        ("", "sound"),
        ("🎻", "sound"),
        ("🎻 Çello №1", "Cello_No1"),
        ("con", "con_sound"),
        ("LPT1", "LPT1_sound"),
        ("x" * 300, "x" * 48),
        ("a\0b\n", "a_b"),
    ],
)
def test_any_name_becomes_a_safe_one(text, name):
    assert safe_name(text) == name


def test_names_are_unique_even_without_capitals_and_marketplace_names_have_no_digits():
    assert unique_names(["a", "A", "a 2", "a", "a"]) == ["a", "A_2", "a_2_2", "a_3", "a_4"]
    assert unique_names(["take 2", "take 2"], "marketplace") == ["take_two", "take_two_b"]
    assert [letters(n) for n in (0, 25, 26, 701, 702)] == ["a", "z", "aa", "zz", "aaa"]
    assert len({name.lower() for name in unique_names(["x" * 300, "X" * 299, "🎻", "🎺"] * 40)}) == 160


def test_evil_names_stay_in_the_pack_and_marketplace_files_end_in_their_key(tmp_path):
    items = (PackItem("../../../evil 1", timbre()), PackItem("../../../evil 1", timbre(z1=3.0)))
    out = tmp_path / "a.zip"
    write_pack(plan(items=items, pitches=(58, 70), name="/etc/../\ud800x", naming="marketplace"), synth(), out)
    with zipfile.ZipFile(out) as archive:
        names = archive.namelist()
    assert "etc_x/Multisamples/evil_one_b/GSY_evil_one_b_A#3.wav" in names and not any(".." in name for name in names)
    player = sfz_player(unpack(out) / "Multisamples/evil_one.sfz", 48000)
    assert len(player.playable_keys) == 128
    assert abs(heard_pitch(player.render_note(58, 100, 1.0, 1.0)[0][4800:], 48000) - 58) < 0.05


def test_a_morph_is_steps_from_end_to_end():
    a, b = timbre(z1=1.0), timbre(z2=1.0)
    items = morph_items("a to b", a, b, 3)
    assert [item.name for item in items] == ["a to b 01", "a to b 02", "a to b 03"]
    assert items[0].timbre == a and items[2].timbre == b and len({item.timbre for item in items}) == 3


def test_a_plan_written_by_hand_needs_no_numbers_of_z():
    document = {
        "format": 1,
        "items": [
            {"instrument": "violin", "seed": 3, "count": 2},
            {"name": "mix", "instrument": {"violin": 1, "flute": 1}},
            {"morph": [{"instrument": "violin"}, {"instrument": "flute"}], "steps": 3},
        ],
        "pitches": {"low": 36, "high": 84, "every": 3},
    }
    made = PackPlan.from_json(document, CARD)
    assert [item.name for item in made.items] == ["violin 01", "violin 02", "mix", "morph 01", "morph 02", "morph 03"]
    assert made.pitches == tuple(range(36, 85, 3)) and made.notes == 6 * 17
    assert PackPlan.from_json(document | {"pitches": "all"}, CARD).pitches == tuple(range(24, 85))
    assert PackPlan.from_json(document | {"pitches": 60}, CARD).pitches == (60,)
    assert str(made.estimate(CARD)) == "102 notes, about 55.2 MB, about 5 s"


GOOD = {"format": 1, "items": [{"instrument": "violin"}], "pitches": 60}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"format": 2}, '"format": 1'),
        ({"items": []}, "at least one sound"),
        ({"items": "violin"}, "at least one sound"),
        ({"items": ["violin"]}, "must be an object"),
        ({"items": [{"instrument": "violn"}]}, "Did you mean 'violin'"),
        ({"items": [{"instrument": 3}]}, "An instrument must be a name"),
        ({"items": [{"instrument": {"violin": "much"}}]}, "The weight of 'violin'"),
        ({"items": [{"instrument": "violin", "sed": 3}]}, "Did you mean 'seed'"),
        ({"items": [{"instrument": "violin", "seed": 1.5}]}, "The seed"),
        ({"items": [{"instrument": "violin", "count": True}]}, "The count"),
        ({"items": [{"instrument": "violin", "count": 10**6}]}, r"1,000,000 notes, about 541.2 GB, about 13.9 h\)"),
        ({"items": [{"name": 5, "instrument": "violin"}]}, "must be text"),
        ({"items": [{"morph": [{"instrument": "violin"}], "steps": 3}]}, "a list of two"),
        ({"items": [{"morph": [{}, {}], "steps": 10**15}]}, "too large"),
        ({"items": [{"morph": [{}, {"count": 2}], "steps": 3}]}, "a single sound"),
        ({"items": [{"timbre": {"format": 1}}]}, "not a saved sound"),
        ({"items": [{"timbre": timbre().to_json(), "envelope": {"attack": 1}}]}, "An envelope has no 'attack'"),
        ({"items": [{"timbre": timbre().to_json(), "envelope": 3}]}, "An envelope is an object"),
        ({"items": [{"patch": {"format": 1}}]}, "holds no timbre"),
        ({"items": [{"timbre": timbre().to_json() | {"model": "other"}}]}, "belong to the model 'other'"),
        ({"items": [{"timbre": timbre().to_json() | {"z": [1]}}]}, "512 numbers"),
        ({"items": [{"timbre": timbre().to_json() | {"z": [10**400]}}]}, "too large"),
        ({"model": "other"}, "not for 'sines'"),
        ({"pitches": None}, 'needs "pitches"'),
        ({"pitches": []}, "no pitches"),
        ({"pitches": "C4"}, "The pitch must be a whole number"),
        ({"pitches": [60.5]}, "whole number"),
        ({"pitches": [64, 60]}, "must rise"),
        ({"pitches": {"low": 60, "high": 50}}, "must not be above"),
        ({"pitches": {"low": 60, "high": 72, "every": 0}}, "every must be"),
        ({"pitches": [96]}, "Choose a lower key"),
        ({"subtype": "MP3"}, "PCM_16, PCM_24, FLOAT"),
        ({"subtype": ["PCM_16"]}, "subtype must be"),
        ({"sample_rate": 22050}, "24000, 44100, 48000"),
        ({"sample_rate": "44100"}, "sample_rate"),
        ({"naming": "mine"}, "sampler, marketplace"),
        ({"seconds": 5}, "up to 4 s"),
        ({"seconds": float("nan")}, "seconds must be"),
        ({"seconds": "4"}, "seconds must be"),
        ({"rejects": "hide"}, "drop, keep, reroll"),
        ({"measure": "lufs"}, "peak, loudness"),
        ({"loudness_lufs": 0}, "from -36 to -6"),
        ({"loudness_lufs": True}, "loudness_lufs must be"),
        ({"author": 3}, "The author of a pack must be a line"),
        ({"comment": "a\nb"}, "The comment of a pack"),
        ({"copyright": "x" * 256}, "up to 255 characters"),
        ({"velocity_layers": 5}, "velocity_layers must be a whole number from 1 to 4"),
        ({"velocity_layers": "2"}, "velocity_layers"),
        ({"round_robins": 0}, "round_robins"),
        ({"round_robins": True}, "round_robins"),
        ({"loops": "yes"}, "loops must be true or false"),
        ({"stereo": 2}, "stereo must be true or false"),
        ({"formats": "sfz"}, "formats must be a list of"),
        ({"formats": ["sf3"]}, "Every format must be one of sfz, dspreset, sf2, multisample"),
        ({"formats": [["sfz"]]}, "Every format"),
        ({"release_seconds": 0}, "from 0.01 to 10"),
        ({"release_seconds": "short"}, "from 0.01 to 10"),
        ({"device": "mpc"}, "op-xy, tonverk"),
        ({"device": ["op-xy"]}, "device must be"),
        ({"device": "op-xy", "sample_rate": 48000}, "'op-xy' takes PCM_16 at 44100 Hz"),
        ({"device": "op-xy", "pitches": "all"}, "at most 24 notes an instrument, not 61"),
        ({"device": "op-xy", "velocity_layers": 2}, "at most 1 velocity layers"),
        ({"wavetables": {}}, "at least one sound"),
        ({"wavetables": ["a"]}, "Every wavetable of a plan must be an object"),
        ({"wavetables": [{"morph": [{}]}]}, "a list of two"),
        ({"wavetables": [{"morph": [{}, {"count": 2}]}]}, "a single sound"),
        ({"wavetables": [{"name": 3, "morph": [{}, {}]}]}, "name of a wavetable"),
        ({"wavetables": [{"morph": [{}, {}], "pitch": 96}]}, "Choose a lower key"),
        ({"wavetables": [{"morph": [{}, {}], "frames": 9}]}, "A wavetable has no 'frames'"),
        ({"items": [{"different": 3, "among": [{"count": 2}]}]}, "list at least as many"),
        ({"items": [{"different": 1, "among": []}]}, "give a list of them"),
        ({"items": [{"different": 0, "among": [{}]}]}, "number of different sounds"),
        ({"items": [{"different": 1, "among": [{"different": 1, "among": [{}]}]}]}, "give a list of them"),
        ({"items": [{"different": 1, "among": [{}]}]}, "needs the model itself"),
        ({"name": ["a"]}, "must be text"),
        ({"bits": 24}, "A plan has no 'bits'"),
    ],
)
def test_a_wrong_plan_gets_one_sentence(change, message):
    with pytest.raises(InputError, match=message) as caught:
        PackPlan.from_json(GOOD | change, CARD).check(CARD)
    assert len(str(caught.value)) < 250 and "\n" not in str(caught.value)


def test_a_device_sets_what_is_not_given():
    made = PackPlan.from_json(GOOD | {"device": "op-xy", "pitches": {"low": 36, "high": 72, "every": 3}}, CARD)
    assert (made.subtype, made.sample_rate, len(made.pitches)) == ("PCM_16", 44100, 13)
    assert PackPlan.from_json(GOOD | {"device": "tonverk"}, CARD).sample_rate == 48000


def test_the_estimate_is_what_the_pack_weighs(tmp_path):
    whole = plan(
        formats=("sfz", "sf2", "multisample"), stereo=True, velocity_layers=2, round_robins=2, pitches=(60, 67)
    )
    guess = whole.estimate(CARD)
    report = write_pack(whole, synth(), tmp_path / "a.zip")
    assert report.notes == guess.notes == 16 and 0.9 * guess.bytes < report.bytes < guess.bytes


def test_the_command_line_makes_packs_of_a_plan_and_of_an_instrument(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command.Synth, "load", lambda model: synth())
    out = tmp_path / "violin.zip"
    options = ["--instrument", "violin", "--seed", "3", "--every", "12", "--range", "C3-60", "--bits", "16"]
    assert main(["pack", *options, "--out", str(out)]) == 0
    printed = capsys.readouterr()
    assert "2 notes, about 0.7 MB" in printed.out and "violin.zip: 2 notes" in printed.out and "2/2" in printed.err
    folder = unpack(out)
    assert [note["file"][-7:-4] for note in notes_of(folder)] == ["048", "060"]
    assert main(["pack", str(folder / "plan.json"), "--out", str(tmp_path / "again.zip")]) == 0
    assert (tmp_path / "again.zip").read_bytes() == out.read_bytes()
    assert main(["pack", "--instrument", "violin", "--key", "C4", "--dry-run", "--out", str(tmp_path / "b.zip")]) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again.zip", "unpacked", "violin.zip"]


def test_every_option_of_the_command_line_reaches_the_pack(tmp_path, monkeypatch):
    monkeypatch.setattr(command.Synth, "load", lambda model: synth())
    monkeypatch.setattr(command, "most_different", lambda synth, timbres, count: range(len(timbres))[-count:])
    options = [
        "--instrument",
        "violin",
        "--count",
        "5",
        "--different",
        "1",
        "--key",
        "60",
        "--layers",
        "2",
        "--takes",
        "2",
        "--no-loops",
        "--stereo",
    ]
    more = [
        "--formats",
        "sf2",
        "--release",
        "0.5",
        "--device",
        "tonverk",
        "--lufs",
        "-14",
        "--author",
        "Ann",
        "--copyright",
        "CC BY 4.0",
        "--comment",
        "a test",
        "--rejects",
        "reroll",
    ]
    assert main(["pack", *options, *more, "--out", str(tmp_path / "a.zip")]) == 0
    folder = unpack(tmp_path / "a.zip")
    written = json.loads((folder / "plan.json").read_text())
    expected = {"velocity_layers": 2, "round_robins": 2, "loops": False, "stereo": True, "formats": ["sf2"]}
    expected |= {"release_seconds": 0.5, "device": "tonverk", "measure": "loudness", "rejects": "reroll"}
    expected |= {"loudness_lufs": -14, "author": "Ann", "copyright": "CC BY 4.0", "comment": "a test"}
    assert {name: written[name] for name in expected} == expected and written["sample_rate"] == 48000
    assert sorted(path.name for path in (folder / "Multisamples").iterdir()) == ["violin_05", "violin_05.sf2"]
    assert not any("loop" in note for note in notes_of(folder))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ([], "Give a plan"),
        (["no.json"], "Cannot read the plan"),
        (["no.json", "--seed", "3"], "--seed belongs in the plan"),
        (["--instrument", "violin", "--range", "36"], "LOW-HIGH"),
        (["--instrument", "violin", "--range", "36-H2"], "is not a pitch"),
        (["--instrument", "violin", "--key", "60.5"], "whole MIDI numbers"),
        (["--instrument", "violin", "--key", "60", "--every", "2"], "leave out --range and --every"),
        (["--instrument", "violin", "--rate", "11025"], "sample_rate must be one of"),
    ],
)
def test_a_wrong_command_gets_one_sentence_and_no_file(options, message, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(command.Synth, "load", lambda model: synth())
    assert main(["pack", *options, "--out", str(tmp_path / "a.zip")]) == 1
    assert message in capsys.readouterr().err and list(tmp_path.iterdir()) == []

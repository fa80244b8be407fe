"""Packs read back and played by programs that others wrote: sfizz, fluidsynth, libsndfile, wavinfo."""

import io
import json
import struct
import tomllib
import xml.etree.ElementTree as ElementTree
import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile
from packtools import PITCHES, RATE, SoundFont, heard_pitch, level_db, notes_of, plan, sfz_player, synth, unpack
from wavinfo import WavInfoReader

from gansynth_core import check_pack, write_pack
from gansynth_core.packs.dynamics import velocity_db
from gansynth_core.packs.levels import PEAK, true_peak
from gansynth_core.packs.rights import Rights
from gansynth_core.packs.sf2 import PADDING, write_sf2
from gansynth_core.packs.zones import Zone
from gansynth_core.sustain import Loop


@pytest.fixture(scope="module")
def packs(tmp_path_factory) -> dict[str, Path]:
    """One sound in every format: looped; with layers and takes; looped in stereo."""
    folder = tmp_path_factory.mktemp("formats")
    formats = ("sfz", "dspreset", "sf2", "multisample")
    kinds = {
        "plain": {},
        "layered": {"velocity_layers": 3, "round_robins": 2, "pitches": (55, 60), "subtype": "PCM_16", "seconds": 2},
        "stereo": {"stereo": True, "pitches": (60, 67)},
    }
    found = {}
    for name, options in kinds.items():
        out = folder / name / "pack.zip"
        write_pack(plan(**{"items": plan().items[1:], "formats": formats} | options), synth(), out)
        found[name] = unpack(out) / "Multisamples"
    return found


def brightness(samples: np.ndarray) -> float:
    """Power of the octave beside that of the fundamental (the voice of these tests has no more)."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    strongest = spectrum.argmax()
    return float(spectrum[2 * strongest - 5 : 2 * strongest + 6].max() / spectrum[strongest])


def test_fluidsynth_plays_a_scale_in_tune_and_holds_it(packs):
    player = SoundFont(packs["plain"] / "Bright.sf2")
    for key in (45, 48, 52, 57, 60, 62, 65, 72):
        assert abs(heard_pitch(player.play(key, 100, 1.5)[4000:], RATE) - key) < 0.05
    note = player.play(60, 100, 9, after=1.0)
    assert abs(level_db(note[8 * RATE : 9 * RATE]) - level_db(note[RATE : 2 * RATE])) < 0.5
    assert abs(heard_pitch(note[6 * RATE : 9 * RATE], RATE) - 60) < 0.05
    assert level_db(note[-RATE // 4 :]) < level_db(note[RATE : 2 * RATE]) - 40


def test_sfizz_holds_a_note_for_as_long_as_the_key_is_down(packs):
    player = sfz_player(packs["plain"] / "Bright.sfz", RATE)
    note = player.render_note(57, 100, 9.0, 10.5)[0]
    assert abs(level_db(note[8 * RATE : 9 * RATE]) - level_db(note[RATE : 2 * RATE])) < 0.5
    assert abs(heard_pitch(note[6 * RATE : 9 * RATE], RATE) - 57) < 0.05
    assert level_db(note[-RATE // 4 :]) < level_db(note[RATE : 2 * RATE]) - 40


def test_every_format_names_the_same_loop_in_its_own_way(packs):
    folder = packs["plain"]
    for note in notes_of(folder.parent):
        start, end = note["loop"]
        path = folder.parent / note["file"]
        (loop,) = WavInfoReader(str(path)).smpl.sample_loops
        assert (loop.start, loop.end, loop.loop_type, loop.repetition_count) == (start, end, 0, 0)
        assert start < end < soundfile.info(path).frames
        assert f"loop_mode=loop_sustain loop_start={start} loop_end={end}\nsample={path.name}" in (
            (folder / "Bright.sfz").read_text()
        )
        (sample,) = ElementTree.parse(folder / "Bright.dspreset").findall(f"*//sample[@path='Bright/{path.name}']")
        assert (sample.get("loopStart"), sample.get("loopEnd"), sample.get("loopEnabled")) == (
            *(str(start), str(end)),
            "true",
        )


def chunks(data: bytes, start: int = 12) -> dict[str, bytes]:
    """The chunks of a RIFF file, those of its lists included."""
    found = {}
    while start + 8 <= len(data):
        code, size = data[start : start + 4].decode(), struct.unpack_from("<I", data, start + 4)[0]
        content = data[start + 8 : start + 8 + size]
        found |= chunks(content, 4) if code == "LIST" else {code: content}
        start += 8 + size + size % 2
    return found


def test_a_soundfont_holds_the_very_samples_of_the_wav_files(packs):
    data = (packs["plain"] / "Bright.sf2").read_bytes()
    assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8
    parts = chunks(data)
    whole = (
        np.frombuffer(parts["smpl"], "<i2").astype(np.int32) * 256
        + np.frombuffer(parts["sm24"], np.uint8)[: len(parts["smpl"]) // 2]
    )
    headers = list(struct.iter_unpack("<20s5IBbHH", parts["shdr"]))
    assert headers[-1][0].startswith(b"EOS") and len(headers) == 1 + len(PITCHES)
    for note, header in zip(notes_of(packs["plain"].parent), headers, strict=False):
        samples, _ = soundfile.read(packs["plain"].parent / note["file"], dtype="int32")
        assert np.array_equal(whole[header[1] : header[2]], samples >> 8) and header[6] == note["pitch"]
        assert [header[3] - header[1], header[4] - header[1] - 1] == note["loop"] and header[5] == RATE
        assert not whole[header[2] : header[2] + 46].any()


@pytest.fixture
def faint(tmp_path) -> Path:
    """A soundfont of 24 bits and an odd number of frames: two notes of a second, held below the last of 16 bits; the
    first is looped."""
    (tmp_path / "faint").mkdir()
    zones = []
    for number, (frames, loop) in enumerate([(RATE, Loop(RATE // 4, RATE // 2, 100)), (RATE + 1, None)]):
        wave = 2**-16.5 * np.sin(2 * np.pi * 440 * np.arange(frames) / RATE)
        name = f"faint{number}.wav"
        soundfile.write(tmp_path / "faint" / name, wave, RATE, "PCM_24")
        zones.append(Zone(name, frames, 69, 60 * number, 60 * number + 59, loop=loop))
    assert sum(zone.frames + PADDING for zone in zones) % 2
    write_sf2(tmp_path / "faint.sf2", "faint", tmp_path / "faint", zones, RATE, 24, 0.3, Rights())
    return tmp_path / "faint.sf2"


def test_the_lower_bits_of_a_soundfont_are_half_as_large_as_the_upper_ones_rounded_up_to_even(faint, packs):
    for path in (faint, packs["plain"] / "Bright.sf2", packs["stereo"] / "Bright.sf2"):
        data = path.read_bytes()
        parts = chunks(data)
        half = len(parts["smpl"]) // 2
        assert len(parts["sm24"]) == half + half % 2
        assert struct.unpack_from("<I", data, 4)[0] == len(data) - 8 and len(parts["shdr"]) % 46 == 0


def test_a_sample_without_a_loop_has_none_in_its_header(faint):
    looped, plain, _ = struct.iter_unpack("<20s5IBbHH", chunks(faint.read_bytes())["shdr"])
    assert looped[1:5] == (0, RATE, RATE // 4, RATE // 2 + 1)
    start = RATE + PADDING
    assert plain[1:5] == (start, start + RATE + 1, start, start)


def test_fluidsynth_plays_all_24_bits_and_says_nothing(faint, capfd):
    player = SoundFont(faint, gain=10.0)
    note = player.play(69, 127, 2.0)
    assert capfd.readouterr().err == ""
    half = RATE // 2  # 2 Hz a bin
    sounding, after = (
        20 * np.log10(np.abs(np.fft.rfft(note[start : start + half] * np.hanning(half))) + 1e-9)
        for start in (RATE // 10, RATE + RATE // 10)
    )
    assert sounding[220] - sounding[660] > 20  # of 16 bits, a square would be left: 9.5 dB
    assert sounding[220] - after[220] > 30  # it has no loop


def test_softer_layers_are_quieter_and_duller_in_every_player(packs):
    font, player = SoundFont(packs["layered"] / "Bright.sf2"), sfz_player(packs["layered"] / "Bright.sfz", RATE)
    for play in (
        lambda velocity: font.play(60, velocity, 1.0)[4000:],
        lambda velocity: player.render_note(60, velocity, 1.0, 2.0)[0][4000:RATE],
    ):
        notes = [play(velocity) for velocity in (30, 75, 120)]
        levels = [level_db(note) for note in notes]
        assert levels[0] + 5 < levels[1] and levels[1] + 5 < levels[2] and levels[2] - levels[0] < 45
        assert brightness(notes[0]) < 0.85 * brightness(notes[1]) < 0.75 * brightness(notes[2])


def test_layers_keep_their_balance_and_share_the_velocities(packs):
    notes = [note for note in notes_of(packs["layered"].parent) if note["pitch"] == 60 and note["take"] == 1]
    ranges = sorted((note["low_velocity"], note["high_velocity"]) for note in notes)
    assert [v for low, high in ranges for v in range(low, high + 1)] == list(range(1, 128))
    assert len({note["gain_db"] for note in notes}) == 1
    levels = [level_db(soundfile.read(packs["layered"].parent / note["file"])[0]) for note in notes]
    assert np.ptp(levels) < 0.2  # their loudness is the instrument's curve's alone
    inst = (packs["layered"] / "Bright/Bright_v2_r1_060.wav").read_bytes()
    place = inst.index(b"inst") + 8
    assert tuple(inst[place : place + 7]) == (60, 0, 0, 58, 127, 43, 85)


def test_takes_alternate_differ_a_little_and_are_equally_loud(packs):
    folder = packs["layered"]
    text = (folder / "Bright.sfz").read_text()
    assert text.count("seq_length=2 seq_position=1") == text.count("seq_length=2 seq_position=2") == 6
    samples = ElementTree.parse(folder / "Bright.dspreset").findall("*//sample")
    assert {(s.get("seqMode"), s.get("seqLength"), s.get("seqPosition")) for s in samples} == {
        ("round_robin", "2", "1"),
        ("round_robin", "2", "2"),
    }
    player = sfz_player(folder / "Bright.sfz", RATE)
    first, second, third = (player.render_note(60, 120, 1.0, 2.0)[0][4000:RATE] for _ in range(3))
    assert 10 * np.abs(first - third).max() < np.abs(first - second).max()
    assert abs(level_db(first) - level_db(second)) < 0.2


def test_a_multisample_brings_its_notes_with_it(packs):
    with zipfile.ZipFile(packs["layered"] / "Bright.multisample") as archive:
        root = ElementTree.fromstring(archive.read("multisample.xml"))
        names = {s.get("file") for s in root.findall("sample")}
        assert names | {"multisample.xml"} == set(archive.namelist()) and len(names) == 12
        assert all(entry.compress_type == zipfile.ZIP_STORED for entry in archive.infolist())
        for sample in root.findall("sample"):
            frames = soundfile.info(io.BytesIO(archive.read(sample.get("file")))).frames
            assert float(sample.get("sample-stop")) == frames and sample.get("zone-logic") == "round-robin"
            assert [child.tag for child in sample] == ["key", "velocity", "select", "loop"]
    keys = {(k.get("root"), k.get("low"), k.get("high")) for k in root.findall("sample/key")}
    assert keys == {("55", "0", "57"), ("60", "58", "127")}
    with zipfile.ZipFile(packs["plain"] / "Bright.multisample") as archive:
        root = ElementTree.fromstring(archive.read("multisample.xml"))
    loops = [[int(float(loop.get("start"))), int(float(loop.get("stop"))) - 1] for loop in root.findall("sample/loop")]
    assert loops == [note["loop"] for note in notes_of(packs["plain"].parent)]


def test_stereo_is_wide_and_its_middle_is_the_mono_sound(packs):
    paths = [packs["stereo"].parent / note["file"] for note in notes_of(packs["stereo"].parent)]
    both, _ = soundfile.read(paths[0])
    middle, side = both.mean(axis=1), (both[:, 0] - both[:, 1]) / 2
    assert both.shape[1] == 2 and -14 < level_db(side) - level_db(middle) < -5
    left, right = level_db(both[:, 0]), level_db(both[:, 1])
    highest = max(true_peak(soundfile.read(path)[0]) for path in paths)  # of a sound, whose notes keep their balance
    assert abs(left - right) < 0.2 and abs(highest - PEAK) < 1e-3
    mono = packs["plain"].parent / "Multisamples/Bright/Bright_060.wav"
    single = soundfile.read(mono)[0]
    scale = (middle[: len(single)] @ single) / (single @ single)
    assert level_db(middle[: len(single)] - scale * single) < level_db(middle) - 60
    player = sfz_player(packs["stereo"] / "Bright.sfz", RATE)
    out = player.render_note(60, 100, 6.0, 6.0)
    assert abs(level_db(out[1][5 * RATE :]) - level_db(out[1][RATE : 2 * RATE])) < 0.7
    font = SoundFont(packs["stereo"] / "Bright.sf2")
    assert abs(heard_pitch(font.play(62, 100, 1.5)[4000:], RATE) - 62) < 0.05


def test_no_note_of_a_stereo_pack_begins_with_a_step(packs):
    for note in notes_of(packs["stereo"].parent):
        both, _ = soundfile.read(packs["stereo"].parent / note["file"])
        assert np.abs(both[0]).max() < 10 ** (-60 / 20)


@pytest.mark.parametrize("name", ["plain", "layered", "stereo"])
def test_every_velocity_is_a_small_step_louder_and_in_all_players_alike(name, packs):
    font, player = SoundFont(packs[name] / "Bright.sf2", gain=2.0), sfz_player(packs[name] / "Bright.sfz", RATE)
    some = sorted({*range(1, 128, 3), 41, 42, 43, 84, 85, 86, 127})
    expected = np.array([velocity_db(velocity) for velocity in some])
    for play in (
        lambda velocity: font.play(60, velocity, 0.3),
        lambda velocity: player.render_note(60, velocity, 0.3, 0.4)[0].astype(float)[: round(0.3 * RATE)],
    ):
        levels = np.array([level_db(play(velocity)[RATE // 20 :]) for velocity in some])
        assert np.abs(levels - levels[-1] - expected).max() < 0.75
        per_velocity = np.diff(levels) / np.diff(some)
        assert per_velocity.max() < 1.5 and per_velocity.min() > -0.5


def test_decentsampler_has_the_same_curve(packs):
    root = ElementTree.parse(packs["layered"] / "Bright.dspreset").getroot()
    (group,) = root.findall("groups/group")
    (binding,) = root.findall("modulators/midiVelocity/binding")
    points = [tuple(map(float, point.split(","))) for point in binding.get("translationTable").split(";")]
    drawn = np.interp(np.arange(1, 128) / 127, *zip(*points, strict=True))
    expected = [velocity_db(velocity) for velocity in range(1, 128)]
    assert group.get("ampVelTrack") == "0" and binding.get("parameter") == "AMP_VOLUME"
    assert np.abs(20 * np.log10(drawn) - expected).max() < 0.3


def test_a_soundfont_of_stereo_notes_is_stereo(packs):
    font = SoundFont(packs["stereo"] / "Bright.sf2")
    font.synth.noteon(0, 60, 100)
    both = font.synth.get_samples(RATE).reshape(-1, 2)[RATE // 4 :].astype(float)
    (note, *_) = notes_of(packs["stereo"].parent)
    wave, _ = soundfile.read(packs["stereo"].parent / note["file"])
    wave = wave[RATE // 4 : RATE]
    for kind in (both, wave):
        middle, side = kind.sum(axis=1), kind[:, 0] - kind[:, 1]
        assert -14 < level_db(side) - level_db(middle) < -5


def test_devices_get_the_file_that_they_read(tmp_path):
    rights = {"author": "Ann", "comment": "made for a test"}
    for device, more in (("op-xy", {"subtype": "PCM_16"}), ("tonverk", {"sample_rate": 48000, "velocity_layers": 2})):
        out = tmp_path / f"{device}.zip"
        kind = {"items": plan().items[1:], "device": device, "pitches": (48, 60, 72), "formats": ("sfz",)}
        write_pack(plan(**kind, **more, **rights, name=device), synth(), out)
        assert check_pack(out).faults == []
        folder = unpack(out)
        notes = notes_of(folder)
        if device == "op-xy":
            preset = json.loads((folder / "Multisamples/Bright.preset/patch.json").read_text())
            assert [(r["lokey"], r["hikey"]) for r in preset["regions"]] == [(0, 54), (55, 66), (67, 127)]
            assert [[r["loop.start"], r["loop.end"] - 1] for r in preset["regions"]] == [note["loop"] for note in notes]
            assert all((folder / "Multisamples/Bright.preset" / r["sample"]).is_file() for r in preset["regions"])
            assert "default_path=Bright.preset/" in (folder / "Multisamples/Bright.sfz").read_text()
        else:
            multi = tomllib.loads((folder / "Multisamples/Bright/Bright.elmulti").read_text())
            assert [zone["pitch"] for zone in multi["key-zones"]] == [48, 60, 72]
            layers = multi["key-zones"][1]["velocity-layers"]
            assert [round(127 * layer["velocity"]) for layer in layers] == [1, 65]
            assert layers[1]["sample-slots"][0]["sample"] == "Bright_v2_060.wav"


def test_whose_a_pack_is_stands_in_every_file(packs, tmp_path):
    said = {"author": "Ann O'Nym", "copyright": "(c) Ann", "comment": "for -- the test"}
    out = tmp_path / "a.zip"
    formats = ("sfz", "dspreset", "sf2", "multisample")
    write_pack(plan(items=plan().items[1:], pitches=(55, 60), formats=formats, **said), synth(), out)
    folder = unpack(out)
    info = WavInfoReader(str(folder / notes_of(folder)[0]["file"]), info_encoding="utf-8").info
    assert (info.artist, info.copyright) == ("Ann O'Nym", "(c) Ann")
    assert info.comment.startswith("for -- the test (model")
    texts = [(folder / "LICENSE.txt").read_text(), (folder / "Multisamples/Bright.sfz").read_text()]
    font = chunks((folder / "Multisamples/Bright.sf2").read_bytes())
    texts.append("".join(font[code].rstrip(b"\0").decode() for code in ("IENG", "ICOP", "ICMT")))
    with zipfile.ZipFile(folder / "Multisamples/Bright.multisample") as archive:
        root = ElementTree.fromstring(archive.read("multisample.xml"))
    assert (root.findtext("creator"), root.findtext("category")) == ("Ann O'Nym", "Strings")
    texts.append("".join(root.itertext()))
    manifest = json.loads((folder / "manifest.json").read_text())
    texts.append(json.dumps([manifest[name] for name in said]))
    assert all(text in whole for whole in texts for text in said.values())
    assert "Ann O'Nym" in (folder / "Multisamples/Bright.dspreset").read_text()
    plain = (packs["plain"].parent / "LICENSE.txt").read_text()
    assert "CC0" not in plain and "ask who made the pack" in plain  # the card of these tests states no licence

"""A finished pack read back: what is fit to ship passes, and each fault is told."""

import json
import math
import shutil
import struct
from pathlib import Path

import numpy as np
import pytest
from packtools import RATE, notes_of, plan, synth, unpack

from gansynth_core import AudioError, InputError, check_pack, write_pack
from gansynth_core.__main__ import main
from gansynth_core.packs import render
from gansynth_core.packs.check import check_note, loop_levels_db, seam_bend
from gansynth_core.packs.wav import write_wav
from gansynth_core.packs.zones import Zone
from gansynth_core.sustain import Loop

FORMATS = ("sfz", "dspreset", "sf2", "multisample")


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """A pack in every format, with layers and takes."""
    out = tmp_path_factory.mktemp("checked") / "a.zip"
    kinds = {"formats": FORMATS, "velocity_layers": 2, "round_robins": 2, "pitches": (48, 60)}
    assert write_pack(plan(items=plan().items[1:], **kinds), synth(), out).findings == 0
    return out


@pytest.fixture
def pack(made, tmp_path) -> Path:
    """The same, unpacked, to be spoilt."""
    shutil.copy(made, tmp_path / "a.zip")
    return unpack(tmp_path / "a.zip")


def test_a_pack_as_it_was_made_is_clean_as_a_zip_and_as_a_folder(made, pack, capsys):
    for path in (made, pack, pack.parent):
        found = check_pack(path)
        assert found.faults == [] and [one.name for one in found.instruments] == ["Bright"]
        assert len(found.instruments[0].notes) == 8 and len(found.instruments[0].mappings) == 4
    assert main(["check-pack", str(made)]) == 0
    heading, row, told = capsys.readouterr().out.splitlines()
    assert heading.split()[:4] == ["instrument", "notes", "keys", "holds"] and told == "clean"
    assert row.split()[:4] == ["Bright", "8", "48-60", "all"]


def note(pack: Path) -> Path:
    return pack / notes_of(pack)[0]["file"]


def changed(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def shift_loop(pack: Path) -> None:
    data = bytearray(note(pack).read_bytes())
    place = data.index(b"smpl") + 8 + 36 + 8
    struct.pack_into("<I", data, place, struct.unpack_from("<I", data, place)[0] + 1)
    note(pack).write_bytes(data)


def unloop(pack: Path) -> None:
    data = bytearray(note(pack).read_bytes())
    struct.pack_into("<I", data, data.index(b"smpl") + 8 + 28, 0)
    note(pack).write_bytes(data)


def grow(pack: Path) -> None:
    note(pack).write_bytes(note(pack).read_bytes() + b"\0\0")


def odd_soundfont(pack: Path) -> None:
    path = pack / "Multisamples/Bright.sf2"
    data = bytearray(path.read_bytes())
    place = data.index(b"sm24") + 4
    struct.pack_into("<I", data, place, struct.unpack_from("<I", data, place)[0] - 1)
    path.write_bytes(data)


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda pack: note(pack).unlink(), "is not there"),
        (shift_loop, "has another loop than its header"),
        (unloop, "keys without a loop: 48"),
        (grow, "its header gives another size"),
        (odd_soundfont, "Bright.sf2: "),
        (lambda pack: changed(pack / "Multisamples/Bright.sfz", "hikey=54", "hikey=53"), "have no note"),
        (lambda pack: changed(pack / "Multisamples/Bright.sfz", "lovel=1 ", "lovel=0 "), None),
        (lambda pack: changed(pack / "Multisamples/Bright.dspreset", 'hiNote="54"', 'hiNote="60"'), "have several"),
        (lambda pack: changed(pack / "Multisamples/Bright.dspreset", "<group ", "<gruop "), "cannot be read"),
        (lambda pack: (pack / "Multisamples/Bright.multisample").write_bytes(b"PK"), "cannot be read"),
    ],
)
def test_what_was_spoilt_is_told(spoil, told, pack, capsys):
    spoil(pack)
    faults = check_pack(pack).faults
    if told is None:
        assert faults == []
        return
    assert any(told in fault for fault in faults)
    assert main(["check-pack", str(pack)]) == 1
    printed = capsys.readouterr()
    assert told in printed.out and "fault" in printed.err


def sound(seconds: float = 2.0) -> np.ndarray:
    """A note as a pack has it: -3 dBFS, its end faded."""
    time = np.arange(round(seconds * RATE)) / RATE
    wave = 0.7 * np.sin(2 * math.pi * 220.5 * time)  # 200 frames a period
    return (wave * np.minimum(1, (time[-1] - time) / 0.3) ** 2).astype(np.float32)


def checked(wave: np.ndarray, tmp_path: Path, loop: Loop | None = None):
    path = tmp_path / "a_057.wav"
    write_wav(path, wave, RATE, "PCM_24", Zone(path.name, len(wave), 57, loop=loop), {}, plan().items[0].timbre)
    return check_note(path.name, path.read_bytes())


SEAMLESS = Loop(20000, 59999, 0)


def tremolo(depth: float) -> np.ndarray:
    time = np.arange(2 * RATE) / RATE
    return (sound() * (1 - depth * (0.5 + 0.5 * np.cos(2 * math.pi * 5 * time)))).astype(np.float32)


def test_a_note_fit_to_ship_has_no_fault_and_its_figures_are_right(tmp_path):
    found = checked(sound(), tmp_path, SEAMLESS)
    assert found.faults == () and found.loop_seconds == pytest.approx(40000 / RATE)
    assert found.peak_db == pytest.approx(20 * math.log10(0.7), abs=0.02) and found.seam < 1.05
    assert found.swing_db < 0.1 and found.range_db < 0.1 and found.start_db < -100


@pytest.mark.parametrize(
    ("wave", "loop", "told"),
    [
        (sound()[50:], None, "begins with a step"),
        (sound()[: RATE // 2], None, "cut off"),
        (np.concatenate([sound(), np.zeros(RATE // 2, np.float32)]), None, "0.5"),
        (sound() * np.float32(1.4), None, "true peak"),
        (sound() + np.float32(0.01), None, "its mean is -40 dB"),
        (sound(), Loop(20000, 59950, 0), "clicks"),
        (sound(), Loop(20000, 24999, 0), "shorter than 0.3 s"),
        (sound() * np.linspace(1, 0.1, 2 * RATE, dtype=np.float32), SEAMLESS, "pumps by"),
        (tremolo(0.9), SEAMLESS, "runs over"),
    ],
)
def test_each_fault_of_a_note_is_told(wave, loop, told, tmp_path):
    faults = checked(wave, tmp_path, loop).faults
    assert any(told in fault for fault in faults), faults


def test_a_seam_of_noise_or_silence_is_none():
    noise = np.random.default_rng(0).standard_normal((40000, 2))
    assert seam_bend(noise, Loop(10000, 29999, 0)) < 1.2 and seam_bend(noise * 0, Loop(10000, 29999, 0)) == 1
    assert max(loop_levels_db(np.zeros((40000, 1)), RATE, 60, Loop(10000, 29999, 0))) < 1e-9


def test_what_is_no_pack_gets_a_sentence(tmp_path):
    (tmp_path / "a.zip").write_bytes(b"no")
    for path, told in (
        (tmp_path, "no manifest"),
        (tmp_path / "a.zip", "neither"),
        (tmp_path / "b.zip", "No such file"),
    ):
        with pytest.raises(AudioError, match=told):
            check_pack(path)


def test_what_the_exporter_finds_in_its_own_files_is_in_the_pack(tmp_path, monkeypatch):
    monkeypatch.setattr(
        render.SoundWriter, "_shaped", lambda self, takes, envelope: [(one.wave[5000:15000], None) for one in takes]
    )
    out = tmp_path / "a.zip"
    report = write_pack(plan(items=plan().items[:1], pitches=(60,)), synth(), out)
    assert report.findings >= 1
    folder = unpack(out)
    (told, *_) = json.loads((folder / "manifest.json").read_text())["sounds"][0]["check"]
    assert told.startswith("Soft_060.wav: it ") and told in (folder / "README.txt").read_text()


def test_a_file_that_came_into_being_meanwhile_is_left_alone(tmp_path):
    out = tmp_path / "a.zip"

    def meanwhile(done, total):
        out.write_text("mine")

    with pytest.raises(InputError, match="came into being"):
        write_pack(plan(pitches=(60,)), synth(), out, progress=meanwhile)
    assert out.read_text() == "mine"
    out.rename(tmp_path / "mine")
    assert write_pack(plan(pitches=(60,)), synth(), out, resume=True).notes == 2


def test_a_folder_that_cannot_be_written_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(AudioError, match=r"Not a directory\.$"):
        write_pack(plan(pitches=(60,)), synth(), tmp_path / "file" / "a.zip")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]

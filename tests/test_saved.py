"""What was saved with earlier code opens and sounds as it did.

The files in data/saved are a note, a preset, a pack, a project, a link and what the link sounded like, made with the
`studio` voice whose digest is in model.json: a new voice needs new files.
"""

import json
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest

from gansynth_core import PackPlan, Synth, load_patch, note_wav, pcm16, read_timbre, write_pack
from webapp.sound_document import digest_of, parse_sound, timbre_of

SAVED = Path(__file__).parent / "data" / "saved"
CLOSE_DB = 55.0  # other processors round otherwise; on one machine the bytes are equal


@pytest.fixture(scope="module")
def synth():
    return Synth.load("studio", device="cpu")


def wav_parts(data: bytes) -> tuple[dict[bytes, bytes], np.ndarray]:
    """The chunks of a 16- or 24-bit mono WAV file without its samples, and the samples as numbers."""
    chunks, place = {}, 12
    while place + 8 <= len(data):
        name, size = struct.unpack_from("<4sI", data, place)
        chunks[name] = data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    samples = chunks.pop(b"data")
    width = struct.unpack_from("<H", chunks[b"fmt "], 14)[0] // 8
    frames = np.frombuffer(samples, np.uint8).reshape(-1, width)
    wide = np.zeros((len(frames), 4), np.uint8)
    wide[:, 4 - width :] = frames
    return chunks, wide.view("<i4")[:, 0] / 2.0**31


def assert_same_sound(now: np.ndarray, before: np.ndarray) -> None:
    assert now.shape == before.shape
    error = np.sum((now - before) ** 2)
    assert error <= 10 ** (-CLOSE_DB / 10) * np.sum(before**2)


def assert_same_wav(now: bytes, before: bytes) -> None:
    (chunks, samples), (chunks_before, samples_before) = wav_parts(now), wav_parts(before)
    assert chunks == chunks_before  # format, root key, loop, names, the timbre
    assert_same_sound(samples, samples_before)


def test_links_still_name_this_voice(synth):
    assert digest_of(synth.card) == json.loads((SAVED / "model.json").read_text(encoding="utf-8"))["digest"]


def test_a_saved_note_is_its_sound_again(synth):
    path = SAVED / "note.wav"
    timbre = read_timbre(path)
    clips = synth.render(timbre, [60]).shorten(0.5)
    assert_same_wav(note_wav(clips[0], 60, timbre, "Violin 3, C4"), path.read_bytes())


def test_a_saved_preset_holds_the_sound_and_how_it_was_played():
    preset = load_patch(SAVED / "preset.json")
    assert preset.timbre == read_timbre(SAVED / "note.wav")
    assert (preset.name, preset.tags, preset.gain_db) == ("Soft violin", ("warm",), -3.0)
    assert (preset.envelope.attack_seconds, preset.envelope.release_seconds) == (0.1, 0.5)
    assert preset.to_json() == json.loads((SAVED / "preset.json").read_text(encoding="utf-8"))


def test_the_plan_in_a_saved_pack_makes_its_sounds_again(synth, tmp_path):
    """With the loops, ends and levels of today: what the files hold before those is the sound that it was."""
    with zipfile.ZipFile(SAVED / "pack.zip") as pack:
        before = {name: pack.read(name) for name in pack.namelist()}
    plan = PackPlan.from_json(json.loads(before["Violin_before/plan.json"]), synth.card)
    write_pack(plan, synth, tmp_path / "pack.zip")
    with zipfile.ZipFile(tmp_path / "pack.zip") as pack:
        now = {name: pack.read(name) for name in pack.namelist()}
    assert list(now) == list(before)
    timbres = [
        [sound["timbre"] for sound in json.loads(those["Violin_before/manifest.json"])["sounds"]]
        for those in (now, before)
    ]
    assert timbres[0] == timbres[1]
    for name, data in before.items():
        if name.endswith(".wav"):
            (chunks, samples), (chunks_before, samples_before) = wav_parts(now[name]), wav_parts(data)
            assert chunks[b"fmt "] == chunks_before[b"fmt "] and chunks[b"inst"] == chunks_before[b"inst"]
            rate = struct.unpack_from("<I", chunks[b"fmt "], 4)[0]
            onset, onset_before = samples[: rate // 4], samples_before[: rate // 4]
            gain = (onset @ onset_before) / (onset_before @ onset_before)
            assert np.square(onset - gain * onset_before).sum() < 1e-3 * np.square(onset).sum(), name


def test_a_saved_sound_of_the_page_sounds_as_it_did(synth):
    sound = parse_sound(json.loads((SAVED / "sound.json").read_text(encoding="utf-8")), synth.card)
    before = np.load(SAVED / "sound_57.npz")["pcm"]
    now = pcm16(synth.render(timbre_of(sound, synth.card), [57]).audio[0])[: len(before)]
    assert_same_sound(now / 2.0**15, before / 2.0**15)

"""Own sounds: what a model is given of them, and what it finds."""

import io
import math
import threading

import numpy as np
import pytest
import soundfile
import soxr
import torch
from sine_voice import SPEC, sine_synth

from gansynth_core import AudioError, Clip, GanSynthError, InputError, ModelError, Synth, Timbre, sample
from gansynth_core.own import clip_of, cut, fitted, held, is_pitched, known_samples, pitch_candidates, tuned
from gansynth_core.pitches import pitch_hz
from gansynth_core.synth import GivenUp


def tone(pitch: float, rate: int = 24000, seconds: float = 1.0, partials=(1, 2, 3, 4, 5, 6)) -> np.ndarray:
    """Partials at falling levels, with a decay."""
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * math.pi * pitch_hz(pitch) * k * time) / k for k in partials if k * pitch_hz(pitch) < rate / 2)
    return (0.3 * wave * np.exp(-time)).astype(np.float32)


def db(value: float) -> float:
    return 20 * math.log10(value)


@pytest.mark.parametrize(
    ("rate", "gain", "offset"), [(24000, 1, 0), (8000, 0.01, 0.2), (44100, 3, 0), (192000, 1, -0.1)]
)
def test_a_sound_of_any_rate_and_level_is_heard_from_its_onset(rate, gain, offset):
    silent = np.zeros(rate * 2, np.float32)
    wave = np.concatenate([silent, gain * tone(60, rate)]) + offset
    note = fitted(Clip(wave, rate), SPEC)
    expected = fitted(Clip(tone(60), 24000), SPEC)
    assert note.shape == (SPEC.samples,) and np.abs(note).max() == pytest.approx(0.9)
    lag = int(np.argmax(np.correlate(note[:4000], expected[:2000], "valid")))
    assert lag <= 0.006 * 24000  # no attack is cut, no silence left
    assert db(np.linalg.norm(note[lag : lag + 20000] - expected[:20000]) / np.linalg.norm(expected[:20000])) < -25


def test_a_long_sound_ends_without_a_click():
    note = fitted(Clip(np.tile(tone(60, seconds=0.5), 30), 24000), SPEC)
    assert len(note) == SPEC.samples and abs(note[-1]) < 1e-3


@pytest.mark.parametrize("rest", [np.zeros(5000, np.float32), np.full(5000, 0.4, np.float32)])
def test_silence_is_refused_in_words(rest):
    with pytest.raises(AudioError, match="silent"):
        fitted(Clip(rest, 24000), SPEC)


def test_sounds_come_as_clips_files_arrays_and_tensors(tmp_path):
    wave = tone(60)
    soundfile.write(tmp_path / "a.flac", wave, 24000)
    stereo = np.stack([wave, wave])
    for given, rate in (
        (Clip(wave, 24000), None),
        (wave, 24000),
        (torch.tensor(stereo), 24000),
        (wave.tolist(), 24000),
    ):
        assert np.allclose(clip_of(given, rate).samples, wave, atol=1e-6)
    assert np.allclose(clip_of(tmp_path / "a.flac").samples, wave, atol=1e-4)
    for given, rate, message in (
        (wave, None, "need their rate"),
        (wave, 0, "sample rate is"),
        (wave, 24000.5, "sample rate is"),
        ([[[0.0]]], 24000, "of shape"),
        ([], 24000, "empty"),
        ([math.nan], 24000, "not numbers"),
        (object(), 24000, "a Clip, a file or an array"),
    ):
        with pytest.raises(InputError, match=message):
            clip_of(given, rate)


@pytest.mark.parametrize("pitch", [24.0, 30.3, 41.5, 60.0, 72.25, 84.0])
@pytest.mark.parametrize("partials", [(1,), (1, 2, 3, 4, 5, 6), (2, 3, 4, 5), (1, 3, 5, 7)])
def test_the_pitch_is_among_the_likely_ones(pitch, partials):
    note = fitted(Clip(tone(pitch, partials=partials), 24000), SPEC)
    found = pitch_candidates(note, 24000, 24, 84)
    assert min(abs(one - pitch) for one in found) < (0.1 if pitch > 30 else 0.25), found  # a bass's bins are wide


def test_channels_that_cancel_each_other_are_heard_one_by_one():
    wave = tone(60)
    assert np.array_equal(clip_of(np.stack([wave, -wave]), 24000).samples, wave)
    assert np.allclose(clip_of(np.stack([wave, 0.5 * wave]), 24000).samples, 0.75 * wave)


def test_a_sound_that_was_cut_is_held_and_one_that_died_away_is_not():
    sustained = np.sin(2 * math.pi * 220 * np.arange(24000) / 24000).astype(np.float32)
    note = fitted(Clip(sustained, 24000), SPEC)
    known = known_samples(note, SPEC)
    assert known == pytest.approx(24000, abs=200)
    whole = held(note, known, SPEC)
    let_go = 3 * SPEC.samples // 4
    assert np.std(whole[let_go - 4000 : let_go]) == pytest.approx(np.std(note[4000:8000]), rel=0.05)
    assert db(np.std(whole[-2000:]) / np.std(note[4000:8000])) < -60
    died = fitted(Clip(tone(60) * np.exp(-8 * np.arange(24000) / 24000, dtype=np.float32), 24000), SPEC)
    assert known_samples(died, SPEC) == len(died)
    assert cut(note, 12000, 24000)[12000:].max() == 0 and np.array_equal(cut(note, len(note), 24000), note)


@pytest.mark.parametrize("off", [-0.33, 0.0, 0.21])
def test_a_pitch_is_found_to_the_cent(off):
    note = fitted(Clip(tone(57 + off, seconds=2.0), 24000), SPEC)
    assert tuned(note, 24000, 57.05) == pytest.approx(57 + off, abs=0.02)


def test_noise_has_no_clear_pitch():
    noise = np.random.default_rng(1).normal(0, 0.1, 48000).astype(np.float32)
    assert not is_pitched(fitted(Clip(noise, 24000), SPEC), 24000, 60.0)
    assert is_pitched(fitted(Clip(tone(60, seconds=2.0), 24000), SPEC), 24000, 60.0)


def scooped(synth: Synth) -> np.ndarray:
    """A violin such as the voice has none: without its even partials, and swelling."""
    wave = synth.render(sample(synth.card, 1, 5, "violin")[0], 60).audio[0]
    spectrum = np.fft.rfft(wave)
    harmonic = np.fft.rfftfreq(len(wave), 1 / 24000) / pitch_hz(60)
    spectrum[np.abs(harmonic - 2 * np.round(harmonic / 2)) < 0.2] *= 0.03
    return (np.fft.irfft(spectrum) * np.linspace(0.2, 1, len(wave))).astype(np.float32)


def test_refining_and_an_imprint_bring_a_sound_nearer():
    synth = Synth.load(device="cpu")
    told = []
    found = synth.encode(
        scooped(synth), 60, sample_rate=24000, steps=10, progress=lambda done, total: told.append((done, total))
    )
    assert told == [(step, 10) for step in range(1, 11)]
    assert found.distance_db < found.refined_db - 1 and found.refined_db <= found.encoder_db
    assert found.timbre.imprint and Timbre.from_json(found.timbre.to_json()) == found.timbre
    further = synth.encode(scooped(synth), 60, sample_rate=24000, steps=2, start=found.timbre)
    assert further.encoder_db == pytest.approx(found.refined_db, abs=0.02), "it goes on from there"
    assert further.refined_db <= further.encoder_db
    with pytest.raises(InputError, match="needs the pitch"):
        synth.encode(scooped(synth), sample_rate=24000, start=found.timbre)
    plain = synth.encode(scooped(synth), 60, sample_rate=24000, steps=0, imprint=False)
    assert plain.timbre.imprint is None and plain.distance_db == plain.encoder_db


def test_encoding_can_be_stopped():
    synth = Synth.load(device="cpu")
    stopped = threading.Event()

    def enough(done: int, total: int) -> None:
        stopped.set()

    with pytest.raises(GivenUp):
        synth.encode(tone(60), 60, sample_rate=24000, steps=5, progress=enough, given_up=stopped)
    with pytest.raises(InputError, match=r"from 0 to 1000, not 1\.5"):
        synth.encode(tone(60), 60, sample_rate=24000, steps=1.5)


@pytest.mark.slow
@pytest.mark.parametrize("made", ["noise", "click", "clipped", "telephone", "two notes", "float192", "long speech"])
def test_every_sound_gets_a_fair_result(made, tmp_path):
    rng = np.random.default_rng(2)
    rate, wave = 24000, tone(60)
    if made == "noise":
        wave = rng.normal(0, 0.2, 30000)
    elif made == "click":
        wave = np.zeros(24000)
        wave[5000] = 1.0
    elif made == "clipped":
        wave = np.clip(wave * 50, -1, 1)
    elif made == "telephone":
        rate, wave = 8000, tone(60, 8000)
    elif made == "two notes":
        wave = wave + tone(66)
    elif made == "float192":
        rate, wave = 192000, tone(60, 192000)
    else:
        wave = np.tile(rng.normal(0, 0.1, 24000) * np.hanning(24000), 150)
    soundfile.write(tmp_path / "a.wav", wave, rate, "FLOAT")
    found = Synth.load(device="cpu").encode(tmp_path / "a.wav", steps=1)
    assert 0 < found.distance_db < 40 and 24 <= found.pitch <= 84
    if made in ("clipped", "telephone", "float192"):
        assert abs(found.pitch - 60) < 0.1 and found.pitched
    if made == "noise":
        assert not found.pitched


def test_files_that_are_no_sounds_are_refused_in_words(tmp_path):
    synth = sine_synth()
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.mp3").write_text("no sound", encoding="utf-8")
    soundfile.write(tmp_path / "nan.wav", np.full(5000, np.nan, np.float32), 24000, "FLOAT")
    for name, error in (("empty.wav", "Cannot read"), ("text.mp3", "Cannot read"), ("nan.wav", "not numbers")):
        with pytest.raises(GanSynthError, match=error):
            synth.encode(tmp_path / name)
    with pytest.raises(AudioError, match="these bytes"):
        synth.encode(io.BytesIO(b"no sound"))


def test_the_voice_finds_its_own_notes_again():
    synth = Synth.load(device="cpu")
    for name, pitch in (("acoustic_grand_piano", 60.0), ("trumpet", 71.3)):
        timbre = sample(synth.card, 1, 5, name)[0]
        heard = soxr.resample(synth.render(timbre, pitch).audio[0], 24000, 44100)
        found = synth.encode(0.3 * heard, sample_rate=44100, steps=0)
        assert abs(found.pitch - pitch) < 0.1 and found.instruments[0][0] == name
        other = synth.encode(0.3 * heard, pitch + 7, "banjo", sample_rate=44100, steps=0)
        assert found.distance_db < 8 and found.distance_db + 2 < other.distance_db
        assert other.pitch == pitch + 7 and dict(other.timbre.instruments) == {"banjo": 1.0}


def test_what_cannot_be_encoded_is_refused_in_words():
    synth = sine_synth()
    with pytest.raises(ModelError, match="no encoder"):
        synth.encode(tone(60), 60, sample_rate=24000)
    with pytest.raises(InputError, match="Choose a lower key"):
        synth.encode(tone(60), 96, sample_rate=24000)
    with pytest.raises(AudioError, match="Cannot read"):
        synth.encode("nowhere.wav")

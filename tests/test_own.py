"""Own sounds: what a model is given of them, and what it finds."""

import math

import numpy as np
import pytest
import soundfile
import soxr
import torch
from sine_voice import SPEC, sine_synth

from gansynth_core import AudioError, Clip, InputError, ModelError, Synth, sample
from gansynth_core.own import clip_of, fitted, pitch_candidates
from gansynth_core.pitches import pitch_hz


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


def test_the_voice_finds_its_own_notes_again():
    synth = Synth.load(device="cpu")
    for name, pitch in (("acoustic_grand_piano", 60.0), ("trumpet", 71.3)):
        timbre = sample(synth.card, 1, 5, name)[0]
        heard = soxr.resample(synth.render(timbre, pitch).audio[0], 24000, 44100)
        found = synth.encode(0.3 * heard, sample_rate=44100)
        assert abs(found.pitch - pitch) < 0.1 and found.instruments[0][0] == name
        other = synth.encode(0.3 * heard, pitch + 7, "banjo", sample_rate=44100)
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

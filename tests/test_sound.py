import base64
import io
import os
import re

import numpy as np
import pytest
import soundfile
import torch
from sine_voice import sine_synth

from gansynth_core import (
    AudioError,
    Clip,
    Clips,
    Envelope,
    InputError,
    pcm16,
    read_timbre,
    read_wav,
    sample,
    timbre_in,
)
from gansynth_core.files import replacing
from gansynth_core.sound import FORMATS

RATE = 24000


def tone(notes: int = 1, seconds: float = 1.0) -> Clips:
    time = np.arange(round(seconds * RATE)) / RATE
    audio = np.stack([0.5 * np.sin(2 * np.pi * 220 * (n + 1) * time) for n in range(notes)]).astype(np.float32)
    return Clips(audio, RATE, tuple(60.0 + n for n in range(notes)))


def test_a_saved_note_reads_back_within_a_24_bit_step(tmp_path):
    clips = tone()
    (path,) = clips.save(tmp_path / "a.wav")
    back = read_wav(path)
    assert back.sample_rate == RATE and soundfile.info(path).subtype == "PCM_24"
    assert np.abs(back.samples - clips.audio[0]).max() < 2**-22


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24"])
@pytest.mark.parametrize("scale", [1e-10, 1e-4, 0.5, 3])
def test_a_saved_note_is_to_the_byte_what_libsndfile_writes(tmp_path, subtype, scale):
    samples = (scale * np.random.default_rng(1).standard_normal(1001)).astype(np.float32)
    samples[:4] = 1, -1, 0, -0.0
    soundfile.write(tmp_path / "theirs.wav", samples, RATE, subtype=subtype)
    ours = Clip(samples, RATE).save(tmp_path / "ours.wav", subtype)
    assert ours.read_bytes() == (tmp_path / "theirs.wav").read_bytes()


def test_float_notes_keep_their_samples_and_other_subtypes_are_refused(tmp_path):
    samples = np.array([0.1, -2.5, 1e-20], np.float32)
    back, _ = soundfile.read(Clip(samples, RATE).save(tmp_path / "a.wav", "FLOAT"), dtype="float32")
    assert np.array_equal(back, samples)
    with pytest.raises(AudioError, match="choose PCM_16, PCM_24, FLOAT, not 'MP3'"):
        Clip(samples, RATE).save(tmp_path / "b.wav", "MP3")


def test_several_notes_get_their_numbers_and_none_overwrites_another(tmp_path):
    clips = Clips(tone(3).audio, RATE, (60.0, 60.0, 61.5))
    names = [path.name for path in clips.save(tmp_path / "a.wav")]
    assert names == ["a_060.wav", "a_060_2.wav", "a_061.50.wav"]
    assert all((tmp_path / name).exists() for name in names)


def test_a_shortened_note_has_no_click_at_its_end():
    whole = tone()
    short = whole.shorten(0.5)
    assert short.audio.shape == (1, RATE // 2)
    assert abs(short.audio[0, -1]) < 1e-6
    assert np.abs(np.diff(short.audio[0])).max() <= np.abs(np.diff(whole.audio[0])).max() * 1.05
    assert np.array_equal(short.audio[:, : RATE // 4], whole.audio[:, : RATE // 4])


@pytest.mark.parametrize("seconds", [0, -1, 1.01, float("nan")])
def test_an_impossible_duration_is_refused_with_the_longest_possible(seconds):
    with pytest.raises(InputError, match="at most 1 s"):
        tone().shorten(seconds)


def test_pcm16_clips_instead_of_wrapping_around():
    assert pcm16(np.array([0.0, 1.0, -1.0, 1.5, -1.5])).tolist() == [0, 32767, -32767, 32767, -32767]


@pytest.mark.parametrize(
    "ending", [ending for ending, kind in FORMATS.items() if kind in soundfile.available_formats()]
)
def test_a_note_is_saved_in_the_format_of_its_ending(tmp_path, ending):
    clip = tone()[0]
    info = soundfile.info(clip.save(tmp_path / f"note{ending.upper()}"))
    assert info.format in (FORMATS[ending], "WAV") and info.samplerate == RATE and info.channels == 1
    back = read_wav(tmp_path / f"note{ending.upper()}").samples[: len(clip.samples)]
    exact = info.subtype.startswith(("PCM_24", "DOUBLE"))
    tolerance = 2**-22 if exact else 2**-14 if info.subtype == "PCM_16" else 0.1
    heard = slice(0, RATE if tolerance < 0.1 else RATE - 1000)  # codecs blur the cut at the end
    assert len(back) == RATE and np.abs(back - clip.samples)[heard].max() < tolerance
    assert os.listdir(tmp_path) == [f"note{ending.upper()}"]


@pytest.mark.parametrize("name", ["note.mp4", "note", "note.raw", ".wav"])
def test_an_unknown_ending_is_refused_with_those_there_are(tmp_path, name):
    with pytest.raises(AudioError, match=r"Choose from \.wav, \.flac, \.ogg,"):
        tone().save(tmp_path / name)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("name", "subtype"), [("a.flac", "FLOAT"), ("a.mp3", "PCM_24"), ("a.wav", "ULAW")])
def test_a_subtype_that_a_format_lacks_is_refused(tmp_path, name, subtype):
    with pytest.raises(AudioError, match=f"choose .*, not '{subtype}'"):
        tone().save(tmp_path / name, subtype)


def test_a_rate_that_a_format_lacks_is_refused_in_words(tmp_path):
    with pytest.raises(AudioError, match=r"OGG at 44100 Hz"):
        Clip(tone().audio[0], 44100).save(tmp_path / "note.opus")
    assert not list(tmp_path.iterdir())


def test_minutes_are_saved_as_ogg(tmp_path):
    long = Clip(np.zeros(RATE * 240, np.float32), RATE)
    assert soundfile.info(long.save(tmp_path / "long.ogg")).frames == RATE * 240


def test_notes_are_arrays():
    clips = tone(2)
    assert np.asarray(clips).shape == (2, RATE) and np.asarray(clips).dtype == np.float32
    assert np.array_equal(np.asarray(clips), clips.audio) and np.asarray(clips[1]).shape == (RATE,)
    assert np.shares_memory(np.asarray(clips), clips.audio) and not np.shares_memory(np.array(clips), clips.audio)
    assert np.asarray(clips, np.float64).dtype == np.float64 and np.mean(clips[0]) == np.mean(clips.audio[0])


def test_notes_are_tensors_of_their_own():
    clips = tone(2)
    tensor = clips.to_torch()
    assert tensor.dtype == torch.float32 and np.array_equal(tensor.numpy(), clips.audio)
    tensor.zero_()
    assert clips.audio.any() and torch.equal(clips[1].to_torch(), torch.tensor(clips.audio[1]))


def test_a_notebook_plays_the_notes_it_shows():
    html = tone(2)._repr_html_()
    wavs = [base64.b64decode(data) for data in re.findall(r"data:audio/wav;base64,([^\"]+)", html)]
    for wav, samples in zip(wavs, tone(2).audio, strict=True):
        back, rate = soundfile.read(io.BytesIO(wav), dtype="float32")
        assert rate == RATE and np.abs(back - samples).max() < 2**-15
    assert "C4, 1 s" in html and "C#4, 1 s" in html and html.count("<audio controls") == 2
    outline = re.findall(r"[0-9.]+,(\d+)", html)
    assert html.count("<svg") == 2 and min(map(int, outline)) < 50 < max(map(int, outline))


def test_a_saved_wav_says_what_it_was_made_of(tmp_path):
    synth = sine_synth()
    timbres = sample(synth.card, 2, 3, "violin")
    notes = synth.render(timbres, [60, 62]).shorten(0.2)
    for path, timbre in zip(notes.save(tmp_path / "a.wav", "PCM_16"), timbres, strict=True):
        assert read_timbre(path) == timbre
        assert len(read_wav(path).samples) == 4800
    assert timbre_in(notes.shaped(Envelope())[0].wav("FLOAT"), "a") == timbres[0]
    with pytest.raises(AudioError, match="'encode' makes one"):
        timbre_in(Clip(notes.audio[0], notes.sample_rate).wav(), "a")


def test_a_notebook_stays_small():
    assert tone(14)._repr_html_().count("<audio") == 12 and "2 more notes" in tone(14)._repr_html_()
    html = Clip(np.zeros(RATE * 90, np.float32), RATE)._repr_html_()
    assert "60 of 90 s" in html and len(html) < 60 * RATE * 2 * 4 / 3 + 8000
    assert "no notes" in Clips(np.zeros((0, 5), np.float32), RATE, ())._repr_html_()


def test_what_is_no_sound_file_says_so(tmp_path):
    path = tmp_path / "a.wav"
    path.write_bytes(b"RIFF not really")
    with pytest.raises(AudioError, match=r"a\.wav"):
        read_wav(path)


def test_a_save_that_fails_half_way_leaves_none_of_its_notes(tmp_path):
    (tmp_path / "a_061.wav").mkdir()  # where the second note should go
    with pytest.raises(AudioError, match="a_061"):
        tone(2).save(tmp_path / "a.wav")
    assert os.listdir(tmp_path) == ["a_061.wav"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.wav"
    Clip(np.zeros(10, np.float32), RATE).save(path)
    before = path.read_bytes()
    with pytest.raises(AudioError, match="No space left"), replacing(path, AudioError) as partial:
        partial.write_bytes(b"half")
        raise OSError(28, os.strerror(28))
    assert path.read_bytes() == before and os.listdir(tmp_path) == ["a.wav"]

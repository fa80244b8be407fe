"""Notes whose pitch moves: bends and tunings, as the ear would follow them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from mido import Message
from sine_voice import SPEC, SineGenerator, sine_card, sine_synth
from test_midi import RATE, SECOND, cents_off, control, level_db, midi, parameter, part, partial_db, played

from gansynth_core import Clip, Synth, pitch_hz, read_midi, render_midi
from gansynth_core.midi.bending import pitches_for
from gansynth_core.tape import places, read_at

SMALL = Path(__file__).parent / "data" / "midi"
CARD = sine_card()


@pytest.fixture(scope="module")
def synth():
    return sine_synth()


def bends(curve, start, end, channel=0, every=0.01):
    """Bend events that follow `curve` (-1 to 1) of the time."""
    return [
        (round(at * SECOND), Message("pitchwheel", pitch=round(8191 * curve(at)), channel=channel))
        for at in np.arange(start, end + every / 2, every)
    ]


def heard(clip, start, end, seconds=0.06):
    """The pitch (MIDI) of the loudest partial in each 60 ms, at their middles: two arrays."""
    places = np.arange(start, end - seconds, seconds / 2)
    found = []
    for place in places:
        wave = part(clip, place, place + seconds)
        spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)), 1 << 17))
        peak = int(spectrum.argmax())
        left, top, right = np.log(spectrum[peak - 1 : peak + 2])
        hz = (peak + 0.5 * (left - right) / (left - 2 * top + right)) * clip.sample_rate / (1 << 17)
        found.append(69 + 12 * np.log2(hz / 440))
    return places + seconds / 2, np.array(found)


def test_the_case_of_a_glide_goes_up_by_two_semitones(synth):
    song = read_midi(SMALL / "bends.mid")
    note = song.notes[0]
    clip = render_midi(song, synth, "violin").clip
    times, pitches = heard(clip, note.start, note.end)
    wanted = note.pitch + np.array([song.tuning(1).value(time) for time in times])
    assert song.notices == () and wanted[-1] - wanted[0] > 1.5
    assert np.abs(pitches - wanted).max() < 0.06  # a straight glide is at its window's middle


@pytest.mark.parametrize("reach", [2, 12, 24])
def test_a_bend_is_heard_as_far_as_its_range_says(synth, reach):
    events = parameter(0, 0, reach) + played(0, 2.5, 60) + bends(lambda at: min(1, max(0, at - 0.5)), 0.5, 1.5)
    clip = render_midi(midi(events), synth, "violin").clip
    assert abs(cents_off(clip, 60, 0.1, 0.5)) < 3
    assert abs(cents_off(clip, 60 + reach, 1.6, 2.4)) < 3
    times, pitches = heard(clip, 0.1, 2.4)
    assert np.abs(pitches - 60 - reach * np.clip(times - 0.5, 0, 1)).max() < 0.02 * reach + 0.03


def test_the_range_of_a_bend_has_cents_too_and_a_reset_takes_the_bend_back(synth):
    bent = [(0, Message("pitchwheel", pitch=8191))]
    events = parameter(0, 0, 1, 50) + bent + control(1, 121, 0) + played(0, 0.9, 60) + played(1.1, 2, 60)
    clip = render_midi(midi(events), synth, "violin").clip
    assert abs(cents_off(clip, 61.5, 0.05, 0.9)) < 3 and abs(cents_off(clip, 60, 1.15, 2)) < 3


def test_vibrato_by_bends_is_heard_and_leaves_other_channels_alone(synth):
    wave = bends(lambda at: 0.25 * np.sin(2 * np.pi * 5 * at), 0, 2)
    events = wave + played(0, 2, 72) + played(3, 4, 72, channel=1)
    clip = render_midi(midi(events), synth, "violin").clip
    _, pitches = heard(clip, 0.1, 1.9, 0.03)
    assert 0.35 < pitches.max() - 72 < 0.6 and 0.35 < 72 - pitches.min() < 0.6
    assert abs(cents_off(clip, 72, 3.1, 4)) < 1


def test_a_bent_note_begins_and_ends_in_its_time_at_an_even_level(synth):
    events = parameter(0, 0, 12) + played(0.5, 2.5, 60) + bends(lambda at: np.clip(at - 1, 0, 1), 0, 2)
    clip = render_midi(midi(events), synth, "violin").clip
    onset = np.flatnonzero(np.abs(clip.samples[:, 0]) > 0.02)[0] / RATE
    assert abs(onset - 0.5) < 0.005 and level_db(clip, 0, 0.49) < -100
    levels = [level_db(clip, start, start + 0.05) for start in np.arange(0.55, 2.45, 0.05)]
    assert max(levels) - min(levels) < 1.0  # crossfades from pitch to pitch neither beat nor sag
    assert clip.seconds == pytest.approx(2.8, abs=0.001)
    steps = np.abs(np.diff(part(clip, 0.55, 2.45), 2))
    assert steps.max() < 3 * np.quantile(steps, 0.99)  # and do not click


def test_a_long_bend_has_the_timbre_of_where_it_is():
    """This voice has its second partial below C5 and its third above; a resampled C4 would keep the second."""

    class Registers(SineGenerator):
        def __call__(self, z, pitch, instruments):
            seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
            turns = 2 * np.pi * pitch_hz(pitch)[:, None] * seconds
            times = torch.where(pitch < 72, 2.0, 3.0)[:, None]
            return SPEC.encode(0.25 * (torch.sin(turns) + 0.5 * torch.sin(times * turns)))

    synth = Synth(CARD, Registers(), device="cpu", griffin_lim_steps=0)
    events = parameter(0, 0, 24) + played(0, 2.5, 60) + bends(lambda at: np.clip(at - 0.5, 0, 1), 0, 1.5)
    clip = render_midi(midi(events), synth, "violin").clip
    low, high = (pitch_hz(pitch) for pitch in (60.0, 84.0))
    assert partial_db(clip, 2 * low, 0.05, 0.5) > partial_db(clip, 3 * low, 0.05, 0.5) + 20
    assert partial_db(clip, 3 * high, 1.6, 2.5) > partial_db(clip, 2 * high, 1.6, 2.5) + 20


def test_a_long_note_goes_on_while_it_is_bent(synth):
    events = played(0, 10, 60) + bends(lambda at: np.sin(at), 0, 10, every=0.05)
    result = render_midi(midi(events), synth, "violin")
    assert result.notices[0].startswith("1 note longer than the 3 s")
    times, pitches = heard(result.clip, 0.1, 9.9)
    assert np.abs(pitches - 60 - 2 * np.sin(times)).max() < 0.1
    levels = [level_db(result.clip, start, start + 0.1) for start in np.arange(0.1, 9.8, 0.1)]
    assert max(levels) - min(levels) < 1.5


def test_a_note_is_rendered_where_its_pitch_goes():
    assert pitches_for(60, 0.25, CARD) == (60.25,)
    assert pitches_for(84, 0.25, CARD) == (84,)  # as near as the model goes; the rest is resampled
    assert pitches_for(60, 0.5 * np.sin(np.arange(100)), CARD) == (60,)
    assert pitches_for(60, np.linspace(-2, 2, 100), CARD) == (58, 60, 62)
    assert pitches_for(60, np.linspace(0, 5, 100), CARD) == (60, 62, 64, 66)
    assert pitches_for(83, np.linspace(-1, 12, 100), CARD) == (81, 83, 84)


def test_resampling_keeps_what_is_there_and_adds_nothing():
    """A sweep's worth of sines, read a semitone faster and slower: noise and images stay 75 dB below."""
    seconds = np.arange(RATE) / RATE
    for hz in (100, 3000, 9000):
        wave = np.sin(2 * np.pi * hz * seconds).astype(np.float32)
        for semitones in (-1, 1):
            where = places(60, np.full(20000, 60.0 + semitones))
            where = where[where < RATE - 200]
            read = read_at(wave, where, 2 ** (semitones / 12))[500:-500]
            wanted = np.sin(2 * np.pi * hz * where[500:-500] / RATE)
            assert 20 * np.log10(np.abs(read - wanted).max()) < -75
    above = np.sin(2 * np.pi * 11500 * seconds).astype(np.float32)  # would fold back to 10,980 Hz, an octave higher
    read = read_at(above, places(60, np.full(10000, 72.0)), 2.0)
    assert level_db(Clip(read.astype(np.float32), RATE), 0.05, 0.35) < -70

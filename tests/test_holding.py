"""Notes held for as long as one likes: the studio voice goes on by itself, other models and dying notes loop."""

import numpy as np
import pytest
from packtools import heard_pitch
from sine_voice import sine_synth
from test_midi import level_db, midi, played

from gansynth_core import InputError, Synth, generate, render_midi, sample
from gansynth_core.sustain import Walk
from webapp.player import STRANGER, Player

RATE, NOTE, HOLD = 24000, 96000, 72000


@pytest.fixture(scope="module")
def synth():
    return Synth.load(device="cpu")


@pytest.fixture(scope="module")
def violin(synth):
    return sample(synth.card, 1, 0, "violin")[0]


@pytest.fixture(scope="module")
def long(synth, violin):
    return synth.hold(violin, 60, 20.0).audio[0]


def levels(wave, seconds=0.05):
    block = round(seconds * RATE)
    wave = wave[: len(wave) // block * block].astype(np.float64)
    return 10 * np.log10(np.square(wave.reshape(-1, block)).mean(axis=1) + 1e-12)


def likest(track, shortest, longest):
    """The largest autocorrelation of a track of levels, at lags from `shortest` to `longest`."""
    track = track - track.mean()
    return max(float(np.corrcoef(track[:-lag], track[lag:])[0, 1]) for lag in range(shortest, longest))


@pytest.mark.parametrize("samples", [NOTE + 1, 5 * RATE, 7 * RATE + 100, 60 * RATE])
@pytest.mark.parametrize("released", [True, False])
def test_a_walk_stays_within_the_hold_and_comes_back_to_the_release(synth, samples, released):
    spec = synth.card.specgram
    walk = Walk.through(spec, samples, 6000, released=released)
    assert 0 <= (len(walk.way) - 1) * spec.hop + spec.n_fft - spec.pad_front - spec.pad_back - samples < spec.hop
    assert np.abs(np.diff(walk.way)).max() == 1  # no jump
    walked = walk.way[walk.begins : walk.ends]
    assert walked.min() >= walk.first > 30 and walked.max() <= walk.last and walk.last * spec.hop < HOLD
    assert list(walk.way[: walk.begins]) == list(range(walk.last + 1))
    if released:
        assert list(walk.way[walk.ends - 1 :]) == list(range(walk.last, spec.frames))


def test_a_long_note_begins_and_ends_as_the_note_does(synth, violin, long):
    note = synth.render(violin, 60).audio[0]
    begins, own = long[:68000].astype(float), note[:68000].astype(float)
    gain = (begins @ own) / (own @ own)
    assert np.square(begins - gain * own).sum() < 1e-5 * np.square(gain * own).sum()
    assert 0.7 < gain < 1.01  # only as much quieter as its loudest moment asks for
    fading, own_fading = levels(long[-RATE:], 0.1), levels(note[-RATE:], 0.1)
    loud = own_fading > -60
    assert len(long) == 20 * RATE and abs(fading - own_fading - 20 * np.log10(gain))[loud].max() < 4
    assert long[0] == 0 and abs(long[-1]) < 1e-4


def test_what_is_held_is_in_tune_and_as_lively_and_level_as_the_note_is(synth, violin, long):
    note = synth.render(violin, 60).audio[0][RATE:68000]
    own, held = levels(note), levels(long[3 * RATE : 19 * RATE - 2000])
    assert np.ptp(held) < np.ptp(own) + 4 and 0.6 < held.std() / own.std() < 1.5
    quarters = [part.mean() for part in np.array_split(held, 4)]
    assert np.ptp(quarters) < 1  # neither swells nor fades
    assert abs(heard_pitch(long[15 * RATE : 19 * RATE], RATE) - heard_pitch(note, RATE)) < 0.04  # partials run in step
    assert likest(held, 6, 80) < 0.6  # a loop has 1


def test_a_long_note_is_the_same_whatever_else_is_asked_for(synth, violin, long):
    several = synth.hold(violin, [48, 60], 20.0).audio
    assert np.array_equal(several[1], long)
    assert np.array_equal(synth.hold(violin, 60, 2.5).audio, synth.render(violin, 60).shorten(2.5).audio)


def test_parts_of_a_held_note_fit_together_and_begin_as_the_note_does(synth, violin):
    """What the page plays while a key is down, fetched part by part."""
    note = synth.render(violin, 60).audio[0]
    parts = [synth.held_part(violin, 60, 25.0, part) for part in ((0, 10), (10, 20), (20, 25))]
    assert [len(part) for part in parts] == [10 * RATE, 10 * RATE, 5 * RATE]
    held = np.concatenate(parts)
    assert np.abs(held[: round(2.7 * RATE)] - note[: round(2.7 * RATE)]).max() < 1e-6
    whole = synth.hold(violin, 60, 25.0).audio[0]
    gain = (whole @ held) / (held @ held)
    assert np.abs(whole - gain * held).max() < 1e-5  # one note, wherever it was cut
    assert np.array_equal(synth.held_part(violin, 60, 25.0, (3, 4)), held[3 * RATE : 4 * RATE])


def test_parts_of_other_models_and_of_dying_notes_are_those_of_the_whole(synth):
    sines = sine_synth()
    timbre = sample(sines.card, 1, 0, "violin")[0]
    rate = sines.card.specgram.sample_rate
    parts = [sines.held_part(timbre, 61, 30.0, part) for part in ((0, 10), (10, 30))]
    whole = sines.hold(timbre, 61, 30.0).audio[0]
    assert np.abs(np.concatenate(parts) - whole).max() < 1e-3 and len(parts[1]) == 20 * rate
    piano = sample(synth.card, 1, 0, "acoustic_grand_piano")[0]
    rest = synth.hold(piano, 60, 9.0).audio[0, 3 * RATE :]
    assert np.abs(synth.held_part(piano, 60, 9.0, (3, 9)) - rest).max() < 1e-6
    for seconds, part, told in (
        (61, (0, 1), "at most 60 s"),
        (4, (0, 1), "more than 4 and"),
        (9, (8, 10), "within a note"),
    ):
        with pytest.raises(InputError, match=told):
            synth.held_part(piano, 60, seconds, part)


def test_a_piano_is_not_held_up(synth):
    piano = sample(synth.card, 1, 0, "acoustic_grand_piano")[0]
    held = levels(synth.hold(piano, 60, 9.0).audio[0], 0.5)
    assert np.all(np.diff(held[1:]) < 0.5) and held[2] - held[14] > 10


def test_models_that_cannot_go_on_loop_and_are_let_go():
    """The sines of this one have no release of their own, so the held tone just goes on to its end."""
    synth = sine_synth()
    clip = synth.hold(sample(synth.card, 1, 0, "violin")[0], 61, 10.0)[0]
    track = levels(clip.samples[RATE // 2 : -RATE // 2], 0.1)
    assert clip.seconds == 10 and np.ptp(track) < 0.5
    assert abs(heard_pitch(clip.samples[RATE : 9 * RATE], clip.sample_rate) - 61) < 0.02


def test_generate_holds_notes(synth):
    clips = generate(60, "violin", 6.5, device="cpu")
    assert clips.audio.shape == (1, round(6.5 * RATE)) and clips.origins
    for wrong in (0, 600.1, "x", float("nan"), True):
        with pytest.raises(InputError, match=r"not possible. Choose more than 0 and at most 600 s\."):
            generate(60, "violin", wrong, device="cpu")


def test_a_song_in_the_app_holds_its_long_notes_too():
    player = Player.of(sine_synth())
    result = render_midi(midi(played(0, 7, 61)), player.exporter(STRANGER), "violin")
    assert result.notices[0].endswith(": 1 held.") and result.clip.seconds > 7
    assert level_db(result.clip, 6, 6.9) > level_db(result.clip, 1, 2) - 0.5


def off(wave, pitches):
    """Cents by which the fundamental is off a curve of pitches, one a sample, wherever it sounds: float [moments]."""
    hz = 440 * 2 ** ((pitches - 69) / 12)
    still = wave * np.exp(-2j * np.pi * np.cumsum(hz) / RATE)  # a partial that follows the curve stands still here
    window = np.hanning(2400) / np.hanning(2400).sum()
    still = np.convolve(still, window, "same")[::240]
    cents = 1200 * np.log2(
        1 + np.angle(still[10:] * still[:-10].conj()) / (0.2 * np.pi) / hz[::240][5 : len(still) - 5]
    )
    loud = np.abs(still[5 : len(cents) + 5])
    return cents[loud > 0.1 * np.median(loud)]


def test_a_bend_is_voiced_in_tune_and_with_the_timbre_of_where_it_is(synth):
    clarinet = sample(synth.card, 1, 0, "clarinet")[0]
    clip = synth.hold(clarinet, 60, 5.0, bend=[0, 0, 7, 7, 7])[0]
    pitches = 60 + np.interp(np.linspace(0, 4, 5 * RATE), np.arange(5), [0, 0, 7, 7, 7])
    assert clip.seconds == 5 and np.abs(clip.samples).max() <= 0.96
    cents = off(clip.samples[: 4 * RATE], pitches[: 4 * RATE])
    assert len(cents) > 300 and abs(np.median(cents)) < 2 and np.median(np.abs(cents)) < 5
    there, plain = (
        np.abs(np.fft.rfft(wave[RATE * 5 // 2 : RATE * 7 // 2] * np.hanning(RATE)))
        for wave in (clip.samples, synth.hold(clarinet, 67, 5.0).audio[0])
    )
    partials = [round(392 * number) for number in range(1, 9)]
    heard, meant = (np.array([wave[hz - 8 : hz + 9].max() for hz in partials]) for wave in (there, plain))
    assert (
        np.abs(20 * np.log10(heard / heard.max()) - 20 * np.log10(meant / meant.max()))[
            meant > 0.03 * meant.max()
        ].max()
        < 6
    )


def test_bends_of_models_that_only_know_resampling_are_in_tune_too():
    synth = sine_synth()
    clip = synth.hold(sample(synth.card, 1, 0, "violin")[0], 60, 6.0, bend=[0, 2])[0]
    cents = off(clip.samples, np.linspace(60, 62, len(clip.samples)))
    assert np.quantile(np.abs(cents), 0.9) < 3
    for wrong in ([], "up", [[1.0]], [float("nan")], [40.0]):
        with pytest.raises(InputError):
            synth.hold(sample(synth.card, 1, 0, "violin")[0], 60, 6.0, bend=wrong)

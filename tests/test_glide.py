"""A note whose timbre changes while it sounds, as the ear would judge it."""

import numpy as np
import pytest
from sine_voice import sine_card, sine_synth

from gansynth_core import InputError, glide, morph, sample
from gansynth_core.glide import crossing, likeness

SYNTH = sine_synth()
RATE = SYNTH.card.specgram.sample_rate
VIOLIN, FLUTE = (sample(SYNTH.card, 1, 0, name)[0] for name in ("violin", "flute"))


def plain(timbre) -> np.ndarray:
    return SYNTH.render(timbre, [60]).audio[0]


def level(samples: np.ndarray, harmonic: int) -> float:
    hz = harmonic * 440 * 2 ** (-9 / 12)
    tone = np.exp(-2j * np.pi * hz * np.arange(len(samples)) / RATE)
    return float(np.abs(samples * np.hanning(len(samples)) @ tone)) * 4 / len(samples)


def test_powers_add_up_to_one_whatever_two_sounds_have_in_common():
    share = np.linspace(0, 1, 101)
    for alike in (-0.4, 0.0, 0.5, 1.0):
        down, up = crossing(share, alike)
        assert np.allclose(down**2 + up**2 + 2 * alike * down * up, 1)
        assert (down[0], up[0]) == pytest.approx((1, 0)) and (down[-1], up[-1]) == pytest.approx((0, 1))
    assert np.allclose(np.sum(np.square(crossing(share, 0.0)), axis=0), 1)  # equal power
    assert np.allclose(np.sum(crossing(share, 1.0), axis=0), 1)
    assert max(crossing(np.array([0.5]), -1.0)[0]) < 1.001  # what cancels is not brought up without end


def test_likeness_is_the_correlation():
    tone = np.sin(np.arange(4800) * 0.1)
    assert likeness(tone, 3 * tone) == pytest.approx(1)
    assert likeness(tone, -tone) == pytest.approx(-1)
    assert abs(likeness(tone, np.random.default_rng(0).standard_normal(4800))) < 0.05
    assert likeness(tone, 0 * tone) == 0


def test_a_glide_of_one_timbre_is_its_plain_note():
    for timbres in ([VIOLIN], [VIOLIN, VIOLIN], [VIOLIN] * 5):
        assert np.abs(glide(SYNTH, timbres, 60).audio[0] - plain(VIOLIN)).max() < 1e-6


def test_the_timbre_moves_from_the_first_to_the_last():
    note = glide(SYNTH, [VIOLIN, FLUTE], 60, seconds=4.0)
    assert note.audio.shape == (1, SYNTH.card.specgram.samples) and note.pitches == (60.0,)
    wave, window = note.audio[0], RATE // 8
    violins, flutes = (
        [level(wave[start : start + window], harmonic) for start in range(window, len(wave) - 2 * window, window)]
        for harmonic in (2, 3)
    )
    assert violins == sorted(violins, reverse=True) and flutes == sorted(flutes)
    assert violins[0] > 10 * flutes[0] and flutes[-1] > 10 * violins[-1]
    # The attack is the first one's alone: nothing of it is faded.
    attack = RATE // 50
    assert np.abs(wave[:attack] - plain(VIOLIN)[:attack]).max() < 0.01


def test_a_glide_is_as_loud_as_its_notes_and_does_not_click():
    wave = glide(SYNTH, [VIOLIN, FLUTE, VIOLIN], 60).audio[0].astype(np.float64)
    both = [plain(VIOLIN).astype(np.float64), plain(FLUTE).astype(np.float64)]
    inside = slice(RATE // 10, -RATE // 10)
    window = RATE // 10

    def loudness(samples):
        return np.sqrt(np.mean(samples[inside][: len(samples[inside]) // window * window].reshape(-1, window) ** 2, 1))

    quiet, loud = (pick(loudness(note).mean() for note in both) for pick in (min, max))
    assert 0.9 * quiet < loudness(wave).min() and loudness(wave).max() < 1.1 * loud
    own = max(np.abs(np.diff(note[inside])).max() for note in both)
    assert np.abs(np.diff(wave[inside])).max() < 1.05 * own


def test_moments_and_length_are_kept():
    note = glide(SYNTH, [VIOLIN, FLUTE], 60, seconds=2.0, at=[0.25, 0.5]).audio[0]
    assert np.array_equal(note[: RATE // 2], plain(VIOLIN)[: RATE // 2])
    assert np.array_equal(note[RATE:], plain(FLUTE)[RATE:])
    # Left to itself, the last has arrived when the key is let go: after 3 of 4 s.
    released, flute = glide(SYNTH, [VIOLIN, FLUTE], 60).audio[0][3 * RATE :], plain(FLUTE)[3 * RATE :]
    assert np.abs(released - flute * (released @ flute) / (flute @ flute)).max() < 1e-4
    assert len(glide(SYNTH, [VIOLIN, FLUTE], 60, seconds=1.5).shorten(1.5).audio[0]) == round(1.5 * RATE)


def test_keyframes_are_morphs_in_one_batch():
    asked = []

    class Watched:
        card = SYNTH.card

        def render(self, timbres, pitches):
            asked.append((list(timbres), list(pitches)))
            return SYNTH.render(timbres, pitches)

    glide(Watched(), [VIOLIN, FLUTE, VIOLIN], 62, keyframes=9)
    [(timbres, pitches)] = asked
    assert timbres[2] == morph(VIOLIN, FLUTE, 0.5) and timbres[4] == FLUTE and len(timbres) == 9
    assert pitches == [62] * 9
    glide(Watched(), [VIOLIN, FLUTE], 60, keyframes=1)
    assert asked[1][0] == [VIOLIN, FLUTE]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timbres": []}, "1 to 24 sounds, not 0"),
        ({"timbres": [VIOLIN] * 25}, "not 25"),
        ({"at": [0.0]}, "as many moments, not 1"),
        ({"at": [0.5, 0.5]}, "later than the one before"),
        ({"at": [0.0, 1.5]}, "from 0 to 1"),
        ({"at": [float("nan"), 1.0]}, "from 0 to 1"),
        ({"seconds": 5.0}, "at most 4 s"),
        ({"seconds": 0.0}, "more than 0"),
        ({"seconds": float("nan")}, "at most 4 s"),
        ({"keyframes": 0}, "1 to 24 keyframes"),
        ({"pitch": 99}, "24-84"),
        ({"timbres": [VIOLIN, sample(sine_card("other"), 1, 0, "violin")[0]]}, "other"),
    ],
)
def test_what_is_no_glide_is_refused_in_words(options, message):
    with pytest.raises(InputError, match=message):
        glide(**{"synth": SYNTH, "timbres": [VIOLIN, FLUTE], "pitch": 60} | options)

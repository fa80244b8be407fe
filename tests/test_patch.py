"""Envelopes against closed forms, and presets that come back as they were saved."""

import json
import math

import numpy as np
import pytest
from sine_voice import sine_card, sine_synth

from gansynth_core import Clips, Envelope, InputError, Patch, load_patch, sample

RATE = 8000
CARD = sine_card()


def ones(seconds: float = 4.0, level: float = 0.5) -> Clips:
    return Clips(np.full((1, round(seconds * RATE)), level, np.float32), RATE, (60,))


def at(envelope: Envelope, seconds: float, held: float = math.inf) -> float:
    return float(envelope.gains(round(4 * RATE), RATE, held)[round(seconds * RATE)])


def test_a_new_envelope_leaves_a_held_note_alone():
    rendered = sine_synth().render(sample(CARD)[0], [60])
    assert np.array_equal(rendered.shaped(Envelope()).audio, rendered.audio)


def test_the_attack_rises_in_a_straight_line():
    envelope = Envelope(attack_seconds=0.5)
    assert [at(envelope, t) for t in (0, 0.125, 0.25, 0.5, 3)] == pytest.approx([0, 0.25, 0.5, 1, 1])


def test_the_decay_is_sixty_db_nearer_to_the_sustain_level_after_its_time():
    envelope = Envelope(attack_seconds=0.25, decay_seconds=1, sustain=0.4)
    assert at(envelope, 0.25) == pytest.approx(1)
    assert at(envelope, 0.25 + 1 / 3) == pytest.approx(0.4 + 0.6 * 0.1, abs=1e-4)  # a third of 60 dB
    assert at(envelope, 1.25) == pytest.approx(0.4 + 0.6e-3)


def test_without_a_decay_there_is_no_jump_to_the_sustain_level():
    envelope = Envelope(attack_seconds=0.5, sustain=0.3)
    assert [at(envelope, t) for t in (0.25, 0.5, 1)] == pytest.approx([0.15, 0.3, 0.3])
    assert np.abs(np.diff(envelope.gains(4 * RATE, RATE))).max() < 1e-3


@pytest.mark.parametrize("held", [0.1, 0.25, 1.0, 2.5])
def test_the_release_falls_sixty_db_in_its_time_from_wherever_the_note_is(held):
    envelope = Envelope(attack_seconds=0.5, decay_seconds=1, sustain=0.4, release_seconds=0.8)
    before = at(envelope, held)
    assert at(envelope, held, held) == pytest.approx(before)
    assert at(envelope, held + 0.4, held) == pytest.approx(before * 10**-1.5)
    assert at(envelope, held + 0.8, held) == pytest.approx(before * 1e-3)


def test_a_shaped_note_lasts_as_long_as_the_key_and_the_release():
    notes = ones().shaped(Envelope(release_seconds=0.5), held_seconds=1.0)
    assert notes.seconds == pytest.approx(1.5)
    assert notes.audio[0, -1] == pytest.approx(0, abs=1e-5)
    assert notes.audio[0, RATE // 2] == pytest.approx(0.5)
    assert ones().shaped(Envelope(release_seconds=3), held_seconds=3).seconds == 4


def test_gain_is_in_db_and_never_clips():
    envelope = Envelope()
    assert ones().shaped(envelope, gain_db=-6).audio[0, 0] == pytest.approx(0.5 * 10**-0.3)
    assert ones(level=0.1).shaped(envelope, gain_db=12).audio[0, 0] == pytest.approx(0.1 * 10**0.6)
    assert np.abs(ones().shaped(envelope, gain_db=12).audio).max() == pytest.approx(1)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: Envelope(attack_seconds=2.5), "The attack of an envelope must be a number from 0 to 2, not 2.5."),
        (lambda: Envelope(sustain=math.nan), "The sustain of an envelope must be a number from 0 to 1, not nan."),
        (
            lambda: Envelope(release_seconds="long"),
            "The release of an envelope must be a number from 0.01 to 3, not 'long'.",
        ),
        (lambda: ones().shaped(Envelope(), gain_db=40), "A gain in dB must be a number from -24 to 12, not 40."),
        (
            lambda: ones().shaped(Envelope(), 5),
            "A duration of 5 s is not possible. Choose more than 0 and at most 4 s.",
        ),
        (
            lambda: Patch(sample(CARD)[0], gain_db=True),
            "The gain of a patch in dB must be a number from -24 to 12, not True.",
        ),
        (lambda: Patch("violin"), "A patch needs a timbre and an envelope."),
        (lambda: Patch(sample(CARD)[0], tags=("x" * 41,)), "A tag is text of up to 40 characters."),
    ],
)
def test_what_makes_no_sense_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(InputError) as refusal:
        make()
    assert str(refusal.value) == sentence


def test_a_preset_comes_back_as_it_was_saved(tmp_path):
    envelope = Envelope(0.01, 0.4, 0.6, 1.2)
    patch = Patch(sample(CARD, seed=7, instrument="flute")[0], envelope, -3.5, "Breathy ♭ one", ("pad", "soft"))
    again = load_patch(patch.save(tmp_path / "presets" / "breathy.json"))
    assert again == patch
    clips = sine_synth().render(again.timbre, [60])
    assert np.array_equal(again.play(clips, 1.0).audio, clips.shaped(envelope, 1.0, -3.5).audio)


def saved(**changes) -> str:
    return json.dumps(Patch(sample(CARD)[0]).to_json() | changes)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "is not readable JSON"),
        ("[]", "is not a saved patch"),
        ('{"format": 1}', "holds no timbre"),
        (saved(format=2), "saved by a newer version (format 2"),
        (saved(format="1"), "not a saved patch"),
        (saved(timbre={"format": 1}), "is not a saved sound"),
        (saved(envelope={"attack": 1}), "An envelope has no 'attack'"),
        (saved(envelope=[0, 0, 1, 1]), "An envelope is an object with attack_seconds"),
        (saved(gain_db="loud"), "from -24 to 12, not 'loud'"),
        (saved(name=7), "is text of up to 120 characters"),
        (saved(tags="pad"), "The tags of a patch are a list"),
    ],
)
def test_other_files_are_refused_in_a_sentence(tmp_path, text, part):
    path = tmp_path / "preset.json"
    path.write_text(text)
    with pytest.raises(InputError) as refusal:
        load_patch(path)
    assert part in str(refusal.value)


def test_a_preset_needs_its_ending_and_a_file_that_is_there(tmp_path):
    with pytest.raises(InputError, match=r"does not end in \.json"):
        Patch(sample(CARD)[0]).save(tmp_path / "preset.txt")
    with pytest.raises(InputError, match="Cannot read the preset"):
        load_patch(tmp_path / "none.json")

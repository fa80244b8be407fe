"""Whether the pitches that a folder's names tell are those that its sounds have."""

from collections import Counter

import numpy as np

from gansynth_core.errors import AudioError
from gansynth_core.own import is_pitched, pitch_candidates
from gansynth_core.sound import SILENCE_PEAK
from gansynth_core.training.data.folder import WavFolder

ASKED = 16  # notes of a folder that are listened to, spread over all of it
LEAST = 4  # of them with a clear pitch, before anything is said
AGREE = 0.75  # of those
LOW, HIGH = 21.0, 108.0  # MIDI: where pitches are looked for


def semitones_off(source: WavFolder) -> int:
    """How many semitones the sounds of `source` lie above what their names say, if most of those that were listened to
    agree on it; else 0."""
    plan = source.plan()
    heard: list[int] = []
    for index in np.unique(np.linspace(0, len(plan) - 1, min(ASKED, len(plan))).astype(int)):
        try:
            clip = source.read(int(index))
        except AudioError:
            continue  # it is skipped later, with its reason
        if np.abs(clip.samples).max(initial=0.0) < SILENCE_PEAK:
            continue
        pitch = pitch_candidates(clip.samples, clip.sample_rate, LOW, HIGH)[0]
        if is_pitched(clip.samples, clip.sample_rate, pitch):
            heard.append(round(pitch - plan[index].pitch))
    if len(heard) < LEAST:
        return 0
    off, count = Counter(heard).most_common(1)[0]
    return off if count >= AGREE * len(heard) else 0


def doubt(source: WavFolder) -> str | None:
    """A sentence about names that say another pitch than their sounds have, with what to do about it; None if they
    agree, or if nothing can be told."""
    off = semitones_off(source)
    if not off:
        return None
    octaves, rest = divmod(abs(off), 12)
    way = "above" if off > 0 else "below"
    if rest:
        return (
            f"The sounds of '{source.name}' lie {abs(off)} semitones {way} what their names say. List them in a table."
        )
    far = "an octave" if octaves == 1 else f"{octaves} octaves"
    shift = source.octave + off // 12
    return f"The sounds of '{source.name}' lie {far} {way} what their names say. Add --octave {shift} if that is so."

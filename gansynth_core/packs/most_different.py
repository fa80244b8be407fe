"""The n most different of many sounds, by their descriptors."""

from collections.abc import Sequence

import numpy as np

from gansynth_core.descriptors import DESCRIPTORS, furthest_apart, heard_evenly, measure
from gansynth_core.latent import Timbre
from gansynth_core.packs.quality import fault
from gansynth_core.sound import Clips
from gansynth_core.synth import BATCH, Synth

MIDDLE_C = 60
NOT_TIMBRE = ("tuning", "loudness")  # the notes of a pack are levelled anyway, and pitch is not timbre


def most_different(synth: Synth, timbres: Sequence[Timbre], count: int) -> list[int]:
    """Which `count` of `timbres` sound as different as possible, in rising order: heard at middle C (or the model's key
    nearest to it) and chosen by descriptors.furthest_apart. Those that fail a quality check there are chosen only when
    nothing else is left. Raises InputError like Synth.render."""
    pitch = min(max(MIDDLE_C, synth.card.pitch_low), synth.card.pitch_high)
    measured, faulty = [], []
    for first in range(0, len(timbres), BATCH):
        some = timbres[first : first + BATCH]
        clips = synth.render(some, [pitch] * len(some), background=True)
        faulty += [fault(wave, clips.sample_rate, pitch) is not None for wave in clips.audio]
        measured.append(measure(Clips(np.nan_to_num(clips.audio), clips.sample_rate, clips.pitches)))
    columns = [number for number, descriptor in enumerate(DESCRIPTORS) if descriptor.name not in NOT_TIMBRE]
    names = [DESCRIPTORS[number].name for number in columns]
    fine, poor = (np.flatnonzero(np.array(faulty) == kind) for kind in (False, True))
    heard = heard_evenly(np.concatenate(measured)[fine][:, columns], names) if len(fine) else np.zeros((0, 1))
    chosen = fine[furthest_apart(heard, count)].tolist()
    return sorted(chosen + poor[: count - len(chosen)].tolist())

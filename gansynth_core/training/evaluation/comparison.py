"""Comparing a model with real notes: all measures, as one document.

Held-out (instrument, pitch) pairs, which training never saw, are judged in three versions:
    real            the note of the prepared set, turned back into sound
    model           what a player hears: the same instrument and pitch, z drawn from the prior N(0, 1)
    reconstruction  the same, z being the encoder's mean for the real note (where there is an encoder beside the model)

Every figure has its counterpart of real notes alone, as a scale to read it by.
"""

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gansynth_core.descriptors import measure
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.sound import Clips
from gansynth_core.spectrum import levels_db, log_spectral_distance
from gansynth_core.synth import Synth
from gansynth_core.training.data.dataset import Indices, NoteSet
from gansynth_core.training.evaluation.checks import check
from gansynth_core.training.evaluation.figures import document
from gansynth_core.training.evaluation.judge import Judge
from gansynth_core.training.evaluation.judged import DISTANCES, Comparison, Judged, Sounds
from gansynth_core.training.evaluation.notes import (
    choose_notes,
    drawn,
    family_names,
    instrument_of,
    one_of_each_family,
    other_instrument,
    play,
    real_waves,
    resynthesis,
    variation_of,
    versions,
)
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear
from gansynth_core.training.evaluation.textures import contrast_db, modulation_db

BATCH = 12
OTHER_SEEDS = 2  # of each note to listen to


def compare(
    synth: Synth,
    data: NoteSet,
    judge: Judge,
    *,
    encoder: StudioEncoder | None = None,
    notes: int = 400,
    seed: int = 0,
) -> Comparison:
    """Measure `synth` on up to `notes` held-out notes of `data`, drawn by `seed`. Raises DataError if set, model and
    judge do not fit together."""
    judge.check(data)
    chosen = choose_notes(data, synth.card, notes, seed)
    to_show = one_of_each_family(data, chosen)
    if encoder is not None and synth.card.specgram != data.spec:
        encoder = None
    judged: list[Judged] = []
    shown: list[tuple[Judged, Sounds]] = []
    levels: dict[str, list[Tensor]] = {}
    with tqdm(total=len(chosen), unit="note", desc="Listening") as bar:
        for start in range(0, len(chosen), BATCH):
            batch = chosen[start : start + BATCH]
            waves = versions(synth, data, encoder, batch, seed)
            compared = _compared(data, batch, seed, synth.device)
            judged += _judge(synth, data, batch, waves, compared)
            for kind, wave in (waves | {"variation": compared["variation"]}).items():
                levels.setdefault(kind, []).append(judge.levels_of(wave).half())
            for row, index in enumerate(batch):
                if int(index) in to_show:
                    sounds = {kind: wave[row].cpu().numpy() for kind, wave in waves.items()}
                    shown.append((judged[start + row], sounds | _other_seeds(synth, data, int(index), seed)))
            bar.update(len(batch))
    heard = {kind: torch.cat(parts) for kind, parts in levels.items()}
    figures = document(synth, data, judge, judged, chosen, heard, seed)
    return Comparison(figures, judged, shown)


def _other_seeds(synth: Synth, data: NoteSet, index: int, seed: int) -> Sounds:
    """The model's note again from two other seeds, to hear how much they differ: float32 [samples] by name."""
    seeds = [seed + index + number for number in range(1, 1 + OTHER_SEEDS)]
    timbres = [drawn(synth.card, instrument_of(data, index), number) for number in seeds]
    waves = play(synth, timbres, [float(data.notes[index]["pitch"])] * len(timbres), data).cpu().numpy()
    return {f"another_seed_{number}": wave for number, wave in enumerate(waves, 1)}


def _compared(data: NoteSet, batch: Indices, seed: int, device: str) -> dict[str, Tensor]:
    """Real notes to compare those at `batch` with, by name: sound [batch, samples]; NaN where there is none."""
    compared = {
        "variation": [variation_of(data, index) for index in batch],
        "other_instrument": [other_instrument(data, i, np.random.default_rng((seed, int(i)))) for i in batch],
    }
    waves = {}
    for name, indices in compared.items():
        counterpart = np.array([index if other is None else other for index, other in zip(batch, indices, strict=True)])
        missing = torch.tensor([other is None for other in indices], device=device)
        waves[name] = real_waves(data, counterpart, device).masked_fill(missing[:, None], float("nan"))
    return waves


def _judge(
    synth: Synth, data: NoteSet, batch: Indices, waves: dict[str, Tensor], compared: dict[str, Tensor]
) -> list[Judged]:
    card, spec = synth.card, data.spec
    family_of = family_names(data)
    levels = levels_db(waves["real"], spec)
    others = {kind: wave for kind, wave in waves.items() if kind != "real"}
    others["resynthesis"] = resynthesis(synth, waves["real"], data)
    others |= compared
    distances = {kind: log_spectral_distance(levels, levels_db(wave, spec)).cpu() for kind, wave in others.items()}
    rms = {kind: wave.square().mean(dim=1).sqrt().clamp_min(1e-9) for kind, wave in waves.items()}
    louder = (20 * (rms["model"] / rms["real"]).log10()).cpu()
    audio = {kind: wave.cpu().numpy() for kind, wave in waves.items()}
    pitches = tuple(float(pitch) for pitch in data.notes[batch]["pitch"])
    described = {kind: measure(Clips(wave, spec.sample_rate, pitches)) for kind, wave in audio.items()}

    judged = []
    for row, index in enumerate(batch):
        note, name = data.notes[index], instrument_of(data, index)
        pitch = pitches[row]
        cents = {}
        for kind, wave in audio.items():
            heard = hear(wave[row], spec.sample_rate, card.pitch_low, card.pitch_high)
            cents[kind] = cents_off(heard.hz, pitch)
        distance = {key: float(distances[key][row]) for key in DISTANCES if key in distances}
        facts = (int(index), name, family_of[name], pitch, int(note["velocity"]))
        checks = {kind: check(wave[row], spec.sample_rate) for kind, wave in audio.items()}
        descriptors = {kind: values[row] for kind, values in described.items()}
        textures = {
            kind: (contrast_db(wave[row], spec.sample_rate), modulation_db(wave[row], spec.sample_rate))
            for kind, wave in audio.items()
        }
        judged.append(Judged(*facts, cents, distance, float(louder[row]), checks, descriptors, textures))
    return judged

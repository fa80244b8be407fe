"""A snapshot: the averaged weights as a model that plays, with a picture and a few notes beside real ones."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from gansynth_core.cards import ModelCard, save_model
from gansynth_core.pitches import pitch_label
from gansynth_core.sound import Clip
from gansynth_core.training.config import TrainConfig
from gansynth_core.training.data.dataset import Array, Indices, NoteSet
from gansynth_core.training.data.source import OWN_RECORDINGS

SHOWN_NOTES = 6


def half_weights(module: nn.Module) -> dict[str, Array]:
    """A module's parameters as float16 arrays: half the size, and 60 dB finer than anything one can hear."""
    return {name: value.detach().cpu().half().numpy() for name, value in module.state_dict().items()}


def snapshot_card(
    config: TrainConfig,
    data: NoteSet,
    generator: dict[str, Any],
    instruments: tuple[str, ...],
    pitches: tuple[int, int],
    facts: dict[str, Any],
) -> ModelCard:
    """The card of a model trained on `data`. generator: its hyperparameters. instruments: those it tells apart.
    pitches: the lowest and highest. facts: what goes into the card's `training`."""
    licences = {source["name"]: source["licence"] for source in data.sources}
    return ModelCard(
        id=config.model,
        title=config.model.replace("_", " ").title(),
        family=config.family,
        latent_size=config.latent_size,
        pitch_low=pitches[0],
        pitch_high=pitches[1],
        instruments=instruments,
        specgram=data.spec,
        generator=generator,
        licence=OWN_RECORDINGS if OWN_RECORDINGS in licences.values() else "Apache-2.0",
        provenance="Trained on "
        + ", ".join(f"{name} (licence: {licence})" for name, licence in licences.items())
        + ".",
        training=facts,
    )


def shown_notes(data: NoteSet) -> Indices:
    """Indices of the few real notes that a snapshot shows: held-out ones, or training notes if none is held out."""
    candidates = data.held_out() if len(data.held_out()) else data.training()
    shown: Indices = candidates[np.linspace(0, len(candidates) - 1, min(SHOWN_NOTES, len(candidates))).astype(int)]
    return shown


def write_model(
    folder: str | os.PathLike[str],
    card: ModelCard,
    weights: dict[str, Array],
    data: NoteSet,
    shown: Indices,
    made: Tensor,
) -> ModelCard:
    """Write the model, `notes.png` and `real_*.wav` / `model_*.wav` into `folder`; returns the finished card.

    shown: indices of real notes [n]. made: what the model made of their pitches (and instruments, if it has any),
    specgrams [n, 2, frames, bins].
    """
    folder = Path(folder)
    card = save_model(folder, card, weights)
    names: dict[str, list[str]] = {"real": [], "model": []}
    for number, note in enumerate(data.notes[shown], start=1):
        key = pitch_label(float(note["pitch"]))
        names["real"].append(f"{data.instruments[note['instrument']]}_{key}")
        names["model"].append(names["real"][-1] if card.instruments else f"{number}_{key}")
    _show(folder, data, {"real": data.specgram(shown), "model": made}, names)
    return card


@torch.inference_mode()
def _show(folder: Path, data: NoteSet, specgrams: dict[str, Tensor], names: dict[str, list[str]]) -> None:
    """A row of pictures for every kind, and a WAV of each note."""
    from matplotlib.figure import Figure  # slow to import, and only wanted here

    spec = data.spec
    columns = len(names["real"])
    figure = Figure(figsize=(3.2 * columns, 6), layout="constrained")
    axes = figure.subplots(2, columns, squeeze=False, sharex=True, sharey=True)
    for row, kind in zip(axes, specgrams, strict=True):
        waves = spec.decode(specgrams[kind]).numpy()
        for axis, name, specgram, wave in zip(row, names[kind], specgrams[kind], waves, strict=True):
            Clip(wave, spec.sample_rate).save(folder / f"{kind}_{name}.wav", subtype="PCM_16")
            seconds = np.arange(spec.frames) * spec.hop / spec.sample_rate
            axis.pcolormesh(seconds, spec.bins_hz, specgram[0].numpy().T, vmin=-0.9, vmax=0.9, cmap="magma")
            axis.set(yscale="log", ylim=(30, spec.sample_rate / 2), title=f"{kind}: {name}")
            axis.title.set_fontsize(8)
    figure.supxlabel("seconds")
    figure.supylabel("Hz")
    figure.savefig(folder / "notes.png", dpi=70)

"""A snapshot: the averaged weights as a model that plays, with a picture and a few notes beside real ones."""

import copy
import dataclasses
import os
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gansynth_core.cards import ModelCard, save_model, save_tensors
from gansynth_core.pitches import pitch_label
from gansynth_core.sound import Clip
from gansynth_core.training.dataset import NoteSet
from gansynth_core.training.directions import latent_directions
from gansynth_core.training.prior import fit_prior

SHOWN_NOTES = 6


def half_weights(module: nn.Module) -> dict[str, np.ndarray]:
    """A module's parameters as float16 arrays: half the size, 60 dB finer than anything one can hear of them."""
    return {name: value.detach().cpu().half().numpy() for name, value in module.state_dict().items()}


def write_snapshot(
    folder: str | os.PathLike, card: ModelCard, generator: nn.Module, encoder: nn.Module, data: NoteSet
) -> ModelCard:
    """Fit the prior, and write model, encoder, `notes.png` and `real_*.wav` / `model_*.wav` into `folder`.

    Returns the finished card.
    """
    folder = Path(folder)
    generator, encoder = copy.deepcopy(generator), copy.deepcopy(encoder)  # training goes on with the unfitted ones
    fit_prior(generator, encoder, data)
    directions = latent_directions(generator, data.spec, len(data.instruments), (card.pitch_low, card.pitch_high))
    card = save_model(folder, dataclasses.replace(card, directions=directions), half_weights(generator))
    save_tensors(folder / "encoder.safetensors", half_weights(encoder))
    _show(folder, generator, data)
    return card


@torch.inference_mode()
def _show(folder: Path, generator: nn.Module, data: NoteSet) -> None:
    """Some held-out notes (training notes if none is held out) beside what the model makes of instrument and pitch."""
    from matplotlib.figure import Figure  # slow to import, and only wanted here

    candidates = data.held_out() if len(data.held_out()) else data.training()
    chosen = candidates[np.linspace(0, len(candidates) - 1, min(SHOWN_NOTES, len(candidates))).astype(int)]
    device = next(generator.parameters()).device
    notes, spec = data.notes[chosen], data.spec
    real = data.specgram(chosen)
    instruments = torch.zeros(len(chosen), len(data.instruments))
    instruments[np.arange(len(chosen)), notes["instrument"].astype(int)] = 1
    pitch = torch.from_numpy(notes["pitch"].astype(np.float32))
    latent_size = generator.instrument_mean.shape[1]
    z = torch.stack([torch.randn(latent_size, generator=torch.Generator().manual_seed(int(i))) for i in chosen])
    made = torch.cat(
        [generator(*(x[None].to(device) for x in row)).cpu() for row in zip(z, pitch, instruments, strict=True)]
    )

    figure = Figure(figsize=(3.2 * len(chosen), 6), layout="constrained")
    axes = figure.subplots(2, len(chosen), squeeze=False, sharex=True, sharey=True)
    for row, (kind, specgrams) in enumerate({"real": real, "model": made}.items()):
        waves = spec.decode(specgrams).numpy()
        for column, (note, wave) in enumerate(zip(notes, waves, strict=True)):
            name = f"{data.instruments[note['instrument']]}_{pitch_label(float(note['pitch']))}"
            Clip(wave, spec.sample_rate).save(folder / f"{kind}_{name}.wav", subtype="PCM_16")
            axis = axes[row, column]
            hz = np.arange(1, spec.bins + 1) * spec.bin_hz
            seconds = np.arange(spec.frames) * spec.hop / spec.sample_rate
            axis.pcolormesh(seconds, hz, specgrams[column, 0].numpy().T, vmin=-0.9, vmax=0.9, cmap="magma")
            axis.set(yscale="log", ylim=(30, spec.sample_rate / 2), title=f"{kind}: {name}")
            axis.title.set_fontsize(8)
    figure.supxlabel("seconds")
    figure.supylabel("Hz")
    figure.savefig(folder / "notes.png", dpi=70)

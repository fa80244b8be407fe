"""Which notes are compared, and their sound."""

from collections import Counter
from collections.abc import Callable, Hashable, Sequence

import numpy as np
import soxr
import torch
from torch import Tensor

from gansynth_core.cards import ModelCard
from gansynth_core.errors import DataError, InputError
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.instruments import families
from gansynth_core.latent import Z_LIMIT, Timbre, sample
from gansynth_core.specgram import Representation
from gansynth_core.synth import Synth
from gansynth_core.training.data.dataset import Array, NoteSet


def choose_notes(data: NoteSet, card: ModelCard, count: int, seed: int) -> Array:
    """Indices of up to `count` held-out notes that the model can play, spread evenly over the instruments; of each, all
    its pitches before a second variation of one.

    Raises DataError if there is none, InputError for a count below 1.
    """
    if count < 1:
        raise InputError(f"At least one note is needed to measure with, not {count}.")
    playable = [index for index in data.held_out() if can_play(card, data, index)]
    if not playable:
        raise DataError(f"'{data.folder}' has no held-out note to measure '{card.id}' with.")
    queue = list(np.random.default_rng(seed).permutation(playable))
    queue = _in_turns(queue, lambda index: (data.notes[index]["instrument"], float(data.notes[index]["pitch"])))
    queue = _in_turns(queue, lambda index: data.notes[index]["instrument"])
    return np.sort(np.array(queue[:count], dtype=int))


def training_sample(data: NoteSet, card: ModelCard, count: int, seed: int) -> Array:
    """Indices of up to `count` training notes that the model could play, spread evenly over the instruments."""
    shuffled = np.random.default_rng((seed, 1)).permutation(data.training())
    playable = [index for index in shuffled if can_play(card, data, index)]
    return np.array(_in_turns(playable, lambda index: data.notes[index]["instrument"])[:count], dtype=int)


def can_play(card: ModelCard, data: NoteSet, index: int) -> bool:
    """Whether the model has this note's instrument, or has none, and its pitch."""
    known = not card.instruments or instrument_of(data, index) in card.instruments
    return known and card.pitch_low <= float(data.notes[index]["pitch"]) <= card.pitch_high


def _in_turns(queue: list[int], key: Callable[[int], Hashable]) -> list[int]:
    """`queue` reordered: the first item of every key, then the second of every key, and so on."""
    met: Counter[Hashable] = Counter()
    turns: list[int] = []
    for item in queue:
        turns.append(met[key(item)])
        met[key(item)] += 1
    return [queue[place] for place in np.argsort(turns, kind="stable")]


def instrument_of(data: NoteSet, index: int) -> str:
    """The name of a note's instrument."""
    return data.instruments[int(data.notes[index]["instrument"])]


def family_names(data: NoteSet) -> dict[str, str]:
    """The family of every instrument of a set."""
    return {name: family for family, names in families(data.instruments).items() for name in names}


def variations_of(data: NoteSet, index: int) -> Array:
    """All plain notes of the same instrument and pitch, itself among them, in order."""
    note, notes = data.notes[index], data.notes
    same = (notes["instrument"] == note["instrument"]) & (notes["pitch"] == note["pitch"])
    return np.flatnonzero(same & data.plain())


def variation_of(data: NoteSet, index: int) -> int | None:
    """Another note of the same instrument and pitch, the next one in the set; None if there is none."""
    same = variations_of(data, index)
    return int(same[(np.searchsorted(same, index) + 1) % len(same)]) if len(same) > 1 else None


def other_instrument(data: NoteSet, index: int, random: np.random.Generator) -> int | None:
    """A random plain note of another instrument at the same pitch; None if there is none."""
    note, notes = data.notes[index], data.notes
    others = (notes["instrument"] != note["instrument"]) & (notes["pitch"] == note["pitch"])
    others = np.flatnonzero(others & data.plain())
    return int(random.choice(others)) if len(others) else None


def one_of_each_family(data: NoteSet, chosen: Array) -> set[int]:
    """Of every family the chosen note nearest to middle C, where a picture shows most."""
    family_of = family_names(data)
    nearest: dict[str, int] = {}
    for index in sorted(chosen, key=lambda index: abs(float(data.notes[index]["pitch"]) - 60)):
        nearest.setdefault(family_of[instrument_of(data, index)], int(index))
    return set(nearest.values())


# --- sound -------------------------------------------------------------------------------------------------------


def real_waves(data: NoteSet, indices: Array, device: str = "cpu") -> Tensor:
    """Real notes turned back into sound: float [n, samples] on `device`."""
    return data.spec.decode(data.specgram(np.asarray(indices)).to(device))


def drawn(card: ModelCard, instrument: str, seed: int) -> Timbre:
    """What a player gets of an instrument by a seed: z from N(0, 1)."""
    return sample(card, 1, seed, instrument if card.instruments else None)[0]


def play(synth: Synth, timbres: Timbre | Sequence[Timbre], pitches: Sequence[float], data: NoteSet) -> Tensor:
    """The model's notes as the set's are, at its rate and of its length: float [n, samples] on the synth's device."""
    clips = synth.render(timbres, pitches)
    return torch.from_numpy(_fitted(clips.audio, clips.sample_rate, data.spec)).to(synth.device)


def resynthesis(synth: Synth, waves: Tensor, data: NoteSet) -> Tensor:
    """What the model's representation leaves of notes of the set, float [n, samples]: the best that it could do. At
    the set's rate and of its length, on the synth's device."""
    own, spec = synth.card.specgram, data.spec
    if own != spec:
        waves = torch.from_numpy(_fitted(waves.cpu().numpy(), spec.sample_rate, own)).to(synth.device)
    waves = own.decode(own.encode(waves), synth.griffin_lim_steps)
    if own != spec:
        waves = torch.from_numpy(_fitted(waves.cpu().numpy(), own.sample_rate, spec)).to(synth.device)
    return waves


def _fitted(audio: Array, rate: int, spec: Representation) -> Array:
    """Notes [n, samples] at `rate` Hz as `spec` has them, at its rate and of its length: float32 [n, samples]."""
    if rate != spec.sample_rate:
        audio = np.stack([soxr.resample(wave, rate, spec.sample_rate, quality="VHQ") for wave in audio])
    fitted = np.zeros((len(audio), spec.samples), np.float32)
    length = min(spec.samples, audio.shape[1])
    fitted[:, :length] = audio[:, :length]
    return fitted


def versions(synth: Synth, data: NoteSet, encoder: StudioEncoder | None, batch: Array, seed: int) -> dict[str, Tensor]:
    """The notes at `batch` by kind, float [batch, samples] on the synth's device: real; model, of the same instrument
    and pitch; and with an encoder reconstruction, of what it finds in the real note."""
    card, pitches = synth.card, [float(pitch) for pitch in data.notes[batch]["pitch"]]
    names = [instrument_of(data, index) for index in batch]
    waves = {"real": real_waves(data, batch, synth.device)}
    timbres = [drawn(card, name, seed + int(index)) for index, name in zip(batch, names, strict=True)]
    waves["model"] = play(synth, timbres, pitches, data)
    if encoder is not None:
        weights = torch.tensor([[float(name == own) for own in card.instruments] for name in names])
        log_magnitude = encoder.heard(data.specgram(batch))
        with torch.inference_mode():
            summary = encoder.summarize(log_magnitude.to(synth.device))
            at = torch.tensor(pitches).to(synth.device)
            mean, _ = encoder.locate(summary, weights.to(synth.device), at)
        found = [
            Timbre.of(card, z.clamp(-Z_LIMIT, Z_LIMIT).tolist(), name) for z, name in zip(mean, names, strict=True)
        ]
        waves["reconstruction"] = play(synth, found, pitches, data)
    return waves

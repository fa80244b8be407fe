"""The judge: a small convolutional network that hears a note and says its pitch and its instrument.

It learns from the real training notes of a set, decoded to sound, and shares nothing with any model; so real and made
notes reach it in the same way. What GANSynth's paper (Engel et al. 2019, arXiv 1902.08710) measures with a pitch
classifier is measured with it. One trunk with two heads: FID and distances are
taken of its features, before the heads.

`python -m gansynth_core judge --data D --out FILE` trains one. Figures of two judges cannot be compared: a report names
its judge by the sha256 of its file.
"""

import argparse
import hashlib
import itertools
import json
import math
import os
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.nn import functional
from tqdm import tqdm

from gansynth_core.errors import DataError, InputError, ModelError
from gansynth_core.files import assets_folder, replacing
from gansynth_core.synth import choose_device
from gansynth_core.training.data.dataset import Array, NoteSet, open_sets

FORMAT = 1
SHIPPED = assets_folder() / "judge" / "judge.safetensors"
SHIPPED_SHA256 = "8a6d7b16806d5cbcdf27f518360ceef7cc30ccd74fa8e450b937684820ecf60a"  # it was saved without a checksum

WINDOW_SECONDS = 0.128
FRAMES = 64
BANDS_PER_OCTAVE = 24
LOWEST_HZ = 55.0  # below, a window of 0.128 s cannot separate semitones; low notes are known by their partials
FLOOR_DB = -60.0  # what lies lower is a recording's hiss, which must not tell the instrument
FEATURES = 128
UNKNOWN_TOLD = 5  # instruments of a set that a judge does not know
HEARD_AT_A_TIME = 32


@dataclass(frozen=True)
class JudgeCard:
    """What a judge hears and was trained on. sample_rate in Hz and samples: of the notes it takes. pitch_low: the MIDI
    pitch of the first of `pitches` classes. real_accuracy: on held-out real notes, shares by name."""

    sample_rate: int
    samples: int
    instruments: tuple[str, ...]
    pitch_low: int
    pitches: int
    sources: tuple[str, ...] = ()
    notes: int = 0
    epochs: int = 0
    seed: int = 0
    real_accuracy: dict[str, float] | None = None


@dataclass(frozen=True)
class Verdict:
    """What the judge says of notes: features float32 [notes, FEATURES], and the probabilities of every pitch
    [notes, pitches] and instrument [notes, instruments]."""

    features: Array
    pitch: Array
    instrument: Array


class JudgeNetwork(nn.Module):
    """Four halvings of bands and frames, then one dense layer, as the place of a band must count for the pitch."""

    def __init__(self, bands: int, pitches: int, instruments: int) -> None:
        super().__init__()
        widths = (1, 16, 32, 64, 96)
        layers: list[nn.Module] = []
        for number, (a, b) in enumerate(itertools.pairwise(widths)):
            size = 5 if number == 0 else 3
            layers += [nn.Conv2d(a, b, size, 2, size // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU()]
        self.trunk = nn.Sequential(*layers)
        halved = math.ceil(bands / 16) * (FRAMES // 16)
        self.summary = nn.Linear(widths[-1] * halved, FEATURES)
        self.pitch = nn.Linear(FEATURES, pitches)
        self.instrument = nn.Linear(FEATURES, instruments)

    def forward(self, levels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """levels [batch, frames, bands] in [0, 1] -> features [batch, FEATURES], logits of pitch and instrument."""
        x = self.trunk(levels[:, None].contiguous(memory_format=torch.channels_last))
        features = functional.relu(self.summary(functional.dropout(x.flatten(1), 0.2, self.training)))
        return features, self.pitch(features), self.instrument(features)


class Judge:
    """A trained network with its card. `sha256` of its file; empty before it is saved."""

    def __init__(self, card: JudgeCard, network: JudgeNetwork, device: str = "cpu", sha256: str = "") -> None:
        self.card, self.device, self.sha256 = card, device, sha256
        self.network = network.to(device).eval()

    @torch.inference_mode()
    def hear(self, levels: Tensor) -> Verdict:
        """levels float [notes, FRAMES, bands] from `levels_of` -> what the judge makes of the notes."""
        parts: list[list[Tensor]] = [[], [], []]
        for batch in levels.split(64):
            features, pitch, instrument = self.network(batch.to(self.device).float())
            for kept, found in zip(parts, (features, pitch.softmax(1), instrument.softmax(1)), strict=True):
                kept.append(found.cpu())
        return Verdict(*(torch.cat(part).numpy() for part in parts))

    def levels_of(self, waves: Tensor) -> Tensor:
        """waves float [notes, samples] at the judge's rate -> float32 [notes, FRAMES, bands] on the CPU."""
        return torch.cat([levels_of(part.to(self.device), self.card.sample_rate).cpu() for part in waves.split(64)])

    def pitch_classes(self, pitches: Array) -> Array:
        """MIDI pitches [n] -> the number of their class; -1 for one that the judge does not know."""
        classes = np.round(pitches).astype(int) - self.card.pitch_low
        return np.where((classes >= 0) & (classes < self.card.pitches), classes, -1)

    def instrument_classes(self, names: list[str]) -> Array:
        """Instrument names -> the number of their class; -1 for one that the judge does not know."""
        number = {name: place for place, name in enumerate(self.card.instruments)}
        return np.array([number.get(name, -1) for name in names], dtype=int)

    def unknown(self, data: NoteSet) -> str | None:
        """A sentence that says which instruments of the held-out notes of `data` this judge does not know, and how to
        train one that does; None if it knows all."""
        held_out = data.notes["instrument"][data.held_out()]
        names = sorted({data.instruments[number] for number in held_out} - set(self.card.instruments))
        if not names:
            return None
        some = ", ".join(names[:UNKNOWN_TOLD]) + (" ..." if len(names) > UNKNOWN_TOLD else "")
        return (
            f"This judge does not know {len(names)} of the set's instruments ({some}), so it cannot say whether their "
            "notes are recognised. Train one that does, and give it with --judge: "
            f"python -m gansynth_core judge --data {data.folder} --out judge.safetensors"
        )

    def check(self, data: NoteSet) -> None:
        """Raises DataError if the notes of `data` are not of the kind that this judge hears."""
        card, spec = self.card, data.spec
        if (card.sample_rate, card.samples) != (spec.sample_rate, spec.samples):
            raise DataError(
                f"This judge hears notes of {card.samples} samples at {card.sample_rate} Hz; those of "
                f"'{data.folder}' have {spec.samples} at {spec.sample_rate}. Train one for them with: "
                f"python -m gansynth_core judge --data {data.folder} --out judge.safetensors"
            )


# --- hearing -----------------------------------------------------------------------------------------------------


def bands_hz(sample_rate: int) -> Array:
    """Centres of the judge's bands, half a semitone apart up to Nyquist: float64 [bands]."""
    octaves = math.log2(sample_rate / 2 / LOWEST_HZ)
    return LOWEST_HZ * 2 ** (np.arange(int(octaves * BANDS_PER_OCTAVE)) / BANDS_PER_OCTAVE)


def levels_of(waves: Tensor, sample_rate: int) -> Tensor:
    """waves float [notes, samples] -> level in each band over time, float32 [notes, FRAMES, bands]: 1 for the loudest
    of the note, 0 for 60 dB below it and less, so that loudness does not count."""
    size = round(WINDOW_SECONDS * sample_rate)
    hop = math.ceil(waves.shape[1] / FRAMES)
    padded = functional.pad(waves, (size // 2, FRAMES * hop - waves.shape[1] + size // 2))
    window = torch.hann_window(size, device=waves.device)
    frames = padded.unfold(1, size, hop)[:, :FRAMES] * window
    power = torch.view_as_real(torch.fft.rfft(frames)).square().sum(dim=-1)
    levels = 10 * (power @ _bands(size, sample_rate).to(waves.device)).clamp_min(1e-12).log10()
    return ((levels - levels.amax(dim=(1, 2), keepdim=True)) / -FLOOR_DB + 1).clamp_min(0)


def _bands(size: int, sample_rate: int) -> Tensor:
    """Triangles over log frequency that take power of FFT bins to bands: float32 [size / 2 + 1, bands]. One that is
    narrower than the distance of two bins is made as wide, so that none is empty."""
    centres = bands_hz(sample_rate)
    bin_hz = sample_rate / size
    width = np.maximum(centres * (2 ** (1 / BANDS_PER_OCTAVE) - 1), bin_hz)
    hz = np.arange(size // 2 + 1)[:, None] * bin_hz
    triangles = np.maximum(0.0, 1 - np.abs(hz - centres) / width)
    return torch.from_numpy((triangles / triangles.sum(axis=0)).astype(np.float32))


def levels_of_notes(data: NoteSet, indices: Array, device: str = "cpu", *, quiet: bool = False) -> Tensor:
    """The real notes at `indices` (an array), decoded to sound and heard: float16 [notes, FRAMES, bands] on the CPU."""
    order = np.argsort(indices, kind="stable")  # as they lie on the disk
    parts = []
    with tqdm(total=len(indices), unit="note", desc="Hearing", disable=quiet) as bar:
        for rows in np.array_split(order, max(1, math.ceil(len(indices) / HEARD_AT_A_TIME))):
            waves = data.spec.decode(data.specgram(indices[rows]).to(device))
            parts.append(levels_of(waves, data.spec.sample_rate).half().cpu())
            bar.update(len(rows))
    heard = torch.cat(parts)
    return heard[torch.from_numpy(np.argsort(order))]


# --- training ----------------------------------------------------------------------------------------------------


def train_judge(
    data: NoteSet, *, notes: int = 20_000, epochs: int = 12, seed: int = 0, device: str = "cpu", batch: int = 64
) -> Judge:
    """A judge that learned from up to `notes` real training notes of `data`, drawn by `seed`; its card holds how often
    it is right about the held-out ones. Raises DataError if the set has no training or no held-out note, InputError
    for impossible numbers."""
    if notes < 2 or epochs < 1:
        raise InputError(f"A judge needs 2 notes and 1 epoch or more, not {notes} notes and {epochs} epochs.")
    training, held_out = data.training(), data.held_out()
    if len(training) < 2 or not len(held_out):
        raise DataError(f"'{data.folder}' needs both training notes and held-out ones to train a judge.")
    torch.manual_seed(seed)
    chosen = np.random.default_rng(seed).permutation(training)[:notes]
    low, high = round(float(data.notes["pitch"].min())), round(float(data.notes["pitch"].max()))
    card = JudgeCard(
        data.spec.sample_rate,
        data.spec.samples,
        data.instruments,
        low,
        high - low + 1,
        tuple(str(source.get("name")) for source in data.sources),
        len(chosen),
        epochs,
        seed,
    )
    levels = levels_of_notes(data, chosen, device)
    pitch = torch.from_numpy(np.round(data.notes[chosen]["pitch"]).astype(np.int64) - low)
    instrument = torch.from_numpy(data.notes[chosen]["instrument"].astype(np.int64))
    network = JudgeNetwork(levels.shape[2], card.pitches, len(card.instruments)).to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # which torch's types leave out
    steps = epochs * math.ceil(len(chosen) / batch)
    optimizer = torch.optim.AdamW(network.parameters(), lr=3e-3, weight_decay=0.02)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 3e-3, total_steps=steps, pct_start=0.15)
    with tqdm(total=steps, unit="step", desc="Training the judge") as bar:
        for _ in range(epochs):
            for rows in torch.randperm(len(chosen)).split(batch):
                x = levels[rows].to(device).float()
                # A little noise and gain, so that no instrument is known by an exact level.
                gain = 1 + 0.04 * torch.randn(len(rows), 1, 1, device=device)
                x = (x * gain + 0.02 * torch.randn_like(x)).clamp(0, 1)
                _, pitch_logits, instrument_logits = network(x)
                loss = functional.cross_entropy(pitch_logits, pitch[rows].to(device))
                loss = loss + functional.cross_entropy(instrument_logits, instrument[rows].to(device))
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
                schedule.step()
                bar.update()
            bar.set_postfix(loss=f"{loss.item():.2f}")
    network.half().float()  # what is saved is what is measured
    judge = Judge(card, network, device)
    return Judge(JudgeCard(**asdict(card) | {"real_accuracy": accuracy(judge, data, held_out)}), network, device)


def accuracy(judge: Judge, data: NoteSet, indices: Array) -> dict[str, float]:
    """How often the judge is right about real notes: shares from 0 to 1, of pitch (the class alone, and within an
    octave error) and instrument."""
    said = judge.hear(levels_of_notes(data, indices, judge.device, quiet=True))
    pitch = judge.pitch_classes(data.notes[indices]["pitch"])
    instrument = judge.instrument_classes([data.instruments[i] for i in data.notes[indices]["instrument"]])
    return {
        "notes": len(indices),
        "pitch": _share(said.pitch.argmax(axis=1) == pitch),
        "instrument_top_1": _share(said.instrument.argmax(axis=1) == instrument),
        "instrument_top_5": _share(ranks(said.instrument, instrument) < 5),
    }


def ranks(probabilities: Array, classes: Array) -> Array:
    """How many classes the judge finds likelier than the right one: int [notes], from probabilities
    [notes, classes] and the right classes [notes]."""
    right = probabilities[np.arange(len(classes)), classes]
    return np.asarray((probabilities > right[:, None]).sum(axis=1))


def _share(hits: Array) -> float:
    return round(float(hits.mean()), 4)


# --- files -------------------------------------------------------------------------------------------------------


def save_judge(path: str | os.PathLike[str], judge: Judge) -> str:
    """Write a judge as float16 safetensors with its card as metadata; returns the file's sha256."""
    tensors = {
        name: value.half().cpu().contiguous() if value.is_floating_point() else value.cpu()
        for name, value in judge.network.state_dict().items()
    }
    described = json.dumps(asdict(judge.card))
    metadata = {"format": str(FORMAT), "judge": described, "checksum": _checksum(described, tensors)}
    with replacing(path, DataError) as partial:
        safetensors.torch.save_file(tensors, partial, metadata)
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def load_judge(path: str | os.PathLike[str] = SHIPPED, device: str = "cpu") -> Judge:
    """The judge in a file, by default the shipped one. Raises ModelError if it is not a judge."""
    path = Path(path)
    if not path.is_file():
        raise ModelError(
            f"There is no judge '{path}'. Train one with: python -m gansynth_core judge --data SET --out {path}"
        )
    try:
        with safetensors.safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != str(FORMAT):
                raise ModelError(f"'{path}' is not a judge, or is from a newer version.")
            document = json.loads(metadata["judge"])
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a dict)
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        expected = SHIPPED_SHA256 if path == SHIPPED else None
        if expected not in (None, sha256) or (
            "checksum" in metadata and metadata["checksum"] != _checksum(metadata["judge"], weights)
        ):
            raise ValueError("its checksum differs")
        for name in ("instruments", "sources"):
            document[name] = tuple(document[name])
        card = JudgeCard(**document)
        network = JudgeNetwork(len(bands_hz(card.sample_rate)), card.pitches, len(card.instruments))
        network.load_state_dict(weights, strict=True)
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, safetensors.SafetensorError) as cause:
        raise ModelError(f"The judge '{path}' is damaged: {cause}") from cause
    network.requires_grad_(False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # as above
    return Judge(card, network.float(), device, sha256)


def _checksum(card: str, tensors: dict[str, Tensor]) -> str:
    """Of a judge's card and weights, whatever order they are kept in."""
    digest = hashlib.sha256(card.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        digest.update(tensor.contiguous().numpy().tobytes())
    return digest.hexdigest()


# --- the command -------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `judge`."""
    parser.add_argument(
        "--data", nargs="+", required=True, help="the training set (or sets) whose real notes it learns from"
    )
    parser.add_argument("--out", required=True, help="the file to write (.safetensors)")
    parser.add_argument("--notes", type=int, default=20_000, help="how many training notes at most (default: 20000)")
    parser.add_argument("--epochs", type=int, default=12, help="how often it hears each note (default: 12)")
    parser.add_argument("--seed", type=int, default=0, help="draws the notes and the first weights (default: 0)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")


def run(arguments: argparse.Namespace) -> None:
    """Train a judge as the command line says, write it and print how good it is."""
    data = open_sets(arguments.data)
    judge = train_judge(
        data,
        notes=arguments.notes,
        epochs=arguments.epochs,
        seed=arguments.seed,
        device=choose_device(arguments.device),
    )
    sha256 = save_judge(arguments.out, judge)
    for name, value in (judge.card.real_accuracy or {}).items():
        print(f"{name}: {value}")
    print(f"sha256: {sha256}")
    print(arguments.out)

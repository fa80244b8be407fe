"""Measuring a model beside real notes: `python -m gansynth_core evaluate`.

Held-out (instrument, pitch) pairs, which training never saw, are judged in three versions:
    real            the note of the prepared set, turned back into sound
    model           what a player hears: the same instrument and pitch, z drawn from the prior N(0, 1)
    reconstruction  the same, z being the encoder's mean for the real note (where the model has its encoder beside it)

Pitch: `pitch_tracker.hear` on each; in tune is within 25 cents. The headline is the model's share among the notes whose
real version is in tune, so that drums, effects and organs that sound an octave low count neither for nor against it.

Spectrum: `log_spectral_distance`, with four scales to read it by: the real note through the specgram and back (the best
a model could do), another velocity or variation of the same key, and a real note of another instrument at that pitch.
"""

import argparse
import dataclasses
import json
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor
from tqdm import tqdm

from gansynth_core.cards import ModelCard, model_folder, save_card
from gansynth_core.errors import DataError, InputError, ModelError
from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.instruments import families
from gansynth_core.latent import Z_LIMIT, Timbre, sample
from gansynth_core.pitches import pitch_label
from gansynth_core.sound import Clip
from gansynth_core.specgram import Representation
from gansynth_core.synth import Synth
from gansynth_core.training.dataset import NoteSet
from gansynth_core.training.pitch_tracker import cents_off, hear

FORMAT = 1
IN_TUNE_CENTS = 25.0
OCTAVE_CENTS = 50.0  # this near to a whole number of octaves off is an octave error
FLOOR_DB = -80.0  # below the real note's loudest bin: nothing there that an ear would find
FRAME_DB = -60.0  # a frame whose loudest bin is lower, in both notes, is a rest
BATCH = 12
SHOWN_IN_A_PICTURE = 8
KINDS = ("real", "model", "reconstruction")
DISTANCES = ("model", "reconstruction", "resynthesis", "variation", "other_instrument")


# --- the command -------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.add_argument("--model", default="studio", help="which model, or its folder (default: studio)")
    parser.add_argument("--data", required=True, help="the training set whose held-out notes are the measure")
    parser.add_argument("--out", required=True, help="folder for the report, its pictures and notes to listen to")
    parser.add_argument("--notes", type=int, default=400, help="how many held-out notes (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of notes and of the model's z (default: 0)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.add_argument("--into-card", action="store_true", help="keep the figures in the model's card, as its quality")


def run(arguments: argparse.Namespace) -> None:
    """Evaluate as the command line says, and print the headline figures."""
    folder = model_folder(arguments.model)
    synth = Synth.load(str(folder), device=arguments.device)
    data = NoteSet.open(arguments.data)
    encoder = load_encoder(folder, synth.card)
    figures = evaluate(synth, data, arguments.out, encoder=encoder, notes=arguments.notes, seed=arguments.seed)
    for name, value in figures.items():
        print(f"{name}: {value}")
    if arguments.into_card:
        save_card(folder, dataclasses.replace(synth.card, quality=figures))
    print(Path(arguments.out) / "report.md")


def load_encoder(folder: str | os.PathLike, card: ModelCard) -> StudioEncoder | None:
    """The encoder beside a model's weights, or None where there is none. Raises ModelError if it is damaged."""
    path = Path(folder) / "encoder.safetensors"
    if not path.is_file():
        return None
    encoder = StudioEncoder(card.specgram, len(card.instruments), card.latent_size)
    try:
        weights = safetensors.torch.load_file(path)
        encoder.load_state_dict({name: value.float() for name, value in weights.items()}, strict=True)
    except (OSError, RuntimeError, safetensors.SafetensorError) as cause:
        raise ModelError(f"The encoder '{path}' is damaged or belongs to another model: {cause}") from cause
    return encoder.eval().requires_grad_(False)


# --- measures ----------------------------------------------------------------------------------------------------


def levels_db(wave: Tensor, spec: Representation) -> Tensor:
    """wave float [batch, samples] -> STFT magnitude in dB [batch, frames, bins], each note scaled to an RMS of 1
    over its whole length, so that loudness does not count as a difference."""
    rms = wave.square().mean(dim=1, keepdim=True).sqrt().clamp_min(1e-9)
    return 20 * spec.stft(wave / rms).abs().clamp_min(1e-9).log10()


def log_spectral_distance(real: Tensor, other: Tensor) -> Tensor:
    """How far `other` is from `real`, both dB [batch, frames, bins] from `levels_db`: dB [batch].

    Per frame the root mean square over all bins of the difference in dB (Gray & Markel 1976, IEEE ASSP-24), both
    floored 80 dB below the real note's loudest bin; then the mean over the frames in which one of the two sounds (a bin
    above -60 dB). Two draws of one noise are 7.9 dB apart: ln(Rayleigh) has a spread of pi / sqrt(24) nepers.
    """
    peak = real.amax(dim=(1, 2), keepdim=True)
    real, other = (torch.maximum(levels - peak, torch.tensor(FLOOR_DB)) for levels in (real, other))
    sounding = torch.maximum(real, other).amax(dim=2) > FRAME_DB
    per_frame = (real - other).square().mean(dim=2).sqrt()
    return (per_frame * sounding).sum(dim=1) / sounding.sum(dim=1).clamp_min(1)


def is_in_tune(cents: np.ndarray) -> np.ndarray:
    """cents [n], NaN for unpitched -> bool [n]."""
    return np.abs(cents) <= IN_TUNE_CENTS


def is_octave_error(cents: np.ndarray) -> np.ndarray:
    """cents [n], NaN for unpitched -> bool [n]: one or more whole octaves off, within 50 cents."""
    octaves = np.round(cents / 1200)
    return (octaves != 0) & (np.abs(cents - 1200 * octaves) <= OCTAVE_CENTS)


# --- which notes -------------------------------------------------------------------------------------------------


def choose_notes(data: NoteSet, card: ModelCard, count: int, seed: int) -> np.ndarray:
    """Indices of up to `count` held-out notes that the model can play, spread evenly over the instruments; of each, all
    its pitches before a second variation of one.

    Raises DataError if there is none, InputError for a count below 1.
    """
    if count < 1:
        raise InputError(f"At least one note is needed to measure by, not {count}.")
    if data.spec != card.specgram:
        raise DataError(f"'{data.folder}' was prepared for models of another specgram than '{card.id}'.")
    queue = []
    for index in np.random.default_rng(seed).permutation(data.held_out()):
        instrument, pitch = _name(data, index), float(data.notes[index]["pitch"])
        known = not card.instruments or instrument in card.instruments
        if known and card.pitch_low <= pitch <= card.pitch_high:
            queue.append((int(index), instrument, pitch))
    if not queue:
        raise DataError(f"'{data.folder}' has no held-out note that '{card.id}' could be measured by.")
    queue = _in_turns(queue, lambda note: note[1:])
    queue = _in_turns(queue, lambda note: note[1])
    return np.sort([index for index, *_ in queue[:count]])


def _in_turns(queue: list, key: Callable) -> list:
    """`queue` reordered: the first item of every key, then the second of every key, and so on."""
    met = Counter()
    turns = []
    for item in queue:
        turns.append(met[key(item)])
        met[key(item)] += 1
    return [queue[place] for place in np.argsort(turns, kind="stable")]


def _name(data: NoteSet, index: int) -> str:
    return data.instruments[data.notes[index]["instrument"]]


def _variation_of(data: NoteSet, index: int) -> int | None:
    """Another note of the same instrument and pitch, the next one in the set; None if there is none."""
    note = data.notes[index]
    same = np.flatnonzero((data.notes["instrument"] == note["instrument"]) & (data.notes["pitch"] == note["pitch"]))
    return int(same[(np.searchsorted(same, index) + 1) % len(same)]) if len(same) > 1 else None


def _other_instrument(data: NoteSet, index: int, random: np.random.Generator) -> int | None:
    """A random note of another instrument at the same pitch; None if there is none."""
    note = data.notes[index]
    others = np.flatnonzero((data.notes["instrument"] != note["instrument"]) & (data.notes["pitch"] == note["pitch"]))
    return int(random.choice(others)) if len(others) else None


# --- judging -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Judged:
    """One held-out note and what was measured on its versions. cents: by kind, NaN for unpitched. distance: dB by what
    the real note was compared with (DISTANCES). level_db: how much louder the model's note is, RMS."""

    index: int
    instrument: str
    family: str
    pitch: float
    velocity: int
    cents: dict[str, float]
    distance: dict[str, float]
    level_db: float


def evaluate(
    synth: Synth,
    data: NoteSet,
    out: str | os.PathLike,
    *,
    encoder: StudioEncoder | None = None,
    notes: int = 400,
    seed: int = 0,
) -> dict[str, float | int]:
    """Measure `synth` on up to `notes` held-out notes of `data`; write report.md, report.json, pictures and WAVs to the
    folder `out`; return the headline figures, shares from 0 to 1.

    An earlier report in `out` is replaced as a whole; a folder with anything else in it is left alone (InputError).
    Raises DataError if the set and the model do not fit together or the report cannot be written.
    """
    out = Path(out)
    if out.exists() and not (out / "report.json").is_file() and any(out.iterdir()):
        raise InputError(f"'{out}' holds other things than a report: choose another folder.")
    chosen = choose_notes(data, synth.card, notes, seed)
    shown = _one_of_each_family(data, chosen)
    judged, shown_waves = [], []
    with tqdm(total=len(chosen), unit="note", desc="Listening") as bar:
        for start in range(0, len(chosen), BATCH):
            batch = chosen[start : start + BATCH]
            waves = _versions(synth, data, encoder, batch, seed)
            judged += _judge(synth, data, batch, waves, seed)
            for row, index in enumerate(batch):
                if int(index) in shown:
                    shown_waves.append((judged[start + row], {kind: wave[row].numpy() for kind, wave in waves.items()}))
            bar.update(len(batch))
    document = _summary(synth.card, data, judged, seed)
    _write_whole(out, lambda folder: _write(folder, document, judged, shown_waves, synth.card.specgram))
    return document["headline"]


def _versions(
    synth: Synth, data: NoteSet, encoder: StudioEncoder | None, batch: np.ndarray, seed: int
) -> dict[str, Tensor]:
    """float [batch, samples] by kind; no reconstruction without an encoder."""
    card, pitches = synth.card, data.notes[batch]["pitch"]
    names = [_name(data, index) if card.instruments else None for index in batch]
    specgram = data.specgram(batch)
    waves = {"real": data.spec.decode(specgram)}
    drawn = [sample(card, 1, seed + int(index), name)[0] for index, name in zip(batch, names, strict=True)]
    waves["model"] = torch.from_numpy(synth.render(drawn, pitches).audio)
    if encoder is not None:
        weights = torch.tensor([[float(name == own) for own in card.instruments] for name in names])
        with torch.inference_mode():
            mean, _ = encoder.locate(encoder.summarize(specgram[:, 0, ::FRAME_STEP]), weights)
        found = [
            Timbre.of(card, z.clamp(-Z_LIMIT, Z_LIMIT).tolist(), name) for z, name in zip(mean, names, strict=True)
        ]
        waves["reconstruction"] = torch.from_numpy(synth.render(found, pitches).audio)
    return waves


def _judge(synth: Synth, data: NoteSet, batch: np.ndarray, waves: dict[str, Tensor], seed: int) -> list[Judged]:
    card, spec = synth.card, data.spec
    family_of = {name: family for family, names in families(data.instruments).items() for name in names}
    levels = levels_db(waves["real"], spec)
    through = spec.decode(spec.encode(waves["real"]), synth.griffin_lim_steps)
    distances = {kind: log_spectral_distance(levels, levels_db(waves[kind], spec)) for kind in waves if kind != "real"}
    distances["resynthesis"] = log_spectral_distance(levels, levels_db(through, spec))
    compared = {
        "variation": [_variation_of(data, index) for index in batch],
        "other_instrument": [_other_instrument(data, i, np.random.default_rng((seed, int(i)))) for i in batch],
    }
    for name, indices in compared.items():
        # A note that has no counterpart is compared with itself and the result is dropped.
        counterpart = np.array([index if other is None else other for index, other in zip(batch, indices, strict=True)])
        distance = log_spectral_distance(levels, levels_db(spec.decode(data.specgram(counterpart)), spec))
        missing = torch.tensor([other is None for other in indices])
        distances[name] = distance.masked_fill(missing, float("nan"))
    rms = {kind: wave.square().mean(dim=1).sqrt().clamp_min(1e-9) for kind, wave in waves.items()}
    louder = 20 * (rms["model"] / rms["real"]).log10()

    judged = []
    for row, index in enumerate(batch):
        note, name = data.notes[index], _name(data, index)
        pitch = float(note["pitch"])
        cents = {}
        for kind, wave in waves.items():
            heard = hear(wave[row].numpy(), spec.sample_rate, card.pitch_low, card.pitch_high)
            cents[kind] = cents_off(heard.hz, pitch)
        distance = {key: float(value[row]) for key, value in distances.items()}
        facts = (int(index), name, family_of[name], pitch, int(note["velocity"]))
        judged.append(Judged(*facts, cents, distance, float(louder[row])))
    return judged


# --- figures -----------------------------------------------------------------------------------------------------


def pitch_figures(judged: Sequence[Judged], kind: str) -> dict[str, float | int | None]:
    """Shares (0 to 1) and cents of one kind over `judged`. "fair" is over the notes whose real version is in tune;
    "follows_real" is the share within 25 cents of what the real version is heard at, where that has a pitch at all: it
    also tells an organ that should sound an octave low."""
    cents = np.array([note.cents[kind] for note in judged])
    real = np.array([note.cents["real"] for note in judged])
    fair = cents[is_in_tune(real)]
    pitched = fair[~np.isnan(fair)]
    return {
        "notes": len(cents),
        "in_tune": _share(is_in_tune(cents)),
        "octave_errors": _share(is_octave_error(cents)),
        "unpitched": _share(np.isnan(cents)),
        "follows_real": _share(is_in_tune((cents - real)[~np.isnan(real)])),
        "fair_notes": len(fair),
        "fair_in_tune": _share(is_in_tune(fair)),
        "fair_octave_errors": _share(is_octave_error(fair)),
        "fair_unpitched": _share(np.isnan(fair)),
        "fair_median_cents": round(float(np.median(np.abs(pitched))), 2) if len(pitched) else None,
    }


def _share(hits: np.ndarray) -> float | None:
    return round(float(hits.mean()), 4) if len(hits) else None


def _mean_distance(judged: Sequence[Judged], kind: str) -> dict[str, float | int | None]:
    values = np.array([note.distance[kind] for note in judged if not np.isnan(note.distance[kind])])
    return {"notes": len(values), "db": round(float(values.mean()), 2) if len(values) else None}


def _summary(card: ModelCard, data: NoteSet, judged: Sequence[Judged], seed: int) -> dict:
    kinds = [kind for kind in KINDS if kind in judged[0].cents]
    pitch = {kind: pitch_figures(judged, kind) for kind in kinds}
    distance = {kind: _mean_distance(judged, kind) for kind in DISTANCES if kind in judged[0].distance}
    held_out = data.notes[data.held_out()]
    by_family = _grouped(judged, lambda note: note.family)
    by_instrument = _grouped(judged, lambda note: note.instrument)
    headline = {
        "notes": len(judged),
        "notes_real_in_tune": pitch["real"]["fair_notes"],
        "in_tune_share": pitch["model"]["fair_in_tune"],
        "in_tune_median_cents": pitch["model"]["fair_median_cents"],
        "octave_error_share": pitch["model"]["fair_octave_errors"],
        "follows_real_share": pitch["model"]["follows_real"],
        "real_median_cents": pitch["real"]["fair_median_cents"],
        "log_spectral_distance_db": distance["model"]["db"],
        "real_variation_distance_db": distance["variation"]["db"],
        "other_instrument_distance_db": distance["other_instrument"]["db"],
    }
    if "reconstruction" in kinds:
        headline["reconstruction_in_tune_share"] = pitch["reconstruction"]["fair_in_tune"]
        headline["reconstruction_distance_db"] = distance["reconstruction"]["db"]
    return {
        "format": FORMAT,
        "model": {"id": card.id, "sha256": card.sha256, "training": card.training},
        "data": {
            "notes": len(data),
            "held_out_notes": len(held_out),
            "held_out_pairs": len(np.unique(held_out[["instrument", "pitch"]])),
            "sources": [{key: source.get(key) for key in ("name", "licence", "notes")} for source in data.sources],
        },
        "seed": seed,
        "headline": headline,
        "pitch": pitch,
        "distance": distance,
        "louder_db": {
            "median": round(float(np.median([note.level_db for note in judged])), 2),
            "half_within": round(float(np.median(np.abs([note.level_db for note in judged]))), 2),
        },
        "families": {
            name: {
                "pitch": {kind: pitch_figures(notes, kind) for kind in kinds},
                "distance": {kind: _mean_distance(notes, kind) for kind in distance},
            }
            for name, notes in by_family.items()
        },
        "instruments": {
            name: {
                "notes": len(notes),
                "fair_in_tune": pitch_figures(notes, "model")["fair_in_tune"],
                "distance": {kind: _mean_distance(notes, kind)["db"] for kind in distance},
            }
            for name, notes in by_instrument.items()
        },
    }


def _grouped(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for note in judged:
        groups.setdefault(key(note), []).append(note)
    return groups


def _one_of_each_family(data: NoteSet, chosen: np.ndarray) -> set[int]:
    """Of every family the chosen note nearest to middle C, where a picture shows most."""
    family_of = {name: family for family, names in families(data.instruments).items() for name in names}
    nearest: dict[str, int] = {}
    for index in sorted(chosen, key=lambda index: abs(float(data.notes[index]["pitch"]) - 60)):
        nearest.setdefault(family_of[_name(data, index)], int(index))
    return set(nearest.values())


# --- the report --------------------------------------------------------------------------------------------------


def _write_whole(out: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a folder beside `out`, then put it in the place of `out`."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as name:
            fresh, old = Path(name) / "new", Path(name) / "old"
            fresh.mkdir()
            write(fresh)
            if out.exists():
                out.rename(old)
            fresh.rename(out)
            shutil.rmtree(old, ignore_errors=True)
    except OSError as cause:
        raise DataError(f"Cannot write the report '{out}': {cause.strerror or cause}.") from cause


def _write(
    folder: Path,
    document: dict,
    judged: Sequence[Judged],
    shown: Sequence[tuple[Judged, dict[str, np.ndarray]]],
    spec: Representation,
) -> None:
    (folder / "listen").mkdir()
    for note, waves in shown:
        for kind, wave in waves.items():
            name = f"{note.instrument}_{pitch_label(note.pitch)}_{kind}.wav"
            Clip(wave, spec.sample_rate).save(folder / "listen" / name, subtype="PCM_16")
    pictures = []
    for start in range(0, len(shown), SHOWN_IN_A_PICTURE):
        pictures.append(f"notes_{len(pictures) + 1}.png")
        _draw(folder / pictures[-1], shown[start : start + SHOWN_IN_A_PICTURE], spec)
    (folder / "report.md").write_text(_markdown(document, judged, pictures), encoding="utf-8")
    notes = [_without_nan(dataclasses.asdict(note)) for note in judged]
    text = json.dumps(document | {"judged": "JUDGED"}, indent=1, allow_nan=False)
    rows = ",\n  ".join(json.dumps(note, allow_nan=False) for note in notes)  # a note a line, not thirty
    (folder / "report.json").write_text(text.replace('"JUDGED"', f"[\n  {rows}\n ]") + "\n", encoding="utf-8")


def _without_nan(value):
    """JSON knows no NaN: unpitched and missing become null."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 3)
    return value


def _draw(path: Path, shown: Sequence[tuple[Judged, dict[str, np.ndarray]]], spec: Representation) -> None:
    """A row a note, a column a kind: log-frequency spectrograms, 80 dB from the real note's loudest bin down."""
    from matplotlib.figure import Figure  # slow to import, and only wanted here

    kinds = [kind for kind in KINDS if kind in shown[0][1]]
    figure = Figure(figsize=(4 * len(kinds), 2.1 * len(shown) + 0.5), layout="constrained")
    axes = figure.subplots(len(shown), len(kinds), squeeze=False, sharex=True, sharey=True)
    low, high = 30.0, spec.sample_rate / 2
    edges = np.geomspace(low, high, 257) / spec.bin_hz - 1  # in bins, counted from 0
    first = np.clip(np.floor(edges[:-1]).astype(int), 0, spec.bins - 1)
    ticks = [hz for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10000) if hz < high]
    image = None
    for row, (note, waves) in zip(axes, shown, strict=True):
        for axis, kind in zip(row, kinds, strict=True):
            levels = levels_db(torch.from_numpy(waves[kind])[None], spec)[0].numpy()
            if kind == "real":
                peak = levels.max()
            # The loudest bin of each band; several bands share a bin at the low end.
            bands = np.maximum.reduceat(levels - peak, first, axis=1)
            extent = (0, spec.seconds, np.log10(low), np.log10(high))
            image = axis.imshow(
                bands.T, origin="lower", aspect="auto", extent=extent, vmin=FLOOR_DB, vmax=0, cmap="magma"
            )
            cents = note.cents[kind]
            heard = "no pitch" if np.isnan(cents) else f"{cents:+.0f} cents"
            axis.set_title(f"{kind}: {note.instrument} {note.pitch:g}, {heard}", fontsize=8)
            axis.set_yticks(np.log10(ticks), [f"{hz / 1000:g}k" if hz >= 1000 else str(hz) for hz in ticks], fontsize=7)
            axis.tick_params(axis="x", labelsize=7)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("Hz", fontsize=9)
    figure.colorbar(image, ax=axes, label="dB", aspect=60, fraction=0.02)
    figure.savefig(path, dpi=80)


def _markdown(document: dict, judged: Sequence[Judged], pictures: Sequence[str]) -> str:
    model, data, headline = document["model"], document["data"], document["headline"]
    kinds, distances = list(document["pitch"]), list(document["distance"])
    sources = ", ".join(f"{s['name']} ({s['notes']} notes, licence {s['licence']})" for s in data["sources"])
    training = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in model["training"].items())
    farthest = sorted(document["instruments"].items(), key=lambda item: -item[1]["distance"]["model"])
    lines = [
        f"# {model['id']} beside real notes",
        "",
        f"Of {headline['notes_real_in_tune']} held-out notes that are in tune when real, "
        f"**{_percent(headline['in_tune_share'])}** of the model's are.",
        "",
        f"- Model: `{model['id']}`, weights sha256 `{model['sha256']}`" + (f"; {training}" if training else ""),
        f"- Data: {data['notes']} notes of {sources}; held out from training: {data['held_out_notes']} notes, "
        f"{data['held_out_pairs']} pairs of instrument and pitch",
        f"- Measured: {headline['notes']} held-out notes, seed {document['seed']}",
        "- real: the note of the set; model: the same instrument and pitch, z drawn from N(0, 1)"
        + ("; reconstruction: z found by the encoder from the real note" if "reconstruction" in kinds else ""),
        "",
        "## Pitch",
        "",
        f"In tune: within {IN_TUNE_CENTS:g} cents by Praat's autocorrelation, which is not told the key. "
        "Follows real: within 25 cents of what the real note is heard at, where that has a pitch. "
        "The columns after it count only notes whose real version is in tune.",
        "",
        *_table(
            ["version", *_PITCH_HEAD, "follows real", *_PITCH_HEAD, "median error"],
            [
                [
                    kind,
                    str(f["notes"]),
                    *(_percent(f[key]) for key in ("in_tune", "octave_errors", "unpitched", "follows_real")),
                    str(f["fair_notes"]),
                    *(_percent(f[key]) for key in ("fair_in_tune", "fair_octave_errors", "fair_unpitched")),
                    _number(f["fair_median_cents"], "cents"),
                ]
                for kind, f in document["pitch"].items()
            ],
        ),
        "## Spectrum",
        "",
        "Log-spectral distance to the real note: RMS over bins of the difference in dB, loudness aligned, floor "
        f"{FLOOR_DB:g} dB, mean over sounding frames. Last three: scales made of real notes alone.",
        "",
        *_table(
            ["real note beside", "notes", "distance"],
            [[_TITLES[k], str(v["notes"]), _number(v["db"], "dB")] for k, v in document["distance"].items()],
        ),
        f"Loudness: the model's notes are {document['louder_db']['median']:+.1f} dB from the real ones (median; half "
        f"of them within {document['louder_db']['half_within']:.1f} dB).",
        "",
        "## Families",
        "",
        "Pitch: real in tune, and the model's share of those. Drums and effects have no pitch to judge.",
        "",
        *_table(
            ["family", "notes", "real in tune", *(f"{kind} of those" for kind in kinds[1:]), "median error"]
            + [f"dB {_SHORT[kind]}" for kind in distances],
            [
                [name, str(f["pitch"]["real"]["notes"]), str(f["pitch"]["real"]["fair_notes"])]
                + [_percent(f["pitch"][kind]["fair_in_tune"]) for kind in kinds[1:]]
                + [_number(f["pitch"]["model"]["fair_median_cents"], "cents")]
                + [_number(f["distance"][kind]["db"]) for kind in distances]
                for name, f in document["families"].items()
            ],
        ),
        "## Instruments farthest from their real sound",
        "",
        *_table(
            ["instrument", "notes", *(f"dB {_SHORT[kind]}" for kind in distances)],
            [
                [name, str(f["notes"]), *(_number(f["distance"][kind]) for kind in distances)]
                for name, f in farthest[:10]
            ],
        ),
        "## Notes out of tune",
        "",
        *_missed(judged),
        "## To look at and to listen to",
        "",
        "The same notes lie in `listen/` as WAV files.",
        "",
        *(f"![Spectrograms of real notes beside the model's]({name})" for name in pictures),
    ]
    return "\n".join(lines) + "\n"


_PITCH_HEAD = ("notes", "in tune", "octaves off", "no pitch")
_TITLES = {
    "model": "the model's note",
    "reconstruction": "its reconstruction",
    "resynthesis": "itself through specgram and back",
    "variation": "another velocity or variation of the same key",
    "other_instrument": "another instrument at the same pitch",
}
_SHORT = {
    "model": "model",
    "reconstruction": "reconstruction",
    "resynthesis": "resynthesis",
    "variation": "variation",
    "other_instrument": "other instrument",
}


def _missed(judged: Sequence[Judged]) -> list[str]:
    fair = [note for note in judged if abs(note.cents["real"]) <= IN_TUNE_CENTS]
    missed = [note for note in fair if not abs(note.cents["model"]) <= IN_TUNE_CENTS]
    if not missed:
        return ["None.", ""]
    missed.sort(key=lambda note: -np.nan_to_num(abs(note.cents["model"]), nan=np.inf))
    shown = missed[:20]
    rows = [
        [n.instrument, f"{n.pitch:g}", *(_number(n.cents[kind], "cents") for kind in KINDS if kind in n.cents)]
        for n in shown
    ]
    more = [f"... and {len(missed) - len(shown)} more in report.json.", ""] if len(missed) > len(shown) else []
    return _table(["instrument", "pitch", *(kind for kind in KINDS if kind in shown[0].cents)], rows) + more


def _table(head: list[str], rows: list[list[str]]) -> list[str]:
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]] + [""]


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"


def _number(value: float | None, unit: str = "") -> str:
    return "-" if value is None or np.isnan(value) else f"{value:.1f} {unit}".strip()

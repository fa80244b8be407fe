"""A map of a model's sounds: thousands of sampled timbres laid out in the plane, close together where they are alike.

It has two layouts of the same points, by latent (what the network makes of z and instrument) and by sound (what is
measured on the rendered note), both by UMAP (McInnes, Healy & Melville 2018, arXiv 1802.03426).
"""

import argparse
import hashlib
import json
import math
import os
import time
import zipfile
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansynth_core.cards import BUNDLED_MODELS, ModelCard, model_folder
from gansynth_core.descriptors import DESCRIPTORS, furthest_apart, heard_evenly, measure
from gansynth_core.errors import InputError, ModelError
from gansynth_core.files import replacing
from gansynth_core.latent import Timbre, blend, sample
from gansynth_core.packs.quality import FLOOR_DB, STEPS_A_DB, fingerprint
from gansynth_core.pitches import parse_pitch
from gansynth_core.synth import BATCH, Synth

FORMAT = 1
LAYOUTS = ("latent", "sound")
POINTS, PITCH = 5120, 60.0
# What reading a file raises whose bytes were changed.
DAMAGED = (ValueError, KeyError, TypeError, EOFError, NotImplementedError, RuntimeError, RecursionError)
MARGIN = 0.03  # empty border around a layout, as a share of its width
NEIGHBOURS, LEAST_DISTANCE, EPOCHS = 25, 0.35, 300
EVENNESS = 0.5  # how far points move from where UMAP puts them towards an even share of the map for each
GAP = 0.8  # between points, of the distance they would have if they filled the map evenly
COMPONENTS = 24  # principal components of the fingerprints, before UMAP
DESCRIPTOR_SHARE = 0.5  # of the distance by sound; the rest is for level over time and frequency
ON_POINT = 1e-9  # a place this close to a point is the point itself


@dataclass(frozen=True, eq=False)
class Atlas:
    """The map of one model. Point i is `sample(card, 1, seeds[i], instrument)[0]`, so no z is stored.

    layouts: for each of LAYOUTS float32 [points, 2] in [0, 1]. descriptors: float32 [points, descriptors], as `measure`
    gives them for the note at `pitch` (MIDI). descriptor_names: of the columns. instruments: int16 [points], index
    in the card's instruments, -1 for a model without. seeds: int64 [points].
    """

    card: ModelCard
    pitch: float
    layouts: dict[str, NDArray[np.float32]]
    descriptors: NDArray[np.float32]
    descriptor_names: tuple[str, ...]
    instruments: NDArray[np.int16]
    seeds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.seeds)

    # --- files ------------------------------------------------------------------------------------------------------

    @classmethod
    def find(cls, folder: str | os.PathLike[str], card: ModelCard) -> "Atlas | None":
        """The map of the model in `folder`, or None if there is none. Raises ModelError as `load` does."""
        path = atlas_path(folder)
        return cls.load(path, card) if path.is_file() else None

    @classmethod
    def load(cls, path: str | os.PathLike[str], card: ModelCard) -> "Atlas":
        """Read a map of `card`'s model. Raises ModelError if it cannot be read or was made with other weights."""
        try:
            with zipfile.ZipFile(path) as archive:  # numpy itself does not look at the checksums
                if archive.testzip() is not None:
                    raise ValueError("a checksum differs")
            with np.load(path, allow_pickle=False) as file:
                facts = json.loads(str(file["facts"]))
                if facts["format"] != FORMAT:
                    found = f"has format {facts['format']!r}. This version reads only format {FORMAT}."
                    raise ModelError(f"The map '{path}' {found}")
                if (facts["sha256"], facts["specgram"]) != (card.sha256, specgram_digest(card)):
                    raise ModelError(
                        f"The map '{path}' was made with other weights than '{card.id}' has now. "
                        f"Make a new one with: python -m gansynth_core atlas --model {card.id}"
                    )
                atlas = cls(
                    card,
                    float(facts["pitch"]),
                    {name: file[name] for name in LAYOUTS},
                    file["descriptors"],
                    tuple(facts["descriptors"]),
                    file["instruments"],
                    file["seeds"],
                )
            atlas._check()
        except OSError as cause:
            raise ModelError(f"Cannot read the map '{path}': {cause.strerror or cause}.") from cause
        except (*DAMAGED, zipfile.BadZipFile, zlib.error) as cause:
            raise ModelError(f"The map '{path}' is damaged: {cause}.") from cause
        return atlas

    def _check(self) -> None:
        count = len(self.seeds)
        arrays: list[NDArray[Any]] = [*self.layouts.values(), self.descriptors, self.instruments]
        shapes = [array.shape for array in arrays]
        wanted = [(count, 2)] * len(LAYOUTS) + [(count, len(self.descriptor_names)), (count,)]
        low = -1 if not self.card.instruments else 0
        known = count and low <= self.instruments.min() and self.instruments.max() < max(0, len(self.card.instruments))
        if shapes != wanted or not known or self.seeds.min() < 0:
            raise ValueError("its parts do not fit together")
        if not all(np.isfinite(array).all() for array in (*self.layouts.values(), self.descriptors)):
            raise ValueError("some of its numbers are not finite")

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the map to `path` (.npz), whole or not at all. Raises ModelError."""
        facts = {
            "format": FORMAT,
            "model": self.card.id,
            "sha256": self.card.sha256,
            "specgram": specgram_digest(self.card),
            "pitch": self.pitch,
            "descriptors": list(self.descriptor_names),
            "umap": {
                "n_neighbors": NEIGHBOURS,
                "min_dist": LEAST_DISTANCE,
                "n_epochs": EPOCHS,
                "spread": [EVENNESS, GAP],
            },
        }
        with replacing(path, ModelError) as partial, open(partial, "wb") as file:
            arrays: dict[str, Any] = {
                "facts": np.array(json.dumps(facts)),
                **{name: layout.astype(np.float32) for name, layout in self.layouts.items()},
                "descriptors": self.descriptors.astype(np.float32),
                "instruments": self.instruments.astype(np.int16),
                "seeds": self.seeds.astype(np.int64),
            }
            np.savez_compressed(file, **arrays)

    # --- points -----------------------------------------------------------------------------------------------------

    def timbre(self, point: int) -> Timbre:
        """The sound of a point. Raises InputError for a point that does not exist."""
        if not 0 <= point < len(self):
            raise InputError(f"The map has the points 0 to {len(self) - 1}, not {point}.")
        return sample(self.card, 1, int(self.seeds[point]), self.instrument(point))[0]

    def instrument(self, point: int) -> str | None:
        """The name of a point's instrument; None for a model without instruments."""
        index = int(self.instruments[point])
        return None if index < 0 else self.card.instruments[index]

    def nearest(
        self, x: float, y: float, layout: str = "latent", k: int = 1
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        """The `k` points nearest to a place and how far away they are: (int [k], float [k]), nearest first.

        Raises InputError for an unknown layout, a place that is not finite, or a k below 1 or above the number of
        points.
        """
        if not (math.isfinite(x) and math.isfinite(y)):
            raise InputError(f"({x}, {y}) is not a place on the map.")
        if not 1 <= k <= len(self):
            raise InputError(f"The map has {len(self)} points. It cannot give the nearest {k}.")
        distance = np.hypot(*(self._layout(layout).astype(float) - (x, y)).T)
        order = np.argpartition(distance, k - 1)[:k]
        order = order[np.argsort(distance[order], kind="stable")]
        return order, distance[order]

    def blend_at(self, x: float, y: float, layout: str = "latent", k: int = 4) -> Timbre:
        """The sound at any place: a blend of the `k` nearest points, or exactly the point that the place is on. Along a
        path it changes without a jump: the weight of a point is ((r - d) / (r d))^2 (Franke & Little's weights, in
        Franke 1982, "Scattered data interpolation") with d its distance and r that of the first point left out, so
        points enter and leave at zero. Raises InputError as `nearest` does."""
        points, distances = self.nearest(x, y, layout, k + 1 if 1 <= k < len(self) else k)
        if distances[0] < ON_POINT:
            return self.timbre(int(points[0]))
        reach = distances[-1] if len(points) > k else 2 * distances[-1]
        points, distances = points[:k], distances[:k]
        weights = np.square(1 / distances - 1 / reach)
        if weights.max() < 1e-6 / distances[0] ** 2:  # all as far away as the one left out
            weights = 1 / np.square(distances)
        return blend([self.timbre(int(point)) for point in points], weights.tolist())

    def inside(self, polygon: Sequence[tuple[float, float]], layout: str = "latent") -> NDArray[np.intp]:
        """The points inside a polygon (int, ascending), by the even-odd rule. Raises InputError for fewer than three
        corners or corners that are not finite."""
        corners = np.array(polygon, dtype=float).reshape(-1, 2)
        if len(corners) < 3 or not np.isfinite(corners).all():
            raise InputError("A lasso needs at least three corners.")
        x, y = self._layout(layout).astype(float).T
        within = np.zeros(len(self), bool)
        for (x0, y0), (x1, y1) in zip(corners, np.roll(corners, -1, axis=0), strict=True):
            if y0 != y1:  # a ray to the right of the point crosses this edge
                within ^= ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
        return np.flatnonzero(within)

    def most_different(self, points: Sequence[int], count: int) -> list[int]:
        """The `count` of `points` that sound most different (all if there are fewer), as `furthest_apart` chooses them.
        Raises InputError for a count below 1 and for points that do not exist."""
        chosen_from = np.unique(np.asarray(points, dtype=int))
        if count < 1:
            raise InputError(f"At least one sound must be chosen, not {count}.")
        if len(chosen_from) and not 0 <= chosen_from[0] <= chosen_from[-1] < len(self):
            raise InputError(f"The map has the points 0 to {len(self) - 1}.")
        if len(chosen_from) <= count:
            return [int(point) for point in chosen_from]
        heard = heard_evenly(self.descriptors, self.descriptor_names)[chosen_from]
        return [int(chosen_from[row]) for row in furthest_apart(heard, count)]

    def _layout(self, name: str) -> NDArray[np.float32]:
        if name not in self.layouts:
            raise InputError(f"There is no layout '{name}'. Choose {' or '.join(self.layouts)}.")
        return self.layouts[name]


def atlas_path(folder: str | os.PathLike[str]) -> Path:
    """Where the map of a model is: assets/atlas/ID.npz for a bundled one, else atlas.npz in its `folder`."""
    folder = Path(folder).resolve()
    if folder.parent == BUNDLED_MODELS:
        return BUNDLED_MODELS.parent / "atlas" / f"{folder.name}.npz"
    return folder / "atlas.npz"


def specgram_digest(card: ModelCard) -> str:
    """Sixteen hex digits of the constants that turn a model's specgrams into sound."""
    return hashlib.sha256(json.dumps(card.specgram.to_json(), sort_keys=True).encode()).hexdigest()[:16]


# --- making one -------------------------------------------------------------------------------------------------------


def build_atlas(
    synth: Synth,
    points: int = POINTS,
    pitch: float = PITCH,
    *,
    seed: int = 0,
    progress: Callable[[int, int], object] = lambda done, total: None,
    laying_out: Callable[[str], object] = lambda layout: None,
) -> Atlas:
    """Sample, render, measure and lay out `points` sounds of a model.

    The instruments take turns: the points are seeds 0, 1, 2 ... of each. pitch: the note to measure, MIDI, moved to the
    nearest one that the model learned. seed: for UMAP; the same seed makes the same map on the same machine.
    progress(done, total) is called after every batch of notes, laying_out(name) before every layout.
    Raises InputError for fewer than 16 points.
    """
    if points < 16:
        raise InputError(f"A map needs at least 16 points, not {points}.")
    card = synth.card
    pitch = min(max(float(pitch), card.pitch_low), card.pitch_high)
    names = card.instruments or (None,)
    instruments, seeds = np.arange(points) % len(names), np.arange(points) // len(names)
    parts = []
    for start in range(0, points, BATCH):
        rows = slice(start, min(start + BATCH, points))
        timbres = [
            sample(card, 1, int(point_seed), names[index])[0]
            for point_seed, index in zip(seeds[rows], instruments[rows], strict=True)
        ]
        clips = synth.render(timbres, [pitch] * len(timbres))
        prints = np.stack([fingerprint(clip.samples, clip.sample_rate) for clip in clips])
        parts.append((synth.embed(timbres, clips.pitches), prints, measure(clips)))
        progress(rows.stop, points)
    embedded, prints, measured = (np.concatenate(part) for part in zip(*parts, strict=True))
    descriptor_names = tuple(descriptor.name for descriptor in DESCRIPTORS)
    features = {"latent": embedded, "sound": sound_features(prints, measured, descriptor_names)}
    layouts = {}
    for name in LAYOUTS:
        laying_out(name)
        layouts[name] = lay_out(features[name], seed)
    owners = instruments if card.instruments else np.full(points, -1)
    return Atlas(card, pitch, layouts, measured.astype(np.float32), descriptor_names, owners.astype(np.int16), seeds)


def sound_features(
    prints: NDArray[np.uint8], measured: NDArray[np.float64], names: Sequence[str]
) -> NDArray[np.float64]:
    """What tells sounds apart to the ear: float [points, numbers], from fingerprints uint8 [points, parts, bands] (the
    principal components of level over time and frequency) and descriptors [points, descriptors]."""
    profile = -prints.reshape(len(prints), -1) / (STEPS_A_DB * FLOOR_DB)
    profile = profile - profile.mean(axis=0)
    left, strength, _ = np.linalg.svd(profile, full_matrices=False)
    profile = (left * strength)[:, :COMPONENTS]
    heard = heard_evenly(measured, names)
    scale = [
        math.sqrt(share / max(float(np.square(part).sum(axis=1).mean()), 1e-12))
        for part, share in ((profile, 1 - DESCRIPTOR_SHARE), (heard, DESCRIPTOR_SHARE))
    ]
    return np.hstack([profile * scale[0], heard * scale[1]])


def lay_out(features: NDArray[np.floating], seed: int = 0) -> NDArray[np.float32]:
    """UMAP of `features` [points, numbers], spread out, to float32 [points, 2] within the margins of [0, 1]."""
    import umap  # loading numba takes seconds, so nothing that plays may import it

    reducer = umap.UMAP(
        n_neighbors=min(NEIGHBOURS, len(features) - 1),
        min_dist=LEAST_DISTANCE,
        n_epochs=EPOCHS,
        init="pca",
        random_state=seed,
        n_jobs=1,  # a seed needs it
    )
    return within_margins(spread(reducer.fit_transform(features.astype(np.float32)).astype(float)))


def spread(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Places [points, 2] with dense areas widened and empty ones narrowed, so that a pointer can hit any point.

    Along both axes each place moves part of the way (EVENNESS) to its rank among all places, which keeps the order of
    points. Then points closer than GAP push each other apart.
    """
    from scipy.spatial import KDTree  # comes with UMAP

    low, extent = places.min(axis=0), np.maximum(np.ptp(places, axis=0), 1e-9)
    ranks = np.argsort(np.argsort(places, axis=0, kind="stable"), axis=0) / (len(places) - 1)
    places = (1 - EVENNESS) * (places - low) / extent + EVENNESS * ranks
    gap = GAP / math.sqrt(len(places))
    for _ in range(60):
        pairs = KDTree(places).query_pairs(gap, output_type="ndarray")
        if not len(pairs):
            break
        apart = places[pairs[:, 1]] - places[pairs[:, 0]]
        distance = np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-9)
        push = 0.25 * apart / distance * (gap - distance)
        np.add.at(places, pairs[:, 1], push)
        np.add.at(places, pairs[:, 0], -push)
    return places


def within_margins(places: NDArray[np.float64]) -> NDArray[np.float32]:
    """Places [points, 2] scaled equally in both directions and centred in [0, 1] less MARGIN."""
    low, high = places.min(axis=0), places.max(axis=0)
    extent = max(float((high - low).max()), 1e-9)
    fitted: NDArray[np.float32] = ((places - (low + high) / 2) / extent * (1 - 2 * MARGIN) + 0.5).astype(np.float32)
    return fitted


# --- the command ------------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `atlas`."""
    parser.add_argument("--model", default="studio", help="which model, or its folder (default: studio)")
    parser.add_argument("--points", type=int, default=POINTS, help=f"how many sounds (default: {POINTS})")
    parser.add_argument("--pitch", default="60", help="the key to measure them at, 60 or C4 (default: 60)")
    parser.add_argument("--seed", type=int, default=0, help="seed of the layouts (default: 0)")
    parser.add_argument("--out", metavar="NPZ", help="file to write (default: where the app looks for it)")


def run(arguments: argparse.Namespace) -> None:
    """Make the map that the command line asks for, with a progress bar."""
    from tqdm import tqdm

    folder = model_folder(arguments.model)
    synth = Synth.load(str(folder))
    path = Path(arguments.out) if arguments.out else atlas_path(folder)
    if path.suffix != ".npz":
        raise InputError(f"A map is an .npz file, and '{path}' does not end in .npz.")
    began = time.monotonic()
    with tqdm(total=arguments.points, unit="sound") as bar:
        atlas = build_atlas(
            synth,
            arguments.points,
            parse_pitch(arguments.pitch),
            seed=arguments.seed,
            progress=lambda done, total: bar.update(done - bar.n),
            laying_out=lambda name: bar.write(f"Laying out the sounds by {name} (about half a minute for 5,000) ..."),
        )
    atlas.save(path)
    print(f"{path}: {len(atlas)} sounds, {path.stat().st_size / 1000:.0f} kB, {time.monotonic() - began:.0f} s")

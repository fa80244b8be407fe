"""The formulas of the measures, on plain arrays: nothing here knows of notes or models.

Inception score: Salimans et al. 2016 (arXiv 1606.03498). FID: Heusel et al. 2017 (arXiv 1706.08500). NDB: Richardson &
Weiss 2018 (arXiv 1805.12462). As GANSynth's paper (arXiv 1902.08710, section 4) takes them: the score and the distance
by a classifier of pitch, NDB by log spectrograms.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

KMEANS_ROUNDS = 30


def entropy(probabilities: np.ndarray) -> np.ndarray:
    """Shannon entropy in nats of each row of `probabilities` [n, classes]: float [n]."""
    p = np.asarray(probabilities, np.float64)
    return -(p * np.log(np.maximum(p, 1e-12))).sum(axis=1)


def inception_score(probabilities: np.ndarray) -> float:
    """exp of the mean divergence of each row of [n, classes] from their mean: 1 where all rows are alike, the number of
    classes where every row is sure and all classes come up equally often."""
    p = np.asarray(probabilities, np.float64)
    marginal = entropy(p.mean(axis=0, keepdims=True))[0]
    return float(np.exp(marginal - entropy(p).mean()))


def frechet_distance(a: np.ndarray, b: np.ndarray) -> float:
    """Of the Gaussians that fit features `a` [n, f] and `b` [m, f] best: |mean_a - mean_b|^2 + tr(A + B - 2 (A
    B)^(1/2)).

    It falls with more notes, down to the true distance: compare only figures of equally many.
    """
    a, b = np.asarray(a, np.float64), np.asarray(b, np.float64)
    cov_a, cov_b = (np.atleast_2d(np.cov(x, rowvar=False)) for x in (a, b))
    # tr (A B)^(1/2) by the eigenvalues of the symmetric A^(1/2) B A^(1/2), which are those of A B.
    values, vectors = np.linalg.eigh(cov_a)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ cov_b @ root), 0)).sum()
    apart = np.square(a.mean(axis=0) - b.mean(axis=0)).sum()
    return float(max(0.0, apart + np.trace(cov_a) + np.trace(cov_b) - 2 * cross))


def kmeans(points: np.ndarray, k: int, seed: int = 0) -> np.ndarray:
    """Centres [k, f] of Lloyd's algorithm on `points` [n, f], begun at points far apart (k-means++)."""
    points = np.asarray(points, np.float32)
    random = np.random.default_rng(seed)
    k = min(k, len(points))
    centres = points[[random.integers(len(points))]]
    nearest = _squared_distances(points, centres)[:, 0]
    while len(centres) < k:
        total = float(nearest.sum(dtype=np.float64))
        if total <= 0:  # fewer distinct points than centres
            break
        chance = nearest.astype(np.float64) / total
        centres = np.concatenate([centres, points[[random.choice(len(points), p=chance / chance.sum())]]])
        nearest = np.minimum(nearest, _squared_distances(points, centres[-1:])[:, 0])
    cells = np.full(len(points), -1)
    for _ in range(KMEANS_ROUNDS):
        before, cells = cells, nearest_centre(points, centres)
        if np.array_equal(before, cells):
            break
        centres = np.stack(
            [points[cells == n].mean(axis=0) if (cells == n).any() else c for n, c in enumerate(centres)]
        )
    return centres


def nearest_centre(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Which of `centres` [k, f] each of `points` [n, f] lies nearest to: int [n]."""
    return _squared_distances(np.asarray(points, np.float32), centres).argmin(axis=1)


def different_bins(reference: np.ndarray, other: np.ndarray, k: int) -> int:
    """NDB: in how many of `k` cells the share of notes differs between two samples, given the cell of every note, by a
    two-proportion z-test with pooled variance at a level of 0.05. About k / 20 differ by chance alone."""
    n, m = len(reference), len(other)
    p, q = np.bincount(reference, minlength=k) / n, np.bincount(other, minlength=k) / m
    pooled = (p * n + q * m) / (n + m)
    error = np.sqrt(np.maximum(pooled * (1 - pooled) * (1 / n + 1 / m), 1e-30))
    return int((np.abs(p - q) / error > 1.959964).sum())  # the normal distribution's 97.5 % quantile


def jensen_shannon(reference: np.ndarray, other: np.ndarray, k: int) -> float:
    """Divergence in nats, 0 to ln 2, of two samples' shares over `k` cells: NDB without its threshold."""
    p, q = (np.bincount(cells, minlength=k) / len(cells) for cells in (reference, other))
    both = entropy(((p + q) / 2)[None]) - (entropy(p[None]) + entropy(q[None])) / 2
    return float(max(0.0, both[0]))


def mean_pairwise_distance(points: np.ndarray) -> float:
    """Mean root-mean-square difference of every two of `points` [n, f]; NaN for fewer than two."""
    pairs = list(combinations(np.asarray(points, np.float64), 2))
    return float(np.mean([rms_distance(a, b) for a, b in pairs])) if pairs else math.nan


def rms_distance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Root mean square of a - b over the last axis."""
    return np.sqrt(np.square(np.asarray(a, np.float64) - b).mean(axis=-1))


def unevenness(path: np.ndarray) -> float:
    """The largest over the mean step along `path` [points, f]: 1 for an even pace, the number of steps for one leap. A
    path that never moves is even."""
    steps = rms_distance(path[1:], path[:-1])
    return float(steps.max() / steps.mean()) if steps.max() > 0 else 1.0


def share(hits: np.ndarray) -> float | None:
    """How many of `hits` bool [n] are true, 0 to 1; None of none."""
    return round(float(np.mean(hits)), 4) if len(hits) else None


def mean(values: Sequence[float], digits: int = 3) -> float | None:
    """Mean of those that are finite, rounded; None of none."""
    kept = np.array([value for value in values if math.isfinite(value)], dtype=float)
    return round(float(kept.mean()), digits) if len(kept) else None


def _squared_distances(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    apart = np.square(points).sum(axis=1)[:, None] - 2 * points @ centres.T + np.square(centres).sum(axis=1)
    return np.maximum(apart, 0)

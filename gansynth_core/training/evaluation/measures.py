"""The formulas of the measures, on plain arrays: nothing here knows about notes or models.

Inception score: Salimans et al. 2016 (arXiv 1606.03498). FID: Heusel et al. 2017 (arXiv 1706.08500). NDB: Richardson &
Weiss 2018 (arXiv 1805.12462). As GANSynth's paper (arXiv 1902.08710, section 4) takes them: the score and the distance
by a classifier of pitch, NDB by log spectrograms.
"""

import math
from collections.abc import Iterable
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]

KMEANS_ROUNDS = 30


def entropy(probabilities: Array) -> Array:
    """Shannon entropy in nats of each row of `probabilities` [n, classes]: float [n]."""
    p = np.asarray(probabilities, np.float64)
    return np.asarray(-(p * np.log(np.maximum(p, 1e-12))).sum(axis=1))


def inception_score(probabilities: Array) -> float:
    """exp of the mean divergence of each row of [n, classes] from their mean: 1 where all rows are alike, the number of
    classes where every row is sure and all classes come up equally often."""
    p = np.asarray(probabilities, np.float64)
    marginal = entropy(p.mean(axis=0, keepdims=True))[0]
    return float(np.exp(marginal - entropy(p).mean()))


def frechet_distance(a: Array, b: Array) -> float:
    """Frechet distance of the Gaussians that best fit features `a` [n, f] and `b` [m, f]:
    |mean_a - mean_b|^2 + tr(A + B - 2 (A B)^(1/2)).

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


def kmeans(points: Array, k: int, seed: int = 0) -> npt.NDArray[np.float32]:
    """Centres [k, f] of `points` [n, f], begun at points far apart (k-means++); fewer if there are fewer different
    points."""
    from sklearn.cluster import KMeans  # slow to import, and only wanted here

    points = np.asarray(points, np.float32)
    k = min(k, len(np.unique(points, axis=0)))
    fitted = KMeans(k, n_init=1, max_iter=KMEANS_ROUNDS, algorithm="lloyd", random_state=seed).fit(points)
    centres: npt.NDArray[np.float32] = fitted.cluster_centers_
    return centres


def nearest_centre(points: Array, centres: Array) -> Array:
    """Which of `centres` [k, f] each of `points` [n, f] lies nearest to: int [n]."""
    return np.asarray(_squared_distances(np.asarray(points, np.float32), centres).argmin(axis=1))


def different_bins(reference: Array, other: Array, k: int) -> int:
    """NDB: in how many of `k` cells the share of notes differs between two samples, given the cell of every note, by a
    two-proportion z-test with pooled variance at a level of 0.05. About k / 20 differ by chance alone."""
    n, m = len(reference), len(other)
    p, q = np.bincount(reference, minlength=k) / n, np.bincount(other, minlength=k) / m
    pooled = (p * n + q * m) / (n + m)
    error = np.sqrt(np.maximum(pooled * (1 - pooled) * (1 / n + 1 / m), 1e-30))
    return int((np.abs(p - q) / error > 1.959964).sum())  # the normal distribution's 97.5 % quantile


def jensen_shannon(reference: Array, other: Array, k: int) -> float:
    """Divergence in nats, 0 to ln 2, of two samples' shares over `k` cells: NDB without its threshold."""
    p, q = (np.bincount(cells, minlength=k) / len(cells) for cells in (reference, other))
    both = entropy(((p + q) / 2)[None]) - (entropy(p[None]) + entropy(q[None])) / 2
    return float(max(0.0, both[0]))


def mean_pairwise_distance(points: Array) -> float:
    """Mean root-mean-square difference of every two of `points` [n, f]; NaN for fewer than two."""
    pairs = list(combinations(np.asarray(points, np.float64), 2))
    return float(np.mean([rms_distance(a, b) for a, b in pairs])) if pairs else math.nan


def rms_distance(a: Array, b: Array) -> Array:
    """Root mean square of a - b over the last axis."""
    return np.asarray(np.sqrt(np.square(np.asarray(a, np.float64) - b).mean(axis=-1)))


def unevenness(path: Array) -> float:
    """The largest over the mean step along `path` [points, f]: 1 for an even pace, the number of steps for one leap. A
    path that never moves is even."""
    steps = rms_distance(path[1:], path[:-1])
    return float(steps.max() / steps.mean()) if steps.max() > 0 else 1.0


def share(hits: Array) -> float | None:
    """The share of `hits` bool [n] that are true, 0 to 1; None if there are none."""
    return round(float(np.mean(hits)), 4) if len(hits) else None


def mean(values: Iterable[float], digits: int = 3) -> float | None:
    """Mean of those that are finite, rounded; None if there are none."""
    kept = np.array([value for value in values if math.isfinite(value)], dtype=float)
    return round(float(kept.mean()), digits) if len(kept) else None


def _squared_distances(points: Array, centres: Array) -> Array:
    apart = np.square(points).sum(axis=1)[:, None] - 2 * points @ centres.T + np.square(centres).sum(axis=1)
    return np.asarray(np.maximum(apart, 0))

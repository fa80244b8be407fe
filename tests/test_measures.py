import math

import numpy as np
import pytest
from sine_voice import SPEC

from gansynth_core.training.evaluation.checks import check, pre_echo_db, spread_lufs
from gansynth_core.training.evaluation.measures import (
    different_bins,
    entropy,
    frechet_distance,
    inception_score,
    jensen_shannon,
    kmeans,
    mean,
    mean_pairwise_distance,
    nearest_centre,
    unevenness,
)
from gansynth_core.training.evaluation.tables import TARGETS, target_table
from gansynth_core.training.evaluation.trials import _moved_db

RATE = SPEC.sample_rate
SECONDS = np.arange(SPEC.samples) / RATE


def normal(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape)


def test_the_inception_score_is_1_of_what_is_all_alike_and_n_of_n_sure_kinds():
    assert inception_score(np.full((50, 8), 1 / 8)) == pytest.approx(1)
    assert inception_score(np.tile([0, 1, 0, 0], (50, 1))) == pytest.approx(1)
    assert inception_score(np.tile(np.eye(8), (5, 1))) == pytest.approx(8)


def test_entropy_is_0_of_the_sure_and_ln_n_of_the_clueless():
    assert entropy(np.array([[1, 0, 0], [1 / 3, 1 / 3, 1 / 3]])) == pytest.approx([0, math.log(3)])


def test_the_frechet_distance_of_gaussians_is_the_closed_form():
    a, b = normal((40_000, 3)), normal((40_000, 3), 1)
    turn = np.linalg.qr(normal((3, 3), 2))[0]
    a, b = a * [1, 2, 3] @ turn, b * [2, 2, 1] @ turn + 1.5
    # With axes in common the covariances' part is the sum of (spread_a - spread_b)^2.
    assert frechet_distance(a, b) == pytest.approx(3 * 1.5**2 + 1 + 0 + 4, rel=0.03)
    assert frechet_distance(a, a) == pytest.approx(0, abs=1e-9)


def test_clusters_far_apart_are_found():
    places = 10 * np.array([[0, 0], [1, 0], [0, 1], [1, 1]])
    points = np.concatenate([normal((30, 2), n) * 0.1 + place for n, place in enumerate(places)])
    centres = kmeans(points, 4)
    assert sorted(np.round(centres).astype(int).tolist()) == sorted(places.tolist())
    assert len(set(nearest_centre(points[::30], centres))) == 4
    assert len(kmeans(np.ones((9, 2)), 4)) == 1


def test_ndb_counts_the_cells_whose_share_differs():
    points = normal((4000, 4))
    centres = kmeans(points[:2000], 50)
    cells = nearest_centre(points[:2000], centres)
    same = nearest_centre(points[2000:], centres)
    shifted = nearest_centre(points[2000:] + 1, centres)
    assert different_bins(cells, cells, 50) == 0
    assert different_bins(cells, same, 50) <= 8 < 35 < different_bins(cells, shifted, 50)
    assert jensen_shannon(cells, same, 50) < 0.02 < jensen_shannon(cells, shifted, 50)
    # Of 100 and 100: 50 to 50 beside 65 to 35 is z = 2.15, beside 62 to 38 is z = 1.71.
    half = np.repeat([0, 1], 50)
    assert different_bins(half, np.repeat([0, 1], [65, 35]), 2) == 2
    assert different_bins(half, np.repeat([0, 1], [62, 38]), 2) == 0


def test_there_is_no_variety_among_the_same():
    assert mean_pairwise_distance(np.ones((4, 9))) == 0
    assert mean_pairwise_distance(np.array([[0, 0], [3, 4], [3, 4]])) == pytest.approx(2 / 3 * math.sqrt(12.5))
    assert math.isnan(mean_pairwise_distance(np.ones((1, 3))))
    assert mean([1, 3, math.nan]) == 2 and mean([math.nan]) is None


def test_an_even_way_is_1_and_one_leap_is_all_its_steps():
    assert unevenness(np.linspace(0, 1, 17)[:, None]) == pytest.approx(1)
    assert unevenness((np.arange(17) > 7)[:, None].astype(float)) == pytest.approx(16)
    assert unevenness(np.zeros((17, 2))) == 1


def test_a_note_moved_by_its_bands_is_the_same_note():
    levels = np.random.default_rng(0).random((4, 60))
    assert _moved_db(levels, np.roll(levels, -5, axis=1), 5) == 0
    assert _moved_db(levels, np.roll(levels, 3, axis=1), -3) == 0
    assert _moved_db(levels, levels - 0.1, 0) == pytest.approx(6)


def test_sound_before_an_attack_is_found_by_its_level():
    pluck = np.sin(2 * np.pi * 330 * SECONDS) * np.exp(-3 * SECONDS)
    late = np.concatenate([np.zeros(RATE // 10), pluck])[: SPEC.samples]
    hiss = np.random.default_rng(0).normal(0, 1, SPEC.samples)
    assert pre_echo_db(late, RATE) < -50
    for level_db in (-20, -35):
        early = late + hiss * 10 ** (level_db / 20) * math.sqrt(0.5) * (SECONDS < 0.1)
        assert pre_echo_db(early, RATE) == pytest.approx(level_db, abs=2)
    swell = np.sin(2 * np.pi * 330 * SECONDS) * np.minimum(SECONDS, 1)
    assert pre_echo_db(swell, RATE) > -6
    assert pre_echo_db(np.zeros(SPEC.samples), RATE) == -60


def test_notes_that_are_cut_off_click():
    wave = np.cos(2 * np.pi * 330 * SECONDS)
    found = check(wave, RATE)
    assert found.start_db == pytest.approx(0, abs=0.1) and found.end_db > -3
    faded = check(wave * np.minimum(1, np.minimum(SECONDS, SECONDS[::-1]) * 100), RATE)
    assert faded.start_db == faded.end_db == -60


def test_the_spread_of_levels_is_told_by_where_it_is():
    names = ["a", "a", "b", "b"]
    assert spread_lufs(np.array([-20.0, -20, -10, -10]), names) == {"all": 5, "instruments": 5, "keys": 0}
    assert spread_lufs(np.array([-20.0, -10, -20, -10]), names) == {"all": 5, "instruments": 0, "keys": 7.07}
    assert spread_lufs(np.array([-20.0]), ["a"])["keys"] is None


def test_targets_are_ratios_to_the_real_figure():
    real = {target.key: 2.0 for target in TARGETS}
    reached = {"in_tune": 1.99, "instrument_top_1": 1.8, "instrument_top_5": 1.95, "ndb": 3, "variety_features": 1.4}
    missed = {"in_tune": 1.9, "instrument_top_1": 1.6, "instrument_top_5": 1.8, "ndb": 4, "variety_features": 1.2}
    lines = target_table({"real": real, "good": reached, "bad": missed})
    rows = [line.split("|") for line in lines[2:-1]]
    assert len(rows) == len(TARGETS)
    assert all("reached" in row[4] and "missed" in row[5] for row in rows)

"""The map of a model's sounds: its points, its places, its file; the committed one is the committed voice's."""

import dataclasses

import numpy as np
import pytest
from sine_voice import sine_card, sine_synth

from gansynth_core import DESCRIPTORS, Atlas, InputError, ModelError, Synth, load_card, measure, model_folder, sample
from gansynth_core.atlas import GAP, atlas_path, build_atlas, sound_features, specgram_digest, spread, within_margins

NAMES = tuple(descriptor.name for descriptor in DESCRIPTORS)


def atlas(points=40, card=None):
    """A map whose layout by latent is a square grid, and whose places by sound are drawn."""
    card = card or sine_card()
    draw = np.random.default_rng(0)
    places = np.stack([np.arange(points) % 7 / 7, np.arange(points) // 7 / 7], axis=1).astype(np.float32)
    low, high = np.array([(descriptor.low, descriptor.high) for descriptor in DESCRIPTORS]).T
    owners = np.arange(points) % len(card.instruments) if card.instruments else np.full(points, -1)
    return Atlas(
        card=card,
        pitch=60.0,
        layouts={"latent": places, "sound": draw.random((points, 2), np.float32)},
        descriptors=(low + (high - low) * draw.random((points, len(NAMES)))).astype(np.float32),
        descriptor_names=NAMES,
        instruments=owners.astype(np.int16),
        seeds=np.arange(points) // max(1, len(card.instruments)),
    )


def test_a_point_is_known_from_instrument_and_seed_alone():
    map_ = atlas()
    assert map_.timbre(7) == sample(map_.card, 1, 2, "flute")[0] and map_.instrument(7) == "flute"
    assert len({map_.timbre(point) for point in range(40)}) == 40
    bare = atlas(card=sine_card(instruments=()))
    assert bare.timbre(7) == sample(bare.card, 1, 7)[0] and bare.instrument(7) is None
    for point in (-1, 40):
        with pytest.raises(InputError, match="0 to 39"):
            map_.timbre(point)


def test_nearest_points_come_nearest_first():
    points, distances = atlas().nearest(1.1 / 7, 2.05 / 7, "latent", 3)
    assert points.tolist()[:2] == [15, 16] or points.tolist()[:2] == [15, 22]
    assert distances[0] == pytest.approx(np.hypot(0.1, 0.05) / 7, abs=1e-6) and (np.diff(distances) >= 0).all()


def test_a_place_on_a_point_sounds_like_it_and_one_between_like_both():
    map_ = atlas()
    x, y = map_.layouts["sound"][11].astype(float)
    assert map_.blend_at(x, y, "sound") == map_.timbre(11)
    near, far = 8, 9  # neighbours in the grid
    mixed = dict(map_.blend_at(1.25 / 7, 1 / 7, "latent", 2).instruments)
    weights = np.square(1 / np.array([0.25, 0.75]) - 1 / np.hypot(0.25, 1))  # the first left out is a row away
    weights /= weights.sum()
    assert mixed[map_.instrument(near)] == pytest.approx(weights[0], abs=1e-4) and weights[0] > 0.9
    assert mixed[map_.instrument(far)] == pytest.approx(weights[1], abs=1e-4)


def test_the_sound_changes_evenly_towards_a_point():
    map_ = atlas()
    z = [map_.blend_at((1 + step) / 7, 1 / 7, "latent", 4).z for step in (1e-4, 1e-3, 1e-2)]
    distance = [np.linalg.norm(np.subtract(there, map_.timbre(8).z)) for there in z]
    assert distance[0] < distance[1] < distance[2] < 1


def test_a_path_over_the_map_has_no_jumps():
    map_ = atlas()
    path = np.linspace((0.3, 0.3), (0.5, 0.44), 600)  # several times one of the four is another
    z = np.array([map_.blend_at(x, y, "sound").z for x, y in path])
    steps = np.linalg.norm(np.diff(z, axis=0), axis=1)
    assert steps.max() < 0.03 * np.linalg.norm(z[0])
    assert steps.sum() > np.linalg.norm(z[0])  # and it leads somewhere
    everything = map_.blend_at(0.5, 0.5, "latent", 40)  # with no point left out
    assert len(everything.instruments) == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((float("nan"), 0.5), "not a place"),
        ((0.5, 0.5, "colour"), "latent or sound"),
        ((0.5, 0.5, "latent", 0), "40 points"),
        ((0.5, 0.5, "latent", 41), "40 points"),
    ],
)
def test_an_impossible_place_is_refused(arguments, words):
    for ask in (atlas().nearest, atlas().blend_at):
        with pytest.raises(InputError, match=words):
            ask(*arguments)


def test_a_lasso_holds_what_is_inside_of_it():
    map_ = atlas()
    assert map_.inside([(-0.01, -0.01), (0.2, -0.01), (0.2, 0.2), (-0.01, 0.2)]).tolist() == [0, 1, 7, 8]
    notch = [(-0.1, -0.1), (1.1, -0.1), (1.1, 1.1), (0.5, 0.01), (-0.1, 1.1)]  # concave
    inside = set(map_.inside(notch).tolist())
    assert 3 not in inside or map_.layouts["latent"][3, 1] < 0.01
    assert 38 not in inside and 7 in inside
    assert map_.inside([(5, 5), (6, 5), (6, 6)]).tolist() == []
    for few in ([], [(0, 0), (1, 1)], [(0, 0), (1, 1), (float("nan"), 1)]):
        with pytest.raises(InputError, match="three corners"):
            map_.inside(few)


def test_the_most_different_are_further_apart_than_the_first_that_come():
    map_ = atlas(200)
    chosen = map_.most_different(range(10, 190), 8)
    assert len(set(chosen)) == 8 and set(chosen) <= set(range(10, 190))

    def least(points):
        heard = np.stack([d.heard(column) for d, column in zip(DESCRIPTORS, map_.descriptors.T, strict=True)], axis=1)
        heard = ((heard - heard.mean(axis=0)) / heard.std(axis=0))[list(points)]
        apart = np.linalg.norm(heard[:, None] - heard, axis=2)
        return apart[~np.eye(len(heard), dtype=bool)].min()

    assert least(chosen) > 1.3 * least(range(10, 18))
    assert map_.most_different([5, 3, 5], 8) == [3, 5] and map_.most_different([], 3) == []
    with pytest.raises(InputError, match="0 to 199"):
        map_.most_different([200], 1)
    with pytest.raises(InputError, match="At least one"):
        map_.most_different([1, 2], 0)


def test_a_map_comes_back_from_its_file(tmp_path):
    map_ = atlas()
    map_.save(tmp_path / "atlas.npz")
    again = Atlas.find(tmp_path, map_.card)
    assert again.pitch == 60 and again.descriptor_names == NAMES and len(again) == 40
    for name in map_.layouts:
        assert np.array_equal(again.layouts[name], map_.layouts[name])
    assert np.array_equal(again.descriptors, map_.descriptors) and again.timbre(39) == map_.timbre(39)
    assert Atlas.find(tmp_path / "elsewhere", map_.card) is None


def test_a_map_of_other_weights_is_refused(tmp_path):
    map_ = atlas()
    map_.save(tmp_path / "atlas.npz")
    for other in ({"sha256": "0" * 64}, {"specgram": dataclasses.replace(map_.card.specgram, log_magnitude_low=-5.0)}):
        with pytest.raises(ModelError, match=r"other weights than 'sines'.*gansynth_core atlas --model"):
            Atlas.load(tmp_path / "atlas.npz", dataclasses.replace(map_.card, **other))


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "parts", "numbers", "owner"])
def test_a_damaged_map_is_refused(tmp_path, damage):
    path, map_ = tmp_path / "atlas.npz", atlas()
    if damage == "parts":
        map_ = dataclasses.replace(map_, seeds=map_.seeds[:-1])
    if damage == "numbers":
        map_.layouts["sound"][3, 0] = np.nan
    if damage == "owner":
        map_.instruments[3] = 128
    map_.save(path)
    data = path.read_bytes()
    path.write_bytes({"cut": data[: len(data) // 2], "empty": b"", "text": b"hello"}.get(damage, data))
    with pytest.raises(ModelError, match=r"atlas\.npz"):
        Atlas.load(path, map_.card)


def test_a_map_of_a_newer_version_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("gansynth_core.atlas.FORMAT", 2)
    atlas().save(tmp_path / "atlas.npz")
    monkeypatch.undo()
    with pytest.raises(ModelError, match="format 2"):
        Atlas.load(tmp_path / "atlas.npz", sine_card())


def test_maps_are_where_the_app_looks_for_them(tmp_path):
    assert atlas_path(tmp_path) == tmp_path.resolve() / "atlas.npz"
    studio = model_folder("studio")
    assert atlas_path(studio) == studio.parent.parent / "atlas" / "studio.npz"


def test_a_map_is_made_of_what_is_heard(monkeypatch):
    """With two plain layouts in UMAP's place: the points, what is measured of them, and that like is near like."""

    def lay_out(features, seed):
        centred = features - features.mean(axis=0)
        return within_margins(centred @ np.linalg.svd(centred, full_matrices=False)[2][:2].T)

    monkeypatch.setattr("gansynth_core.atlas.lay_out", lay_out)
    synth, told = sine_synth(), []
    map_ = build_atlas(synth, 30, 200, progress=lambda done, total: told.append((done, total)))
    assert map_.pitch == 84 and told[-1] == (30, 30) and len(told) == 3
    assert np.bincount(map_.instruments).tolist() == [10, 10, 10] and map_.seeds.max() == 9
    heard = measure(synth.render(map_.timbre(17), [84]))[0]
    assert map_.descriptors[17] == pytest.approx(heard, rel=1e-6)
    for layout in map_.layouts.values():
        assert layout.dtype == np.float32 and layout.min() >= 0.029 and layout.max() <= 0.971
        centres = np.stack([layout[map_.instruments == index].mean(axis=0) for index in range(3)])
        owner = np.argmin(np.linalg.norm(layout[:, None] - centres, axis=2), axis=1)
        assert (owner == map_.instruments).mean() > 0.8
    with pytest.raises(InputError, match="16 points"):
        build_atlas(synth, 15)


def test_crowded_points_are_spread_and_keep_their_order():
    draw = np.random.default_rng(0)
    crowd = np.concatenate([draw.normal(0, 0.01, (150, 2)), draw.normal(5, 0.01, (50, 2))])
    places = spread(crowd)
    apart = np.linalg.norm(places[:, None] - places, axis=2)[~np.eye(200, dtype=bool)].reshape(200, -1).min(axis=1)
    assert np.quantile(apart, 0.1) > 0.5 * GAP / np.sqrt(200)
    assert (places[150:] > 0.5).all() and (places[:150].mean(axis=0) < 0.5).all()
    assert np.corrcoef(np.argsort(np.argsort(crowd[:150, 0])), places[:150, 0])[0, 1] > 0.7
    assert np.isfinite(spread(np.zeros((20, 2)))).all()


def test_the_committed_map_is_of_the_committed_voice():
    folder = model_folder("studio")
    card = load_card(folder)
    map_ = Atlas.find(folder, card)
    assert len(map_) >= 5000 and atlas_path(folder).stat().st_size < 600_000
    assert len(set(np.bincount(map_.instruments))) == 1  # every instrument alike
    for layout in map_.layouts.values():
        assert layout.min() >= 0 and layout.max() <= 1
        # An instrument's sounds are nearer to each other than to the rest of the map.
        own = [np.median(np.ptp(layout[map_.instruments == index], axis=0)) for index in range(len(card.instruments))]
        assert np.median(own) < 0.3 * np.ptp(layout, axis=0).min()
    assert len(np.unique(np.round(map_.layouts["sound"], 3), axis=0)) > 0.95 * len(map_)
    synth = Synth.load("studio", device="cpu")
    for point in (5, 2600):
        heard = measure(synth.render(map_.timbre(point), [map_.pitch]))[0]
        for descriptor, here, there in zip(DESCRIPTORS, map_.descriptors[point], heard, strict=True):
            assert descriptor.heard(here) == pytest.approx(descriptor.heard(there), abs=0.1), descriptor.name


def test_features_stay_finite_where_all_sound_alike():
    prints = np.zeros((20, 16, 24), np.uint8)
    features = sound_features(prints, np.ones((20, len(NAMES))), NAMES)
    assert np.isfinite(features).all()


@pytest.mark.slow
def test_umap_keeps_groups_together(monkeypatch):
    """The one test that waits for UMAP: groups stay together, and the seed alone decides."""
    from gansynth_core.atlas import lay_out

    monkeypatch.setattr("gansynth_core.atlas.EPOCHS", 100)
    draw = np.random.default_rng(0)
    groups = np.repeat(np.arange(3), 20)
    features = draw.standard_normal((60, 8)) + 8 * np.eye(3, 8)[groups]
    places = lay_out(features, 0)
    assert np.array_equal(places, lay_out(features, 0))
    centres = np.stack([places[groups == group].mean(axis=0) for group in range(3)])
    assert (np.argmin(np.linalg.norm(places[:, None] - centres, axis=2), axis=1) == groups).all()


def test_the_card_names_what_the_map_was_made_of():
    card = sine_card()
    assert specgram_digest(card) == specgram_digest(dataclasses.replace(card, title="Other"))
    assert len(specgram_digest(card)) == 16

"""Several sets learned from together, and new instruments in a model that has learned others."""

import itertools

import numpy as np
import pytest
import torch
from sine_voice import SPEC
from test_adversarial import FIRST_STAGE, Tones

from gansynth_core import DataError, InputError, load_card
from gansynth_core.training import loop
from gansynth_core.training.config import STUDIO_WIDE_SPEC
from gansynth_core.training.data.dataset import NoteSet, mixed_batches, open_sets
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.model import read_studio_model
from gansynth_core.training.studio.prior import unfit_prior
from gansynth_core.training.studio.reconstruction import Reconstruction


class More(Tones):
    """A known instrument and two new ones, of which one has few notes."""

    def plan(self):
        keys = {"horn": range(50, 58), "string": range(54, 56), "bell": range(50, 52)}
        return [SourceNote(name, pitch, 80) for name, pitches in keys.items() for pitch in pitches]


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    prepare([Tones()], folder / "tones", SPEC, workers=1)
    prepare([More()], folder / "more", SPEC, workers=1)
    return folder / "tones", folder / "more"


def test_several_sets_are_one(folders):
    first, second = (NoteSet.open(folder) for folder in folders)
    whole = open_sets(folders)
    assert whole.instruments == ("reed", "string", "horn", "bell") and whole.first == len(first)
    assert len(whole) == len(first) + len(second) and [source["notes"] for source in whole.sources] == [24, 12]
    rows = np.array([len(whole) - 1, 0, len(first), 5])
    wanted = [second.stored(np.array([-1])), first.stored(np.array([0])), second.stored(np.array([0]))]
    assert np.array_equal(whole.stored(rows), np.concatenate([*wanted, first.stored(np.array([5]))]))
    of_string = whole.notes["instrument"] == 1
    assert sorted(set(whole.notes["pitch"][of_string])) == [50, 51, 52, 53, 54, 55]
    assert len(open_sets([*folders, folders[1]])) == len(first) + 2 * len(second)


def test_sets_of_two_rates_are_not_mixed(folders, tmp_path):
    prepare([More()], tmp_path / "wide", STUDIO_WIDE_SPEC, workers=1)
    with pytest.raises(DataError, match=r"24 kHz .* and of 48 kHz .* the same --spec and --rate"):
        open_sets([folders[0], tmp_path / "wide"])


def test_batches_keep_a_share_of_the_first_set_and_favour_no_instrument(folders):
    data = open_sets(folders)
    training = data.training()
    drawn = list(itertools.islice(mixed_batches(data, training, 8, 0.35, seed=0), 60))
    assert all(len(batch) == 8 and (batch < data.first).sum() == 3 for batch in drawn)
    new = np.concatenate(drawn)
    new = new[new >= data.first]
    counts = np.bincount(data.notes["instrument"][new], minlength=4)
    assert counts.tolist() == [0, 100, 100, 100] and not data.notes["held_out"][new].any()
    later = mixed_batches(data, training, 8, 0.35, seed=0, start=57)
    assert all(np.array_equal(a, b) for a, b in zip(drawn[57:], later, strict=False))
    alone = next(mixed_batches(data, training, 8, 0.0, seed=0))
    assert len(alone) == 8 and (alone >= data.first).all()


@pytest.fixture(scope="module")
def model(folders, tmp_path_factory):
    config = FIRST_STAGE.replace(notes=48, snapshot_notes=48)
    return loop.train(config, NoteSet.open(folders[0]), tmp_path_factory.mktemp("model") / "run", "cpu")


def test_new_instruments_begin_where_the_encoder_finds_them_and_known_ones_stay(folders, model):
    data = open_sets(folders)
    stage = Reconstruction(FIRST_STAGE, data, Processes())
    stage.begin(model)
    grown = stage.model.generator, stage.model.encoder
    _, _, generator, encoder = read_studio_model(model, NoteSet.open(folders[0]), {})
    unfit_prior(generator, encoder)
    heard = encoder.heard(data.specgram(np.arange(4)))
    pitch, owner = torch.tensor([50.0, 51, 52, 53]), torch.tensor([0, 1, 0, 1])

    def point(generator, encoder, weights, heard, pitch):
        """Where notes lie in the space that conditions the network."""
        z, _ = encoder.locate_unfitted(encoder.summarize(heard), weights)
        return generator.place(z, weights, pitch)

    with torch.inference_mode():
        before = point(generator, encoder, torch.eye(2)[owner], heard, pitch)
        assert torch.allclose(point(*grown, torch.eye(4)[owner], heard, pitch), before, atol=1e-5)
        for place, name in ((2, "horn"), (3, "bell")):
            own = np.flatnonzero((data.notes["instrument"] == place) & ~data.notes["held_out"])
            heard = encoder.heard(data.specgram(own))
            named = encoder.instrument_logits(encoder.summarize(heard)).softmax(dim=1)
            pitch = torch.from_numpy(data.notes["pitch"][own])
            wanted = point(generator, encoder, named, heard, pitch).mean(dim=0)
            found = point(*grown, torch.eye(4)[torch.full((len(own),), place)], heard, pitch).mean(dim=0)
            assert torch.allclose(found, wanted, atol=1e-4), name


def test_what_was_learned_of_two_sets_is_a_model_of_all_their_instruments(folders, model, tmp_path):
    data = open_sets(folders)
    folder = loop.train(FIRST_STAGE, data, tmp_path / "run", "cpu", start_from=model)
    card = load_card(folder)
    assert card.instruments == ("reed", "string", "horn", "bell") and len(card.provenance) > 0
    with pytest.raises(InputError, match="give a set of those first"):
        loop.train(FIRST_STAGE, open_sets(folders[::-1]), tmp_path / "other", "cpu", start_from=model)
    with pytest.raises(InputError, match="no note: reed"):
        loop.train(FIRST_STAGE, NoteSet.open(folders[1]), tmp_path / "other", "cpu", start_from=model)
    with pytest.raises(InputError, match="first_share"):
        FIRST_STAGE.replace(first_share=1.5)

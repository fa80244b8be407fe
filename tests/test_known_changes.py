import numpy as np
import pytest
import torch
from sine_voice import SPEC

from gansynth_core.errors import DataError
from gansynth_core.generators.encoder import FRAME_STEP
from gansynth_core.sound import Clip
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.directions.known_changes import known_directions


class Filtered:
    """Tones of two instruments whose upper partials are as weak as their note says, which are late at random, and swell
    and fade the more the further their two voices are apart."""

    name, licence = "filtered", "CC0"
    variation_names = ("filter_cutoff_cents", "attack_timecents", "detune_cents")

    def plan(self):
        draw = np.random.default_rng(0)
        return [
            SourceNote(name, 50 + n % 6, 100, tuple(map(float, draw.integers((-6000, 1, 0), (-1, 9600, 30)))))
            for name in ("reed", "string")
            for n in range(30)
        ]

    def read(self, index):
        note = self.plan()[index]
        seconds = np.arange(48000) / 24000
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        wave = sum(
            np.sin(2 * np.pi * hz * k * seconds) * 2 ** (note.variation[0] / 1200 * (k > 4)) for k in range(1, 9)
        )
        wave *= 1 + note.variation[2] / 30 * np.cos(2 * np.pi * 2 * seconds)
        return Clip((0.05 * wave * (seconds > note.variation[1] / 9600)).astype(np.float32), 24000)


class Listener:
    """An encoder that puts the level of high bins into z[3], that of the first half second into z[5], its swing after
    the first second into z[7], and chance."""

    centre = torch.zeros(1)

    def heard(self, specgram):
        return specgram[:, 0, ::FRAME_STEP]

    def summarize(self, heard):
        swing = 2 * heard[:, 16:30].amax(dim=2).std(dim=1)
        return torch.stack([heard[:, 20:30, 96:200].mean(dim=(1, 2)), heard[:, :16].mean(dim=(1, 2)), swing], dim=1)

    def locate(self, summary, instruments, pitch):
        z = 0.02 * torch.randn(len(summary), 16, generator=torch.Generator().manual_seed(int(1000 * pitch.sum())))
        z[:, 3] += summary[:, 0] + 5 * instruments[:, 0]  # instruments differ, and that is no change of a note
        z[:, 5] -= summary[:, 1]
        z[:, 7] += summary[:, 2]
        return z, z


def test_known_changes_are_directions_of_their_own(tmp_path):
    data = prepare([Filtered()], tmp_path / "set", SPEC, workers=1)
    known = known_directions(Listener(), data)
    assert list(known) == ["brightness", "attack", "beating"]  # what the source does not change is not looked for
    assert known["brightness"][3] > 0.9 and known["attack"][5] > 0.9 and known["beating"][7] > 0.9
    assert np.linalg.norm(known["brightness"]) == pytest.approx(1)


def test_a_set_of_unchanged_notes_is_refused(tmp_path):
    source = Filtered()
    source.plan = lambda: [SourceNote("reed", 50 + n, 100, (0.0, 0.0, 0.0)) for n in range(4)]
    data = prepare([source], tmp_path / "set", SPEC, workers=1)
    with pytest.raises(DataError, match="--variations"):
        known_directions(Listener(), data)

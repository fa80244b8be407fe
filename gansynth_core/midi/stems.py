"""The parts of a song by themselves, each as a WAV file that knows its sound."""

import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gansynth_core.errors import AudioError
from gansynth_core.files import replacing
from gansynth_core.latent import Timbre
from gansynth_core.midi.mastering import resampled
from gansynth_core.midi.song import Part
from gansynth_core.packs.naming import SOFTWARE
from gansynth_core.packs.wav import info_list
from gansynth_core.riff import wav_bytes
from gansynth_core.sound import Clip, origin_chunks

LONGEST_NAME = 60  # characters, without number and ending


class OnDisk:
    """Stereo sound, float32 [n, 2], that waits in a nameless file: a dozen parts of a long song are gigabytes. Raises
    OSError when the disk is full."""

    def __init__(self, samples: NDArray[np.float32], sample_rate: int) -> None:
        self.sample_rate = sample_rate
        self._file = tempfile.TemporaryFile()  # noqa: SIM115 (it goes when this does)
        self._file.write(np.ascontiguousarray(samples).data)

    def read(self) -> NDArray[np.float32]:
        self._file.seek(0)
        return np.frombuffer(self._file.read(), np.float32).reshape(-1, 2)


@dataclass(frozen=True, eq=False)
class Stem:
    """One part of a song by itself, as loud as in the song: all stems together are the song.

    number: of the part, counted from 1. sound: what plays it, in words. timbre: the one that plays it; None if there
    are several. mixed: the part before the song's `gain` and `sample_rate`.
    """

    number: int
    part: Part
    sound: str
    timbre: Timbre | None
    mixed: OnDisk
    gain: float
    sample_rate: int

    @property
    def clip(self) -> Clip:
        """The part in stereo, computed anew each time."""
        wave = resampled(self.mixed.read(), self.mixed.sample_rate, self.sample_rate)
        return Clip(wave * np.float32(self.gain), self.sample_rate)

    @property
    def file_name(self) -> str:
        """`02_melody_violin.wav`: the number first, so that files sort as the parts do."""
        words = re.sub(r"\W+", "_", f"{self.part.name} {self.sound}", flags=re.ASCII).strip("_").lower()
        return f"{self.number:02d}_{words[:LONGEST_NAME]}.wav"

    def save(self, folder: str | os.PathLike[str], subtype: str = "PCM_24") -> Path:
        """Write it into `folder` as `file_name`, as `subtype` PCM_16, PCM_24 or FLOAT, its timbre inside where there
        is one (see `read_timbre`); returns the path. Raises AudioError."""
        path, clip = Path(folder) / self.file_name, self.clip
        title = f"{self.part.name or f'Part {self.number}'}: {self.sound}"
        before = [info_list({"INAM": title, "ISFT": SOFTWARE})]
        after = origin_chunks(self.timbre)
        with replacing(path, AudioError) as partial:
            partial.write_bytes(wav_bytes(clip.samples, clip.sample_rate, subtype, before=before, after=after))
        return path

"""Own sounds on the page: the job that makes a sound of a recording."""

import io
from pathlib import Path

import numpy as np

from gansynth_core import SHARED, AudioError, Clip, Timbre, clip_of, note_wav
from webapp.fair import Visitor
from webapp.jobs import Done, Progress, Work
from webapp.player import Player
from webapp.sound_document import sound_of

OWN_LIMIT: int = SHARED["limits"]["own_bytes"]  # of a recording: five minutes in stereo at 48 kHz and 16 bits
STEPS, MOST_STEPS = 50, 300  # towards the recording
LIKELY = 0.01  # of an instrument that is told
SHOWN_PEAK = 0.9  # of a recording that the page draws and cuts
SILENT_PEAK = 1e-4


def recording_wav(recording: bytes) -> bytes:
    """The first two minutes of `recording` (the bytes of a sound file), mono and as loud as 16 bits allow, as a WAV
    file that every browser reads. Raises AudioError for what is silent or no sound file, InputError for samples that
    are no numbers."""
    clip = clip_of(io.BytesIO(recording))
    samples = np.asarray(clip.samples, np.float32)
    peak = float(np.abs(samples).max())
    if peak < SILENT_PEAK:
        raise AudioError("This recording is silent.")
    return Clip(samples * np.float32(SHOWN_PEAK / peak), clip.sample_rate).wav("PCM_16")


def encode_work(
    player: Player,
    recording: bytes,
    pitch: float | None,
    steps: int,
    name: str,
    visitor: Visitor,
    start: Timbre | None = None,
) -> Work:
    """A job's work for `visitor`: `recording` (the bytes of a sound file) as a sound of the player's model, at `pitch`
    (MIDI; None to have it found), in `steps` steps from `start`, or from what the encoder guesses. Its file is the note
    that the model makes of it."""

    def work(folder: Path, progress: Progress) -> Done:
        found = player.synth().encode(io.BytesIO(recording), pitch, steps=steps, start=start, progress=progress)
        key = min(max(round(found.pitch), 0), 127)
        path = folder / "own.wav"
        clip = player.exporter(visitor).render(found.timbre, [found.pitch])[0]
        path.write_bytes(note_wav(clip, key, found.timbre, name))
        about = {
            "sound": sound_of(found.timbre),
            "pitch": found.pitch,
            "pitched": found.pitched,
            "distance": round(found.distance_db, 2),
            "refined": round(found.refined_db, 2),
            "encoder": round(found.encoder_db, 2),
            "instruments": [[name, round(share, 3)] for name, share in found.instruments if share >= LIKELY],
            "start": round(found.start_seconds, 3),
            "seconds": round(found.heard_seconds, 3),
        }
        return Done(path, about)

    return work

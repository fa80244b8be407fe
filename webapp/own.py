"""Own sounds on the page: the job that makes a sound of a recording."""

import io
from pathlib import Path

from gansynth_core import note_wav
from webapp.fair import Visitor
from webapp.jobs import Done, Progress, Work
from webapp.player import Player
from webapp.sound_document import sound_of

OWN_LIMIT = 60_000_000  # bytes of a recording: five minutes in stereo at 48 kHz and 16 bits
STEPS, MOST_STEPS = 50, 300  # towards the recording
LIKELY = 0.01  # of an instrument that is told


def encode_work(player: Player, recording: bytes, pitch: float | None, steps: int, name: str, visitor: Visitor) -> Work:
    """A job's work for `visitor`: `recording` (the bytes of a sound file) as a sound of the player's model, at `pitch`
    (MIDI; None to have it found), in `steps` steps. Its file is the note that the model makes of it."""

    def work(folder: Path, progress: Progress) -> Done:
        found = player.synth().encode(io.BytesIO(recording), pitch, steps=steps, progress=progress)
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

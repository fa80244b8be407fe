"""How long a song takes: two minutes, eight parts (one of drums, one with bends), 1,500 notes, to a 24-bit WAV file and
its stems.

    python tests/campaigns/song_speed.py
"""

import io
import random
import tempfile
import time
from pathlib import Path

import mido

from gansynth_core import Synth, read_midi, render_midi

PROGRAMS = (0, 24, 33, 40, 48, 61, 73, None)  # None: drums
NOTES, SECONDS, SECOND = 1500, 120, 960  # SECOND in ticks


def song() -> bytes:
    draw = random.Random(0)
    file = mido.MidiFile(ticks_per_beat=480)
    for part, program in enumerate(PROGRAMS):
        channel = 9 if program is None else part
        events = [] if program is None else [(0, mido.Message("program_change", program=program, channel=channel))]
        events.append((0, mido.Message("control_change", control=10, value=16 * part, channel=channel)))
        for number in range(NOTES * part // len(PROGRAMS), NOTES * (part + 1) // len(PROGRAMS)):
            at = draw.randrange((SECONDS - 4) * SECOND)
            key = draw.choice((36, 38, 42, 46)) if program is None else draw.randrange(45, 80)
            velocity, length = draw.randrange(40, 127), draw.choice((120, 240, 480, 1920, 3840))
            events.append((at, mido.Message("note_on", note=key, velocity=velocity, channel=channel)))
            events.append((at + length, mido.Message("note_off", note=key, channel=channel)))
            if program == 73 and number % 2:
                for step in range(32):
                    bend = mido.Message("pitchwheel", pitch=256 * step, channel=channel)
                    events.append((at + length * step // 32, bend))
        track, now = mido.MidiTrack(), 0
        for tick, message in sorted(events, key=lambda event: event[0]):
            track.append(message.copy(time=tick - now))
            now = tick
        file.tracks.append(track)
    data = io.BytesIO()
    file.save(file=data)
    return data.getvalue()


def main() -> None:
    begun, used = time.monotonic(), time.process_time()

    def tell(what: str) -> None:
        print(f"{what:24} {time.monotonic() - begun:6.1f} s, {time.process_time() - used:6.1f} s of CPU", flush=True)

    synth = Synth.load("studio")
    read = read_midi(song())
    tell("model loaded, song read")
    result = render_midi(read, synth, sample_rate=44100, stems=True)
    tell(f"{result.notes:,} notes rendered")
    with tempfile.TemporaryDirectory() as folder:
        result.clip.save(Path(folder) / "song.wav")
        tell("song written")
        for stem in result.stems:
            stem.save(folder)
        tell(f"{len(result.stems)} stems written")
    for notice in result.notices:
        print(notice)


if __name__ == "__main__":
    main()

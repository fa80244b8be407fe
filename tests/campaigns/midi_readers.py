"""Compares our reading of MIDI files with symusic's and pretty_midi's: onsets, and ends without the pedal, which those
leave alone. Needs both packages, which the project itself does not:

    python tests/campaigns/midi_readers.py FILES...

A note counts as the same if it is of the same track, channel and key within a millisecond. The two match ends with
strikes in different ways where a key is struck again before it is let go (symusic the oldest first, pretty_midi all at
once), so each file shows how many ends agree with both, with one, and with none.
"""

import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import mido
import pretty_midi
import symusic

from gansynth_core import InputError, read_midi
from gansynth_core.midi import reading

CLOSE = 0.001  # seconds
Notes = dict[tuple[bool, int], list[tuple[float, float]]]  # by (drums, key): onsets and ends


def ours(path: Path) -> tuple[Notes, tuple[str, ...]]:
    song = read_midi(path)
    found = defaultdict(list)
    for note in song.notes:
        found[song.parts[note.part].drums, note.pitch].append((note.start, note.end))
    return found, song.notices


def by_symusic(path: Path) -> Notes:
    found = defaultdict(list)
    for track in symusic.Score(path, ttype="second").tracks:
        for note in track.notes:
            found[track.is_drum, note.pitch].append((note.time, note.time + note.duration))
    return found


def by_pretty_midi(path: Path) -> Notes:
    found = defaultdict(list)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # mido is strict about data bytes by default; its way to read files like ours is to clip them.
        instruments = pretty_midi.PrettyMIDI(mido_object=mido.MidiFile(path, clip=True)).instruments
    for instrument in instruments:
        for note in instrument.notes:
            found[instrument.is_drum, note.pitch].append((note.start, note.end))
    return found


def agreement(mine: Notes, theirs: Notes) -> tuple[Counter, dict]:
    """How many onsets agree, and of each of my notes whether its end does."""
    counts, ends = Counter(), {}
    for key in {*mine, *theirs}:
        left = sorted(theirs.get(key, []))
        for number, (start, end) in enumerate(sorted(mine.get(key, []))):
            near = [note for note in left if abs(note[0] - start) < CLOSE]
            if not near:
                counts["only ours"] += 1
                continue
            best = min(near, key=lambda note: abs(note[1] - end))
            left.remove(best)
            counts["onsets"] += 1
            ends[key, number] = bool(abs(best[1] - end) < CLOSE)
        counts["only theirs"] += len(left)
    return counts, ends


def main() -> None:
    reading.PEDAL = -1
    print(
        f"{'file':44} {'notes':>7} | symusic: only ours, theirs | pretty_midi: only ours, theirs | ends: both one none"
    )
    for path in map(Path, sys.argv[1:]):
        try:
            mine, notices = ours(path)
        except InputError as error:
            mine, notices = None, (str(error),)
        others = []
        for read in (by_symusic, by_pretty_midi):
            try:
                others.append(agreement(mine or {}, read(path)))
            except Exception as error:  # of any kind: others' readers
                others.append(f"refuses it: {type(error).__name__} {str(error)[:50]!r}")
        total = sum(map(len, mine.values())) if mine is not None else 0
        cells = [other if isinstance(other, str) else
                 f"{other[0]['only ours']:6} {other[0]['only theirs']:6}" for other in others]  # fmt: skip
        said = ""
        if not any(isinstance(other, str) for other in others):
            (_, one), (_, two) = others
            agreed = Counter(one.get(note, False) + two.get(note, False) for note in {*one, *two})
            said = f"{agreed[2]:6} {agreed[1]:5} {agreed[0]:5}"
        print(f"{path.name[:44]:44} {total:7,} | {cells[0]} | {cells[1]} | {said}")
        for notice in notices:
            print(f"      {notice}")


if __name__ == "__main__":
    main()

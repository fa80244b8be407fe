"""How near own sounds come: `python tests/campaigns/own_sounds.py FOLDER [-o TABLE.md]`, with the packages that
`recordings.py` names unpacked in FOLDER. Prints a line a recording and the table for docs/evaluation.md.

Of every recording: the pitch that is found, the distance by the encoder alone, refined, and with the imprint; at its
own key the brightness and the attack beside the recording's; an octave down and up, what is in tune (cents), how far
brightness has moved beyond the octave's share (octaves), and the attack beside that at the own key.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np
import torch
from recordings import Recording, recordings

from gansynth_core import DESCRIPTORS, Clips, GanSynthError, Synth, measure
from gansynth_core.own import cut, fitted, held, known_samples

PLACE = {descriptor.name: place for place, descriptor in enumerate(DESCRIPTORS)}
HEAD = (
    "recording",
    "pitch",
    "found",
    "encoder",
    "refined",
    "imprint",
    "brightness",
    "attack",
    "octave down",
    "octave up",
)


def measured(synth: Synth, recording: Recording) -> tuple[list[str], list[float]]:
    """A row of the table, and its three distances with the seconds of CPU it took."""
    spec, began = synth.card.specgram, time.process_time()
    heard = synth.encode(recording.clip)
    seconds = time.process_time() - began
    note = fitted(recording.clip, spec)
    known = known_samples(note, spec)
    keys = [heard.pitch + shift for shift in (0, -12, 12)]
    keys = [key for key in keys if synth.card.pitch_low <= key <= synth.card.pitch_high]
    made = synth.render(heard.timbre, keys)
    waves = np.stack(
        [held(note, known, spec), *(held(cut(w, known, spec.sample_rate), known, spec) for w in made.audio)]
    )
    values = measure(Clips(waves, spec.sample_rate, (heard.pitch, *keys)))

    def ratio(name: str, one: int, other: int) -> float:
        return float(values[one, PLACE[name]] / max(1e-9, values[other, PLACE[name]]))

    row = [recording.name, f"{recording.pitch:g}" if recording.pitch else "", f"{heard.pitch:.2f}"]
    row += [f"{db:.1f}" for db in (heard.encoder_db, heard.refined_db, heard.distance_db)]
    row += [f"{math.log2(ratio('brightness', 1, 0)):+.2f}", f"{ratio('attack', 1, 0):.2f}"]
    for shift in (-12, 12):
        if heard.pitch + shift not in keys:
            row.append("")
            continue
        place = 1 + keys.index(heard.pitch + shift)
        cents, bright = values[place, PLACE["tuning"]], math.log2(ratio("brightness", place, 1))
        row.append(f"{cents:+.0f} c, {bright:+.2f}, {ratio('attack', place, 1):.2f}")
    if not heard.pitched:
        row[2] += " (unclear)"
    return row, [heard.encoder_db, heard.refined_db, heard.distance_db, seconds]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("-o", "--out", type=Path)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    synth = Synth.load(device="cpu")
    rows, numbers = [], []
    for recording in recordings(arguments.folder):
        try:
            row, distances = measured(synth, recording)
        except GanSynthError as error:
            print(f"{recording.name}: {error}", file=sys.stderr)
            continue
        rows.append(row)
        numbers.append(distances)
        print("  ".join(row), f"{distances[-1]:.1f} s", flush=True)
    table = [HEAD, tuple("---" for _ in HEAD), *rows]
    text = "\n".join(f"| {' | '.join(row)} |" for row in table)
    for what, of in (("median", 50), ("90th percentile", 90)):
        values = np.percentile(numbers, of, axis=0)
        text += f"\n\n{what}: {values[0]:.1f}, {values[1]:.1f}, {values[2]:.1f} dB; {values[3]:.1f} s"
    if arguments.out:
        arguments.out.write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()

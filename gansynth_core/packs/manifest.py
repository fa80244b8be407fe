"""The documents of a pack: manifest.json (every sound can be made again from it) and README.txt."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from gansynth_core.cards import ModelCard
from gansynth_core.packs import opxy, tonverk
from gansynth_core.packs.dynamics import RANGE_DB
from gansynth_core.packs.json_files import save_lines
from gansynth_core.packs.naming import SOFTWARE
from gansynth_core.packs.plan import PackPlan
from gansynth_core.packs.shaping import LAYER_SHELF_DB
from gansynth_core.packs.zones import velocity_ranges

FORMAT = 1


def save_manifest(
    path: Path, plan: PackPlan, card: ModelCard, wavetables: Sequence[str], sounds: Iterable[dict[str, Any]]
) -> None:
    """Write manifest.json. wavetables: the names of their files. A sound has `name`, `title`, `timbre` and further
    `takes` (see Timbre.from_json), `notes` (file, pitch, keys, velocities, take, seconds, gain_db, loop, and a `fault`
    if it was kept despite one), `left_out` (pitch, reason), and as `check` what was found in its files, if anything."""
    head = {
        "format": FORMAT,
        "software": SOFTWARE,
        "pack": plan.name,
        "author": plan.author,
        "copyright": plan.rights.of(card).copyright,
        "comment": plan.comment,
        "model": {
            "id": card.id,
            "title": card.title,
            "sha256": card.sha256,
            "licence": card.licence,
            "provenance": card.provenance,
        },
        "sample_rate": plan.sample_rate,
        "model_sample_rate": card.specgram.sample_rate,
        "subtype": plan.subtype,
        "channels": 2 if plan.stereo else 1,
        "level": plan.level,
        "measure": plan.measure,
        "loudness_lufs": plan.loudness_lufs,
        "naming": plan.naming,
        "rejects": plan.rejects,
        "velocity_layers": [
            {
                "low": low,
                "high": high,
                "high_shelf_db": -LAYER_SHELF_DB * (plan.velocity_layers - 1 - layer),
            }
            for layer, (low, high) in enumerate(velocity_ranges(plan.velocity_layers))
        ],
        "velocity_range_db": RANGE_DB,
        "round_robins": plan.round_robins,
        "wavetables": [
            {
                "file": f"Wavetables/{name}.wav",
                "title": table.name,
                "pitch": table.pitch,
                "morph": [table.start.to_json(), table.end.to_json()],
            }
            for name, table in zip(wavetables, plan.wavetables, strict=True)
        ],
    }
    save_lines(path, head, "sounds", iter(sounds))


def readme(title: str, plan: PackPlan, card: ModelCard, notes: int, left_out: Sequence[str]) -> str:
    """The text of README.txt: what is in the pack, how to open it, what was left out.

    notes: how many it holds. left_out: a line for each that failed a quality check.
    """
    kind = {"PCM_16": "16-bit", "PCM_24": "24-bit", "FLOAT": "32-bit float"}[plan.subtype]
    lines = "".join(f"  {line}\n" for line in left_out)
    listed = f"\nLeft out, replaced, or kept in spite of a fault (see manifest.json):\n{lines}" if left_out else ""
    return (
        f"{title}\n\n"
        f"{notes} {'note' if notes == 1 else 'notes'} made with {SOFTWARE}, model {card.title} ({card.id}).\n"
        f"{_channels(plan)} WAV, {kind}, {plan.sample_rate} Hz; the model writes {card.specgram.sample_rate} Hz, so "
        f"there is nothing above {card.specgram.sample_rate / 2000:g} kHz.\n"
        f"{_level(plan)}\n{_velocity(plan)}\n"
        "Key numbers are MIDI: 60 is middle C, called C4 here and C3 or C5 elsewhere.\n\n"
        f"{_use(plan)}{listed}\n"
        "Every sound can be made again, at any pitch: its recipe (the timbre) is in manifest.json and in each WAV.\n"
        "  from gansynth_core import Synth, read_timbre\n"
        f'  Synth.load("{card.id}").render(read_timbre("a note of this pack.wav"), [60]).save("again.wav")\n'
    )


_PLAYERS = {
    "sfz": "for sfizz, ARIA and other SFZ players,",
    "dspreset": "for DecentSampler,",
    "sf2": "SoundFont 2, with the notes in it (without round robins, which it does not know),",
    "multisample": "for Bitwig Studio and Studio One, with the notes in it,",
}


def _use(plan: PackPlan) -> str:
    text = ""
    if plan.items and not plan.several:
        text += "OneShots/ holds one file a sound; its key stands in the file's header and in its name.\n"
    elif plan.items:
        files = "".join(f"  {'NAME.' + name:<17}{_PLAYERS[name]}\n" for name in plan.formats)
        text += (
            f"Multisamples/ holds a folder of notes for every instrument, and beside it\n{files}"
            if files
            else ("Multisamples/ holds a folder of notes for every instrument.\n")
        )
        text += "Other samplers map the notes by the root key in each file's header, or by its name.\n"
        if plan.device == "op-xy":
            text += f"Copy the folders NAME{opxy.ENDING} into the folder presets of the device.\n"
        if plan.device == "tonverk":
            text += f"Copy the folders with their NAME{tonverk.ENDING} to the device.\n"
        if plan.loops:
            text += "Notes that hold have a sustain loop, then their release; those that die away have none.\n"
    if plan.wavetables:
        text += "Wavetables/ holds 256 cycles of 2048 samples for each morph: for Serum, Vital, Hive and others.\n"
    return text


def _channels(plan: PackPlan) -> str:
    return (
        "Stereo (the middle is the mono sound, the sides are it in other phases, 7 dB lower and without basses)"
        if plan.stereo
        else "Mono"
    )


def _level(plan: PackPlan) -> str:
    goal = (
        "True peaks at -1 dBTP"
        if plan.measure == "peak"
        else f"Loudness {plan.loudness_lufs:g} LUFS, peaks limited to -1 dBTP"
    )
    return f"{goal}, {'notes keep their balance within a sound' if plan.level == 'sound' else 'each note by itself'}."


def _velocity(plan: PackPlan) -> str:
    if plan.velocity_layers == 1:
        layers = "One velocity layer: the model has not learned velocity."
    else:
        layers = (
            f"{plan.velocity_layers} velocity layers: the model has not learned velocity, so each softer one is "
            f"the same note with its partials {LAYER_SHELF_DB:g} dB duller."
        )
    if plan.round_robins > 1:
        layers += f" {plan.round_robins} takes of every note (round robin), from small steps aside in the latent."
    return f"{layers} Velocity 1 is {RANGE_DB:g} dB below 127, on one curve in every format."

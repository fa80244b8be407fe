"""The documents of a pack: manifest.json, from which every sound can be made again, README.txt and LICENSE.txt."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from gansynth_core.cards import ModelCard
from gansynth_core.packs.plan import PackPlan, save_lines

FORMAT = 1
SOFTWARE = "GANSynth Studio"


def save_manifest(path: Path, plan: PackPlan, card: ModelCard, sounds: Iterable[dict]) -> None:
    """Write manifest.json. A sound has `name`, `title`, `timbre` (see Timbre.from_json), `notes` (file, pitch, keys,
    seconds, gain_db, and a `fault` if it was kept in spite of one) and `left_out` (pitch, reason)."""
    head = {
        "format": FORMAT,
        "software": SOFTWARE,
        "pack": plan.name,
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
        "level": plan.level,
        "naming": plan.naming,
        "rejects": plan.rejects,
        "velocity_layers": 1,
    }
    save_lines(path, head, "sounds", iter(sounds))


def readme(title: str, plan: PackPlan, card: ModelCard, notes: int, left_out: Sequence[str]) -> str:
    """The text of README.txt: what is in the pack, how to open it, what was left out.

    notes: how many it holds. left_out: a line for each that failed a gate.
    """
    several = len(plan.pitches) > 1
    kind = {"PCM_16": "16-bit", "PCM_24": "24-bit", "FLOAT": "32-bit float"}[plan.subtype]
    use = (
        "Multisamples/ holds a folder of notes for every instrument, and beside it\n"
        "  NAME.sfz       for sfizz, ARIA and other SFZ players,\n"
        "  NAME.dspreset  for DecentSampler.\n"
        "Other samplers map the notes by the root key in each file's header, or by its name.\n"
        if several
        else "OneShots/ holds one file a sound; its key stands in the file's header and in its name.\n"
    )
    level = "notes keep their balance within a sound" if plan.level == "sound" else "each note by itself"
    lines = "".join(f"  {line}\n" for line in left_out)
    listed = f"\nLeft out, or kept in spite of it (see manifest.json):\n{lines}" if left_out else ""
    return (
        f"{title}\n\n"
        f"{notes} {'note' if notes == 1 else 'notes'} made with {SOFTWARE}, model {card.title} ({card.id}).\n"
        f"Mono WAV, {kind}, {plan.sample_rate} Hz; the model writes {card.specgram.sample_rate} Hz, so there "
        f"is nothing above {card.specgram.sample_rate / 2000:g} kHz.\n"
        f"Peaks at -1 dBFS, {level}. One velocity layer: the model has not learned velocity.\n"
        "Key numbers are MIDI: 60 is middle C, called C4 here and C3 or C5 elsewhere.\n\n"
        f"{use}{listed}\n"
        "Every sound can be made again, at any pitch: its recipe (the timbre) is in manifest.json and in each WAV.\n"
        "  from gansynth_core import Synth, read_timbre\n"
        f'  Synth.load("{card.id}").render(read_timbre("a note of this pack.wav"), [60]).save("again.wav")\n'
    )


def licence(card: ModelCard) -> str:
    """The text of LICENSE.txt: what the model's card says of its licence and of what it learned from."""
    return (
        f"The sounds of this pack were made by the model {card.title} ({card.id}) of {SOFTWARE}.\n\n"
        f"Licence of the model: {card.licence or 'its card states none.'}\n"
        f"What it learned from, and that material's licence: {card.provenance or 'its card does not say.'}\n"
    )

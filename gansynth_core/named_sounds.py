"""Names for the sounds of a model that has no instruments: `bright_pluck_12` is its sound of seed 12.

Sounds are drawn, one note of each is measured, and the measurements name it. The noun, and with it the family, says how
the note develops over time; the adjective says what sets it apart most from the model's other sounds; the number is its
seed, so a name can never come to mean another sound. Each family offers the dozen that differ most.
"""

import argparse
import dataclasses
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from gansynth_core.cards import NamedSound, load_card, model_folder, save_card
from gansynth_core.descriptors import DESCRIPTORS, furthest_apart, measure
from gansynth_core.errors import InputError
from gansynth_core.latent import sample
from gansynth_core.sound import SILENCE_PEAK, Clips
from gansynth_core.synth import BATCH, Synth

SOUNDS = 256  # drawn and measured
MOST_SOUNDS = 10_000
PITCH = 60
A_FAMILY = 12  # named sounds of one family at most

FAMILIES = {
    "pluck": "Plucks",
    "bell": "Bells",
    "keys": "Keys",
    "organ": "Organs",
    "reed": "Reeds",
    "flute": "Flutes",
    "lead": "Leads",
    "pad": "Pads",
    "swell": "Swells",
    "hit": "Hits",
    "noise": "Noises",
}
# (word, descriptor, whether the word stands for much or little of it, the limit from which the ear agrees)
ADJECTIVES = (
    ("bright", "brightness", "much", 0.0),
    ("dark", "brightness", "little", np.inf),
    ("breathy", "noisiness", "much", -25.0),
    ("pure", "noisiness", "little", -35.0),
    ("rich", "richness", "much", 5.0),
    ("plain", "richness", "little", 8.0),
    ("warm", "warmth", "much", 15.0),
    ("thin", "warmth", "little", 30.0),
    ("hollow", "hollowness", "much", 3.0),
    ("shimmering", "beating", "much", 2.5),
    ("singing", "vibrato", "much", 4.0),
    ("pulsing", "tremolo", "much", 1.0),
    ("crisp", "attack", "little", 0.02),
    ("soft", "attack", "much", 0.06),
)
SAID_ALREADY = {"soft": ("swell",), "crisp": ("hit",), "breathy": ("hit", "noise")}  # by the noun
DISTANCE = ("brightness", "attack", "decay", "noisiness", "richness", "hollowness", "warmth", "beating", "tremolo")


def find_named_sounds(
    synth: Synth, sounds: int = SOUNDS, progress: Callable[[int, int], object] | None = None
) -> tuple[NamedSound, ...]:
    """Named sounds among the first `sounds` (1-10,000) seeds of `synth`'s model, up to a dozen per family, ordered by
    family and name. progress: called with the sounds done and the sounds in all. Deterministic. Raises InputError for a
    model that has instruments, and for one whose sounds are all silent."""
    card = synth.card
    if card.instruments:
        raise InputError(
            f"'{card.id}' has {len(card.instruments)} instruments to choose from and needs no named sounds."
        )
    if isinstance(sounds, bool) or not isinstance(sounds, int) or not 1 <= sounds <= MOST_SOUNDS:
        raise InputError(f"Named sounds are chosen from 1 to {MOST_SOUNDS:,} sounds, not {sounds}.")
    pitch = min(max(PITCH, card.pitch_low), card.pitch_high)
    seeds: list[int] = []
    rows: list[NDArray[np.float64]] = []
    for start in range(0, sounds, BATCH):
        batch = range(start, min(start + BATCH, sounds))
        clips = synth.render(sample(card, len(batch), start), [pitch] * len(batch))
        heard = [place for place, wave in enumerate(clips.audio) if np.abs(wave).max() > SILENCE_PEAK]
        rows.append(measure(Clips(clips.audio[heard], clips.sample_rate, (pitch,) * len(heard))))
        seeds += [batch[place] for place in heard]
        if progress is not None:
            progress(batch[-1] + 1, sounds)
    if not seeds:
        raise InputError(f"All {sounds:,} sounds of '{card.id}' that were tried are silent.")
    return name_sounds(seeds, np.concatenate(rows))


def name_sounds(seeds: Sequence[int], values: NDArray[np.float64]) -> tuple[NamedSound, ...]:
    """Named sounds from seeds and what `measure` says of each, float [sounds, len(DESCRIPTORS)]."""
    columns = {descriptor.name: values[:, place] for place, descriptor in enumerate(DESCRIPTORS)}
    nouns = [noun_of({name: float(column[row]) for name, column in columns.items()}) for row in range(len(seeds))]
    adjectives = _adjectives(columns, nouns)
    heard = _standardized({descriptor.name: descriptor.heard(columns[descriptor.name]) for descriptor in DESCRIPTORS})
    sounds: list[NamedSound] = []
    for noun, family in FAMILIES.items():
        rows = np.array([row for row, its in enumerate(nouns) if its == noun], int)
        chosen = rows[furthest_apart(heard[rows], A_FAMILY)]
        named = [NamedSound(f"{adjectives[row]}_{noun}_{seeds[row]}", family, int(seeds[row])) for row in chosen]
        sounds += sorted(named, key=lambda sound: (sound.name.split("_")[0], sound.seed))
    return tuple(sounds)


def noun_of(heard: Mapping[str, float]) -> str:
    """What kind of sound it is, from its descriptors' values.

    The limits were set on the 128 General MIDI instruments of the studio voice at middle C. There, struck and plucked
    sounds fall by more than 2 dB/s, drums and effects have noise above -12 dB, celesta and vibraphone fall by 11 to 30
    dB/s with few partials, ensembles beat, and so on.
    """
    if heard["noisiness"] > -12:
        return "hit" if heard["decay"] >= 15 else "noise"
    if heard["decay"] >= 2:
        if heard["attack"] > 0.15:
            return "pad"
        if heard["decay"] < 11:
            return "keys"
        return "bell" if heard["decay"] < 30 and heard["richness"] <= 6 else "pluck"
    if heard["attack"] > 0.4:
        return "swell"
    if heard["attack"] > 0.15 or heard["beating"] > 3:
        return "pad"
    if heard["richness"] <= 4.5:
        return "flute"
    if heard["hollowness"] > 4:
        return "reed"
    return "lead" if heard["richness"] > 10 else "organ"


def _adjectives(columns: Mapping[str, NDArray[np.floating]], nouns: Sequence[str]) -> list[str]:
    """For each sound, the word of the descriptor that puts it nearest to either end when all sounds are ranked."""
    fitness = []
    for word, name, amount, limit in ADJECTIVES:
        values, order = columns[name], np.sort(columns[name])
        below = np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right")
        place = below / len(order) - 1  # -1 lowest, 1 highest, equal values in their middle
        fits = values >= limit if amount == "much" else values <= limit
        fits &= ~np.isin(nouns, SAID_ALREADY.get(word, ()))
        fitness.append(np.where(fits, place if amount == "much" else -place, -1.0))
    return [ADJECTIVES[number][0] for number in np.argmax(fitness, axis=0)]


def _standardized(heard: Mapping[str, NDArray[np.floating]]) -> NDArray[np.floating]:
    """The descriptors of DISTANCE, [sounds, descriptors], in standard deviations from their mean."""
    table = np.stack([heard[name] for name in DISTANCE], axis=1)
    standardized: NDArray[np.floating] = (table - table.mean(axis=0)) / np.maximum(table.std(axis=0), 1e-9)
    return standardized


# --- the command ------------------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `name-sounds`."""
    parser.add_argument("--model", required=True, help="which model, or its folder")
    parser.add_argument(
        "--sounds", type=int, default=SOUNDS, help=f"how many sounds to choose from (default: {SOUNDS})"
    )


def run(arguments: argparse.Namespace) -> None:
    """Name sounds of a model, keep them in its card and print them by family."""
    save_named_sounds(arguments.model, arguments.sounds)
    families = load_card(model_folder(arguments.model)).families()
    for family, names in families.items():
        print(f"{family}: {', '.join(names)}")


def save_named_sounds(model: str, sounds: int = SOUNDS) -> None:
    """Name sounds of a model (its id or folder) with a progress bar, and keep them in its card; those it had go.
    Raises ModelError or InputError."""
    from tqdm import tqdm

    folder = model_folder(model)
    synth = Synth.load(str(folder))
    with tqdm(total=sounds, unit="sound", delay=1) as bar:  # delayed, so that a refusal comes before it
        named = find_named_sounds(synth, sounds, lambda done, total: bar.update(done - bar.n))
    save_card(folder, dataclasses.replace(load_card(folder), named_sounds=named))

"""The drum channel for a voice without a drum kit: each drum of General MIDI is played by what is nearest to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from gansynth_core.cards import ModelCard
from gansynth_core.latent import Timbre, sample


class Drum(NamedTuple):
    """A drum as an instrument plays it: at the MIDI `pitch`, for `seconds`, `db` louder than notes are; a hit ends
    those before it of the same `choke`, as a hand does that closes a hi-hat."""

    instrument: str
    pitch: int
    seconds: float
    db: float = 0.0
    choke: str = ""


# What is nearest by spectrum to the standard kit of the sound font FluidR3_GM: tests/campaigns/nearest_drums.py
DRUMS = {
    35: Drum("synth_drum", 46, 0.24, -5),  # acoustic bass drum
    36: Drum("synth_drum", 46, 0.23, -5),  # bass drum
    37: Drum("timpani", 70, 0.58, -8),  # side stick
    38: Drum("melodic_tom", 62, 0.23, -2),  # acoustic snare
    39: Drum("timpani", 70, 0.23, -1),  # hand clap
    40: Drum("melodic_tom", 62, 0.28, -4),  # electric snare
    41: Drum("melodic_tom", 24, 0.98, -6),  # low floor tom
    42: Drum("melodic_tom", 62, 0.25, -8, choke="hi-hat"),  # closed hi-hat
    43: Drum("melodic_tom", 32, 0.67, -3),  # high floor tom
    44: Drum("melodic_tom", 62, 0.21, -8, choke="hi-hat"),  # pedal hi-hat
    45: Drum("electric_guitar_muted", 38, 1.1, -8),  # low tom
    46: Drum("dulcimer", 54, 2.2, -8, choke="hi-hat"),  # open hi-hat
    47: Drum("electric_guitar_muted", 40, 0.85, -7),  # low-mid tom
    48: Drum("electric_guitar_muted", 40, 0.81, -7),  # high-mid tom
    49: Drum("gunshot", 32, 2.5, -4),  # crash cymbal
    50: Drum("melodic_tom", 42, 0.72, -8),  # high tom
    51: Drum("dulcimer", 54, 1.6, -8),  # ride cymbal
    52: Drum("gunshot", 74, 1.9, -8),  # Chinese cymbal
    53: Drum("dulcimer", 54, 2.5, -8),  # ride bell
    54: Drum("synth_drum", 50, 0.29, -5),  # tambourine
    55: Drum("gunshot", 74, 1.4, -8),  # splash cymbal
    56: Drum("woodblock", 24, 0.22, -6),  # cowbell
    57: Drum("gunshot", 74, 2.5, -4),  # second crash cymbal
    58: Drum("gunshot", 74, 1.5, -1),  # vibraslap
    59: Drum("dulcimer", 60, 1.8, -8),  # second ride cymbal
    60: Drum("woodblock", 78, 0.15, -6),  # high bongo
    61: Drum("woodblock", 46, 0.23, -4),  # low bongo
    62: Drum("woodblock", 24, 0.15, -8),  # mute high conga
    63: Drum("kalimba", 62, 0.41, -6),  # open high conga
    64: Drum("celesta", 58, 0.34, -4),  # low conga
    65: Drum("agogo", 52, 0.76, -7),  # high timbale
    66: Drum("timpani", 68, 0.71, -5),  # low timbale
    67: Drum("agogo", 78, 0.27, -8),  # high agogo
    68: Drum("agogo", 72, 0.4, -8),  # low agogo
    69: Drum("synth_drum", 58, 0.12, -7),  # cabasa
    70: Drum("synth_drum", 58, 0.1, -7),  # maracas
    71: Drum("synth_drum", 60, 0.19, -1, choke="whistle"),  # short whistle
    72: Drum("guitar_fret_noise", 74, 0.42, 6, choke="whistle"),  # long whistle
    73: Drum("woodblock", 80, 0.12, -3, choke="guiro"),  # short guiro
    74: Drum("gunshot", 84, 0.47, -5, choke="guiro"),  # long guiro
    75: Drum("synth_drum", 46, 0.1, -2),  # claves
    76: Drum("woodblock", 58, 0.19, -4),  # high woodblock
    77: Drum("woodblock", 38, 0.25, -4),  # low woodblock
    78: Drum("kalimba", 74, 0.76, -2, choke="cuica"),  # mute cuica
    79: Drum("music_box", 62, 1.1, 4, choke="cuica"),  # open cuica
    80: Drum("agogo", 76, 0.23, -6, choke="triangle"),  # mute triangle
    81: Drum("glockenspiel", 78, 1.2, -8, choke="triangle"),  # open triangle
}


@dataclass(frozen=True)
class Kit:
    """The drums of General MIDI by key, and the sounds of the instruments that play them."""

    timbres: Mapping[str, Timbre]

    @classmethod
    def of(cls, card: ModelCard) -> "Kit | None":
        """The kit of a model; None for one that lacks an instrument of it."""
        names = sorted({drum.instrument for drum in DRUMS.values()})
        if not set(names) <= set(card.instruments):
            return None
        return cls({name: sample(card, 1, 0, name)[0] for name in names})

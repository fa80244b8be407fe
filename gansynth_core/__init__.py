"""GANSynth in Python: instrument notes from a latent vector, an instrument and a pitch."""

from gansynth_core.cards import Direction, ModelCard, find_models, load_card, model_folder
from gansynth_core.errors import AudioError, DataError, GanSynthError, InputError, ModelError, ToolError, nearest
from gansynth_core.instruments import GM_INSTRUMENTS, families
from gansynth_core.latent import Timbre, morph, nudge, sample
from gansynth_core.pitches import parse_pitch, pitch_label
from gansynth_core.sound import Clip, Clips, pcm16, read_wav
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.synth import Synth, generate

__all__ = [
    "AudioError",
    "Clip",
    "Clips",
    "DataError",
    "Direction",
    "GM_INSTRUMENTS",
    "GanSynthError",
    "InputError",
    "ModelCard",
    "ModelError",
    "SpecgramSpec",
    "Synth",
    "Timbre",
    "ToolError",
    "families",
    "find_models",
    "generate",
    "load_card",
    "model_folder",
    "morph",
    "nearest",
    "nudge",
    "parse_pitch",
    "pcm16",
    "pitch_label",
    "read_wav",
    "sample",
]

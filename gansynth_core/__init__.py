"""GANSynth in Python: instrument notes from a latent vector, an instrument and a pitch."""

from gansynth_core.atlas import Atlas
from gansynth_core.cards import Direction, ModelCard, find_models, load_card, model_folder
from gansynth_core.descriptors import DESCRIPTORS, Descriptor, measure
from gansynth_core.errors import AudioError, DataError, GanSynthError, InputError, ModelError, ToolError, nearest
from gansynth_core.glide import glide
from gansynth_core.instruments import GM_INSTRUMENTS, families
from gansynth_core.latent import Timbre, blend, morph, nudge, sample
from gansynth_core.midi.render import MidiRender, midi_notices, render_midi
from gansynth_core.midi.song import Song, SongNote, read_midi
from gansynth_core.midi.timbres import TimbrePath, parse_timbre, random_timbres
from gansynth_core.packs.items import PackItem, Wavetable, morph_items
from gansynth_core.packs.parts import write_parts
from gansynth_core.packs.plan import PackPlan
from gansynth_core.packs.render import PackReport, write_pack
from gansynth_core.packs.wav import note_wav, read_timbre, timbre_in
from gansynth_core.patch import Patch, load_patch
from gansynth_core.pitches import parse_pitch, pitch_label
from gansynth_core.shared import SHARED
from gansynth_core.sound import Clip, Clips, Envelope, pcm16, read_wav
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.synth import Synth, generate

__version__ = "0.1.0"

__all__ = [
    "Atlas",
    "AudioError",
    "Clip",
    "Clips",
    "DESCRIPTORS",
    "DataError",
    "Descriptor",
    "Direction",
    "Envelope",
    "GM_INSTRUMENTS",
    "GanSynthError",
    "InputError",
    "MidiRender",
    "ModelCard",
    "ModelError",
    "PackItem",
    "PackPlan",
    "PackReport",
    "Patch",
    "SHARED",
    "Song",
    "SongNote",
    "SpecgramSpec",
    "Synth",
    "Timbre",
    "TimbrePath",
    "ToolError",
    "Wavetable",
    "blend",
    "families",
    "find_models",
    "generate",
    "glide",
    "load_card",
    "load_patch",
    "measure",
    "midi_notices",
    "model_folder",
    "morph",
    "morph_items",
    "nearest",
    "note_wav",
    "nudge",
    "parse_pitch",
    "parse_timbre",
    "pcm16",
    "pitch_label",
    "random_timbres",
    "read_midi",
    "read_timbre",
    "read_wav",
    "render_midi",
    "sample",
    "timbre_in",
    "write_pack",
    "write_parts",
]

"""GANSynth in Python: instrument notes from a latent vector, an instrument and a pitch.

A note's way through the package; a module imports only from its own row and the rows above it:

errors, files, shared         errors in words; writing files whole; constants that the page's scripts use too
instruments, pitches          names of instruments and keys
tunings                       the pitch of every key: named tunings, Scala's files
threads                       the threads that networks run in
riff, sound                   WAV files; Clip, Clips and Envelope
specgram                      wave <-> STFT <-> specgram
spectrum                      how far apart two notes' spectra are
imprint                       a correction of the spectrum that a Timbre of an own sound carries
sustain                       loops, and notes held for longer than a model makes them
tape                          waves read at a speed that changes, so that their pitch moves
cards                         ModelCard: a model on disk
generators/                   the networks
latent, patch                 Timbre (drawn, morphed, nudged) and Patch, a Timbre as one plays it
descriptors                   brightness, attack and so on, measured on a note
steering                      sliders that follow the sound, by a predictor beside a model's weights
own, refine                   an own sound as a model hears it; a timbre brought nearer to it
synth                         Synth: timbres and pitches -> notes; generate() in one call
glide, named_sounds           a timbre that moves; names for sounds of a model without instruments
packs/                        sample packs for samplers
midi/                         MIDI files, a sound for each part
atlas                         the map of a model's sounds
training/                     data, training and evaluation, which only the command line imports
magenta_import                Magenta's checkpoints -> models (tensor_bundle reads their files)
bench                         speed and memory on this machine
commands, note_commands       what commands have in common; those that make notes
__main__                      the command line

What is imported below is the public surface.
"""

from gansynth_core.atlas import Atlas
from gansynth_core.cards import Direction, ModelCard, find_models, load_card, model_folder
from gansynth_core.descriptors import DESCRIPTORS, Descriptor, measure
from gansynth_core.errors import AudioError, DataError, GanSynthError, InputError, ModelError, ToolError, nearest
from gansynth_core.glide import glide
from gansynth_core.imprint import Imprint
from gansynth_core.instruments import GM_INSTRUMENTS, families
from gansynth_core.latent import Timbre, blend, morph, nudge, sample
from gansynth_core.midi.casting import Cast, Casting, cast_song
from gansynth_core.midi.drums import Kit
from gansynth_core.midi.reading import read_midi
from gansynth_core.midi.render import MidiRender, render_midi
from gansynth_core.midi.song import Part, Song, SongNote
from gansynth_core.midi.stems import Stem
from gansynth_core.midi.timbres import TimbrePath, parse_timbre, random_timbres
from gansynth_core.own import Encoded, clip_of
from gansynth_core.packs.check import PackCheck, check_pack
from gansynth_core.packs.items import PackItem, Wavetable, morph_items
from gansynth_core.packs.pace import measure_pace
from gansynth_core.packs.parts import write_parts
from gansynth_core.packs.plan import TWO_QUIET_CORES, Pace, PackPlan
from gansynth_core.packs.render import PackReport, write_pack
from gansynth_core.packs.wav import note_wav, read_timbre, timbre_in
from gansynth_core.patch import Patch, load_patch
from gansynth_core.pitches import parse_pitch, pitch_hz, pitch_label
from gansynth_core.shared import SHARED
from gansynth_core.sound import Clip, Clips, Envelope, at_note_peak, pcm16, read_wav
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.steering import STEERING_HASH, Reach, Steering, steer
from gansynth_core.sustain import Sustained, is_steady
from gansynth_core.synth import GivenUp, Synth, generate
from gansynth_core.tunings import TUNINGS, Tuning, parse_tuning

__version__ = "0.1.0"

__all__ = [
    "Atlas",
    "AudioError",
    "Cast",
    "Casting",
    "Clip",
    "Clips",
    "DESCRIPTORS",
    "DataError",
    "Descriptor",
    "Direction",
    "Encoded",
    "Envelope",
    "GM_INSTRUMENTS",
    "GanSynthError",
    "GivenUp",
    "Imprint",
    "InputError",
    "Kit",
    "MidiRender",
    "ModelCard",
    "ModelError",
    "Pace",
    "PackCheck",
    "PackItem",
    "PackPlan",
    "PackReport",
    "Part",
    "Patch",
    "Reach",
    "SHARED",
    "STEERING_HASH",
    "Song",
    "SongNote",
    "SpecgramSpec",
    "Steering",
    "Stem",
    "Sustained",
    "Synth",
    "TUNINGS",
    "TWO_QUIET_CORES",
    "Timbre",
    "TimbrePath",
    "ToolError",
    "Tuning",
    "Wavetable",
    "at_note_peak",
    "blend",
    "cast_song",
    "check_pack",
    "clip_of",
    "families",
    "find_models",
    "generate",
    "glide",
    "is_steady",
    "load_card",
    "load_patch",
    "measure",
    "measure_pace",
    "model_folder",
    "morph",
    "morph_items",
    "nearest",
    "note_wav",
    "nudge",
    "parse_pitch",
    "parse_timbre",
    "parse_tuning",
    "pcm16",
    "pitch_hz",
    "pitch_label",
    "random_timbres",
    "read_midi",
    "read_timbre",
    "read_wav",
    "render_midi",
    "sample",
    "steer",
    "timbre_in",
    "write_pack",
    "write_parts",
]

"""Finds the instrument and key of the studio voice that is nearest to each drum of a sampled kit, and prints the table
of gansynth_core/midi/drums.py. Needs FluidSynth and a sound font with General MIDI's standard kit:

    python tests/campaigns/nearest_drums.py /usr/share/sounds/sf2/FluidR3_GM.sf2
"""

import itertools
import subprocess
import sys
import tempfile
from pathlib import Path

import mido
import numpy as np
import soundfile
import soxr
from scipy.signal import stft

from gansynth_core import Synth, families, sample
from gansynth_core.midi.render import RELEASE_SECONDS
from gansynth_core.packs.levels import loudness_lufs

KEYS = range(35, 82)
MELODIC = (0, 24, 33, 40, 48, 56, 65, 73, 80, 89)  # programs whose middle C says how loud notes are
FAMILIES = ("Percussive", "Chromatic Percussion")
OTHERS = ("timpani", "kalimba", "electric_guitar_muted", "guitar_fret_noise", "breath_noise", "seashore", "applause")
OTHERS += ("gunshot",)
CHOKES = {42: "hi-hat", 44: "hi-hat", 46: "hi-hat", 71: "whistle", 72: "whistle", 73: "guiro", 74: "guiro"}
CHOKES |= {78: "cuica", 79: "cuica", 80: "triangle", 81: "triangle"}
RATE, SECONDS, APART = 24000, 3.0, 5.0  # of each drum, and from one to the next
GONE_DB, FLOOR_DB = -40.0, -50.0
SHORTEST, LONGEST = 0.1, 2.5  # seconds that a drum sounds
BANDS = 48
TONAL_SECONDS = 0.25  # of a hit, which say whether it is a tone or a noise
PROMPT_SECONDS, PROMPT_DB = 0.05, -6.0  # how soon a hit is nearly as loud as it gets: reversed cymbals are out


def sampled(font: str) -> tuple[dict[int, np.ndarray], float]:
    """The drums by key, float32 at 24 kHz, and how loud (LUFS) the notes of other instruments are there."""
    file = mido.MidiFile(ticks_per_beat=480)
    track = mido.MidiTrack()
    file.tracks.append(track)
    second = 960

    def hit(channel: int, key: int) -> None:
        track.append(mido.Message("note_on", channel=channel, note=key, velocity=127))
        track.append(mido.Message("note_off", channel=channel, note=key, time=round(SECONDS * second)))
        track.append(mido.Message("note_off", channel=channel, note=key, time=round((APART - SECONDS) * second)))

    for key in KEYS:
        hit(9, key)
    for program in MELODIC:
        track.append(mido.Message("program_change", program=program))
        hit(0, 60)
    with tempfile.TemporaryDirectory() as folder:
        song, out = Path(folder) / "kit.mid", Path(folder) / "kit.wav"
        file.save(song)
        options = ["-ni", "-q", "-R", "0", "-C", "0", "-g", "0.3", "-r", "44100", "-F", str(out)]
        subprocess.run(["fluidsynth", *options, font, str(song)], check=True)
        wave = soxr.resample(soundfile.read(out)[0].mean(axis=1), 44100, RATE).astype(np.float32)
    at = [wave[round(n * APART * RATE) :][: round(SECONDS * RATE)] for n in range(len(KEYS) + len(MELODIC))]
    notes = [loudness_lufs(one, RATE) for one in at[len(KEYS) :]]
    return dict(zip(KEYS, at, strict=False)), float(np.median(notes))


def bands_of(wave: np.ndarray) -> np.ndarray:
    """Power in BANDS bands as wide as the ear's, every 10 ms: [bands, frames]."""
    hop = RATE // 100
    power = np.abs(stft(wave, RATE, nperseg=4 * hop, noverlap=3 * hop, nfft=2048)[2]) ** 2
    edges = 700 * (10 ** (np.linspace(0, 2595 * np.log10(1 + 12000 / 700), BANDS + 1) / 2595) - 1)
    place = np.clip(np.searchsorted(edges, np.arange(len(power)) * RATE / 2048, "right") - 1, 0, BANDS - 1)
    bands = np.zeros((BANDS, power.shape[1]))
    np.add.at(bands, place, power)
    return bands


def picture(bands: np.ndarray) -> np.ndarray:
    """In dB, from 0 for the highest down to FLOOR_DB."""
    level = 10 * np.log10(bands + 1e-12)
    return np.maximum(level - level.max(), FLOOR_DB)


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """In dB, the mean where either is heard."""
    heard = np.maximum(one, other) > FLOOR_DB
    return float(np.abs(one - other)[heard].mean())


def tonality(wave: np.ndarray) -> np.ndarray:
    """By how many dB partials stand out of each band, near 2.5 for noise: [bands]."""
    spectrum = np.abs(np.fft.rfft(wave * np.hanning(len(wave)))) ** 2 + 1e-12
    edges = np.linspace(500, RATE / 2, BANDS // 2 + 1) * len(wave) / RATE
    bands = [spectrum[round(low) : round(high)] for low, high in itertools.pairwise(edges)]
    return np.array([10 * np.log10(band.mean()) - (10 * np.log10(band)).mean() for band in bands])


def seconds_of(wave: np.ndarray) -> float:
    hop = RATE // 100
    power = np.square(wave[: len(wave) // hop * hop]).reshape(-1, hop).mean(axis=1)
    loud = np.flatnonzero(power > power.max() * 10 ** (GONE_DB / 10))
    return float(np.clip((loud[-1] + 1) / 100, SHORTEST, LONGEST))


def main() -> None:
    kit, usual = sampled(sys.argv[1])
    synth = Synth.load("studio")
    grouped = families(synth.card.instruments)
    names = [*OTHERS, *(name for family in FAMILIES for name in grouped[family])]
    known = {}
    for name in dict.fromkeys(names):
        timbre = sample(synth.card, 1, 0, name)[0]
        pitches = list(range(24, 85, 2))
        for pitch, wave in zip(pitches, synth.render([timbre] * len(pitches), pitches).audio, strict=True):
            bands = bands_of(wave[: round(SECONDS * RATE)])
            power, heard = bands.sum(axis=0), tonality(wave[: round(TONAL_SECONDS * RATE)])
            if power[: round(PROMPT_SECONDS * 100)].max() > power.max() * 10 ** (PROMPT_DB / 10):
                known[name, pitch] = bands, heard
    for key, drum in kit.items():
        seconds, wanted = seconds_of(drum), picture(bands_of(drum))
        at = np.arange(wanted.shape[1]) / 100
        fall = np.clip(1 - (at - seconds) / RELEASE_SECONDS, 0, 1) ** 4  # of the power
        noisy = tonality(drum[: round(TONAL_SECONDS * RATE)])
        off = {
            one: distance(picture(bands * fall), wanted) + float(np.abs(heard - noisy).mean())
            for one, (bands, heard) in known.items()
        }
        (name, pitch), *others = sorted(off, key=off.get)[:4]
        louder = float(np.clip(round(loudness_lufs(drum, RATE) - usual), -8, 6))
        choke = f", choke={CHOKES[key]!r}" if key in CHOKES else ""
        line = f'    {key}: Drum("{name}", {pitch}, {seconds:.2g}, {louder:g}{choke}),'.replace("'", '"')
        print(f"{line:80}  # {off[name, pitch]:.1f} dB; then {others}", flush=True)


if __name__ == "__main__":
    main()

"""Wavetables for Serum, Vital, Hive, Phase Plant and the like: 256 single cycles of 2048 samples along a morph."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from gansynth_core.packs.levels import PEAK
from gansynth_core.packs.wav import info_list
from gansynth_core.pitches import pitch_hz
from gansynth_core.riff import chunk, wav_bytes

FRAMES = 256
CYCLE = 2048  # samples; room for 1023 partials
# Serum and its followers look in the chunk `clm ` for the length of a cycle; the 1 asks for cross-fades between cycles.
CLM = b"<!>2048 10000000 wavetable (GANSynth Studio)"
NOTE_PART = (0.15, 0.65)  # the part of a note that is measured: after the attack, before the release


def cycle(wave: np.ndarray, sample_rate: int, pitch: float) -> np.ndarray:
    """One cycle, float64 [2048], with the partials of `wave` float32 [n], a note of the MIDI `pitch`.

    Every partial below half the rate has the power found around it in the middle of the note, and all are sines that
    start at zero: so the cycles of different sounds are in phase and free of offset, and a synth can fade between them.
    Their power is 1, or 0 for silence.
    """
    hz = pitch_hz(pitch)
    part = wave[round(NOTE_PART[0] * len(wave)) : round(NOTE_PART[1] * len(wave))].astype(np.float64)
    power = np.abs(np.fft.rfft(part * np.hanning(len(part)))) ** 2
    bins_a_partial = hz * len(part) / sample_rate
    partials = min(CYCLE // 2 - 1, int(sample_rate / 2 / hz))
    edges = ((np.arange(partials + 1) + 0.5) * bins_a_partial).round().astype(int)
    sums = np.concatenate([[0.0], np.cumsum(power)])[np.minimum(edges, len(power))]
    spectrum = np.zeros(CYCLE // 2 + 1, complex)
    spectrum[1 : partials + 1] = -1j * np.sqrt(np.diff(sums))
    found = np.fft.irfft(spectrum)
    size = np.sqrt(np.square(found).mean())
    return found / size if size > 1e-9 else np.zeros(CYCLE)


def write_wavetable(path: Path, cycles: np.ndarray, sample_rate: int, info: Mapping[str, str]) -> None:
    """Write `cycles` [256, 2048] as a 32-bit float WAV whose highest peak is -1 dBFS, with the texts of `info` by their
    INFO code. Raises OSError."""
    peak = np.abs(cycles).max(initial=0.0)
    samples = cycles.ravel() * (PEAK / peak if peak > 0 else 1.0)
    path.write_bytes(wav_bytes(samples, sample_rate, "FLOAT", before=[chunk(b"clm ", CLM), info_list(info)]))

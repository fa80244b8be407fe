"""Measurements of how a note sounds: brightness, attack, noisiness and so on, each as one number.

The formulas follow the Timbre Toolbox (Peeters, Giordano, Susini, Misdariis & McAdams 2011, "The Timbre Toolbox:
Extracting audio descriptors from musical signals", JASA 130) where it has them. Partials are assumed to lie at
multiples of the key's frequency, so an organ with a 16-foot stop is measured an octave off.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gansynth_core.pitches import pitch_hz
from gansynth_core.sound import HELD_SHARE, SILENCE_PEAK, Clips

BLOCK_SECONDS = 0.002  # steps of the level over time
TRACK_SECONDS = 0.01  # steps of the partials over time


@dataclass(frozen=True)
class Descriptor:
    """One measurable aspect of a sound.

    name: short and in lower case. title: for people. unit: of the values that `measure` gives. low, high: values beyond
    are set to these. log: the ear hears ratios of it, not differences. about: what is measured.
    """

    name: str
    title: str
    unit: str
    low: float
    high: float
    log: bool
    about: str

    def heard(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """Values on a scale of even steps to the ear: octaves (log2) where it hears ratios, else as they are."""
        heard: NDArray[np.floating] = np.log2(values) if self.log else np.asarray(values)
        return heard

    def unheard(self, value: float) -> float:
        """One value of that scale in the descriptor's unit, within what `measure` gives."""
        return float(min(max(2.0**value if self.log else value, self.low), self.high))


DESCRIPTORS: tuple[Descriptor, ...] = (
    Descriptor("brightness", "Brightness", "Hz", 20, 20000, True, "centre of the spectrum's energy"),
    Descriptor("attack", "Attack", "s", 0.004, 1.5, True, "time from a tenth of the first full level to 3 dB below it"),
    Descriptor("decay", "Decay", "dB/s", 1, 400, True, "how fast it dies away while the key is held"),
    Descriptor("noisiness", "Noisiness", "dB", -60, 0, False, "energy between the partials beside all energy"),
    Descriptor("richness", "Richness", "partials", 1, 200, True, "partials within 40 dB of the strongest"),
    Descriptor("hollowness", "Hollowness", "dB", -40, 40, False, "odd partials above the first over even ones"),
    Descriptor("warmth", "Warmth", "dB", -40, 60, False, "partials one to four over those above them"),
    Descriptor("vibrato", "Vibrato", "cents", 0, 200, False, "swing of the pitch, 3 to 8 times a second"),
    Descriptor("tremolo", "Tremolo", "dB", 0, 20, False, "swing of the level, 3 to 8 times a second"),
    Descriptor("beating", "Beating", "dB", 0, 20, False, "how much each partial swells and fades by itself"),
    Descriptor("tuning", "Tuning", "cents", -100, 100, False, "pitch above the key"),
    Descriptor("loudness", "Loudness", "LUFS", -60, 3, False, "loudness of its loudest 0.4 s"),
)


def measure(clips: Clips) -> NDArray[np.float64]:
    """Every descriptor of every note: float64 [notes, len(DESCRIPTORS)], in the descriptors' units and order.

    Always finite. For silence (a peak below -60 dBFS), hollowness, warmth and tuning are 0 and the rest are at their
    lowest. Takes about 8 ms for a note of 4 s.

    brightness: power-weighted mean frequency while held (spectral centroid). attack: time between the first moments at
    10 % and 71 % (-3 dB) of the level's maximum in the first 1.5 s; the usual 90 % lies within the beats and the slow
    swelling of a held note. decay: slope of the level from its peak to the end of the
    held part, or to where it is 50 dB down. noisiness: see `_noise_share`. richness: partials within 40 dB of the
    strongest (between 37 and 43 dB they count in part, so that it changes evenly). hollowness: partials 3, 5 ... 15
    over 2, 4 ... 14. warmth: partials 1 to 4 over the rest up to Nyquist. vibrato, tremolo: largest sinusoid of 3 to
    8 Hz in pitch and level while held, its amplitude to either side. beating: swing of the level of single partials
    about a smooth decay, sqrt(2) times its standard deviation, weighted by their energy. tuning: mean pitch of the
    first six partials over the key. loudness: ITU-R BS.1770-4, one channel, the loudest 0.4 s ungated.
    """
    low, high = np.array([(descriptor.low, descriptor.high) for descriptor in DESCRIPTORS]).T
    rows = [
        _measure_note(samples.astype(np.float32), clips.sample_rate, pitch_hz(pitch))
        for samples, pitch in zip(clips.audio, clips.pitches, strict=True)
    ]
    return np.clip(np.array(rows, dtype=np.float64).reshape(-1, len(DESCRIPTORS)), low, high)


_SILENCE = tuple(0.0 if d.name in ("hollowness", "warmth", "tuning") else d.low for d in DESCRIPTORS)


def heard_evenly(descriptors: NDArray[np.floating], names: Sequence[str]) -> NDArray[np.float64]:
    """Descriptors [points, descriptors] as the ear spaces them, each with mean 0 and standard deviation 1; extremes are
    clipped at three standard deviations."""
    known = {descriptor.name: descriptor for descriptor in DESCRIPTORS}
    columns = zip(names, descriptors.T.astype(float), strict=True)
    heard = np.stack([known[name].heard(column) if name in known else column for name, column in columns], axis=1)
    spread = heard.std(axis=0)
    even: NDArray[np.float64] = np.clip((heard - heard.mean(axis=0)) / np.where(spread > 1e-9, spread, 1.0), -3, 3)
    return even


def furthest_apart(heard: NDArray[np.floating], count: int) -> list[int]:
    """The `count` rows of `heard` [sounds, numbers] that differ most (all rows if there are fewer): first the one most
    like the rest, then always the one furthest from all chosen so far (Gonzalez 1985)."""
    if len(heard) <= count:
        return list(range(len(heard)))
    chosen = [int(np.argmin(np.square(heard - heard.mean(axis=0)).sum(axis=1)))]
    distance = np.full(len(heard), np.inf)
    while len(chosen) < count:
        distance = np.minimum(distance, np.square(heard - heard[chosen[-1]]).sum(axis=1))
        distance[chosen[-1]] = -1.0  # never the same row twice, even among equal ones
        chosen.append(int(np.argmax(distance)))
    return chosen


def _measure_note(samples: NDArray[np.float32], rate: int, f0: float) -> tuple[float, ...]:
    if np.abs(samples).max(initial=0) < SILENCE_PEAK:
        return _SILENCE
    held_seconds = HELD_SHARE * len(samples) / rate
    power = _power_spectra(samples, rate, f0)  # [frames, bins]
    seconds_a_frame = len(samples) / rate / len(power)
    held = power[: max(1, round(held_seconds / seconds_a_frame))]
    spectrum = held.mean(axis=0, dtype=np.float64)
    bin_hz = rate / 2 / (len(spectrum) - 1)
    brightness = spectrum @ np.arange(len(spectrum)) / spectrum.sum() * bin_hz
    partials = _partials(spectrum, bin_hz, f0)
    level = _level(samples, rate, max(0.01, 1 / f0))
    smooth = _level(samples, rate, 0.05)
    pitch, beating, tuning, pitched = _track(samples, rate, f0, held_seconds)
    return (
        brightness,
        _attack(level),
        _decay(smooth, held_seconds),
        10 * math.log10(max(_noise_share(held), 1e-9)),
        _richness(partials),
        _balance_db(partials[2:15:2].sum(), partials[1:14:2].sum()),
        _balance_db(partials[:4].sum(), partials[4:].sum()),
        pitch if pitched else 0.0,
        _swing(*_held_level_db(smooth, held_seconds), BLOCK_SECONDS, 0.05),
        beating,
        tuning if pitched else 0.0,
        _loudness(power, rate, seconds_a_frame),
    )


def _balance_db(a: float, b: float) -> float:
    whole = max(a + b, 1e-30)
    return 10 * math.log10(max(a / whole, 1e-6) / max(b / whole, 1e-6))


# --- spectra -----------------------------------------------------------------------------------------------------


def _power_spectra(samples: NDArray[np.float32], rate: int, f0: float) -> NDArray[np.float32]:
    """Mean square in every bin, float32 [frames, bins]; the sum over the bins is a frame's mean square.

    The Hann windows overlap by half and last at least 12 periods of `f0` (partials are 12 bins apart, each 4 wide);
    longer ones would smear a vibrato over the gaps between partials.
    """
    size = 1 << math.ceil(math.log2(12 * rate / f0))
    size = min(size, 1 << math.floor(math.log2(len(samples))))
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    padded = np.pad(samples, (size // 2, size // 2))
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[:: size // 2] * window
    spectra = np.fft.rfft(frames)
    power = spectra.real**2 + spectra.imag**2
    return (power * np.float32(2 / (size * np.square(window).sum()))).astype(np.float32, copy=False)


def _partials(spectrum: NDArray[np.float64], bin_hz: float, f0: float) -> NDArray[np.float64]:
    """Power of every partial up to Nyquist, at least 15: of all that lies within `f0` / 2 of its multiple."""
    count = max(15, int((len(spectrum) - 1) * bin_hz / f0))
    total = np.concatenate([[0.0], np.cumsum(spectrum)])
    edges = (np.arange(count + 1) + 0.5) * f0 / bin_hz + 0.5  # a bin reaches half a bin to either side
    return np.diff(np.interp(edges, np.arange(len(total)), total))


def _noise_share(power: NDArray[np.float32], band: int = 48) -> float:
    """Share of all energy in `power` [frames, bins] that is noise, 0 to 1.

    The first frame is left out: half of it lies before the note, so it would count the note's start as a click. In
    every band of 48 bins (at most four partials of 4 bins each), the median bin lies between the partials, wherever
    they are: bells count as tones too. The power of noise in a bin is exponentially distributed, so its mean is the
    median / ln 2.
    """
    bands = power[1:, : power.shape[1] // band * band].reshape(len(power) - 1, -1, band)
    noise = float(np.median(bands, axis=2).sum(dtype=np.float64)) / math.log(2) * band
    return min(1.0, noise / max(float(bands.sum(dtype=np.float64)), 1e-20))


def _richness(partials: NDArray[np.float64]) -> float:
    below_db = 10 * np.log10(np.maximum(partials / partials.max(), 1e-9))
    return float(np.clip((below_db + 43) / 6, 0, 1).sum())


def _loudness(power: NDArray[np.float32], rate: int, seconds_a_frame: float) -> float:
    weighted = power @ _k_weights(power.shape[1], rate)
    size = max(1, round(0.4 / seconds_a_frame))
    loudest = np.convolve(weighted, np.full(size, 1 / size), "valid" if len(weighted) >= size else "same").max()
    return -0.691 + 10 * math.log10(max(float(loudest), 1e-9))


@functools.lru_cache(maxsize=16)
def _k_weights(bins: int, rate: int) -> NDArray[np.float32]:
    """Power gain of the K weighting (ITU-R BS.1770-4, tables 1 and 2, given for 48 kHz) at every bin's frequency."""
    design_hz = 48e3
    hz = np.minimum(np.linspace(0, rate / 2, bins), design_hz / 2)
    z = np.exp(-2j * np.pi * hz / design_hz)
    shelf = (1.53512485958697 - 2.69169618940638 * z + 1.19839281085285 * z**2) / (
        1 - 1.69065929318241 * z + 0.73248077421585 * z**2
    )
    high_pass = (1 - 2 * z + z**2) / (1 - 1.99004745483398 * z + 0.99007225036621 * z**2)
    weights: NDArray[np.float32] = (np.abs(shelf * high_pass) ** 2).astype(np.float32)
    return weights


# --- level over time ---------------------------------------------------------------------------------------------


def _level(samples: NDArray[np.float32], rate: int, seconds: float) -> NDArray[np.floating]:
    """RMS level every BLOCK_SECONDS, [blocks], under a Hann window of `seconds`."""
    size = max(1, round(BLOCK_SECONDS * rate))
    blocks = np.square(samples[: len(samples) // size * size]).reshape(-1, size).mean(axis=1)
    width = max(1, min(round(seconds / BLOCK_SECONDS), len(blocks)))
    window = np.hanning(width + 2)[1:-1]
    level: NDArray[np.floating] = np.sqrt(np.convolve(blocks, window / window.sum(), "same"))
    return level


def _attack(level: NDArray[np.floating]) -> float:
    first = level[: max(1, round(1.5 / BLOCK_SECONDS))]
    high = _first_above(first, math.sqrt(0.5) * first.max())
    return (high - _first_above(first, 0.1 * first.max())) * BLOCK_SECONDS


def _first_above(level: NDArray[np.floating], threshold: float) -> float:
    """Where `level` first reaches `threshold`, in blocks, by linear interpolation."""
    place = int(np.argmax(level >= threshold))
    if place == 0:
        return 0.0
    below, above = level[place - 1], level[place]
    return place - 1 + float((threshold - below) / (above - below))


def _decay(level: NDArray[np.floating], held_seconds: float) -> float:
    end = round((held_seconds - 0.1) / BLOCK_SECONDS)  # the window must not reach beyond the held part
    peak = int(np.argmax(level[: max(1, end // 2)]))
    gone = np.flatnonzero(level[peak:end] < level[peak] * 10 ** (-50 / 20))
    part = level[peak : peak + gone[0] if len(gone) else end]
    if len(part) < 3:
        return 0.0
    seconds = np.arange(len(part)) * BLOCK_SECONDS
    return -float(np.polyfit(seconds, 20 * np.log10(part), 1)[0])


def _held_level_db(level: NDArray[np.floating], held_seconds: float) -> tuple[NDArray[np.floating], NDArray[np.bool_]]:
    """The level in dB from 0.2 s on while held, and where it is audible (within 40 dB of the loudest)."""
    part = level[round(0.2 / BLOCK_SECONDS) : round((held_seconds - 0.1) / BLOCK_SECONDS)]
    loudest = max(float(level.max()), 1e-9)
    db = 20 * np.log10(np.maximum(part / loudest, 1e-6))
    return db, db > -40


def _swing(
    values: NDArray[np.floating], heard: NDArray[np.bool_], step_seconds: float, smoothed_seconds: float
) -> float:
    """Amplitude of the strongest sinusoid of 3 to 8 Hz in `values` [n], one every `step_seconds`, about a parabola and
    where `heard`. Corrected for smoothing by a Hann window of `smoothed_seconds`. 0 if less than 0.5 s is heard."""
    if heard.sum() * step_seconds < 0.5:
        return 0.0
    seconds = np.arange(len(values)) * step_seconds
    rest = values - _parabola(seconds, values, heard.astype(float))
    window = np.zeros(len(values))
    span = np.flatnonzero(heard)
    window[span[0] : span[-1] + 1] = np.hanning(span[-1] - span[0] + 3)[1:-1]
    window *= heard
    hz = np.arange(3.0, 8.01, 0.1)
    waves = np.exp(-2j * np.pi * hz[:, None] * seconds)
    turns = hz * smoothed_seconds
    passed = np.sinc(turns) / (1 - turns**2)  # a Hann window's response
    return float((2 * np.abs(waves @ (window * rest)) / window.sum() / passed).max())


def _parabola(
    seconds: NDArray[np.floating], values: NDArray[np.floating], weights: NDArray[np.floating]
) -> NDArray[np.float64]:
    """The parabola that fits `values` [..., n] best by weighted least squares."""
    powers = np.stack([np.ones_like(seconds), seconds, seconds**2]) * np.sqrt(weights)
    solution, *_ = np.linalg.lstsq(powers.T, (values * np.sqrt(weights)).T, rcond=None)
    fitted: NDArray[np.float64] = (np.stack([np.ones_like(seconds), seconds, seconds**2]).T @ solution).T
    return fitted


# --- partials over time ------------------------------------------------------------------------------------------

_TRACKED = 6
_PITCHED = 0.1  # of the energy: with a smaller share in the first partials, a note has no pitch that could swing


def _track(samples: NDArray[np.float32], rate: int, f0: float, held_seconds: float) -> tuple[float, float, float, bool]:
    """(vibrato in cents, beating in dB, tuning in cents, whether there is a pitch), from the phases and levels of the
    first six partials while held: each is shifted down to 0 Hz under a short Hann window (heterodyning)."""
    hop = max(1, round(TRACK_SECONDS * rate))
    window_seconds = min(max(0.05, 2.6 / f0), 0.1)
    size = round(window_seconds * rate)
    start, stop = round(0.15 * rate), round((held_seconds - 0.05) * rate)
    if stop - start < size + 50 * hop:
        return 0.0, 0.0, 0.0, False
    number = np.arange(1, _TRACKED + 1)
    number = number[number * f0 < 0.45 * rate]
    turn = np.exp(-2j * np.pi * np.outer(np.arange(size), number) * f0 / rate)
    window = np.hanning(size + 2)[1:-1]
    basis = turn * (window / window.sum())[:, None]
    basis = np.hstack([basis.real, basis.imag]).astype(np.float32)
    frames = np.ascontiguousarray(np.lib.stride_tricks.sliding_window_view(samples[start:stop], size)[::hop])
    parts = (frames @ basis).astype(np.float64)
    track = parts[:, : len(number)] + 1j * parts[:, len(number) :]  # [frames, partials]
    track *= np.exp(-2j * np.pi * np.outer(np.arange(len(track)) * hop, number) * f0 / rate)
    power = np.abs(track) ** 2
    # A sinusoid of amplitude a has |track| = a / 2 and mean square a^2 / 2.
    energy = np.square(frames, dtype=np.float64).mean() * len(frames)
    if energy < SILENCE_PEAK**2 or 2 * power.sum() < _PITCHED * energy:
        return 0.0, 0.0, 0.0, False

    step_hz = np.angle(track[1:] * track[:-1].conj()) / (2 * np.pi * hop / rate)
    weight = np.sqrt(power[1:] * power[:-1])
    loud = weight.sum(axis=1)
    heard = loud > loud.max() * 1e-3
    # Each partial swings about its own mean, wherever inharmonicity puts it.
    mean_hz = (weight * step_hz)[heard].sum(axis=0) / np.maximum(weight[heard].sum(axis=0), 1e-30)
    partial_hz = number * f0
    energy = weight[heard].sum(axis=0)
    tuning = 1200 / math.log(2) * float((energy * mean_hz / partial_hz).sum() / energy.sum())
    swing = (weight * partial_hz * (step_hz - mean_hz)).sum(axis=1) / np.maximum(
        (weight * partial_hz**2).sum(axis=1), 1e-30
    )
    vibrato = _swing(1200 / math.log(2) * swing * heard, heard, hop / rate, window_seconds)

    seconds = np.arange(len(track)) * hop / rate
    level_db = 10 * np.log10(np.maximum(power / power.max(), 1e-6)).T  # [partials, frames]
    squares = []
    for db in level_db:
        counted = (db > db.max() - 40).astype(float)
        rest = db - _parabola(seconds, db, counted)
        squares.append(float((counted * rest**2).sum() / counted.sum()))
    share = power.sum(axis=0) / power.sum()
    beating = math.sqrt(2 * float(share @ np.array(squares)))
    return vibrato, beating, tuning, True

"""How far apart two sounds are, by what can be measured of a note: for telling duplicates, and for choosing programs
that differ. The numbers are the mean and the movement of 20 mel-frequency cepstral coefficients, brightness and
flatness and their spreads, the attack, the length, and the levels of the note's early, middle and late parts."""

import functools
import math

import numpy as np
import numpy.typing as npt
from scipy.fft import dct

Array = npt.NDArray[np.float64]

WINDOW_SECONDS = 1 / 23.4375  # 1024 samples at 24 kHz, 2048 at 48
HOPS = 4  # in a window
BANDS, LOW_HZ, HIGH_HZ = 64, 30.0, 11_900.0  # below what a set of 24 kHz holds, so that rates can be compared
COEFFICIENTS = 20
MOVING = 8  # coefficients whose movement counts
SOUNDING_DB = -40.0
SIZE = 2 * COEFFICIENTS + MOVING + 9
LIMIT = 3.0  # spreads: farther apart in one number counts no more than this


def features(samples: npt.NDArray[np.float32], sample_rate: int) -> Array | None:
    """The numbers of one note, [SIZE]; None for one too quiet or too short to measure."""
    peak = float(np.abs(samples).max(initial=0.0))
    size = round(WINDOW_SECONDS * sample_rate)
    hop = size // HOPS
    if not math.isfinite(peak) or peak < 1e-4 or len(samples) < 2 * size:
        return None
    padded = np.pad(samples / peak, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * np.hanning(size + 1)[:-1]
    power = np.square(np.abs(np.fft.rfft(frames, axis=1))) * (1024 / size) ** 2  # as loud at every rate
    energy = power.sum(axis=1) + 1e-12
    level = 10 * np.log10(energy / energy.max())
    sounding = level > SOUNDING_DB
    if sounding.sum() < 6:
        return None
    hz = np.fft.rfftfreq(size, 1 / sample_rate)
    heard = hz < HIGH_HZ
    cepstrum = dct(10 * np.log10(power @ _mel(sample_rate, size) + 1e-6), norm="ortho", axis=1)[:, 1 : COEFFICIENTS + 1]
    loud = power[sounding][:, heard]
    brightness = np.log2((loud * hz[heard]).sum(axis=1) / (loud.sum(axis=1) + 1e-12) + 1)
    flatness = np.log10(np.exp(np.log(loud + 1e-9).mean(axis=1)) / (loud.mean(axis=1) + 1e-9))
    seconds = hop / sample_rate
    first, last = np.flatnonzero(sounding)[[0, -1]]
    attack = (int(energy.argmax()) - first) * seconds
    second = round(1 / seconds)
    parts = [level[first : first + second], level[2 * second : 3 * second], level[3 * second : round(3.2 / seconds)]]
    return np.concatenate(
        [
            cepstrum[sounding].mean(axis=0),
            cepstrum[sounding].std(axis=0),
            np.abs(np.diff(cepstrum[sounding], axis=0)).mean(axis=0)[:MOVING],
            [brightness.mean(), brightness.std(), flatness.mean(), flatness.std()],
            [math.log(max(attack, 0.0) + 0.005), (last - first) * seconds],
            [max(float(part.mean()) if len(part) else -60.0, -60.0) for part in parts],
        ]
    )


@functools.lru_cache(maxsize=4)
def _mel(sample_rate: int, size: int) -> Array:
    """Triangles of equal area over mel frequencies (O'Shaughnessy's), [bins, BANDS]."""
    lowest, highest = (2595 * math.log10(1 + edge / 700) for edge in (LOW_HZ, HIGH_HZ))
    edges = 700 * (10 ** (np.linspace(lowest, highest, BANDS + 2) / 2595) - 1)
    hz = np.fft.rfftfreq(size, 1 / sample_rate)[:, None]
    rising = (hz - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - hz) / (edges[2:] - edges[1:-1])
    triangles: Array = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))
    return triangles * (sample_rate / size / 23.4375)


class Scale:
    """In whose units numbers count: those of a collection [sounds, SIZE], one spread of it being 1."""

    def __init__(self, collection: Array) -> None:
        self.middle, self.spread = collection.mean(axis=0), collection.std(axis=0) + 1e-6

    def __call__(self, numbers: Array) -> Array:
        """numbers [..., SIZE] -> the same in spreads from the middle, at most twice LIMIT."""
        scaled: Array = np.clip((numbers - self.middle) / self.spread, -2 * LIMIT, 2 * LIMIT)
        return scaled


def distances(point: Array, others: Array) -> Array:
    """Root mean square difference of a scaled sound [n] and others [m, n]: [m]."""
    apart: Array = np.sqrt(np.square(others - point).mean(axis=-1))
    return apart

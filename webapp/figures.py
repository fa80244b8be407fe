"""Pictures of a note: its waveform above its log-frequency spectrogram, in the colours of the page.

Figures are built without pyplot, whose global state is not made for threads.
"""

import io
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from gansynth_core import Clip

DPI = 100  # figure inches are CSS pixels / DPI; the PNG has twice as many pixels for sharp screens
FLOOR_DB = -80.0
LOW_HZ = 30.0
WINDOW_SECONDS = 0.12  # 8 Hz wide at its peak's half: the partials of C2 (65 Hz apart) stay apart
FRAME_SECONDS = 0.01
ROWS = 320  # log-spaced frequencies, near one a screen pixel

_INK = {False: "#24211c", True: "#ece8df"}
_MUTED = {False: "#655f53", True: "#a8a294"}


def oklch(lightness: float, chroma: float, hue: float) -> tuple[float, float, float]:
    """sRGB in [0, 1] of an OKLCH colour (Ottosson 2020, "A perceptual color space"); `hue` in degrees."""
    a, b = chroma * math.cos(math.radians(hue)), chroma * math.sin(math.radians(hue))
    to_lms = np.array(
        [[1, 0.3963377774, 0.2158037573], [1, -0.1055613458, -0.0638541728], [1, -0.0894841775, -1.291485548]]
    )
    to_rgb = np.array(
        [
            [4.0767416621, -3.3077115913, 0.2309699292],
            [-1.2684380046, 2.6097574011, -0.3413193965],
            [-0.0041960863, -0.7034186147, 1.707614701],
        ]
    )
    linear = np.clip(to_rgb @ (to_lms @ np.array([lightness, a, b])) ** 3, 0, 1)
    red, green, blue = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return float(red), float(green), float(blue)


def _ramp(hue: float, dark: bool) -> LinearSegmentedColormap:
    """From the page's ground over the family's colour to the brightest tone, on paper the darkest, by even steps."""
    steps = np.linspace(0, 1, 9)
    lightness = 0.17 + 0.80 * steps if dark else 0.965 - 0.79 * steps
    chroma = 0.145 * np.sin(np.pi * steps) ** 0.8
    turn = (50 if dark else -30) * (steps - 0.5)  # a little travel in hue separates levels that differ by a few dB
    colours = [oklch(light, chrom, hue + shift) for light, chrom, shift in zip(lightness, chroma, turn, strict=True)]
    colours[0] = (0.083, 0.087, 0.095) if dark else (0.957, 0.945, 0.918)  # silence is the page's ground, untinted
    return LinearSegmentedColormap.from_list("family", colours)


def log_spectrogram_db(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Levels in dB below the loudest point, [ROWS, frames], and the ROWS frequencies in Hz, from LOW_HZ to Nyquist.

    A Hann-windowed STFT (frames every FRAME_SECONDS) whose bins are interpolated at log-spaced frequencies; where
    several bins fall into one row, the loudest counts, so that no partial is lost. Silence is FLOOR_DB throughout.
    """
    rate = clip.sample_rate
    window = 2 * round(WINDOW_SECONDS * rate / 2)
    hop = max(1, round(FRAME_SECONDS * rate))
    padded = np.pad(clip.samples, window // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, window)[::hop]
    n_fft = 2 ** math.ceil(math.log2(window) + 1)
    magnitude = np.abs(np.fft.rfft(frames * np.hanning(window).astype(np.float32), n_fft)).T

    edges = np.geomspace(LOW_HZ, rate / 2, ROWS + 1)
    centres = np.sqrt(edges[:-1] * edges[1:])
    position = centres * n_fft / rate
    below = np.minimum(position.astype(int), len(magnitude) - 2)
    share = (position - below)[:, None]
    rows = magnitude[below] * (1 - share) + magnitude[below + 1] * share
    starts, stops = (np.ceil(part * n_fft / rate).astype(int) for part in (edges[:-1], edges[1:]))
    for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if stop - start > 1:
            rows[row] = magnitude[start:stop].max(axis=0)
    loudest = magnitude.max()
    if loudest <= 0:
        return np.full(rows.shape, FLOOR_DB), centres
    return np.maximum(20 * np.log10(np.maximum(rows / loudest, 1e-9)), FLOOR_DB), centres


def note_figure(clip: Clip, title: str, pitch: float, hue: float, dark: bool, size: tuple[int, int]) -> Figure:
    """Waveform and spectrogram of `clip`, `size` = (width, height) in CSS pixels, on a transparent ground.

    title: instrument, note and seed. pitch: MIDI, its fundamental is marked. hue: degrees, the family's colour.
    """
    ink, muted = _INK[dark], _MUTED[dark]
    width, height = size
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")
    figure.patch.set_alpha(0)
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, hspace=0.03, wspace=0.02)
    figure.suptitle(title, color=ink, fontsize=10, fontweight="bold", x=0.01, ha="left")
    wave, spectrum = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.5])
    _draw_waveform(wave, clip, oklch(0.78 if dark else 0.52, 0.13, hue), width)
    image = _draw_spectrogram(spectrum, clip, pitch, _ramp(hue, dark), ink)
    bar = figure.colorbar(image, ax=spectrum, pad=0.015, aspect=26, ticks=[0, -20, -40, -60, -80])
    bar.set_label("Level (dB)", color=muted, fontsize=8)
    bar.outline.set_visible(False)
    for axes in (wave, spectrum, bar.ax):
        axes.tick_params(colors=muted, labelsize=8, length=3, width=0.6)
        axes.xaxis.label.set(color=muted, fontsize=8)
        axes.yaxis.label.set(color=muted, fontsize=8)
        axes.patch.set_alpha(0)
        for spine in axes.spines.values():
            spine.set(color=muted, alpha=0.45, linewidth=0.6)
    wave.spines[["top", "right", "bottom"]].set_visible(False)
    wave.tick_params(axis="x", length=0, labelbottom=False)
    return figure


def _draw_waveform(axes: Axes, clip: Clip, colour: tuple[float, float, float], width: int) -> None:
    """Highest and lowest sample of each pixel column: what a line through 96,000 points would smear."""
    columns = min(len(clip.samples), width)
    parts = np.array_split(clip.samples, columns)
    top, bottom = np.array([part.max() for part in parts]), np.array([part.min() for part in parts])
    seconds = np.linspace(0, clip.seconds, columns)
    axes.fill_between(seconds, bottom, top, color=colour, linewidth=0.5)
    limit = max(float(np.abs(clip.samples).max()), 1e-3) * 1.05
    axes.set(ylim=(-limit, limit), xlim=(0, clip.seconds), ylabel="Amplitude")
    axes.yaxis.set_major_locator(FixedLocator([-round(limit / 1.05, 2), 0, round(limit / 1.05, 2)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))


def _draw_spectrogram(axes: Axes, clip: Clip, pitch: float, ramp: LinearSegmentedColormap, ink: str):
    levels, frequencies = log_spectrogram_db(clip)
    seconds = np.arange(levels.shape[1]) * FRAME_SECONDS
    image = axes.pcolormesh(
        seconds, frequencies, levels, cmap=ramp, vmin=FLOOR_DB, vmax=0, shading="nearest", rasterized=True
    )
    axes.set_yscale("log")
    axes.set(ylim=(LOW_HZ, clip.sample_rate / 2), xlim=(0, clip.seconds), xlabel="Time (s)", ylabel="Frequency (Hz)")
    ticks = [tick for tick in (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000) if tick < clip.sample_rate / 2]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda hz, _: f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    fundamental_hz = 440 * 2 ** ((pitch - 69) / 12)
    axes.annotate(
        "", (0, fundamental_hz), (-7, 0), textcoords="offset points",
        arrowprops={"arrowstyle": "-|>", "color": ink, "linewidth": 0, "mutation_scale": 9},
    )  # fmt: skip
    return image


def png(figure: Figure) -> bytes:
    """The figure as PNG with two pixels for each CSS pixel."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=2 * DPI)
    return buffer.getvalue()

"""Pictures of a note in the colours of the page: waveform above log-frequency spectrogram, rainbowgram, thumbnail.

Figures are built without pyplot, whose global state is not made for threads.
"""

import io
import itertools
import math

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import QuadMesh
from matplotlib.colors import LinearSegmentedColormap, ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from PIL import Image

from gansynth_core import Clip, pitch_hz

DPI = 100  # figure inches are CSS pixels / DPI; the PNG has twice as many pixels for sharp screens
FLOOR_DB = -80.0
RAINBOW_FLOOR_DB = -65.0  # faint colours are harder to see
LOW_HZ = 30.0
WINDOW_SECONDS = 0.12  # 8 Hz wide at half its peak: the partials of C2 (65 Hz apart) stay separate
FRAME_SECONDS = 0.01
ROWS = 320  # log-spaced frequencies, about one per screen pixel

THUMBNAIL_FLOOR_DB, THUMBNAIL_LOW_HZ = -62.0, 50.0
THUMBNAIL_FRAMES, THUMBNAIL_COLOURS = 192, 32

_GROUND = {False: (0.957, 0.945, 0.918), True: (0.083, 0.087, 0.095)}
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
    """From the page's background through the family's colour to the brightest tone (the darkest on a light page)."""
    steps = np.linspace(0, 1, 9)
    lightness = 0.17 + 0.80 * steps if dark else 0.965 - 0.79 * steps
    chroma = 0.145 * np.sin(np.pi * steps) ** 0.8
    turn = (50 if dark else -30) * (steps - 0.5)  # a little travel in hue separates levels that differ by a few dB
    colours = [oklch(light, chrom, hue + shift) for light, chrom, shift in zip(lightness, chroma, turn, strict=True)]
    colours[0] = _GROUND[dark]  # silence is the page's ground, untinted
    return LinearSegmentedColormap.from_list("family", colours)


def log_spectrogram_db(clip: Clip) -> tuple[np.ndarray, np.ndarray]:
    """Levels in dB below the loudest point, [ROWS, frames], and the ROWS frequencies in Hz, from LOW_HZ to Nyquist.

    A Hann-windowed STFT (frames every FRAME_SECONDS) whose bins are interpolated at log-spaced frequencies; where
    several bins fall into one row, the loudest counts, so that no partial is lost. Silence is FLOOR_DB throughout.
    """
    spectra, bin_hz = _stft(clip)
    magnitude = np.abs(spectra)
    edges = np.geomspace(LOW_HZ, clip.sample_rate / 2, ROWS + 1)
    centres = np.sqrt(edges[:-1] * edges[1:])
    position = centres / bin_hz
    below = np.minimum(position.astype(int), len(magnitude) - 2)
    share = (position - below)[:, None]
    rows = magnitude[below] * (1 - share) + magnitude[below + 1] * share
    starts, stops = (np.ceil(part / bin_hz).astype(int) for part in (edges[:-1], edges[1:]))
    for row, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        if stop - start > 1:
            rows[row] = magnitude[start:stop].max(axis=0)
    loudest = magnitude.max()
    if loudest <= 0:
        return np.full(rows.shape, FLOOR_DB), centres
    return np.maximum(20 * np.log10(np.maximum(rows / loudest, 1e-9)), FLOOR_DB), centres


def _stft(clip: Clip) -> tuple[np.ndarray, float]:
    """Complex [bins, frames] under Hann windows, frames every FRAME_SECONDS, and the distance of bins in Hz."""
    rate = clip.sample_rate
    window = 2 * round(WINDOW_SECONDS * rate / 2)
    hop = max(1, round(FRAME_SECONDS * rate))
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(clip.samples, window // 2), window)[::hop]
    n_fft = 2 ** math.ceil(math.log2(window) + 1)
    return np.fft.rfft(frames * np.hanning(window).astype(np.float32), n_fft).T, rate / n_fft


def rainbow(clip: Clip) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a rainbowgram shows (Engel et al. 2017, arXiv 1704.01279, section 4.3): levels in dB below the loudest
    point [ROWS, frames], instantaneous frequency [ROWS, frames] and the rows' frequencies in Hz.

    Instantaneous frequency is the phase's advance over FRAME_SECONDS in turns, 0 to 1, whole turns left out: a steady
    partial keeps one value, whatever row it is seen in, and a glide of 100 Hz runs once around.
    """
    spectra, bin_hz = _stft(clip)
    levels, centres = log_spectrogram_db(clip)
    seen = np.clip(np.rint(centres / bin_hz).astype(int), 0, len(spectra) - 1)
    edges = np.ceil(np.geomspace(LOW_HZ, clip.sample_rate / 2, ROWS + 1) / bin_hz).astype(int)
    places = np.repeat(seen[:, None], spectra.shape[1], axis=1)
    for row, (start, stop) in enumerate(itertools.pairwise(edges)):
        if stop - start > 1:  # the bin whose level the row shows
            places[row] = start + np.argmax(np.abs(spectra[start:stop]), axis=0)
    advance = np.empty(spectra.shape, np.float32)
    advance[:, 1:] = np.angle(spectra[:, 1:] * spectra[:, :-1].conj()) / (2 * np.pi)
    advance[:, :1] = advance[:, 1:2] if spectra.shape[1] > 1 else 0
    hop_seconds = max(1, round(FRAME_SECONDS * clip.sample_rate)) / clip.sample_rate
    return levels, np.mod(np.take_along_axis(advance, places, axis=0) * (FRAME_SECONDS / hop_seconds), 1), centres


def rainbow_figure(clip: Clip, title: str, pitch: float, dark: bool, size: tuple[int, int]) -> Figure:
    """Rainbowgram of `clip`: brightness is level, colour is instantaneous frequency (see `rainbow`). Other arguments as
    `note_figure`, whose place and looks it shares."""
    figure, ink, muted = _sheet(title, dark, size)
    axes = figure.subplots()
    levels, turns, frequencies = rainbow(clip)
    wheel = _wheel(dark)
    shown = np.maximum(1 - levels[..., None] / RAINBOW_FLOOR_DB, 0) ** 1.1
    colours = np.array(_GROUND[dark]) * (1 - shown) + wheel(turns)[..., :3] * shown
    _draw_spectrum(axes, clip, colours, frequencies, pitch, ink)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, 1), wheel), ax=axes, pad=0.015, aspect=26, ticks=[0, 0.25, 0.5, 0.75, 1]
    )
    bar.set_label(f"Phase advance (turns per {1000 * FRAME_SECONDS:g} ms)", fontsize=8)
    bar.outline.set_visible(False)
    _dress((axes, bar.ax), muted)
    return figure


def _wheel(dark: bool) -> ListedColormap:
    """All hues at one lightness and back to the first: no value looks louder than another."""
    lightness, chroma = (0.80, 0.17) if dark else (0.58, 0.19)
    return ListedColormap([oklch(lightness, chroma, 360 * step / 256) for step in range(256)])


def thumbnail(clip: Clip, hue: float, dark: bool, size: tuple[int, int] = (96, 40)) -> bytes:
    """A small spectrogram as PNG, `size` = (width, height) in CSS pixels, two pixels for each, on a transparent ground.

    hue: degrees, the family's colour. Time runs over the whole note, frequency from 50 Hz to Nyquist on a log scale.
    """
    columns, rows = 2 * size[0], 2 * size[1]
    window = min(1 << round(math.log2(0.08 * clip.sample_rate)), len(clip.samples))
    frames = min(columns, THUMBNAIL_FRAMES)
    padded = np.pad(clip.samples, window // 2)
    starts = np.linspace(0, len(padded) - window, frames).astype(int)
    windowed = np.lib.stride_tricks.sliding_window_view(padded, window)[starts] * np.hanning(window).astype(np.float32)
    magnitude = np.abs(np.fft.rfft(windowed))  # [frames, bins]
    edges = np.geomspace(THUMBNAIL_LOW_HZ, clip.sample_rate / 2, rows + 1) * window / clip.sample_rate
    bins = np.minimum(edges.astype(int), magnitude.shape[1] - 1)
    levels = np.maximum.reduceat(magnitude, bins[:-1], axis=1)  # the loudest bin of each row
    loudest = max(float(levels.max()), 1e-9)
    shown = 1 - 20 * np.log10(np.maximum(levels / loudest, 1e-9)) / THUMBNAIL_FLOOR_DB
    steps = np.round((THUMBNAIL_COLOURS - 1) * np.clip(shown, 0, 1)).astype(np.uint8)
    image = Image.fromarray(steps.T[::-1, np.arange(columns) * frames // columns]).convert("P")
    colours = _ramp(hue, dark)(np.linspace(0, 1, THUMBNAIL_COLOURS))[:, :3]
    image.putpalette((255 * colours).round().astype(np.uint8).tobytes())
    buffer = io.BytesIO()
    opacity = bytes(min(255, 64 * step) for step in range(THUMBNAIL_COLOURS))  # the faintest fade into the ground
    image.save(buffer, "PNG", transparency=opacity, compress_level=4)
    return buffer.getvalue()


def note_figure(clip: Clip, title: str, pitch: float, hue: float, dark: bool, size: tuple[int, int]) -> Figure:
    """Waveform and spectrogram of `clip`, `size` = (width, height) in CSS pixels, on a transparent ground.

    title: instrument, note and seed. pitch: MIDI, its fundamental is marked. hue: degrees, the family's colour.
    """
    figure, ink, muted = _sheet(title, dark, size)
    wave, spectrum = figure.subplots(2, 1, sharex=True, height_ratios=[1, 2.5])
    _draw_waveform(wave, clip, oklch(0.78 if dark else 0.52, 0.13, hue), size[0])
    image = _draw_spectrogram(spectrum, clip, pitch, _ramp(hue, dark), ink)
    bar = figure.colorbar(image, ax=spectrum, pad=0.015, aspect=26, ticks=[0, -20, -40, -60, -80])
    bar.set_label("Level (dB)", fontsize=8)
    bar.outline.set_visible(False)
    _dress((wave, spectrum, bar.ax), muted)
    wave.spines[["top", "right", "bottom"]].set_visible(False)
    wave.tick_params(axis="x", length=0, labelbottom=False)
    return figure


def _sheet(title: str, dark: bool, size: tuple[int, int]) -> tuple[Figure, str, str]:
    """An empty figure of `size` CSS pixels under its title, and the colours of its strong and its quiet text."""
    width, height = size
    pads = ConstrainedLayoutEngine(w_pad=0.02, h_pad=0.02, hspace=0.03, wspace=0.02)
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout=pads)
    figure.patch.set_alpha(0)
    figure.suptitle(title, color=_INK[dark], fontsize=10, fontweight="bold", x=0.01, ha="left")
    return figure, _INK[dark], _MUTED[dark]


def _dress(all_axes: tuple[Axes, ...], muted: str) -> None:
    """Small quiet labels and hairlines on a transparent ground."""
    for axes in all_axes:
        axes.tick_params(colors=muted, labelsize=8, length=3, width=0.6)
        axes.xaxis.label.set(color=muted, fontsize=8)
        axes.yaxis.label.set(color=muted, fontsize=8)
        axes.patch.set_alpha(0)
        for spine in axes.spines.values():
            spine.set(color=muted, alpha=0.45, linewidth=0.6)


def _draw_waveform(axes: Axes, clip: Clip, colour: tuple[float, float, float], width: int) -> None:
    """Highest and lowest sample of each pixel column; a line through 96,000 points would be a blur."""
    columns = min(len(clip.samples), width)
    parts = np.array_split(clip.samples, columns)
    top, bottom = np.array([part.max() for part in parts]), np.array([part.min() for part in parts])
    seconds = np.linspace(0, clip.seconds, columns)
    axes.fill_between(seconds, bottom, top, color=colour, linewidth=0.5)
    limit = max(float(np.abs(clip.samples).max()), 1e-3) * 1.05
    axes.set(ylim=(-limit, limit), xlim=(0, clip.seconds), ylabel="Amplitude")
    axes.yaxis.set_major_locator(FixedLocator([-round(limit / 1.05, 2), 0, round(limit / 1.05, 2)]))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:.2g}"))


def _draw_spectrogram(axes: Axes, clip: Clip, pitch: float, ramp: LinearSegmentedColormap, ink: str) -> QuadMesh:
    levels, frequencies = log_spectrogram_db(clip)
    return _draw_spectrum(axes, clip, levels, frequencies, pitch, ink, ramp)


def _draw_spectrum(
    axes: Axes,
    clip: Clip,
    values: np.ndarray,
    frequencies: np.ndarray,
    pitch: float,
    ink: str,
    ramp: LinearSegmentedColormap | None = None,
) -> QuadMesh:
    """`values` in dB [ROWS, frames] in the colours of `ramp`, or colours [ROWS, frames, 3], over time and log
    frequency, with the pitch marked."""
    seconds = np.arange(values.shape[1]) * FRAME_SECONDS
    image = axes.pcolormesh(
        seconds, frequencies, values, shading="nearest", rasterized=True, cmap=ramp, vmin=FLOOR_DB, vmax=0
    )
    axes.set_yscale("log")
    axes.set(ylim=(LOW_HZ, clip.sample_rate / 2), xlim=(0, clip.seconds), xlabel="Time (s)", ylabel="Frequency (Hz)")
    ticks = [tick for tick in (50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000) if tick < clip.sample_rate / 2]
    axes.yaxis.set_major_locator(FixedLocator(ticks))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda hz, _: f"{hz / 1000:g}k" if hz >= 1000 else f"{hz:g}"))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.annotate(
        "", (0, pitch_hz(pitch)), (-7, 0), textcoords="offset points",
        arrowprops={"arrowstyle": "-|>", "color": ink, "linewidth": 0, "mutation_scale": 9},
    )  # fmt: skip
    return image


def png(figure: Figure) -> bytes:
    """The figure as PNG with two pixels for each CSS pixel."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=2 * DPI)
    return buffer.getvalue()

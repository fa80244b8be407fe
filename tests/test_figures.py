"""The colours of rainbowgrams and thumbnails; waveform and spectrogram are tested with the app."""

import io

import numpy as np
import pytest
from PIL import Image

from gansynth_core import Clip
from webapp.figures import png, rainbow, rainbow_figure, thumbnail

RATE = 24000
TIME = np.arange(3 * RATE) / RATE


def clip(hz):
    """A sine whose frequency over time is `hz`."""
    return Clip((0.5 * np.sin(2 * np.pi * np.cumsum(np.broadcast_to(hz, TIME.shape)) / RATE)).astype(np.float32), RATE)


def along_the_tone(sound):
    """Turns of the loudest row of every frame, the first and last quarter second left out."""
    levels, turns, _ = rainbow(sound)
    frames = slice(25, levels.shape[1] - 25)
    return (
        np.take_along_axis(turns, levels.argmax(axis=0)[None], axis=0)[0, frames],
        levels[:, frames],
        turns[:, frames],
    )


@pytest.mark.parametrize("hz", [98.0, 440.0, 3515.0])
def test_a_steady_tone_keeps_one_colour_in_every_row_it_is_seen_in(hz):
    ridge, levels, turns = along_the_tone(clip(hz))
    expected = hz * 0.01 % 1
    assert np.abs((ridge - expected + 0.5) % 1 - 0.5).max() < 0.02
    seen = turns[levels > -20]
    assert np.abs((seen - expected + 0.5) % 1 - 0.5).max() < 0.05


def test_a_glide_runs_through_the_colours():
    ridge, _, _ = along_the_tone(clip(400 + 50 * TIME / TIME[-1]))  # half the wheel in three seconds
    travelled = np.diff(np.unwrap(2 * np.pi * ridge) / (2 * np.pi))
    assert travelled.sum() == pytest.approx(0.5 * 250 / 300, abs=0.03) and (travelled > -0.01).all()


def test_a_rainbowgram_of_silence_is_the_page_and_of_a_tone_is_not():
    def colours(sound):
        figure = rainbow_figure(sound, "violin C4", 60, True, (400, 200))
        assert Image.open(io.BytesIO(png(figure))).size == (800, 400)
        return np.asarray(figure.axes[0].collections[0].get_facecolor())

    silence, tone = colours(Clip(np.zeros(RATE, np.float32), RATE)), colours(clip(440.0))
    assert np.ptp(silence[:, :3], axis=0).max() < 1e-6
    assert np.ptp(tone[:, :3], axis=0).max() > 0.4


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("size", [(96, 40), (240, 80)])
def test_a_thumbnail_shows_the_tone_at_its_height_and_nothing_where_there_is_none(size, dark):
    image = Image.open(io.BytesIO(thumbnail(clip(440.0), 30, dark, size)))
    assert image.size == (2 * size[0], 2 * size[1])
    pixels = np.asarray(image.convert("RGBA")).astype(int)
    solid = pixels[..., 3] > 200
    height = 1 - np.log(440 / 50) / np.log(RATE / 2 / 50)
    row = np.median(np.argwhere(solid[:, size[0]]))
    assert row / len(solid) == pytest.approx(height, abs=0.06)
    assert (pixels[: size[1] // 2, :, 3] == 0).mean() > 0.9
    brightness = pixels[..., :3].sum(axis=2)
    middle = round(height * len(solid))
    loud = brightness[middle - 4 : middle + 5, size[0]]
    assert loud.max() > 500 if dark else loud.min() < 300


def test_a_thumbnail_of_silence_and_of_a_moment_is_one_too():
    blank = Image.open(io.BytesIO(thumbnail(Clip(np.zeros(RATE, np.float32), RATE), 30, True)))
    assert np.asarray(blank.convert("RGBA"))[..., 3].max() == 0
    assert Image.open(io.BytesIO(thumbnail(Clip(np.ones(50, np.float32), RATE), 30, True))).size == (192, 80)


def test_families_have_their_colours():
    def mean(hue):
        return np.asarray(Image.open(io.BytesIO(thumbnail(clip(440.0), hue, True))).convert("RGBA"))[..., :3].mean(
            axis=(0, 1)
        )

    red, blue = mean(25), mean(260)
    assert red[0] > blue[0] and blue[2] > red[2]

"""Pictures of a note."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

from gansynth_core import Clip, ModelCard
from webapp.routes import answers
from webapp.routes.answers import StudioRoute
from webapp.routes.asked import GET_OR_POST, Asked, Pitch, Sound, Theme, whole
from webapp.routes.studio import CurrentPlayer, CurrentStudio, CurrentVisitor
from webapp.sound_document import hue_of, leading_instrument, pitch_name, timbre_of, title_of_sound

router = APIRouter(route_class=StudioRoute)


class Thumb(Asked):
    width: Annotated[int, whole(32, 240)]
    height: Annotated[int, whole(16, 120)]
    theme: Theme
    sound: Sound
    pitch: Pitch


class Picture(Thumb):
    width: Annotated[int, whole(280, 1600)]
    height: Annotated[int, whole(240, 900)]
    kind: Annotated[Literal["spectrogram", "rainbow"], Field(description="spectrogram or rainbow")] = "spectrogram"


@router.api_route("/picture", methods=GET_OR_POST)
async def picture(
    studio: CurrentStudio,
    player: CurrentPlayer,
    visitor: CurrentVisitor,
    asked: Annotated[Picture, Depends(Picture.read)],
) -> Response:
    """One note as PNG, `width` x `height` CSS pixels, for a `light` or `dark` page: waveform and spectrogram, or,
    of the `kind` rainbow, its rainbowgram."""
    timbre = await run_in_threadpool(timbre_of, asked.sound, player.card)
    clip = (await player.notes(timbre, [asked.pitch], visitor))[0]
    async with studio.drawing.turn(visitor):
        return await run_in_threadpool(_picture, clip, player.card, asked)


def _picture(clip: Clip, card: ModelCard, asked: Picture) -> Response:
    from webapp.figures import note_figure, png, rainbow_figure  # matplotlib takes a second to import

    pitch, size, dark = asked.pitch, (asked.width, asked.height), asked.theme == "dark"
    title = f"{title_of_sound(asked.sound, card)}, {pitch_name(pitch)}"
    if asked.kind == "rainbow":
        figure = rainbow_figure(clip, title, pitch, dark, size)
    else:
        figure = note_figure(clip, title, pitch, hue_of(leading_instrument(asked.sound), card), dark, size)
    return answers.png(png(figure))


@router.api_route("/thumb", methods=GET_OR_POST)
async def thumb(
    player: CurrentPlayer, visitor: CurrentVisitor, asked: Annotated[Thumb, Depends(Thumb.read)]
) -> Response:
    """A small spectrogram of one note as PNG, `width` x `height` CSS pixels, for a `light` or `dark` page. Whoever
    waits for a note goes first."""
    timbre = await run_in_threadpool(timbre_of, asked.sound, player.card)
    clip = (await player.notes(timbre, [asked.pitch], visitor, ahead=True))[0]
    return await run_in_threadpool(_thumb, clip, player.card, asked)


def _thumb(clip: Clip, card: ModelCard, asked: Thumb) -> Response:
    from webapp.figures import thumbnail

    hue = hue_of(leading_instrument(asked.sound), card)
    return answers.png(thumbnail(clip, hue, asked.theme == "dark", (asked.width, asked.height)))

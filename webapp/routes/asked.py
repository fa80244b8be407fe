"""What routes are asked for: parameters from an address or a JSON body, checked by a model class for each route.

A field of such a class says what it takes by its type. The musical ones (`Sound`, `Pitch`) are read by
`webapp.sound_document`, which needs the card of the model that plays; it is pydantic's validation context.
"""

import json
from collections.abc import Callable, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from fastapi import HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, PlainValidator, StrictBool, ValidationError, ValidationInfo
from starlette.concurrency import run_in_threadpool

from gansynth_core import Envelope, InputError, ModelCard
from webapp.routes.studio import CurrentPlayer
from webapp.sound_document import check_pitch, parse_patch, parse_sound

BODY_LIMIT = 600_000  # bytes: a dozen sounds of the longest kind
GET_OR_POST = ["GET", "POST"]  # methods of routes whose parameters may be too long for an address


class Asked(BaseModel):
    """Base of all requests. A field that the request lacks, or that is null, takes its default or is complained of."""

    model_config = ConfigDict(arbitrary_types_allowed=True, frozen=True)
    body_limit: ClassVar[int] = BODY_LIMIT
    file_limits: ClassVar[Mapping[str, int]] = {}
    """Content types of files that may be sent as the body instead of JSON, which become the field `file`, and how many
    bytes they may have."""

    @classmethod
    async def read(cls, request: Request, player: CurrentPlayer) -> Self:
        """A dependency of routes. Raises InputError in one sentence, HTTPException for a body that cannot be read."""
        sent = await _sent(request, cls.body_limit, cls.file_limits)
        return await run_in_threadpool(cls.check, sent, player.card)  # some of it takes time, such as a MIDI file

    @classmethod
    def check(cls, sent: Mapping[str, Any], card: ModelCard) -> Self:
        """The request that `sent` makes to the model of `card`. Raises InputError in one sentence."""
        given = {name: value for name, value in sent.items() if value is not None}
        try:
            return cls.model_validate(given, context=card)
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            name = str(first["loc"][0])
            if first["type"] == "missing":
                raise InputError(f"The request lacks '{name}'.") from error
            raise InputError(f"'{name}' must be {cls.model_fields[name].description}.") from error


async def _sent(request: Request, body_limit: int, file_limits: Mapping[str, int]) -> dict[str, Any]:
    """The parameters of a request by name. Raises HTTPException."""
    if request.method != "POST":
        return dict(request.query_params)
    # A form of another site cannot send these types without asking first, which it is never granted.
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind in file_limits:
        return {**request.query_params, "file": await _body(request, file_limits[kind])}
    if kind != "application/json":
        raise HTTPException(415, "Send the parameters as JSON.")
    try:
        values = json.loads(await _body(request, body_limit))
    except (ValueError, RecursionError) as cause:
        raise HTTPException(400, "The request is not valid JSON.") from cause
    if not isinstance(values, dict):
        raise HTTPException(400, "The request must be a JSON object.")
    return values


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            size = f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit // 1000} kB"
            raise HTTPException(413, f"A request can be at most {size} long.")
    return bytes(body)


# --- types of fields ---------------------------------------------------------------------------------------------


def whole(low: int, high: int) -> Any:
    """For a field that is a whole number in a range."""
    return Field(ge=low, le=high, description=f"a whole number from {low} to {high}")


def by_card(check: Callable[[Any, ModelCard], Any]) -> PlainValidator:
    """For a field that `check` reads with the model's card; it raises InputError."""

    def checked(value: Any, info: ValidationInfo) -> Any:
        assert isinstance(info.context, ModelCard)
        return check(value, info.context)

    return PlainValidator(checked)


def sounds_up_to(limit: int, sentence: str) -> PlainValidator:
    """For a field that lists 1 to `limit` sound documents; `sentence` is the error for another number of them."""

    def parse_sounds(documents: Any, card: ModelCard) -> list[dict[str, Any]]:
        if not isinstance(documents, list) or not 1 <= len(documents) <= limit:
            raise InputError(sentence)
        return [parse_sound(document, card) for document in documents]

    return by_card(parse_sounds)


Sound = Annotated[dict[str, Any], by_card(parse_sound)]
Pitch = Annotated[int, by_card(check_pitch)]
Shape = Annotated[tuple[Envelope, float], PlainValidator(parse_patch)]
"""The envelope and the gain in dB of a patch."""
Text = Annotated[str, PlainValidator(str)]  # not pydantic's own: it refuses half a surrogate pair, which names may hold
Number = Annotated[float, Field(description="a number")]
Switch = Annotated[StrictBool, Field(description="true or false")]
Theme = Annotated[Literal["light", "dark"], Field(description="light or dark")]

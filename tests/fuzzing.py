"""What fuzzers send: anything at all, and good requests with something changed."""

import json
from typing import Any, NamedTuple

from hypothesis import strategies as st
from sine_voice import sine_card

from gansynth_core.cards import save_card

NUMBERS = st.one_of(
    st.integers(-(10**3), 10**3),
    st.sampled_from([10**400, -(10**400), 2**63, 0.5, -0.0, 1e308, 1e-308]),
    st.floats(allow_nan=False, allow_infinity=False),
)
TEXTS = st.one_of(
    st.text(max_size=12), st.sampled_from(["violin", "", "\x00", "x" * 3000, "../../etc/passwd", "{}", "[", "²"])
)
ANY_JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(TEXTS, inner, max_size=3)),
    max_leaves=8,
)

VIOLIN = {"instruments": {"violin": 1}, "seed": 7, "sliders": {"component 1": 1.0}, "raw": {"3": 0.5}}
SOUNDS = [
    VIOLIN,
    {"morph": [VIOLIN, VIOLIN | {"seed": 1}], "at": 0.3},
    {"blend": [[VIOLIN, 0.5]]},
    {"z": "AAAA", "instruments": {}},
]
SOUND = st.sampled_from(SOUNDS)


class Route(NamedTuple):
    method: str
    path: str
    good: dict[str, Any]


PLACE = "/gradio_api/studio/{digest}"
SHOWN = {"sound": VIOLIN, "pitch": 60, "theme": "dark"}
PACK = {"sounds": [{"sound": VIOLIN, "name": "x", "patch": {"attack": 0.1}}], "options": {"pitches": [60, 64]}}
ROUTES = [
    Route("GET", "/gradio_api/studio/model", {"id": "sines"}),
    Route("GET", "/gradio_api/studio/ui/{{name}}", {}),
    Route("GET", f"{PLACE}/notes", {"sound": VIOLIN, "low": 60, "high": 61}),
    Route("POST", f"{PLACE}/notes", {"sound": VIOLIN, "low": 60, "high": 61}),
    Route("GET", f"{PLACE}/held", {"sound": VIOLIN, "pitch": 60, "part": 0}),
    Route("POST", f"{PLACE}/takes", {"sounds": [VIOLIN], "pitch": 60, "ahead": True}),
    Route("POST", f"{PLACE}/measures", {"sounds": [VIOLIN], "pitch": 60}),
    Route("POST", f"{PLACE}/timbre", {"sound": VIOLIN}),
    Route("POST", f"{PLACE}/glide", {"format": "wav", "sounds": [VIOLIN], "at": [0.0], "pitch": 60, "seconds": 1}),
    Route("GET", f"{PLACE}/wav", {"sound": VIOLIN, "pitch": 60, "seconds": 1.0}),
    Route("POST", f"{PLACE}/wav", {"sound": VIOLIN, "pitch": 60, "seconds": 1.0, "patch": {"gain": 0}}),
    Route("GET", f"{PLACE}/thumb", SHOWN | {"width": 72, "height": 32}),
    Route("POST", f"{PLACE}/picture", SHOWN | {"width": 280, "height": 240, "kind": "rainbow"}),
    Route("POST", f"{PLACE}/sound", {}),
    Route("POST", f"{PLACE}/preset/save", {"sound": VIOLIN, "patch": {"attack": 0.1}, "name": "x"}),
    Route(
        "POST", f"{PLACE}/preset/read", {"preset": {"format": 1, "name": "x", "timbre": {"model": "sines", "z": []}}}
    ),
    Route("GET", f"{PLACE}/atlas", {}),
    Route("GET", f"{PLACE}/points", {"map": "x"}),
    Route("POST", f"{PLACE}/midi/look", {"midi": "TVRoZA=="}),
    Route("POST", f"{PLACE}/midi/render", {"midi": "TVRoZA==", "path": [{"sound": VIOLIN, "at": 0}], "name": "x"}),
    Route("POST", f"{PLACE}/pack/estimate", {"sounds": 3, "options": {"pitches": 60}}),
    Route("POST", f"{PLACE}/pack/export", PACK | {"sounds": 5}),
    Route("GET", f"{PLACE}/jobs/x", {}),
    Route("POST", f"{PLACE}/jobs/x/cancel", {}),
    Route("GET", f"{PLACE}/jobs/x/file", {}),
    Route("GET", f"{PLACE}/anything/else", {}),
]


def request_of(route: Route) -> st.SearchStrategy[dict[str, Any]]:
    """What is sent to a route: its good request with up to two fields changed, or anything at all."""
    fields = [*route.good, "other"]
    changes = st.dictionaries(st.sampled_from(fields), st.one_of(ANY_JSON, SOUND, st.just(...)), max_size=2)
    wanted = st.one_of(changes.map(lambda changed: _changed(route.good, changed)), ANY_JSON)
    if route.method == "GET":
        return wanted.map(lambda value: {"params": _query(value)})
    body = st.one_of(wanted.map(lambda value: json.dumps(value).encode()), st.binary(max_size=60))
    kind = st.sampled_from(["application/json"] * 6 + ["audio/wav", "text/plain", "multipart/form-data", ""])
    return st.builds(lambda content, type_: {"content": content, "headers": {"Content-Type": type_}}, body, kind)


def card_documents() -> st.SearchStrategy[dict[str, Any]]:
    """A model's card with up to three places changed, however deep."""
    return st.builds(_with_changes, st.just(_card()), st.lists(st.tuples(st.integers(0, 10**6), ANY_JSON), max_size=3))


def changed_bytes(data: bytes) -> st.SearchStrategy[bytes]:
    """`data` with some of its bytes changed, and perhaps its end cut off."""

    def change(places: list[tuple[int, int]], length: int) -> bytes:
        changed = bytearray(data)
        for place, value in places:
            changed[place % len(changed)] = value
        return bytes(changed[: length or len(changed)])

    places = st.lists(st.tuples(st.integers(0, 10**4), st.integers(0, 255)), max_size=4)
    return st.builds(change, places, st.integers(0, len(data)))


def _changed(good: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in (good | changes).items() if value is not ...}


def _query(value: Any) -> dict[str, str]:
    told = value if isinstance(value, dict) else {"x": value}
    texts = {name: one if isinstance(one, str) else json.dumps(one) for name, one in told.items()}
    return {
        name.encode("utf-8", "replace").decode(): one.encode("utf-8", "replace").decode() for name, one in texts.items()
    }


def _card() -> dict[str, Any]:
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        save_card(folder, sine_card())
        document: dict[str, Any] = json.loads((Path(folder) / "card.json").read_text())
    for direction in document["directions"]:
        direction["vector"] = direction["vector"][:6]
    return document | {"latent_size": 6}


def _with_changes(document: dict[str, Any], changes: list[tuple[int, Any]]) -> dict[str, Any]:
    changed = json.loads(json.dumps(document))
    for place, value in changes:
        inside = changed
        while True:
            keys = list(inside) if isinstance(inside, dict) else range(len(inside))
            key = keys[place % len(keys)]
            place //= len(keys)
            if place % 2 and isinstance(inside[key], dict | list) and inside[key]:
                inside = inside[key]
            else:
                inside[key] = value
                break
    return changed

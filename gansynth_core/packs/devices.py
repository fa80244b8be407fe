"""Hardware samplers that a pack can be made for."""

from dataclasses import dataclass

from gansynth_core.packs.options import MOST_LAYERS, MOST_TAKES
from gansynth_core.shared import SHARED


@dataclass(frozen=True)
class Device:
    """What a hardware sampler is called and loads: subtype and rate of its samples, and at most how many notes an
    instrument, layers of velocity, takes of a note and seconds; and whether its WAV files hold a `smpl` chunk only with
    a loop in it."""

    title: str
    subtype: str
    sample_rate: int
    notes: int = 128
    layers: int = MOST_LAYERS
    takes: int = MOST_TAKES
    seconds: float = 3600.0
    bare_headers: bool = False


# From the table of formats that ConvertWithMoss (github.com/git-moss) keeps.
DEVICES = {name: Device(**facts) for name, facts in SHARED["devices"].items()}

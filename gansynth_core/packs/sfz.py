"""SFZ, the open text format that sfizz, ARIA and many samplers play (sfzformat.com)."""

from collections.abc import Sequence

from gansynth_core.packs.dynamics import EDGES, velocity_gain
from gansynth_core.packs.rights import Rights
from gansynth_core.packs.zones import Zone


def sfz(title: str, folder: str, zones: Sequence[Zone], release_seconds: float, rights: Rights) -> str:
    """The text of an .sfz file beside `folder`, which holds the notes of `zones`.

    Keys are numbers, as programs disagree on octave names. The release is written because the format's default of 1 ms
    clicks. A loop plays while the key is held, then the note plays on to its end. Between the points of the velocity
    curve, players draw straight lines.
    """
    curve = " ".join(f"amp_velcurve_{velocity}={velocity_gain(velocity):.6g}" for velocity in EDGES)
    lines = [
        f"// {title}, made with GANSynth Studio",
        *(f"// {line}" for line in rights.lines()),
        "<control>",
        f"default_path={folder}/",
        "<global>",
        f"loop_mode=no_loop ampeg_release={release_seconds:g} {curve}",
    ]
    for zone in zones:
        lines += [
            "<region>",
            f"lokey={zone.low} hikey={zone.high} pitch_keycenter={zone.root} "
            f"lovel={zone.low_velocity} hivel={zone.high_velocity}",
        ]
        if zone.turns > 1:
            lines.append(f"seq_length={zone.turns} seq_position={zone.turn}")
        if zone.loop:
            lines.append(f"loop_mode=loop_sustain loop_start={zone.loop.start} loop_end={zone.loop.end}")
        lines.append(f"sample={zone.file}")
    return "\n".join(lines) + "\n"

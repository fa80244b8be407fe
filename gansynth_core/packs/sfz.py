"""SFZ, the open text format that sfizz, ARIA and many samplers play (sfzformat.com)."""

from collections.abc import Sequence

from gansynth_core.packs.zones import Zone

VELOCITY_TRACKING = 60  # per cent, as layers make most of the difference themselves; the format's default is 100


def sfz(title: str, folder: str, zones: Sequence[Zone], release_seconds: float) -> str:
    """The text of an .sfz file beside `folder`, which holds the notes of `zones`.

    Keys are numbers, as programs disagree on octave names. The release is written because the format's default of 1 ms
    clicks. A loop plays while the key is held, then the note plays on to its end.
    """
    layered = any(zone.low_velocity > 1 for zone in zones)
    lines = [
        f"// {title}, made with GANSynth Studio",
        "<control>",
        f"default_path={folder}/",
        "<global>",
        f"loop_mode=no_loop ampeg_release={release_seconds:g}"
        + (f" amp_veltrack={VELOCITY_TRACKING}" if layered else ""),
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

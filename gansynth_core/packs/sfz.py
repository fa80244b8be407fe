"""SFZ, the open text format that sfizz, ARIA and many samplers play (sfzformat.com)."""

from collections.abc import Sequence

from gansynth_core.packs.zones import Zone

RELEASE_SECONDS = 0.3  # the format's own 1 ms clicks


def sfz(title: str, folder: str, zones: Sequence[Zone]) -> str:
    """The text of an .sfz that stands beside `folder`, where the notes of `zones` lie.

    Keys are numbers: names differ by an octave from program to program.
    """
    lines = [
        f"// {title}, made with GANSynth Studio",
        "<control>",
        f"default_path={folder}/",
        "<global>",
        f"loop_mode=no_loop ampeg_release={RELEASE_SECONDS:g}",
    ]
    for zone in zones:
        lines += [
            "<region>",
            f"lokey={zone.low} hikey={zone.high} pitch_keycenter={zone.root} lovel=1 hivel=127",
            f"sample={zone.file}",
        ]
    return "\n".join(lines) + "\n"

"""The command line of the app's bench."""

import argparse
import sys
from collections.abc import Callable, Mapping

from gansynth_core import GanSynthError, load_card, model_folder
from gansynth_core.bench import OCTAVE, Figures, Target, line, machine, machine_lines, save
from webapp.bench.app import measure_app

TARGETS: dict[str, Target] = {
    "start_to_page": (8, "s"),
    "memory_mb": (1200, "MB"),
    "morph_to_sound": (80, "ms"),
    "slider_to_sound": (80, "ms"),
    "map_hover_to_sound": (100, "ms"),
}


def main(arguments: list[str] | None = None) -> int:
    """Measure as the command line says, print, and write the JSON file if one is named. Returns 1 with a sentence on
    stderr for a model that does not exist."""
    parser = argparse.ArgumentParser(
        prog="python -m webapp.bench",
        description="Measure how fast the app starts, answers and reacts, and how much memory it takes.",
    )
    parser.add_argument("--model", default="studio", help="model to play, by name or folder (default: studio)")
    parser.add_argument("--no-page", action="store_true", help="leave out what needs playwright and Chromium")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to a JSON file")
    options = parser.parse_args(arguments)
    try:
        figures = bench(options.model, print, page=not options.no_page)
        if options.json:
            save(figures, options.json)
    except (GanSynthError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def bench(model: str, tell: Callable[[str], object] = lambda line: None, *, page: bool = True) -> Figures:
    """All figures of the app with a model, given by its id or folder: a line each to `tell`. With `page`, also what a
    hand meets on the page. Raises ModelError for a model that does not exist."""
    folder = model_folder(model)
    facts = machine()
    figures: Figures = {"model": load_card(folder).id, "machine": facts}
    tell(machine_lines(facts))
    measured = measure_app(folder, page=page)
    figures["app"] = measured
    if isinstance(measured, str):
        tell(line("the app", measured))
        return figures
    tell(line("the app, start to page", measured["start_to_page"], TARGETS["start_to_page"]))
    tell(line("memory of the app", measured["memory_mb"], TARGETS["memory_mb"]))
    tell(line(f"{OCTAVE} notes over its route", measured["octave"]))
    for name, figure in measured.get("page", {}).items():
        tell(page_line(f"the page, {name.replace('_', ' ')}", figure, TARGETS.get(name)))
    return figures


def page_line(title: str, figure: Mapping[str, float] | str, target: Target | None = None) -> str:
    """One figure of the page as people read it: frames and waits in their own words, all else as `line`."""
    beside = f" (target: at most {target[0]} {target[1]})" if target else ""
    if isinstance(figure, str):
        return line(title, figure)
    if "frames_a_second" in figure:
        seen = f"{figure['frames_a_second']:.0f} frames a second, {figure['paint_ms']} ms to paint one"
        return f"  {title}: {seen}, with {figure['points']:,} points{beside}"
    if "p95_ms" in figure:
        more = f", quietest {figure['quietest_db']} dB" if "quietest_db" in figure else ""
        more += f", exact {figure['exact_ms']:.0f} ms after the hand stops" if "exact_ms" in figure else ""
        return (
            f"  {title}: {figure['median_ms']:.0f} ms, 95 % within {figure['p95_ms']:.0f} ms, "
            f"{figure['runs']} moves{more}{beside}"
        )
    return line(title, figure, target)


if __name__ == "__main__":
    sys.exit(main())

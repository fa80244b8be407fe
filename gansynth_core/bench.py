"""Speed and memory on this machine: `python -m gansynth_core bench`.

Each figure is printed beside its target, if it has one. Times are wall-clock, so a busy machine makes them worse; the
load is printed too. No note comes from a cache: each has a z of its own.
"""

import argparse
import json
import multiprocessing
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypedDict, cast

import torch

from gansynth_core.cards import ModelCard, load_card, model_folder
from gansynth_core.files import replacing
from gansynth_core.latent import Timbre, sample
from gansynth_core.synth import Synth

FORMAT = 1
ROOT = Path(__file__).resolve().parent.parent
NOTE_RUNS, OCTAVE_RUNS, START_RUNS = 20, 8, 3
OCTAVE, MANY = 12, 1000  # notes
MEMORY_AFTER = (200, 400, 600)  # notes; the synth's cache is full between the first two, so growth shows after that
Target = tuple[float, str]
TARGETS: dict[str, Target] = {
    "note": (15, "ms"),
    "octave": (150, "ms"),
    "many": (20, "s"),
    "process_start_to_wav": (5, "s"),
}
Figures = dict[str, object]


class Timing(TypedDict):
    """Times in milliseconds, and how many there were."""

    median_ms: float
    min_ms: float
    max_ms: float
    runs: int


class Rendering(TypedDict):
    """What `rendering_times` measures."""

    note: Timing
    octave: Timing
    griffin_lim_steps: int
    griffin_lim_share: float


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `bench`."""
    parser.add_argument("--model", default="studio", help="which model, or its folder (default: studio)")
    parser.add_argument("--device", default="auto", help="cpu, cuda, or auto: the CPU, and the GPU where there is one")
    parser.add_argument("--json", metavar="FILE", help="also write the figures to a JSON file")


def run(arguments: argparse.Namespace) -> None:
    """Measure as the command line says, print, and write the JSON file if one is named."""
    figures = bench(arguments.model, arguments.device, print)
    if arguments.json:
        save(figures, arguments.json)


def bench(model: str, device: str = "auto", tell: Callable[[str], object] = lambda line: None) -> Figures:
    """All figures of a model, by its id or folder; each goes to `tell` as a line as soon as it is known.

    Raises ModelError or InputError for a model or device that does not exist. A sentence takes the place of any other
    figure that cannot be measured.
    """
    folder = model_folder(model)
    facts = machine()
    figures: Figures = {"model": load_card(folder).id, "machine": facts}
    tell(machine_lines(facts))
    devices = ["cpu", "cuda"] if device == "auto" and torch.cuda.is_available() else [device]
    for one in devices:
        synth = Synth.load(str(folder), device=one)
        rendering = rendering_times(synth)
        figures[f"rendering_{synth.device}"] = rendering
        tell(f"on {synth.device}:")
        tell(line("one note, latent to wave", rendering["note"], TARGETS["note"]))
        tell(line(f"an octave ({OCTAVE} notes) at once", rendering["octave"], TARGETS["octave"]))
        share = rendering["griffin_lim_share"]
        tell(f"  of one note, {synth.griffin_lim_steps} Griffin-Lim steps take: {100 * share:.0f} %")
        del synth
    seconds, peak_mb = many_notes(folder, devices[0])
    figures["many"] = {"notes": MANY, "seconds": seconds, "peak_mb": peak_mb}
    at_most, unit = TARGETS["many"]
    size = "" if peak_mb is None else f", {peak_mb:.0f} MB at most"
    tell(f"  {MANY} notes in one call: {seconds:.1f} s{size} (target: at most {at_most} {unit})")
    start = figures["process_start_to_wav"] = process_start(folder)
    tell(line("process start to a WAV on disk", start, TARGETS["process_start_to_wav"]))
    memory = figures["synth_memory_mb"] = synth_memory(folder, devices[0])
    tell(line("memory of a Synth", memory))
    return figures


def machine() -> dict[str, object]:
    """What the figures depend on: processor, cores that this process may use, torch and its threads, load average over
    the last minute, GPU."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    facts: dict[str, object] = {
        "processor": _processor(),
        "cores": cores,
        "torch": torch.__version__,
        "torch_threads": torch.get_num_threads(),
    }
    if hasattr(os, "getloadavg"):
        facts["load_before"] = round(os.getloadavg()[0], 1)
    if torch.cuda.is_available():
        facts["gpu"] = torch.cuda.get_device_name()
    return facts


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


# --- rendering ---------------------------------------------------------------------------------------------------


def rendering_times(synth: Synth, note_runs: int = NOTE_RUNS, octave_runs: int = OCTAVE_RUNS) -> Rendering:
    """Milliseconds from timbre to samples: `note` (batch 1) and `octave` (12 pitches), warm and uncached, and the share
    of a note's time (0 to 1) that its Griffin-Lim steps take."""
    card, seeds = synth.card, iter(range(2**53))
    middle = (card.pitch_low + card.pitch_high) // 2
    octave = range(middle - OCTAVE // 2, middle + OCTAVE // 2)
    note = timed(lambda: synth.render(_drawn(card, next(seeds)), [middle]), note_runs)
    whole = timed(lambda: synth.render(_drawn(card, next(seeds)), octave), octave_runs)
    steps = synth.griffin_lim_steps
    synth.griffin_lim_steps = 0
    try:
        bare = timed(lambda: synth.render(_drawn(card, next(seeds)), [middle]), note_runs)
    finally:
        synth.griffin_lim_steps = steps
    share = max(0.0, 1 - bare["min_ms"] / note["min_ms"])  # the shortest are those that nothing disturbed
    return {"note": note, "octave": whole, "griffin_lim_steps": steps, "griffin_lim_share": round(share, 3)}


def timed(call: Callable[[], object], runs: int, warm: int = 3) -> Timing:
    """Median, minimum and maximum of `runs` calls in milliseconds, after `warm` calls that do not count."""
    for _ in range(warm):
        call()
    took = []
    for _ in range(runs):
        began = time.perf_counter()
        call()
        took.append(1000 * (time.perf_counter() - began))
    return timing(took)


def timing(milliseconds: list[float]) -> Timing:
    """Median, minimum and maximum of times in milliseconds, and how many there are."""
    return {
        "median_ms": round(statistics.median(milliseconds), 1),
        "min_ms": round(min(milliseconds), 1),
        "max_ms": round(max(milliseconds), 1),
        "runs": len(milliseconds),
    }


def _drawn(card: ModelCard, seed: int) -> Timbre:
    """A timbre that no other seed has; the instruments take turns."""
    instrument = card.instruments[seed % len(card.instruments)] if card.instruments else None
    return sample(card, 1, seed, instrument)[0]


# --- processes ---------------------------------------------------------------------------------------------------


def process_start(folder: Path, runs: int = START_RUNS) -> Timing | str:
    """Milliseconds from starting Python to a note of the model in `folder` on disk, or a sentence saying why not."""
    took = []
    with tempfile.TemporaryDirectory() as out:
        wav = Path(out) / "piano_c4.wav"
        command = [sys.executable, "-m", "gansynth_core", "generate", "--model", str(folder), "-o", str(wav)]
        for _ in range(runs):
            began = time.perf_counter()
            done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
            took.append(1000 * (time.perf_counter() - began))
            if done.returncode or not wav.is_file():
                return f"'generate' failed: {last_line(done.stderr)}"
            wav.unlink()
    return timing(took)


def resident_mb(process: int | str = "self", field: str = "VmRSS") -> float | None:
    """Resident memory of a process in MB (10^6 bytes), by its id; None on systems without /proc. field: of Linux's
    proc(5), "VmRSS" for what there is, "VmHWM" for the most there was."""
    try:
        lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return None
    sizes = [int(line.split()[1]) for line in lines if line.startswith(f"{field}:")]
    return round(sizes[0] * 1024 / 1e6, 1) if sizes else None


def many_notes(folder: Path, device: str, count: int = MANY) -> tuple[float, float | None]:
    """Seconds that one call for `count` notes of the model in `folder` takes, and the most MB that its process of its
    own has held (None where the system does not say)."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_play_many, (str(folder), device, count))


def _play_many(folder: str, device: str, count: int) -> tuple[float, float | None]:
    synth = Synth.load(folder, device=device)
    card = synth.card
    keys = card.pitch_high - card.pitch_low + 1
    timbres = [_drawn(card, number) for number in range(count)]
    synth.render(timbres[0], card.pitch_low)  # what is made once
    began = time.perf_counter()
    synth.render(timbres, [card.pitch_low + number % keys for number in range(count)])
    return round(time.perf_counter() - began, 2), resident_mb(field="VmHWM")


def synth_memory(folder: Path, device: str) -> dict[str, float | None]:
    """Resident MB of a separate process that plays the model in `folder`, after 200, 400 and 600 notes."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_play_and_weigh, (str(folder), device))


def _play_and_weigh(folder: str, device: str) -> dict[str, float | None]:
    synth = Synth.load(folder, device=device)
    card = synth.card
    sizes, keys = {}, card.pitch_high - card.pitch_low + 1
    for number in range(MEMORY_AFTER[-1]):
        synth.render(_drawn(card, number), [card.pitch_low + number % keys])
        if number + 1 in MEMORY_AFTER:
            sizes[f"after_{number + 1}_notes"] = resident_mb()
    return sizes


# --- printing -----------------------------------------------------------------------------------------------------


def line(title: str, figure: Timing | Mapping[str, float | None] | str, target: Target | None = None) -> str:
    """One figure for people to read: times, sizes in MB or a sentence, with its target."""
    goal, unit = target or (None, "ms")
    beside = f" (target: at most {goal} {unit})" if goal else ""
    if isinstance(figure, str):
        return f"  {title}: {figure}"
    if "median_ms" in figure:
        took = cast(Timing, figure)
        scale, digits = (1000, 2) if unit == "s" else (1, 1)
        times = took["median_ms"], took["min_ms"], took["max_ms"]
        median, least, most = (f"{time_ms / scale:.{digits}f}" for time_ms in times)
        if took["runs"] == 1:
            return f"  {title}: {median} {unit}{beside}"
        return f"  {title}: {median} {unit}, {least} to {most} in {took['runs']} runs{beside}"
    sizes = ", ".join(
        f"{name.replace('_', ' ')} " + ("unknown" if size is None else f"{size:.0f} MB")
        for name, size in figure.items()
    )
    return f"  {title}: {sizes}{beside}"


def machine_lines(facts: Mapping[str, object]) -> str:
    """What `machine` found, one fact per line."""
    return "\n".join(f"{name.replace('_', ' ')}: {value}" for name, value in facts.items())


def save(figures: Figures, path: str) -> None:
    """Write `figures` to a JSON file."""
    with replacing(path) as partial:
        partial.write_text(json.dumps({"format": FORMAT} | figures, indent=1) + "\n", encoding="utf-8", newline="\n")


def last_line(text: str) -> str:
    """The last line of a program's output, such as its error."""
    lines = text.strip().splitlines()
    return lines[-1] if lines else "no output."

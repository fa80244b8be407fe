"""Libraries too large for one pack or one machine: parts, each a complete pack, made by the workers of a Dask cluster.

Dask (dask.org) hands out the parts, moves those of a worker that died to another, and runs on many kinds of cluster. It
is imported only here.
"""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

from gansynth_core.cards import load_card, model_folder
from gansynth_core.errors import InputError, ToolError
from gansynth_core.packs.naming import unique_names
from gansynth_core.packs.plan import PackPlan
from gansynth_core.packs.render import PackReport, Progress, write_pack
from gansynth_core.synth import Synth

MOST_IN_PARTS = 200_000  # notes of a library
NOTES_A_PART = 2_000  # a gigabyte or so
ANSWER_SECONDS = 10.0  # for a scheduler to answer
RETRIES = 2  # for a part whose worker died


def split(plan: PackPlan, notes_a_part: int = NOTES_A_PART) -> list[PackPlan]:
    """Packs that together hold the sounds of `plan`, in order and under unique names, each of at most
    `notes_a_part` files (but at least one sound). Wavetables go into the first one."""
    sounds = max(1, notes_a_part * max(1, len(plan.items)) // max(1, plan.notes))
    names = unique_names((item.name for item in plan.items), plan.naming)
    items = [replace(item, name=name) for item, name in zip(plan.items, names, strict=True)]
    parts = [tuple(items[first : first + sounds]) for first in range(0, len(items), sounds)] or [()]
    if len(parts) == 1:
        return [plan]
    width = max(2, len(str(len(parts))))
    return [
        replace(
            plan,
            items=part,
            wavetables=() if number else plan.wavetables,
            name=f"{plan.name[:80]} part {number + 1:0{width}d}",
        )
        for number, part in enumerate(parts)
    ]


def write_parts(
    plan: PackPlan,
    model: str,
    folder: str | os.PathLike[str],
    *,
    workers: int = 2,
    cluster: str | None = None,
    notes_a_part: int = NOTES_A_PART,
    progress: Progress | None = None,
) -> list[PackReport]:
    """Write `plan` as packs of up to `notes_a_part` notes into `folder`, several at a time; their reports, in order.

    model: its id, or its folder, on every worker. workers: processes on this machine. cluster: instead of these, the
    address of a Dask scheduler ("tcp://host:8786"), whose workers have this package and see `folder` by the same path.
    Finished parts are left as they are and unfinished ones continue, so the same call again completes a stopped one.
    Duplicates are only recognised within a part. progress: called with files written and files in all.
    Raises InputError for a plan that the model cannot make, ToolError if Dask is missing or its scheduler does not
    answer, and what write_pack raises.
    """
    dask = _dask()
    if isinstance(workers, bool) or not isinstance(workers, int) or not 1 <= workers <= 256:
        raise InputError(f"Choose 1 to 256 workers, not {workers!r}.")
    plan.check(load_card(model_folder(model)), MOST_IN_PARTS)
    folder = Path(folder).resolve()
    parts = split(plan, notes_a_part)
    paths = [folder / f"{part.file_name}.zip" for part in parts]
    folder.mkdir(parents=True, exist_ok=True)
    reports: dict[int, PackReport] = {}
    done = sum(part.notes for part, path in zip(parts, paths, strict=True) if path.exists())
    if progress:
        progress(done, plan.notes)
    with _client(cluster, workers) as client:
        missing = [number for number, path in enumerate(paths) if not path.exists()]
        futures = {
            client.submit(_write_part, parts[number], model, str(paths[number]), pure=False, retries=RETRIES): number
            for number in missing
        }
        for future in dask.as_completed(list(futures)):
            number = futures.pop(future)
            reports[number] = future.result()  # raises what the worker raised; leaving the block stops the others
            future.release()
            done += parts[number].notes
            if progress:
                progress(done, plan.notes)
    return [reports[number] for number in sorted(reports)]


def _dask() -> Any:
    """The module dask.distributed, which has no types. Raises ToolError if it is not installed."""
    try:
        import dask.distributed
    except ImportError as cause:
        raise ToolError('Packs in parts need Dask: pip install "dask[distributed]".') from cause
    return dask.distributed


@contextmanager
def _client(address: str | None, workers: int) -> Iterator[Any]:
    """A Dask client of the cluster at `address`, or of `workers` processes of this machine."""
    dask = _dask()
    if address is not None:
        try:
            client = dask.Client(address, timeout=ANSWER_SECONDS)
        except (OSError, ValueError, TimeoutError) as cause:
            raise ToolError(f"No Dask scheduler answers at '{address}'.") from cause
        with client:
            yield client
        return
    with (
        tempfile.TemporaryDirectory() as scratch,
        dask.LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            memory_limit=None,
            dashboard_address=None,
            local_directory=scratch,
        ) as cluster,
        dask.Client(cluster) as client,
    ):
        yield client


def _write_part(part: PackPlan, model: str, path: str) -> PackReport:
    """What a worker does: one pack, continued if it was begun."""
    work = Path(path).with_name(Path(path).name + ".work")
    return write_pack(part, _synth(model), path, resume=work.exists())


@lru_cache(maxsize=1)
def _synth(model: str) -> Synth:
    return Synth.load(model)

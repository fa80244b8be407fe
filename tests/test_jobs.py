"""Jobs: they run, tell how far they are, stop when told to, and leave no files behind."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest
from patience import HANG_SECONDS, until

from gansynth_core import InputError
from webapp.jobs import MOST_KEPT, MOST_OPEN, Done, Jobs
from webapp.player import Busy

ROOT = Path(__file__).parent.parent


class Steps:
    """Work in three steps, each taken when told to; remembers its folder."""

    def __init__(self):
        self.may = threading.Semaphore(0)
        self.folder: Path | None = None

    def __call__(self, folder, progress):
        self.folder = folder
        (folder / "part").write_text("half")
        for done in range(3):
            progress(done, 3)
            assert self.may.acquire(timeout=HANG_SECONDS)
        progress(3, 3)
        (folder / "whole.wav").write_text("whole")
        return Done(folder / "whole.wav", {"notes": 3})


def test_a_job_tells_how_far_it_is_and_then_has_a_file():
    jobs, work = Jobs(), Steps()
    name = jobs.start(work)
    until(lambda: jobs.state(name)["total"] == 3)
    assert jobs.state(name) == {
        "state": "running", "done": 0, "total": 3, "left": None, "error": None, "about": None
    }  # fmt: skip
    with pytest.raises(InputError, match="not done"):
        jobs.file(name)
    work.may.release()
    until(lambda: jobs.state(name)["done"] == 1)
    assert jobs.state(name)["left"] >= 0
    work.may.release(2)
    until(lambda: jobs.state(name)["state"] == "done")
    assert jobs.file(name).read_text() == "whole" and jobs.state(name)["about"] == {"notes": 3}
    jobs.cancel(name)
    assert jobs.state(name)["state"] == "cancelled" and not work.folder.exists()


def test_a_cancelled_job_stops_and_its_folder_goes():
    jobs, work = Jobs(), Steps()
    name = jobs.start(work)
    until(lambda: jobs.state(name)["total"] == 3)
    jobs.cancel(name)
    work.may.release()
    until(lambda: jobs.state(name)["state"] == "cancelled")
    until(lambda: not work.folder.exists())
    with pytest.raises(InputError):
        jobs.file(name)


def test_jobs_wait_their_turn_and_too_many_are_sent_away():
    jobs, works = Jobs(at_once=1), [Steps() for _ in range(MOST_OPEN)]
    names = [jobs.start(work) for work in works]
    with pytest.raises(Busy, match="too many exports"):
        jobs.start(Steps())
    until(lambda: sum(work.folder is not None for work in works) == 1)
    running = next(name for name, work in zip(names, works, strict=True) if work.folder)
    waiting = next(name for name in names if name != running)
    assert jobs.state(waiting)["state"] == "waiting"
    jobs.cancel(waiting)
    assert jobs.state(waiting)["state"] == "cancelled"
    for work in works:
        work.may.release(3)
    until(lambda: [jobs.state(name)["state"] for name in names].count("done") == MOST_OPEN - 1)
    assert works[names.index(waiting)].folder is None


def test_what_goes_wrong_is_a_sentence(caplog):
    def refuses(folder, progress):
        raise InputError("This song has no notes.")

    def breaks(folder, progress):
        raise ZeroDivisionError

    jobs = Jobs()
    for work, sentence in ((refuses, "This song has no notes."), (breaks, "The export failed (ZeroDivisionError).")):
        name = jobs.start(work)
        until(lambda name=name: jobs.state(name)["state"] == "failed")
        assert jobs.state(name)["error"] == sentence
    assert "ZeroDivisionError" in caplog.text


def test_files_are_kept_for_a_while_and_only_so_many():
    def quick(folder, progress):
        (folder / "a").touch()
        return Done(folder / "a")

    jobs = Jobs(keep_seconds=0.05)
    name = jobs.start(quick)

    def gone():
        try:
            jobs.state(name)
        except InputError as error:
            return "no longer exists" in str(error)

    until(gone)
    jobs = Jobs()
    names = []
    for _ in range(MOST_KEPT + 2):
        names.append(jobs.start(quick))
        until(lambda: jobs.state(names[-1])["state"] == "done")
    until(lambda: len(jobs._jobs) == MOST_KEPT)
    assert jobs.file(names[-1]).exists()
    with pytest.raises(InputError):
        jobs.state(names[0])


@pytest.mark.slow
def test_the_app_stops_without_waiting_for_a_job_to_be_done(tmp_path):
    code = """
import pathlib, sys, time
from webapp.jobs import Jobs
def endless(folder, progress):
    pathlib.Path(sys.argv[1]).write_text(str(folder))
    while True:
        progress(0, 1)
        time.sleep(0.01)
jobs = Jobs(at_once=1)
names = [jobs.start(endless) for _ in range(2)]
while jobs.state(names[0])["total"] == 0:
    time.sleep(0.01)
"""
    command = [sys.executable, "-c", code, tmp_path / "where"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=HANG_SECONDS)
    assert (run.returncode, run.stderr) == (0, b"")
    assert not Path((tmp_path / "where").read_text()).exists()

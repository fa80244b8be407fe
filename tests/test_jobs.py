"""Jobs: they run, tell how far they are, stop when told to, and leave no files behind."""

import os
import subprocess
import sys
import tempfile
import threading
from pathlib import Path

import pytest
from patience import HANG_SECONDS, until

from gansynth_core import InputError
from webapp.fair import Visitor
from webapp.jobs import EACH_OPEN, MOST_OPEN, Done, Jobs
from webapp.line import Busy
from webapp.scratch import Scratch, sweep

ROOT = Path(__file__).parent.parent
ADA, EVE = Visitor("10.0.0.1", "ada"), Visitor("10.0.0.1", "eve")


def others(number):
    return Visitor("10.0.0.1", str(number))


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
    name = jobs.start(work, ADA)
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
    name = jobs.start(work, ADA)
    until(lambda: jobs.state(name)["total"] == 3)
    jobs.cancel(name)
    work.may.release()
    until(lambda: jobs.state(name)["state"] == "cancelled")
    until(lambda: not work.folder.exists())
    with pytest.raises(InputError):
        jobs.file(name)


def test_jobs_wait_their_turn_and_too_many_are_sent_away():
    jobs, works = Jobs(at_once=1), [Steps() for _ in range(MOST_OPEN)]
    names = [jobs.start(work, others(number)) for number, work in enumerate(works)]
    with pytest.raises(Busy, match="too many exports"):
        jobs.start(Steps(), ADA)
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
    assert jobs.counts == {"done": MOST_OPEN - 1, "cancelled": 1} and jobs.open == 0


def test_a_visitor_has_two_exports_at_most_and_others_come_in_between():
    jobs, works = Jobs(at_once=1), [Steps() for _ in range(EACH_OPEN + 1)]
    names = [jobs.start(work, EVE) for work in works[:EACH_OPEN]]
    with pytest.raises(Busy, match="You have 2 exports under way"):
        jobs.start(Steps(), EVE)
    until(lambda: works[0].folder)
    names.append(jobs.start(works[-1], ADA))
    works[0].may.release(3)
    until(lambda: works[-1].folder or works[1].folder)
    jobs.cancel(names[0])
    names.append(jobs.start(written(1), EVE))  # one is over
    for work in works:
        work.may.release(3)
    until(lambda: all(jobs.state(name)["state"] in ("done", "cancelled") for name in names))
    jobs.close()


def test_an_export_that_nobody_asks_for_stops():
    jobs, work = Jobs(abandoned_seconds=0.02, sweep_seconds=0.005), Steps()
    name = jobs.start(work, ADA)
    work.may.release(1)
    until(lambda: jobs._jobs[name].unwanted.is_set())
    work.may.release(2)
    until(lambda: jobs._jobs[name].state == "cancelled")


def test_one_that_is_asked_for_goes_on():
    jobs, work = Jobs(abandoned_seconds=10**6, sweep_seconds=0.001), Steps()
    name = jobs.start(work, ADA)
    until(lambda: jobs.state(name)["total"])
    work.may.release(3)
    until(lambda: jobs.state(name)["state"] == "done")


def test_what_goes_wrong_is_a_sentence(caplog):
    def refuses(folder, progress):
        raise InputError("This song has no notes.")

    def breaks(folder, progress):
        raise ZeroDivisionError

    jobs = Jobs()
    for work, sentence in ((refuses, "This song has no notes."), (breaks, "The export failed (ZeroDivisionError).")):
        name = jobs.start(work, ADA)
        until(lambda name=name: jobs.state(name)["state"] == "failed")
        assert jobs.state(name)["error"] == sentence
    assert "ZeroDivisionError" in caplog.text


def written(size):
    def work(folder, progress):
        (folder / "a").write_bytes(bytes(size))
        return Done(folder / "a")

    return work


def made(jobs, size, visitor):
    name = jobs.start(written(size), visitor, size)
    until(lambda: jobs.state(name)["state"] == "done")
    return name


def is_gone(jobs, name):
    try:
        jobs.state(name)
    except InputError as error:
        return "no longer exists" in str(error)


def test_files_are_kept_for_a_while():
    jobs = Jobs(keep_seconds=0.05, sweep_seconds=0.005)
    name = jobs.start(written(1), ADA)
    until(lambda: is_gone(jobs, name))
    until(lambda: jobs._sweeper is None)
    assert not [one for one in threading.enumerate() if one.name == "sweeper" and one is jobs._sweeper]
    assert jobs.scratch.room() <= jobs.scratch.ceiling and not list(jobs.scratch.folder.glob("*/a"))


def test_what_was_not_fetched_outlasts_the_exports_of_others(monkeypatch):
    monkeypatch.setattr("webapp.jobs.SPACE_SECONDS", 0.0)
    jobs = Jobs(Scratch(ceiling=1_000_000))
    mine = made(jobs, 100_000, ADA)
    for number in range(30):
        jobs.fetched(made(jobs, 100_000, others(number)))
    assert jobs.file(mine).stat().st_size == 100_000
    assert len(list(jobs.scratch.folder.glob("*/a"))) <= 10
    kept = [made(jobs, 100_000, others(number)) for number in range(8)]
    with pytest.raises(Busy, match="disk is full of exports"):
        jobs.start(written(200_000), ADA, 200_000)
    assert all(jobs.file(name).exists() for name in kept)


def test_an_export_that_grows_beyond_the_ceiling_stops_and_says_so():
    def endless(folder, progress):
        for number in range(10**6):
            (folder / str(number)).write_bytes(bytes(100_000))
            progress(number, 10**6)

    jobs = Jobs(Scratch(ceiling=1_000_000), sweep_seconds=0.001)
    name = jobs.start(endless, ADA, 0)
    until(lambda: jobs.state(name)["state"] == "failed")
    assert "disk is full" in jobs.state(name)["error"]
    assert jobs.scratch.room() > 900_000


def test_a_folder_that_goes_while_the_room_is_measured_is_no_fault(monkeypatch):
    scratch, scan = Scratch(ceiling=1_000_000), os.scandir
    for name in ("gone", "here"):
        (scratch.folder / name).mkdir()
        (scratch.folder / name / "file").write_bytes(b"x" * 1000)

    def vanish(path):
        if str(path).endswith("gone"):
            raise FileNotFoundError(str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", vanish)
    assert scratch.room() == 999_000
    monkeypatch.undo()
    scratch.close()


def test_what_killed_apps_left_is_swept_at_the_next_start(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    alive, killed = Scratch(), Scratch()
    (killed.folder / "export.zip").write_bytes(b"half")
    killed._lock.release()
    old, young = tmp_path / "gansynth-studio-old", tmp_path / "gansynth-studio-young"
    for folder in (old, young):
        folder.mkdir()
    os.utime(old, (0, 0))
    other = tmp_path / "another-program"
    other.mkdir()
    assert sweep() == 2
    assert not killed.folder.exists() and not old.exists()
    assert alive.folder.exists() and young.exists() and other.exists()
    alive.close()
    assert not alive.folder.exists()


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
from webapp.fair import Visitor
jobs = Jobs(at_once=1)
names = [jobs.start(endless, Visitor("")) for _ in range(2)]
while jobs.state(names[0])["total"] == 0:
    time.sleep(0.01)
"""
    command = [sys.executable, "-c", code, tmp_path / "where"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=HANG_SECONDS)
    assert (run.returncode, run.stderr) == (0, b"")
    assert not Path((tmp_path / "where").read_text()).exists()

"""An engine in a process of its own, which may crash or hang without taking anything along but the note at hand."""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from gansynth_core.errors import AudioError, GanSynthError, ToolError
from gansynth_core.training.data.engine import Key, Notes, Program, build_engine

START_SECONDS = 300.0  # torch is imported on the way, and the machine may be busy
CALL_SECONDS = 300.0  # for one call; the slowest programs take a few seconds a note

Work = Callable[[Any, Program, Sequence[Key], int], Any]


class Isolated:
    """Plays an engine's programs in another process, which is started when it is first needed, and again after a crash.

    Survives pickling: the copy starts a process of its own.
    """

    def __init__(self, engine: str, call_seconds: float = CALL_SECONDS) -> None:
        self.engine, self._call_seconds = engine, call_seconds
        self._process: Any = None
        self._line: Any = None

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_process": None, "_line": None}

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        """As Engine.play. Raises AudioError where the engine crashed or hung, or could not play."""
        notes: Notes = self.call(play, program, keys, sample_rate)
        return notes

    def call(self, work: Work, program: Program, keys: Sequence[Key], sample_rate: int) -> Any:
        """What `work`(engine, program, keys, sample_rate) returns there; it must be a function of a module. Raises as
        `play`, and ToolError where the engine is missing or does not start."""
        if self._process is None:
            self._start()
        try:
            self._line.send((work, program, list(keys), sample_rate))
            if not self._line.poll(self._call_seconds):
                raise AudioError("the engine hung")
            fine, answer = self._line.recv()
        except (EOFError, OSError) as cause:
            self.close()
            raise AudioError("the engine crashed") from cause
        except BaseException:
            self.close()
            raise
        if not fine:
            raise answer if isinstance(answer, GanSynthError) else AudioError(f"the engine failed: {answer}")
        return answer

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        self._process = context.Process(target=_serve, args=(there, self.engine), daemon=True)
        self._process.start()
        there.close()
        self._line = here
        try:
            if not here.poll(START_SECONDS):
                raise ToolError(
                    f"The engine '{self.engine}' did not start within {START_SECONDS:g} s. Once the machine is less "
                    "busy, the same command goes on."
                )
            fine, answer = here.recv()
        except (EOFError, OSError) as cause:
            self.close()
            raise AudioError("the engine crashed as it started") from cause
        except BaseException:
            self.close()
            raise
        if not fine:
            self.close()
            raise answer

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._line.close()
            self._process.kill()
            self._process.join()
        self._process = self._line = None

    def __del__(self) -> None:
        with contextlib.suppress(Exception):  # whatever is left of the interpreter by then
            self.close()


def play(engine: Any, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
    """The work of `Isolated.play`."""
    notes: Notes = engine.play(program, keys, sample_rate)
    return notes


def _serve(line: multiprocessing.connection.Connection, name: str) -> None:
    """The other process: answers calls until the line is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the process that started this one
    quiet = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):  # engines print what nobody asked for, past Python's own streams
        os.dup2(quiet, stream.fileno())
    try:
        engine = build_engine(name)
    except GanSynthError as error:
        line.send((False, error))
        return
    line.send((True, None))
    with contextlib.suppress(EOFError, OSError):
        while True:
            work, *arguments = line.recv()
            try:
                line.send((True, work(engine, *arguments)))
            except GanSynthError as error:
                line.send((False, error))
            except (
                Exception
            ) as error:  # whatever a synthesizer's binding may raise: it is listed, and the next is played
                line.send((False, f"{type(error).__name__}: {error}"))

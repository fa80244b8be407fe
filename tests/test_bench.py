import argparse
import json
import mmap
import os

import pytest
from sine_voice import SineGenerator, sine_card, sine_synth

from gansynth_core import ModelError, Synth, bench


def test_timing_counts_the_runs_and_not_the_warming_up(monkeypatch):
    clock, pauses = [0.0], iter([0.2, 0.001, 0.03, 0.002])
    monkeypatch.setattr(bench.time, "perf_counter", lambda: clock[0])
    timing = bench.timed(lambda: clock.append(clock.pop() + next(pauses)), runs=3, warm=1)
    assert timing == {"median_ms": 2.0, "min_ms": 1.0, "max_ms": 30.0, "runs": 3}


def test_every_note_is_rendered_anew():
    batches = []

    class Counting(SineGenerator):
        def __call__(self, z, pitch, instruments):
            batches.append(len(pitch))
            return super().__call__(z, pitch, instruments)

    synth = Synth(sine_card(), Counting(), device="cpu")
    figures = bench.rendering_times(synth, note_runs=2, octave_runs=1)
    assert batches == [1] * (5 + 12 * 4 + 5)  # three runs to warm up, each time
    assert figures["octave"]["min_ms"] > figures["note"]["min_ms"]
    assert synth.griffin_lim_steps == figures["griffin_lim_steps"]


def test_griffin_lim_share_is_of_the_note(monkeypatch):
    synth, steps = sine_synth(griffin_lim_steps=12), []

    def took(call, runs):
        steps.append(synth.griffin_lim_steps)
        return {"median_ms": 0.0, "min_ms": 4.0 + 0.5 * synth.griffin_lim_steps, "max_ms": 0.0, "runs": runs}

    monkeypatch.setattr(bench, "timed", took)
    figures = bench.rendering_times(synth)
    assert figures["griffin_lim_steps"] == 12 and figures["griffin_lim_share"] == 0.6  # 10 ms with them, 4 without
    assert steps == [12, 12, 0]


def test_many_notes_are_one_call_in_a_process_of_its_own(monkeypatch):
    calls = []

    class Counting(Synth):
        def render(self, timbre, pitches):
            calls.append(pitches if isinstance(pitches, int) else len(set(timbre)))
            return super().render(timbre, pitches)

    monkeypatch.setattr(
        bench.Synth, "load", lambda folder, device: Counting(sine_card(), SineGenerator(), device=device)
    )
    seconds, peak_mb = bench._play_many("", "cpu", 5)
    assert calls == [24, 5] and seconds > 0 and (peak_mb is None or peak_mb > 50)


def test_resident_memory_is_that_of_the_process():
    before = bench.resident_mb()
    if before is None:
        pytest.skip("this system has no /proc")
    with mmap.mmap(-1, 50_000_000) as held:  # fresh pages: an array may get some that were freed before
        held.write(b"x" * len(held))
        assert 40 < bench.resident_mb(os.getpid()) - before < 120
    assert bench.resident_mb(2**30) is None


def test_the_command_prints_and_writes_what_it_measured(tmp_path, monkeypatch, capsys):
    timing = {"median_ms": 4321.0, "min_ms": 4000.0, "max_ms": 5000.0, "runs": 3}
    monkeypatch.setattr(bench, "model_folder", lambda model: tmp_path)
    monkeypatch.setattr(bench, "load_card", lambda folder: sine_card())
    monkeypatch.setattr(bench.Synth, "load", lambda folder, device: sine_synth())
    rendering = {"note": timing, "octave": timing, "griffin_lim_steps": 2, "griffin_lim_share": 0.25}
    monkeypatch.setattr(bench, "rendering_times", lambda synth: rendering)
    monkeypatch.setattr(bench, "many_notes", lambda folder, device: (18.25, 812.4))
    monkeypatch.setattr(bench, "process_start", lambda folder: timing)
    monkeypatch.setattr(bench, "synth_memory", lambda folder, device: {"after_200_notes": 512.3})
    parser = argparse.ArgumentParser()
    bench.add_arguments(parser)
    bench.run(parser.parse_args(["--json", str(tmp_path / "bench.json"), "--device", "cpu"]))
    said = capsys.readouterr().out
    assert "process start to a WAV on disk: 4.32 s, 4.00 to 5.00 in 3 runs (target: at most 5 s)" in said
    assert "Griffin-Lim steps take: 25 %" in said and "after 200 notes 512 MB" in said
    assert "1000 notes in one call: 18.2 s, 812 MB at most (target: at most 20 s)" in said
    assert "cores: " in said
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["format"] == 1 and document["process_start_to_wav"] == timing
    assert document["rendering_cpu"] == rendering and document["machine"]["torch_threads"] >= 1


def test_an_unknown_model_is_refused():
    with pytest.raises(ModelError, match="no model"):
        bench.bench("no such model")

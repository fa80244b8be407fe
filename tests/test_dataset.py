import errno
import json
import multiprocessing
import os
import shutil
import signal
import threading
import time

import numpy as np
import pytest
import torch

from gansynth_core import AudioError, Clip, DataError, SpecgramSpec
from gansynth_core.training.data import prepare as preparing
from gansynth_core.training.data.dataset import (
    PENDING,
    READY,
    SKIPPED,
    NoteSet,
    batches,
    dequantize,
    identity,
    note_bytes,
    quantize,
)
from gansynth_core.training.data.prepare import held_out, prepare, skip_reasons
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.data.workers import fit

SPEC = SpecgramSpec(
    sample_rate=8000,
    samples=4096,
    n_fft=512,
    hop=128,
    pad_front=384,
    pad_back=384,
    log_magnitude_low=-8.0,
    log_magnitude_high=6.0,
)


class Tones:
    """Sines from MIDI 50 up; `before(index)` may interfere with a reading."""

    name, licence, variation_names = "tones", "CC0", ("brightness",)

    def __init__(self, count=24, before=None, instrument="sine"):
        self.count, self.before, self.instrument = count, before, instrument
        self.read_indices = []

    def plan(self):
        return [SourceNote(self.instrument, 50 + n / 4, 1 + n, (n / 2,), f"{n}.wav") for n in range(self.count)]

    def read(self, index):
        if self.before is not None:
            self.before(index)
        self.read_indices.append(index)
        hz = 440 * 2 ** ((50 + index / 4 - 69) / 12)
        return Clip(0.3 * np.sin(2 * np.pi * hz * np.arange(4000) / 8000).astype(np.float32), 8000)


class KillOnce:
    """Kills the process that reads note 17, in the middle of its job; the second time it lets the note be."""

    def __init__(self, marker):
        self.marker = marker

    def __call__(self, index):
        if index == 17 and not self.marker.exists():
            self.marker.touch()
            os.kill(os.getpid(), signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)


def slowly(index):
    time.sleep(0.02 if index < 24 else 0.2)  # the later ones last until Ctrl-C on any machine


def stop_at(number, error=KeyboardInterrupt):
    def before(index):
        if index == number:
            raise error

    return before


@pytest.fixture(autouse=True)
def small_jobs(monkeypatch):
    monkeypatch.setattr(preparing, "NOTES_PER_JOB", 4)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    return prepare([Tones()], tmp_path_factory.mktemp("data") / "undisturbed", SPEC, workers=1)


def states(folder):
    return np.load(folder / "state.npy")


def assert_same_files(folder, other):
    for name in ("set.json", "notes.npy", "specgrams.npy", "state.npy", "skipped.txt"):
        assert (folder / name).read_bytes() == (other / name).read_bytes(), name


# --- what is stored ----------------------------------------------------------------------------------------------


def test_a_prepared_note_sounds_like_its_source(undisturbed):
    assert len(undisturbed) == 24 and undisturbed.instruments == ("sine",)
    wave = fit(Tones().read(9), SPEC)
    decoded = SPEC.decode(undisturbed.specgram(np.array([9])))[0].numpy()
    error = (wave - decoded)[100:3900]
    assert 10 * np.log10((wave**2).mean() / (error**2).mean()) > 10  # 15: 8 bits let phases drift
    note = undisturbed.notes[9]
    assert (note["pitch"], note["velocity"], note["variation"][0], note["variation"][1]) == (52.25, 10, 4.5, 0)
    assert note["held_out"] == held_out("sine", 52.25)


def test_quantizing_errs_by_half_a_step_at_most():
    specgram = torch.linspace(-1, 1, 999).reshape(1, 1, 1, -1)
    assert (dequantize(quantize(specgram)) - specgram).abs().max() <= 0.5 / 127 + 1e-6
    assert quantize(torch.tensor([-1.0, 1.0])).tolist() == [-127, 127]


def test_fitting_keeps_the_pitch_and_scales_to_the_peak():
    wave = 0.01 * np.sin(2 * np.pi * 440 * np.arange(44100) / 44100).astype(np.float32)
    fitted = fit(Clip(wave, 44100), SPEC)
    assert fitted.shape == (4096,) and abs(np.abs(fitted).max() - 0.9) < 1e-3
    crossings = np.flatnonzero(np.diff(np.signbit(fitted[200:3800])))
    hz = (len(crossings) - 1) / 2 / ((crossings[-1] - crossings[0]) / 8000)
    assert abs(1200 * np.log2(hz / 440)) < 5
    assert not fit(Clip(wave[:4410], 44100), SPEC)[900:].any()
    with pytest.raises(AudioError, match="silent"):
        fit(Clip(np.zeros(100, np.float32), 8000), SPEC)


def test_held_out_pairs_are_four_percent_and_never_others():
    pairs = [(name, pitch) for name in ("violin", "flute", "gunshot", "tuba") for pitch in range(128)]
    assert 10 <= sum(held_out(*pair) for pair in pairs) <= 32
    assert [pitch for pitch in range(24, 85) if held_out("violin", pitch)] == [54, 83]


def test_batches_continue_where_they_stopped():
    indices = np.arange(10, 33)
    first = [next_ for next_, _ in zip(batches(indices, 5, seed=3), range(12), strict=False)]
    rest = [next_ for next_, _ in zip(batches(indices, 5, seed=3, start=7), range(5), strict=False)]
    assert np.array_equal(first[7:], rest)
    assert len(set(np.concatenate(first[:4]))) == 20 and set(np.concatenate(first)) <= set(indices)


class Layers(Tones):
    """Plain tones of two instruments, and some of both at once."""

    def plan(self):
        plain = [SourceNote(name, pitch, 100) for name in ("violin", "flute") for pitch in range(50, 60)]
        return plain + [SourceNote("violin", pitch, 90, second="flute", share=0.25) for pitch in range(50, 60)]


def test_a_note_may_be_of_two_instruments(tmp_path):
    data = prepare([Layers()], tmp_path, SPEC, workers=1)
    layers = data.notes[20:]
    assert data.plain().tolist() == [True] * 20 + [False] * 10
    assert data.weights(np.array([0, 10, 20])).tolist() == [[1, 0], [0, 1], [0.75, 0.25]]
    # Both instruments' keys are kept from training, in whatever layer.
    kept = [held_out("violin", pitch) or held_out("flute", pitch) for pitch in range(50, 60)]
    assert 0 < sum(kept) < 10 and layers["held_out"].tolist() == kept
    assert held_out("violin", 54) != held_out("flute", 54)
    assert set(data.training()) | set(data.held_out()) == set(range(20))
    assert set(data.training(layers=True)) - set(data.training()) == {20 + n for n in range(10) if not kept[n]}
    assert set(data.held_out(layers=True)) - set(data.held_out()) == {20 + n for n in range(10) if kept[n]}


def test_an_instrument_of_layers_keeps_its_name_when_others_drop_out(tmp_path):
    source = Layers(before=lambda index: (_ for _ in ()).throw(AudioError("silent")) if index < 10 else None)
    plan = source.plan()
    source.plan = lambda: [SourceNote("lost", 50, 100)] * 10 + plan  # the first ten of them are not to be had
    data = prepare([source], tmp_path, SPEC, workers=1)
    assert data.instruments == ("violin", "flute") and data.weights(np.array([29])).tolist() == [[0.75, 0.25]]


def test_a_set_from_before_there_were_layers_is_what_it_was(tmp_path, undisturbed):
    out = tmp_path / "set"
    shutil.copytree(undisturbed.folder, out)
    names = ["pitch", "instrument", "velocity", "held_out", "variation"]
    formats = ["<f4", "<i2", "u1", "?", ("<f4", (12,))]
    records = np.load(out / "notes.npy")
    before = np.zeros(len(records), np.dtype(list(zip(names, formats, strict=True))))
    for name in names:
        before[name] = records[name]
    np.save(out / "notes.npy", before)
    (out / "sums.npy").unlink()  # nor were there checksums then
    description = json.loads((out / "set.json").read_text()) | {"format": 1}
    (out / "set.json").write_text(json.dumps(description))
    data = NoteSet.open(out)
    assert np.array_equal(data.notes, undisturbed.notes) and data.plain().all()
    assert identity(data.notes) == before.tobytes()  # a run that learned from it goes on
    source = Tones()
    assert len(prepare([source], out, SPEC, workers=1)) == 24 and not source.read_indices
    assert np.load(out / "notes.npy").dtype == before.dtype
    layered = data.notes.copy()
    layered["share"][0] = 0.1
    assert identity(layered) != identity(data.notes)
    np.save(out / "notes.npy", np.zeros(24, [("pitch", "f4")]))
    with pytest.raises(DataError, match="damaged"):
        NoteSet.open(out)


# --- stopping and continuing -------------------------------------------------------------------------------------


def test_a_stopped_preparation_continues_where_it_was(tmp_path, undisturbed):
    out = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        prepare([Tones(before=stop_at(14))], out, SPEC, workers=1)
    ready = np.flatnonzero(states(out) == READY)
    assert 4 <= len(ready) < 24 and 14 not in ready and len(NoteSet.open(out)) == len(ready)
    source = Tones()
    prepare([source], out, SPEC, workers=1)
    assert sorted(source.read_indices) == sorted(set(range(24)) - set(ready.tolist()))
    assert_same_files(out, undisturbed.folder)


def test_a_finished_set_is_neither_read_nor_written_again(undisturbed):
    before = {file: file.stat().st_mtime_ns for file in undisturbed.folder.iterdir()}
    source = Tones()
    assert len(prepare([source], undisturbed.folder, SPEC)) == 24
    assert not source.read_indices
    assert {file: file.stat().st_mtime_ns for file in undisturbed.folder.iterdir()} == before


@pytest.mark.slow
def test_a_killed_worker_is_one_sentence_and_leaves_no_half_note(tmp_path, undisturbed):
    out, source = tmp_path / "set", Tones(before=KillOnce(tmp_path / "killed"))
    with pytest.raises(DataError, match=r"killed.*same command continues"):
        prepare([source], out, SPEC, workers=2)
    assert states(out)[17] == PENDING
    ready = NoteSet.open(out)
    assert np.array_equal(ready.stored(np.arange(len(ready))), undisturbed.stored(ready.rows))
    prepare([source], out, SPEC, workers=1)
    assert_same_files(out, undisturbed.folder)


@pytest.fixture
def heeding_ctrl_c():
    """Ctrl-C is heard, although the tests may run in the background of a shell, where it is not."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.slow
def test_ctrl_c_stops_all_processes_without_a_word_from_the_workers(tmp_path, undisturbed, capfd, heeding_ctrl_c):
    out = tmp_path / "set"

    def interrupt_all():
        while not ((out / "skipped.txt").exists() and (states(out) == READY).any()):
            time.sleep(0.01)
        for pid in [child.pid for child in multiprocessing.active_children()] + [os.getpid()]:  # as a terminal does
            os.kill(pid, signal.SIGINT)

    threading.Thread(target=interrupt_all, daemon=True).start()
    with pytest.raises(KeyboardInterrupt):
        prepare([Tones(count=200, before=slowly)], out, SPEC, workers=2)
    assert not multiprocessing.active_children()
    assert "Traceback" not in capfd.readouterr().err
    assert 0 < (states(out) == READY).sum() < 200
    ready = NoteSet.open(out)
    assert np.array_equal(ready.stored(ready.rows < 24), undisturbed.stored(ready.rows[ready.rows < 24]))


def test_a_set_of_other_notes_is_refused_and_kept(undisturbed):
    for sources in ([Tones(count=23)], [Tones(instrument="other")], [Tones(), Tones()]):
        with pytest.raises(DataError, match="other notes"):
            prepare(sources, undisturbed.folder, SPEC)
    assert len(NoteSet.open(undisturbed.folder)) == 24


# --- what goes wrong ---------------------------------------------------------------------------------------------


def test_skipped_notes_are_listed_once_with_their_reasons(tmp_path):
    def before(index):
        if index in (2, 3):
            raise AudioError("unreadable: no header")
        if index == 5:
            raise AudioError("silent")
        if index == stop:
            raise KeyboardInterrupt

    source = Tones(before=before)
    source.left_out = [("notes/hum.wav", "no pitch in its name")]
    stop = 13
    with pytest.raises(KeyboardInterrupt):
        prepare([source], tmp_path, SPEC, workers=1)
    with open(tmp_path / "skipped.txt", "a", encoding="utf-8") as file:  # as a kill in the middle of a line leaves it
        file.write("20\tsine\t55\tsilent\t20.wav\n21\tsi")
    stop = None
    data = prepare([source], tmp_path, SPEC, workers=1)
    assert len(data) == 21 and np.flatnonzero(states(tmp_path) == SKIPPED).tolist() == [2, 3, 5]
    assert skip_reasons(tmp_path) == {"unreadable: no header": 2, "silent": 1, "no pitch in its name": 1}
    lines = (tmp_path / "skipped.txt").read_text().splitlines()
    assert lines[0] == "-\t-\t-\tno pitch in its name\tnotes/hum.wav" and len(lines) == 4
    assert "5\tsine\t51.25\tsilent\t5.wav" in lines


def test_notes_of_several_sources_come_from_their_own(tmp_path):
    low, high = Tones(count=6, instrument="low"), Tones(count=7, instrument="high")
    data = prepare([low, high], tmp_path, SPEC, workers=1)
    assert (sorted(low.read_indices), sorted(high.read_indices)) == (list(range(6)), list(range(7)))
    assert data.instruments == ("low", "high") and [source["notes"] for source in data.sources] == [6, 7]
    assert data.notes["instrument"].tolist() == [0] * 6 + [1] * 7
    assert np.array_equal(data.stored(np.arange(6)), data.stored(np.arange(6, 12)))


def test_an_error_of_the_source_is_the_one_that_is_told(tmp_path):
    with pytest.raises(DataError, match="the soundfont is damaged"):
        prepare([Tones(before=stop_at(9, DataError("the soundfont is damaged")))], tmp_path, SPEC, workers=1)
    with pytest.raises(DataError, match="no notes in tones"):
        prepare([Tones(count=0)], tmp_path / "none", SPEC)
    with pytest.raises(DataError, match=r"Only 1 of 2 .*skipped.txt"):
        prepare([Tones(2, before=stop_at(1, AudioError("silent")))], tmp_path / "one", SPEC, workers=1)


def test_a_disk_that_fills_up_is_one_sentence_and_flags_no_half_note(tmp_path, undisturbed):
    resource = pytest.importorskip("resource")  # which Windows lacks
    out = tmp_path / "set"
    with pytest.raises(KeyboardInterrupt):
        prepare([Tones(before=stop_at(0))], out, SPEC, workers=1)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    full = (out / "specgrams.npy").stat().st_size // 2  # no file may be written beyond: as on a full disk
    resource.setrlimit(resource.RLIMIT_FSIZE, (full, limits[1]))
    try:
        with pytest.raises(DataError, match=r"Cannot write the training set .*the same command\s+continues"):
            prepare([Tones()], out, SPEC, workers=1)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    ready = NoteSet.open(out)
    assert 0 < len(ready) < 24
    assert np.array_equal(ready.stored(np.arange(len(ready))), undisturbed.stored(ready.rows))
    prepare([Tones()], out, SPEC, workers=1)
    assert_same_files(out, undisturbed.folder)


def test_a_set_that_does_not_fit_is_refused_before_anything_is_written(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(preparing, "_free_bytes", lambda folder: 1000)
        with pytest.raises(DataError, match=r"needs .* MB and the disk has 0.0 MB free"):
            prepare([Tones()], tmp_path, SPEC, workers=1)

    def no_room(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(DataError, match="No space left on device"):
        prepare([Tones()], tmp_path, SPEC, workers=1)
    assert list(tmp_path.iterdir()) == []


def test_the_room_on_disk_is_taken_at_once(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        prepare([Tones(before=stop_at(0))], tmp_path, SPEC, workers=1)
    file = (tmp_path / "specgrams.npy").stat()
    assert file.st_size > 24 * note_bytes(SPEC) and file.st_blocks * 512 >= file.st_size


def test_damaged_and_newer_sets_are_told_in_words(tmp_path):
    with pytest.raises(DataError, match=r"not a prepared training set. Make one with"):
        NoteSet.open(tmp_path)
    prepare([Tones(4)], tmp_path, SPEC, workers=1)
    marker = tmp_path / "set.json"
    description = json.loads(marker.read_text())
    for text, sentence in [
        ("{", "damaged"),
        ("[]", "damaged"),
        (json.dumps(description | {"format": 3}), "another version"),
        (json.dumps(description | {"specgram": {"hop": 1}}), "damaged"),
    ]:
        marker.write_text(text)
        with pytest.raises(DataError, match=sentence):
            NoteSet.open(tmp_path)
    marker.write_text(json.dumps(description))
    with open(tmp_path / "specgrams.npy", "r+b") as file:
        file.truncate(5000)
    for attempt in (NoteSet.open, lambda folder: prepare([Tones(4)], folder, SPEC)):
        with pytest.raises(DataError, match="damaged"):
            attempt(tmp_path)
    with pytest.raises(DataError, match="Cannot write the training set"):
        prepare([Tones(4)], marker, SPEC)  # a file where a folder should be

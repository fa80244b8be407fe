"""Libraries in parts, with two processes of a real Dask cluster and a small network of the studio family."""

import json
import zipfile

import pytest
import torch
from sine_voice import SPEC

from gansynth_core import (
    InputError,
    ModelCard,
    PackItem,
    PackPlan,
    Timbre,
    ToolError,
    Wavetable,
    sample,
    write_parts,
)
from gansynth_core.__main__ import main
from gansynth_core.cards import load_card, save_model
from gansynth_core.generators import build_generator
from gansynth_core.packs import parts
from gansynth_core.packs.parts import split
from gansynth_core.packs.wav import read_timbre


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    size = {"channels": 8, "features": 8, "bands": 8}
    network = build_generator("studio", SPEC, 2, 16, size)
    card = ModelCard("small", "Small", "studio", 16, 24, 84, ("violin", "flute"), SPEC, size)
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(folder, card, {name: value.numpy() for name, value in network.state_dict().items()})
    return str(folder)


def plan(model: str, sounds: int, **options) -> PackPlan:
    items = [PackItem("take", timbre) for timbre in sample(load_card(model), sounds, 0, "violin")]
    return PackPlan(items, **{"pitches": (48, 60), "name": "Library", "rejects": "keep", "seconds": 0.5} | options)


def names(folder) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_a_plan_is_split_into_packs_that_hold_every_sound_once(model):
    timbres = [item.timbre for item in plan(model, 3).items]
    whole = plan(model, 7, wavetables=(Wavetable("w", timbres[0], timbres[1]),), velocity_layers=2)
    pieces = split(whole, 8)
    assert [len(piece.items) for piece in pieces] == [2, 2, 2, 1] and max(piece.notes for piece in pieces) == 8
    assert [item.timbre for piece in pieces for item in piece.items] == [item.timbre for item in whole.items]
    assert len({item.name for piece in pieces for item in piece.items}) == 7
    assert [len(piece.wavetables) for piece in pieces] == [1, 0, 0, 0] and pieces[3].name == "Library part 04"
    assert split(whole, 1000) == [whole] and [len(piece.items) for piece in split(whole, 1)] == [1] * 7


@pytest.mark.slow
def test_two_workers_write_every_part_and_a_second_call_only_what_is_missing(model, tmp_path):
    whole, seen = plan(model, 5), []
    out = tmp_path / "library"
    reports = write_parts(whole, model, out, workers=2, notes_a_part=4, progress=lambda *done: seen.append(done))
    zips = ["Library_part_01.zip", "Library_part_02.zip", "Library_part_03.zip"]
    assert names(out) == zips and [report.path.name for report in reports] == zips
    assert sum(report.notes for report in reports) == 10 and seen[0] == (0, 10) and seen[-1] == (10, 10)
    found = []
    for path in sorted(out.iterdir()):
        with zipfile.ZipFile(path) as archive:
            (manifest,) = [name for name in archive.namelist() if name.endswith("manifest.json")]
            found += json.loads(archive.read(manifest))["sounds"]
            archive.extractall(tmp_path / "unpacked")
    assert [Timbre.from_json(sound["timbre"]) for sound in found] == [item.timbre for item in whole.items]
    (note,) = (tmp_path / "unpacked").rglob("take_4_060.wav")
    assert read_timbre(note) == whole.items[3].timbre

    first = (out / zips[0]).stat().st_mtime_ns
    (out / zips[1]).unlink()
    again = write_parts(whole, model, out, workers=1, notes_a_part=4)
    assert [report.path.name for report in again] == [zips[1]] and names(out) == zips
    assert (out / zips[0]).stat().st_mtime_ns == first


@pytest.mark.slow
def test_what_a_worker_refuses_is_told_here(model, tmp_path):
    (tmp_path / "Library_part_02.zip.work").write_text("in the way")
    with pytest.raises(InputError, match=r"Library_part_02\.zip' was stopped or is under way"):
        write_parts(plan(model, 2), model, tmp_path, workers=1, notes_a_part=2)
    assert not (tmp_path / "Library_part_02.zip").exists()


def test_wrong_wishes_get_one_sentence_before_anything_starts(model, tmp_path, monkeypatch):
    with pytest.raises(InputError, match="1 to 256 workers"):
        write_parts(plan(model, 2), model, tmp_path / "a", workers=0)
    with pytest.raises(InputError, match="Choose a lower key"):
        write_parts(plan(model, 2, pitches=(96,)), model, tmp_path / "a")
    with pytest.raises(ToolError, match="No Dask scheduler answers at 'tcp://127"):
        monkeypatch.setattr(parts, "ANSWER_SECONDS", 0.3)
        write_parts(plan(model, 2), model, tmp_path / "a", cluster="tcp://127.0.0.1:9")
    with pytest.raises(ToolError, match="scheduler"):
        write_parts(plan(model, 2), model, tmp_path / "a", cluster="no address")


@pytest.mark.slow
def test_the_command_line_makes_a_library_in_a_folder(model, tmp_path, capsys):
    options = ["pack", "--model", model, "--instrument", "violin", "--count", "2", "--key", "60", "--bits", "16"]
    out = tmp_path / "library"
    assert main([*options, "--rejects", "keep", "--out", str(out), "--workers", "1", "--notes-a-part", "1"]) == 0
    assert names(out) == ["violin_part_01.zip", "violin_part_02.zip"]
    assert "violin_part_02.zip: 1 note," in capsys.readouterr().out
    assert main([*options, "--out", str(out), "--notes-a-part", "5"]) == 1
    assert "needs --workers" in capsys.readouterr().err
    many = [*options[:5], "--count", "30000", "--dry-run", "--key", "60", "--out", str(out), "--workers", "1"]
    assert main(many) == 1 and "up to 20,000 sounds, not 30,000" in capsys.readouterr().err

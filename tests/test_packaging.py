"""The package that `pip` builds, and the lists of what it needs."""

import ast
import json
import os
import re
import socket
import subprocess
import sys
import time
import tomllib
import urllib.error
import urllib.request
import venv
import zipfile
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

import pytest
import soundfile
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = PROJECT["optional-dependencies"]

# Modules named otherwise than their distribution, and those that come with one that is declared.
DISTRIBUTIONS = {
    "PIL": "pillow",
    "dask": "dask[distributed]",
    "fastapi": "gradio",
    "fluidsynth": "pyfluidsynth",
    "parselmouth": "praat-parselmouth",
    "prometheus_client": "prometheus-client",
    "pydantic": "gradio",
    "scipy": "pyloudnorm",
    "sklearn": "umap-learn",
    "starlette": "gradio",
    "umap": "umap-learn",
    "uvicorn": "gradio",
}
# What synthesizers are played with to make training notes: large, two of them GPL, and for nobody who did not ask. Each
# source says what to install.
SYNTHESIZERS = {"dawdreamer", "dexed", "nanosynth"}


def bounds(requirements: list[str]) -> dict[str, set[str]]:
    """A distribution -> its bounds: {"numpy": {">=2.0", "<3"}}; the package's own extras are left out."""
    split = [re.match(r"([\w.\-]+(?:\[.*\])?)(.*)", requirement).groups() for requirement in requirements]
    return {name: set(rest.split(",")) for name, rest in split if not name.startswith(PROJECT["name"])}


def test_requirements_txt_and_pyproject_say_the_same():
    lines = (ROOT / "requirements.txt").read_text(encoding="utf-8").splitlines()
    split = [line.partition(" #") for line in lines]
    assert all(reason.strip() for _, _, reason in split), "every requirement says what it is for"
    listed = bounds([requirement.strip() for requirement, _, _ in split])
    declared = [bounds(group) for group in (PROJECT["dependencies"], *EXTRAS.values())]
    assert listed == {name: found for group in declared for name, found in group.items()}
    for group in declared:  # one that stands in two extras has the same bounds in both
        assert all(listed[name] == found for name, found in group.items())


def test_every_library_that_the_code_imports_is_declared():
    needs = [PROJECT["dependencies"], *(EXTRAS[extra] for extra in ("train", "evaluate", "cluster"))]
    core = {name for group in needs for name in bounds(group)}
    app = {*bounds(PROJECT["dependencies"]), *bounds(EXTRAS["app"]), "playwright"}  # of the app's bench alone
    for room, known in (("gansynth_core", core), ("webapp", app)):
        for path in ROOT.glob(f"{room}/**/*.py"):
            asked = SYNTHESIZERS if path.parent.name == "data" else set()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                for module in {name.partition(".")[0] for name in names}:
                    if module not in sys.stdlib_module_names and module not in ("gansynth_core", "webapp"):
                        assert DISTRIBUTIONS.get(module, module) in known | asked, f"{path} imports {module}"


def test_the_gpl_is_in_one_extra():
    assert [extra for extra, needs in EXTRAS.items() if "praat-parselmouth" in bounds(needs)] == ["evaluate"]


def test_the_lock_of_the_front_end_names_no_other_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    resolved = [package.get("resolved", "") for package in lock["packages"].values()]
    assert all(address.startswith("https://registry.npmjs.org/") or not address for address in resolved)


# --- the wheel --------------------------------------------------------------------------------------------------------


def closure(requirements: list[str]) -> dict[str, Distribution]:
    """The installed distributions that `requirements` lead to, by name."""
    found: dict[str, Distribution] = {}
    waiting = [(Requirement(requirement), "") for requirement in requirements]
    seen = set()
    while waiting:
        requirement, extra = waiting.pop()
        if (str(requirement), extra) in seen or not (
            requirement.marker is None or requirement.marker.evaluate({"extra": extra})
        ):
            continue
        seen.add((str(requirement), extra))
        try:
            found[requirement.name] = distribution(requirement.name)
        except PackageNotFoundError:  # such as one that a newer Python has no need of
            continue
        for needed in found[requirement.name].requires or []:
            waiting += [(Requirement(needed), extra) for extra in ("", *requirement.extras)]
    return found


def share(requirements: list[str], site: Path) -> None:
    """Link what `requirements` lead to into the site-packages `site`: as if installed there, without the download."""
    for found in closure(requirements).values():
        for name in {file.parts[0] for file in found.files or [] if file.parts[0] not in ("..", "__pycache__")}:
            if not (site / name).exists():
                (site / name).symlink_to(Path(found.locate_file(name)).resolve())


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built as `pip` builds it."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory) -> Path:
    """A fresh environment's folder, in which are the wheel and what it requires, and nothing else."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    python = folder / "bin" / "python"
    install = ["--python", str(python), "install", "--quiet", "--no-deps", "--no-index", str(wheel)]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    share(PROJECT["dependencies"], next(folder.glob("lib/python*/site-packages")))
    return folder


def run(installed: Path, *command: str, cwd: Path) -> str:
    """What a command of the environment prints, run in another folder."""
    program, *arguments = command
    done = subprocess.run(
        [str(installed / "bin" / program), *arguments], cwd=cwd, env=bare(), capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def bare() -> dict[str, str]:
    """The environment variables, without those that would lead to this clone or its models."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "GANSYNTH"))}


@pytest.mark.slow
def test_the_wheel_holds_the_code_the_page_and_the_voice(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    for room in ("gansynth_core", "webapp"):
        files = [path for path in ROOT.glob(f"{room}/**/*") if path.is_file() and path.suffix not in (".pyc", ".pyi")]
        assert {str(path.relative_to(ROOT)) for path in files} <= names
    names_of_model = ("card.json", "weights.safetensors", "encoder.safetensors", "steering.safetensors")
    weights = [f"models/studio/{name}" for name in names_of_model]
    shipped = {f"gansynth_core/assets/{name}" for name in (*weights, "atlas/studio.npz", "judge/judge.safetensors")}
    assert shipped == {name for name in names if "assets/" in name}
    top = {name.partition("/")[0] for name in names if ".dist-info/" not in name}
    assert top == {"gansynth_core", "webapp"}
    assert wheel.stat().st_size < 60e6


@pytest.mark.slow
def test_the_wheel_makes_notes_from_another_folder(installed, tmp_path):
    assert f" {version()}" in run(installed, "gansynth", "--version", cwd=tmp_path)
    run(installed, "gansynth", "generate", "--instrument", "violin", "--pitch", "A4", "-o", "a.wav", cwd=tmp_path)
    code = "from gansynth_core import generate; generate(69, 'violin').save('b.wav')"
    run(installed, "python", "-c", code, cwd=tmp_path)
    a, rate = soundfile.read(tmp_path / "a.wav")
    b, _ = soundfile.read(tmp_path / "b.wav")
    assert rate == 24000 and len(a) == 4 * rate and abs(a).max() > 0.1 and (a == b).all()


@pytest.mark.slow
def test_a_pack_needs_no_more_than_the_package_requires(installed, tmp_path):
    options = ["--instrument", "flute", "--range", "60-60", "--out", "flute.zip"]
    run(installed, "gansynth", "pack", *options, cwd=tmp_path)
    with zipfile.ZipFile(tmp_path / "flute.zip") as pack:
        assert any(name.endswith(".wav") for name in pack.namelist())


@pytest.mark.slow
def test_the_installed_app_serves_its_page_and_routes(installed, tmp_path):
    share(EXTRAS["app"], next(installed.glob("lib/python*/site-packages")))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{probe.getsockname()[1]}"
    command = [str(installed / "bin" / "gansynth-studio"), "--port", address.rpartition(":")[2]]
    with open(tmp_path / "said", "w+", encoding="utf-8") as said:
        app = subprocess.Popen(command, cwd=tmp_path, env=bare(), stdout=said, stderr=said)
        try:
            while not (page := ask(address)):
                assert app.poll() is None, (tmp_path / "said").read_text(encoding="utf-8")
                time.sleep(0.1)
            assert "GANSynth Studio" in page
            script = re.search(r"gradio_api/studio/ui/[\w/]+\.js", page).group()
            assert "export" in ask(f"{address}/{script}")
            assert json.loads(ask(f"{address}/{script.partition('ui/')[0]}model"))["id"] == "studio"
        finally:
            app.terminate()
            app.wait()


def ask(address: str) -> str:
    """What is at `address`; nothing while nobody answers there."""
    try:
        with urllib.request.urlopen(address) as answer:
            return answer.read().decode()
    except urllib.error.HTTPError:
        raise
    except urllib.error.URLError:
        return ""


def version() -> str:
    text = (ROOT / "gansynth_core" / "__init__.py").read_text(encoding="utf-8")
    return re.search(r'__version__ = "(.*)"', text).group(1)

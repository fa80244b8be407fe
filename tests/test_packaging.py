"""The package that `pip` builds, and the lists of what it needs."""

import ast
import json
import re
import sys
import tomllib
from pathlib import Path

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
    "pydantic": "gradio",
    "scipy": "pyloudnorm",
    "sklearn": "umap-learn",
    "starlette": "gradio",
    "umap": "umap-learn",
}


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
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module] if isinstance(node, ast.ImportFrom) else []
                for module in {name.partition(".")[0] for name in names}:
                    if module not in sys.stdlib_module_names and module not in ("gansynth_core", "webapp"):
                        assert DISTRIBUTIONS.get(module, module) in known, f"{path} imports {module}"


def test_the_gpl_is_in_one_extra():
    assert [extra for extra, needs in EXTRAS.items() if "praat-parselmouth" in bounds(needs)] == ["evaluate"]


def test_the_lock_of_the_front_end_names_no_other_registry():
    lock = json.loads((ROOT / "package-lock.json").read_text(encoding="utf-8"))
    resolved = [package.get("resolved", "") for package in lock["packages"].values()]
    assert all(address.startswith("https://registry.npmjs.org/") or not address for address in resolved)

"""The rules of the house that a reader cannot see in one file."""

import ast
import re
from pathlib import Path

import gansynth_core

ROOT = Path(gansynth_core.__file__).parent.parent
SOURCES = sorted([*ROOT.glob("gansynth_core/**/*.py"), *ROOT.glob("webapp/**/*.py"), ROOT / "app.py"])

# A module may import from modules of its own level or a lower one.
LEVELS = [
    ["errors"],
    ["files", "instruments", "pitches", "riff", "shared", "tensor_bundle", "threads", "tunings"],
    ["commands", "sound", "specgram", "spectrum", "sustain", "imprint", "tape"],
    ["cards"],
    ["generators", "latent", "descriptors", "own", "refine", "steering"],
    ["synth", "patch"],
    ["glide"],
    ["packs", "named_sounds"],
    ["midi", "atlas"],
    ["training", "magenta_import", "bench", "note_commands", "__init__"],
    ["__main__"],
]
LEVEL = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}


def imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(node.module)
    return found


def test_imports_run_downwards():
    for path in ROOT.glob("gansynth_core/**/*.py"):
        room = path.relative_to(ROOT / "gansynth_core").parts[0].removesuffix(".py")
        for name in imports(path):
            if name.startswith("gansynth_core"):
                other = [*name.split("."), "__init__"][1]
                assert LEVEL[other] <= LEVEL[room], f"{path.name} imports {name}"


def test_the_core_does_not_know_the_app():
    for path in ROOT.glob("gansynth_core/**/*.py"):
        assert not any(name.startswith("webapp") for name in imports(path)), path


def test_only_the_command_line_knows_training():
    for path in SOURCES:
        room = path.relative_to(ROOT).parts
        if "training" not in room and path.name not in ("__main__.py",):
            assert not any(name.startswith("gansynth_core.training") for name in imports(path)), path


def test_the_app_uses_the_public_surface_and_no_torch():
    for path in [*ROOT.glob("webapp/**/*.py"), ROOT / "app.py"]:
        for name in imports(path):
            assert not name.startswith("torch"), path
            if name != "gansynth_core.bench" or "bench" not in path.parts:  # both benches time and tell alike
                assert not name.startswith("gansynth_core."), f"{path} reaches into {name}"


def test_the_public_surface_is_sorted_and_complete():
    names = gansynth_core.__all__
    assert names == sorted(names) and all(hasattr(gansynth_core, name) for name in names)
    public = {
        name
        for name, value in vars(gansynth_core).items()
        if not name.startswith("_") and getattr(value, "__module__", "").startswith("gansynth_core.")
    }
    assert public <= set(names)


def code_of(path: Path) -> str:
    """The source without strings and comments."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node.value = ""
    return ast.unparse(tree)


def test_the_rate_travels_with_the_samples():
    for path in SOURCES:
        if path.name not in ("config.py", "magenta_import.py"):
            assert not re.search(r"\b(16_?000|24_?000)\b", code_of(path)), f"{path} writes a sample rate"


def test_cuda_is_chosen_in_two_rooms_only():
    for path in SOURCES:
        if "training" in path.parts or path.name in ("synth.py", "bench.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            device = isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("cuda")
            assert not device and not (isinstance(node, ast.Attribute) and node.attr == "cuda"), f"{path}:{node.lineno}"


POSIX_MODULES = {"fcntl", "grp", "posix", "pty", "pwd", "resource", "syslog", "termios", "tty"}
POSIX_NAMES = ("SIGALRM", "SIGKILL", "fork", "getloadavg", "getuid", "posix_fallocate", "pthread_sigmask")
POSIX_NAMES += ("register_at_fork", "sched_getaffinity", "setsid")


def test_nothing_is_asked_of_the_system_that_some_systems_lack():
    for path in [*SOURCES, *ROOT.glob("tests/*.py")]:
        text = path.read_text(encoding="utf-8")
        if not re.search(rf"\b({'|'.join((*POSIX_MODULES, *POSIX_NAMES))})\b", text):
            continue
        assert not imports(path) & POSIX_MODULES, path
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Attribute) and node.attr in POSIX_NAMES:
                assert f'"{node.attr}")' in text, f"{path}:{node.lineno} uses {node.attr} without hasattr"


def test_text_is_utf_8_on_every_system():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        for node in ast.walk(ast.parse(text)) if re.search(r"\bopen\(|(read|write)_text\(", text) else ():
            if not isinstance(node, ast.Call):
                continue
            method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
            opens = isinstance(node.func, ast.Name) and node.func.id == "open"
            modes = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
            if method in ("read_text", "write_text") or (opens and not any("b" in mode for mode in modes[-1:])):
                assert any(word.arg == "encoding" for word in node.keywords), f"{path}:{node.lineno}"


def test_no_error_is_swallowed_unnamed():
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.ExceptHandler) and node.type is None), f"{path}:{node.lineno}"


def test_weights_are_never_unpickled():
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"pickle\.loads?\(|Unpickler\(", text), path
        for call in re.findall(r"torch\.load\([^)]*\)", text):
            assert "weights_only=True" in call, path


# The page's scripts: a folder may import from itself and from those before it; `.` is the top, where `studio.js` is.
FRONT_END = ROOT / "webapp" / "static"
FOLDERS = ["document", "audio", "server", "parts"]
BESIDE = ["map", "rooms"]  # know all of these, but not each other
SCRIPTS = sorted(FRONT_END.glob("**/*.js"))
IMPORT = re.compile(r'^(?:import\s+|(?:import|export)\b[^;"]*?\bfrom\s+)"(\.[^"]+)"', re.MULTILINE)


def imported_scripts(path: Path) -> set[Path]:
    return {(path.parent / name).resolve() for name in IMPORT.findall(path.read_text(encoding="utf-8"))}


def folder_of(path: Path) -> str:
    return path.relative_to(FRONT_END).parts[0] if path.parent != FRONT_END else "."


def may_know(folder: str) -> list[str]:
    if folder == ".":
        return [*FOLDERS, "."]  # rooms are opened by name: see mount.js
    return [*FOLDERS, folder] if folder in BESIDE else FOLDERS[: FOLDERS.index(folder) + 1]


def script_code(path: Path) -> str:
    """The script without comments."""
    return re.sub(r"/\*.*?\*/|(?<!:)//[^\n]*", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)


def test_scripts_import_downwards():
    for path in SCRIPTS:
        for other in imported_scripts(path):
            assert other.is_file(), f"{path} imports {other}"
            assert folder_of(other) in may_know(folder_of(path)), f"{path} imports {other}"


def test_scripts_import_in_no_circle():
    left = {path: imported_scripts(path) for path in SCRIPTS}
    while ready := {path for path, others in left.items() if not others & left.keys()}:
        left = {path: others for path, others in left.items() if path not in ready}
    assert not left, f"in a circle, or above one: {sorted(path.name for path in left)}"


PAGE = r"(?<![.\w])(?:document|window|navigator|localStorage)\."


def test_documents_know_no_page_no_server_and_no_sound():
    for path in (FRONT_END / "document").glob("*.js"):
        found = re.search(rf"{PAGE}|(?<![.\w])fetch\(|AudioContext", script_code(path))
        assert not found, f"{path} knows {found[0]}"


def test_the_engine_knows_no_page():
    for path in (FRONT_END / "audio").glob("*.js"):
        found = re.search(PAGE, script_code(path))
        assert not found, f"{path} knows {found[0]}"


def test_the_browser_keeps_things_in_one_way():
    for path in SCRIPTS:
        assert path.name == "storage.js" or "localStorage" not in script_code(path), path

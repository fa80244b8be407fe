"""What the documents promise: links that lead somewhere, commands that parse, code that compiles, files that exist."""

import ast
import json
import re
import shlex
from itertools import takewhile
from pathlib import Path

import pytest

import gansynth_core
from gansynth_core.__main__ import parse as parse_command
from webapp.app import parse

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md"))]
PLACES = ("assets/", "docs/", "gansynth_core/", "tests/", "webapp/")  # what paths in backticks begin with
EACH = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def blocks(document: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", document.read_text(encoding="utf-8"), re.M | re.S)


def prose(document: Path) -> str:
    return re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.M | re.S)


def anchors(document: Path) -> set[str]:
    """The names that GitHub gives to a document's headings."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@EACH
def test_links_and_pictures_are_there(document):
    text = prose(document)
    for target in re.findall(r"\]\(([^)]+)\)", text) + re.findall(r'(?:src|srcset)="([^"]+)"', text):
        if re.match(r"https?://", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        assert path.exists(), f"{document.name} links to {target}"
        assert not anchor or anchor in anchors(path), f"{document.name} links to {target}"


@EACH
def test_named_files_are_there(document):
    for name in re.findall(r"`([\w./-]+)`", prose(document)):
        assert not name.startswith(PLACES) or (ROOT / name).exists(), f"{document.name} names {name}"


@EACH
def test_commands_parse(document):
    for line in "".join(blocks(document, "bash")).replace("\\\n", "").splitlines():
        words = list(takewhile(lambda word: word[0] not in "|>", shlex.split(line, comments=True)))
        for place, word in enumerate(words):
            if word == "gansynth_core" or (word == "gansynth" and place == 0):
                assert_parses(parse_command, words[place + 1 :], line)
        starts_app = words[:1] in (["gansynth-studio"], ["./studio"])
        if starts_app and words[1:2] not in (["check"], ["check-front"]):
            assert_parses(parse, words[1:], line)


def assert_parses(parse_words, words: list[str], line: str) -> None:
    try:
        parse_words(words)
    except SystemExit as stop:
        assert stop.code == 0, line  # --help ends with 0


@EACH
def test_python_compiles_and_json_reads(document):
    for block in blocks(document, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module == "gansynth_core":
                assert {name.name for name in node.names} <= set(gansynth_core.__all__), document.name
    for block in blocks(document, "json"):
        json.loads(block)


def test_the_newest_version_in_the_changelog_is_this_one():
    versions = re.findall(r"^## (\d\S*)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)
    assert versions[0] == gansynth_core.__version__


def test_pictures_load_fast():
    for picture in ROOT.glob("docs/images/*"):
        assert picture.stat().st_size <= 400_000, picture.name

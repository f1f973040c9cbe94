"""What the documents say can be done: every link leads somewhere, every command and variable exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.house import ROOT, python_files, tracked_files

DOCUMENTS = sorted(path for path in tracked_files() if path.suffix == ".md")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
MAKE_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
IN_TICKS = re.compile(r"`([^`\n]+)`")
# A command ends where its arguments' placeholders, a pipe or a remark begin.
END_OF_COMMAND = re.compile(r"\s(?:#|\||>|<|&&|…|\.\.\.)|[{…]")


def commands_in(text: str) -> list[str]:
    """Return what a document shows as typed: indented and fenced lines, and words in backticks."""
    blocks = [line.strip() for line in text.splitlines() if line.startswith("    ")]
    for block in re.findall(r"^```[a-z]*\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
        blocks += [line.strip() for line in block.splitlines()]
    return [END_OF_COMMAND.split(line.removeprefix("$ "))[0] for line in [*blocks, *IN_TICKS.findall(text)]]


def anchors_of(document: Path) -> set[str]:
    """Return the anchors that a code host gives a document's headings."""
    headings = HEADING.findall(document.read_text(encoding="utf-8"))
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_leads_somewhere(document):
    broken = []
    for target in LINK.findall(document.read_text(encoding="utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (document.parent / name).resolve() if name else document
        if not path.exists() or (anchor and anchor not in anchors_of(path)):
            broken.append(target)
    assert not broken


def make_commands() -> list[tuple[str, str]]:
    found = set()
    for document in DOCUMENTS:
        for command in commands_in(document.read_text(encoding="utf-8")):
            if match := re.match(r"make ([a-z][a-z-]*)", command):
                found.add((str(document.relative_to(ROOT)), match[1]))
    return sorted(found)


@pytest.mark.parametrize(("document", "target"), make_commands())
def test_every_make_target_that_a_document_names_exists(document, target):
    assert target in MAKE_TARGET.findall((ROOT / "Makefile").read_text(encoding="utf-8"))


def saat_commands() -> list[str]:
    found = set()
    for document in DOCUMENTS:
        for command in commands_in(document.read_text(encoding="utf-8")):
            if re.match(r"(?:\.venv/bin/)?saat [a-z]", command):
                found.add(command.removeprefix(".venv/bin/").strip())
    return sorted(found)


@pytest.mark.parametrize("command", saat_commands())
def test_every_saat_command_that_a_document_names_exists_with_its_options(command, capsys):
    words = shlex.split(command)[1:]
    # The subcommand's own words: those before the first option or argument that is not a plain lower-case word.
    plain = []
    for word in words:
        if not re.fullmatch(r"[a-z][a-z-]*", word):
            break
        plain.append(word)
    text = help_of(plain, capsys)
    options = [word.split("=")[0] for word in words if word.startswith("--")]
    assert not [option for option in options if option not in text]


def help_of(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    """Return the help of a subcommand, whose last words may be arguments."""
    # Imported here, because it is the only test of this file that needs the whole house.
    from saat.config.command import main

    with pytest.raises(SystemExit) as ended:
        main([*words, "--help"])
    printed = capsys.readouterr()
    assert not ended.value.code, printed.err
    assert words[0] in printed.out
    return printed.out


def test_every_variable_that_a_document_names_is_read_somewhere():
    files = [*python_files(), *(ROOT / "scripts").glob("*"), *(ROOT / "tests").rglob("*.py"), ROOT / "Makefile"]
    code = "\n".join(path.read_text(encoding="utf-8") for path in files if path.is_file() and path.suffix != ".pyc")
    named = {
        name
        for document in DOCUMENTS
        for name in re.findall(r"\b(?:SAAT_[A-Z0-9_]+|DATABASE_URL|EMAIL_URL)\b", document.read_text(encoding="utf-8"))
    }
    assert not {name for name in named if name not in code}


def test_every_folder_and_file_of_ours_that_a_document_names_exists():
    missing = []
    for document in DOCUMENTS:
        for name in IN_TICKS.findall(document.read_text(encoding="utf-8")):
            if re.fullmatch(r"(?:saat|tests|docs|scripts|bench|frontend|cities)/[\w./*-]*", name):
                found = list(ROOT.glob(name)) if "*" in name else [ROOT / name]
                if not any(path.exists() for path in found) and "node_modules" not in name and "dist" not in name:
                    missing.append(f"{document.relative_to(ROOT)}: {name}")
    assert not missing

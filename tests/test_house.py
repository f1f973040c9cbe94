"""The house keeps its order: floors, words, sizes, and nothing of one machine in it."""

from __future__ import annotations

import ast
import re
import sys
import tomllib

import pytest
from importlinter.cli import EXIT_STATUS_SUCCESS, lint_imports

from tests.house import PACKAGE, ROOMS, ROOT, imports_of, python_files, table, tracked_files, words_in_code

MOST_LINES = 550
WHERE_THINGS_GO = ROOT / "docs" / "where-things-go.md"
GLOSSARY = ROOT / "docs" / "glossary.md"

# Written in pieces, so that this file does not find itself.
HOSTS = [
    "registry." + "npmjs",
    "registry." + "yarnpkg",
    "py" + "pi.org",
    "files." + "pythonhosted",
    "deb." + "debian.org",
]
MACHINE_PATHS = re.compile(r"(?<![\w./~-])/(?:" + "|".join(["root", "work", r"home/\w+", r"Users/\w+"]) + r")/\w")
UNFINISHED = re.compile(r"\b(?:" + "|".join(["TO" + "DO", "FIX" + "ME", "X" + "XX"]) + r")\b")


def test_imports_go_downwards_only(monkeypatch, capsys):
    monkeypatch.chdir(ROOT)
    found = lint_imports(cache_dir=str(ROOT / ".import_linter_cache"))
    assert found == EXIT_STATUS_SUCCESS, capsys.readouterr().out


def test_the_rooms_on_disk_are_the_rooms_that_are_declared():
    on_disk = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert on_disk == set(ROOMS)
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    layers = next(c["layers"] for c in config["tool"]["importlinter"]["contracts"] if c["type"] == "layers")
    assert {room.strip() for layer in layers for room in layer.split("|")} == set(ROOMS)


@pytest.mark.parametrize("room", ROOMS)
def test_a_room_says_what_belongs_in_it(room):
    text = ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text(encoding="utf-8")))
    assert text, f"saat/{room}/__init__.py has no docstring"
    assert len(text.split()) >= 8, f"saat/{room}/__init__.py should say more than {text!r}"


def test_the_map_of_the_house_names_every_room():
    assert [words_in_code(row[0]) for row in table(WHERE_THINGS_GO, "rooms")] == [
        [room]
        for room in (
            "terms", "triage", "rounds", "cases", "recovery", "learning",
            "records", "links", "actions", "web", "stream", "config",
        )
    ]  # fmt: skip


def may_import() -> dict[str, set[str]]:
    return {words_in_code(row[0])[0]: set(words_in_code(row[2])) for row in table(WHERE_THINGS_GO, "rooms")}


@pytest.mark.parametrize("room", [room for room in ROOMS if room != "config"])
def test_a_room_imports_only_what_the_map_of_the_house_allows(room):
    allowed = may_import()[room]
    strangers = []
    for path in python_files(PACKAGE / room):
        for line, name in imports_of(path):
            top, _, rest = name.partition(".")
            if top == "saat":
                inner = rest.split(".")[0]
                fine = inner in (room, "__version__") or inner in allowed
            else:
                fine = top in sys.stdlib_module_names or top in allowed
            if not fine:
                strangers.append(f"{path.relative_to(ROOT)}:{line} imports {name}")
    assert not strangers


def test_doors_read_by_queries_and_write_by_actions_never_by_a_manager():
    managers = {"objects", "_default_manager", "_base_manager"}
    used = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for room in ("web", "stream")
        for path in python_files(PACKAGE / room)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Attribute) and node.attr in managers
    ]
    assert not used


@pytest.mark.parametrize("row", table(GLOSSARY, "words"), ids=lambda row: row[0])
def test_a_word_of_the_glossary_is_a_word_of_the_code(row):
    code = "\n".join(path.read_text(encoding="utf-8") for path in python_files())
    names = {name.lower() for name in re.findall(r"[A-Za-z_]\w*", code)}
    for word in words_in_code(row[0]):
        spoken = {word, word.replace("_", "")}  # service_request is the class ServiceRequest
        assert spoken & names, f"the glossary has {word}, the code has not"


def test_no_name_is_the_bare_word_that_the_glossary_bars():
    barred = "service"
    found = []
    for path in python_files():
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [getattr(node, "arg", None), getattr(node, "name", None)]
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.append(node.id)
            if barred in [name.lower() for name in names if isinstance(name, str)]:
                found.append(f"{path.relative_to(ROOT)}:{getattr(node, 'lineno', 0)}")
    assert not found, f"write service_code, service_day or collection instead of {barred}: {found}"


def texts() -> list[tuple[str, str]]:
    found = []
    for path in tracked_files():
        try:
            found.append((str(path.relative_to(ROOT)), path.read_text(encoding="utf-8")))
        except UnicodeDecodeError:
            continue  # a picture, or a file of a test about wrong encodings
    return found


def test_no_file_names_a_package_registry():
    assert not [f"{name}: {host}" for name, text in texts() for host in HOSTS if host in text]


def test_lock_files_name_no_address():
    for path in ROOT.glob("requirements*.lock"):
        assert "://" not in path.read_text(encoding="utf-8"), path.name
    assert '"resolved"' not in (ROOT / "frontend" / "package-lock.json").read_text(encoding="utf-8")


def test_no_file_names_a_folder_of_one_machine():
    assert not [f"{name}: {found[0]}" for name, text in texts() if (found := MACHINE_PATHS.findall(text))]


def test_nothing_is_left_unfinished_in_a_comment():
    assert not [name for name, text in texts() if name != "LICENSE" and UNFINISHED.search(text)]


def test_a_file_holds_one_idea_and_ends_before_it_tires():
    long = {
        str(path.relative_to(ROOT)): lines
        for path in python_files()
        if "migrations" not in path.parts and (lines := path.read_text(encoding="utf-8").count("\n")) > MOST_LINES
    }
    assert not long


def test_there_is_no_script_or_style_inside_a_page():
    inline = re.compile(
        r"<style|\sstyle=|\son[a-z]+=[\"']|<script(?![^>]*\b(?:src=|type=\"application/json\"))", re.IGNORECASE
    )
    pages = [path for path in PACKAGE.rglob("templates/**/*.html") if inline.search(path.read_text(encoding="utf-8"))]
    assert not [str(path.relative_to(ROOT)) for path in pages]


def test_everything_that_a_wheel_needs_travels_in_it():
    config = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    targets = config["tool"]["hatch"]["build"]["targets"]
    assert targets["wheel"]["force-include"] == {"cities": "saat/cities"}
    assert "saat/web/static/saat/dist/**" in targets["wheel"]["artifacts"]
    assert config["project"]["scripts"] == {"saat": "saat.config.command:main"}

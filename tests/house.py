"""What tests of the house read: tracked files, tables in the docs, imports."""

from __future__ import annotations

import ast
import re
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "saat"
ROOMS = (
    "config",
    "web",
    "stream",
    "actions",
    "triage",
    "rounds",
    "cases",
    "recovery",
    "learning",
    "records",
    "links",
    "terms",
)


@cache
def tracked_files() -> tuple[Path, ...]:
    """Return the files that are, or are about to be, in the repository."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in names.split("\0") if name and (path := ROOT / name).is_file())


def python_files(folder: Path = PACKAGE) -> list[Path]:
    """Return the Python files of a folder, at any depth."""
    return sorted(folder.rglob("*.py"))


def table(document: Path, name: str) -> list[list[str]]:
    """Return the rows of the table that a document marks with `<!-- table: name -->`, without its heading."""
    after = document.read_text(encoding="utf-8").split(f"<!-- table: {name} -->\n", 1)[1]
    rows = []
    for line in after.splitlines():
        if not line.startswith("|"):
            break
        rows.append([cell.strip() for cell in line.strip("|").split("|")])
    return rows[2:]


def words_in_code(cell: str) -> list[str]:
    """Return what a cell has in backticks."""
    return re.findall(r"`([^`]+)`", cell)


def imports_of(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and full name of everything that a file imports, wherever in the file it does."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield node.lineno, name.name
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            if node.level:
                parts = path.relative_to(ROOT).with_suffix("").parts[: -node.level]
                module = ".".join([*parts, module]).rstrip(".")
            for name in node.names:
                yield node.lineno, f"{module}.{name.name}"

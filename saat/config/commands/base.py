"""What every command does: read the common options, set Django up, find the city, say what is wrong in one sentence."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from saat.records.models import Area, City


class Refused(Exception):
    """What the operator asked for cannot be done; the message says why and what is possible."""


def common(parser: argparse.ArgumentParser, *, city: bool = False, dry_run: bool = False) -> None:
    """Add the options that most commands share."""
    parser.add_argument(
        "--var", metavar="FOLDER", help="folder that holds everything Saat writes (default: $SAAT_VAR, or ./var)"
    )
    if city:
        parser.add_argument(
            "--city", metavar="ID", help="the city's jurisdiction_id; needed only where there are several cities"
        )
    if dry_run:
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, and write nothing")


def set_up(options: argparse.Namespace) -> None:
    """Set Django up for the chosen folder.

    :raises Refused: if the folder cannot be written to or a setting cannot be used.
    """
    if options.var:
        os.environ["SAAT_VAR"] = options.var
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
    var = Path(os.environ.get("SAAT_VAR", "var"))
    try:
        var.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"The folder {var} cannot be used: {error.strerror or error}.") from error
    if not os.access(var, os.W_OK | os.X_OK):
        raise Refused(f"The folder {var} cannot be written to.")
    import django

    django.setup()


def pending_migrations() -> list[str]:
    """Return the names of the changes of the tables that were not applied yet."""
    from django.db import connection
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    return [f"{step.app_label}.{step.name}" for step, _ in executor.migration_plan(executor.loader.graph.leaf_nodes())]


def migrate() -> int:
    """Bring the tables up to date; return how many changes were applied."""
    from django.core.management import call_command

    pending = pending_migrations()
    if pending:
        call_command("migrate", verbosity=0, interactive=False)
    return len(pending)


def set_up_with_tables(options: argparse.Namespace) -> None:
    """Set Django up on an installation that exists.

    :raises Refused: if its tables are missing or older than this program.
    """
    set_up(options)
    from django.conf import settings

    database = settings.DATABASES["default"]
    missing = "sqlite" in database["ENGINE"] and not Path(database["NAME"]).exists()
    if missing or pending_migrations():
        raise Refused(
            f"The installation in {settings.VAR} is missing, or older than this program; run `saat init` first."
        )


def chosen_city(options: argparse.Namespace) -> City:
    """Return the city that `--city` names, or the only one.

    :raises Refused: if there is none, or several and none was named.
    """
    from saat.records.models import City

    cities = {city.jurisdiction_id: city for city in City.objects.order_by("pk")}
    if not cities:
        raise Refused("There is no city yet; run `saat init --city FILE` first.")
    known = ", ".join(cities)
    if options.city:
        if options.city not in cities:
            raise Refused(f"There is no city {options.city!r}; there is: {known}.")
        return cities[options.city]
    if len(cities) > 1:
        raise Refused(f"There are several cities; name one with --city: {known}.")
    return next(iter(cities.values()))


def named_area(city: City, text: str) -> Area:
    """Return the area that an operator names: "Chamkar Mon / Tonle Basak", or a list and a code, "mef:120101".

    :raises Refused: if there is none, or several.
    """
    from saat.records.queries_areas import area_with_code, areas_called, names_by_area
    from saat.triage.names import plain_name

    code_list, _, code = text.partition(":")
    if code:
        area = area_with_code(city, code_list=code_list.strip(), code=code.strip())
        if area is None:
            raise Refused(f"No area has the code {code.strip()} in the list {code_list.strip()!r}.")
        return area
    found = areas_called(city, [plain_name(part) for part in text.split("/")])
    if not found:
        raise Refused(f"The city has no area {text!r}.")
    if len(found) > 1:
        names = names_by_area([area.parent_id for area in found if area.parent_id])
        above = [next(iter(names.get(area.parent_id or 0, {}).values()), "?") for area in found]
        raise Refused(f"{text!r} lies in several areas: {'; '.join(above)}. Name that one too: AREA ABOVE / {text}.")
    return found[0]


def city_file(name: str) -> Path:
    """Return a policy file by its path, or by its bare name among those that come with Saat.

    :raises Refused: if there is none.
    """
    package = Path(__file__).resolve().parent.parent.parent
    shipped = [folder for folder in (package / "cities", package.parent / "cities") if folder.is_dir()]
    tries = [Path(name), *(folder / Path(name).with_suffix(".toml").name for folder in shipped)]
    for path in tries:
        if path.is_file():
            return path
    known = sorted(path.stem for folder in shipped for path in folder.glob("*.toml"))
    raise Refused(f"There is no policy file {name}. Those that come with Saat are: {', '.join(known)}.")


def read_text(path: Path) -> str:
    """Return a file's text.

    :raises Refused: if it cannot be read or is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Refused(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8.") from error


def say(text: str = "") -> None:
    """Write one line of the command's answer."""
    print(text, flush=True)


def table(rows: list[tuple[Any, ...]], *, head: tuple[str, ...]) -> str:
    """Return rows as aligned columns under a head.

    >>> print(table([("khan", 14), ("sangkat", 105)], head=("kind", "areas")))
    kind     areas
    khan     14
    sangkat  105
    """
    lines = [head, *(tuple("" if cell is None else str(cell) for cell in row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def now() -> datetime:
    """Return this moment: the commands are doors, and doors read the clock."""
    return datetime.now(UTC)


@contextmanager
def progress(what: str, total: int) -> Iterator[Any]:
    """Show a bar on the terminal; yields a function to call with how much was done. Silent where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not sys.stderr.isatty(), transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda amount=1: bar.advance(task, amount)

"""Another system's cases from its own files, through a mapping file."""

from __future__ import annotations

import argparse
from pathlib import Path

from saat.actions.imports import ReportsReport, import_reports
from saat.actions.log import COMMAND
from saat.config.commands.base import Refused, now, progress, read_text, say
from saat.links.tables.mapping import Mapping, MappingRefused, RowRefused, read_mapping
from saat.links.tables.mending import errors_name, write_errors
from saat.links.tables.reading import FileRefused, Row, Table, read_table
from saat.records.models import City
from saat.terms.imports import ImportedReport

_MOST_SHOWN = 5


def reports_from_files(chosen: argparse.Namespace, city: City, *, var: Path) -> int:
    """Import the cases of one or more files of the same kind."""
    try:
        mapping = read_mapping(read_text(Path(chosen.mapping)))
        mapping.check(city.policy_terms())
    except MappingRefused as error:
        raise Refused(f"{chosen.mapping}: {error}") from error
    tables = [_read(Path(name), chosen, mapping) for name in chosen.file]
    refused: dict[Path, list[tuple[Row, str]]] = {}
    came_from: dict[str, tuple[Table, Row]] = {}
    reports = []
    for table in tables:
        refused[table.path] = []
        for row in table.rows:
            try:
                report = mapping.report(row)
            except RowRefused as error:
                refused[table.path].append((row, str(error)))
                continue
            if report.source_id in came_from:
                refused[table.path].append((row, "This id stands in the files twice."))
                continue
            came_from[report.source_id] = (table, row)
            reports.append(report)
    done = _import(city, mapping, reports, dry_run=chosen.dry_run)
    for source_id, why in done.refused:
        table, row = came_from[source_id]
        refused[table.path].append((row, why))
    _tell(done, sum(len(table.rows) for table in tables), dry_run=chosen.dry_run)
    wrong = sum(len(rows) for rows in refused.values())
    if wrong:
        say(f"Rows that could not be taken: {wrong}.")
        for table in tables:
            _tell_errors(table, sorted(refused[table.path], key=lambda pair: pair[0].number), chosen, var=var)
    elif not chosen.dry_run:
        for table in tables:
            _forget_errors(table, chosen, var=var)
    return 1 if wrong else 0


def _read(path: Path, chosen: argparse.Namespace, mapping: Mapping) -> Table:
    known = {"encoding", "delimiter", "sheet", "header_row"}
    unknown = sorted(set(mapping.file) - known)
    if unknown:
        raise Refused(f"{chosen.mapping}: [file] has unknown entries {', '.join(unknown)}.")
    table = read_table(
        path,
        encoding=chosen.encoding or str(mapping.file.get("encoding", "")),
        delimiter=str(mapping.file.get("delimiter", "")),
        sheet=chosen.sheet or str(mapping.file.get("sheet", "")),
        header_row=int(mapping.file.get("header_row", 0)),
    )
    table.need(mapping.wanted_columns())
    return table


def _import(city: City, mapping: Mapping, reports: list[ImportedReport], *, dry_run: bool) -> ReportsReport:
    with progress("Cases", len(reports)) as tell:
        return import_reports(
            city=city, source=mapping.source, reports=reports, now=now(), by=COMMAND, dry_run=dry_run, tell=tell
        )


def _tell(done: ReportsReport, rows: int, *, dry_run: bool) -> None:
    say(f"{rows} rows read.{' Nothing was written.' if dry_run else ''}")
    say(f"  new        {done.created} ({done.placed} with a place)")
    say(f"  changed    {done.changed}")
    say(f"  unchanged  {done.unchanged}")
    say(f"  open       {done.open} of these")
    say(f"  joined     {done.joined} duplicates to the case that they name")
    if done.no_parent:
        say(f"             {len(done.no_parent)} duplicates name a case that is not here: {_some(done.no_parent)}")
    if done.kept:
        say(f"  kept       {len(done.kept)} changed in the file, but worked on here since: {_some(done.kept)}")
    if done.on_time or done.against:
        say(f"  on time    the other system's flag agrees with its moments {done.on_time} times, {done.against} not")


def _some(ids: list[str]) -> str:
    return ", ".join(ids[:_MOST_SHOWN]) + (" …" if len(ids) > _MOST_SHOWN else "")


def _where(table: Table, chosen: argparse.Namespace, *, var: Path) -> Path:
    """Return where a table's errors go; never beside it, where the next `*.csv` would take them for input."""
    return (Path(chosen.errors) if chosen.errors else var / "imports") / errors_name(table)


def _tell_errors(table: Table, refused: list[tuple[Row, str]], chosen: argparse.Namespace, *, var: Path) -> None:
    if not refused:
        if not chosen.dry_run:
            _forget_errors(table, chosen, var=var)
        return
    for row, why in refused[:_MOST_SHOWN]:
        say(f"  {table.path.name}, row {row.number}: {why}")
    if len(refused) > _MOST_SHOWN:
        say(f"  … and {len(refused) - _MOST_SHOWN} more.")
    if chosen.dry_run:
        return
    path = _where(table, chosen, var=var)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_errors(table, refused, path)
    except OSError as error:
        raise FileRefused(f"{path} cannot be written: {error.strerror or error}.") from error
    say(f"  They stand in {path}: mend them there and import that file.")


def _forget_errors(table: Table, chosen: argparse.Namespace, *, var: Path) -> None:
    """Remove the errors of an earlier run once every row is in, unless that file is what was just imported."""
    path = _where(table, chosen, var=var)
    if path != table.path:
        path.unlink(missing_ok=True)

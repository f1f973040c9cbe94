"""Collection plans from an operator's files: rounds, stops, service days, and what a person must settle."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from saat.actions.log import COMMAND
from saat.actions.rounds_import import RoundsReport, import_rounds
from saat.config.commands.base import Refused, city_file, now, progress, read_text, say
from saat.links.rounds import gtfs, montevideo, tainan
from saat.links.rounds.drafting import Reading, drafted
from saat.links.rounds.mapping import PlanMapping, plain_mapping, read_plan_mapping
from saat.links.rounds.parts import COLUMNS, PlanFile, PlanRow, RowRefused
from saat.links.rounds.values import time_s, weekdays
from saat.links.tables.geojson import Feature, read_geojson
from saat.links.tables.mapping import MappingRefused
from saat.links.tables.mending import errors_name, write_errors
from saat.links.tables.reading import FileRefused, Row, Table, read_table
from saat.records.models import City
from saat.records.truck_clock import truck_now
from saat.terms.plan import HolidayRule

KINDS = ("table", "geojson", "gtfs", tainan.SOURCE, montevideo.SOURCE)
_MOST_SHOWN = 5
_TABLES = (".csv", ".tsv", ".txt", ".xlsx")
_MAPS = (".geojson", ".json")


@dataclass(slots=True, kw_only=True)
class _Came:
    """A plan with where it came from. table: what rows that cannot be taken are written like. original: by number."""

    plan: PlanFile
    source: str
    table: Table | None = None
    original: dict[int, Row] = field(default_factory=dict)


def rounds_from_file(chosen: argparse.Namespace, city: City, *, var: Path) -> int:
    """Import the plan in a file or a folder."""
    path = Path(chosen.file)
    try:
        came = _read(path, chosen, city)
    except (MappingRefused, RowRefused) as error:
        raise Refused(str(error)) from error
    plan = came.plan
    with progress("Rounds", len(plan.rounds)) as tell:
        done = import_rounds(
            city=city,
            source=came.source,
            rounds=plan.rounds,
            questions=plan.questions,
            sites=plan.sites,
            vehicles=plan.vehicles,
            from_day=_day(chosen.from_day),
            merge=chosen.merge,
            replace_edited=chosen.replace_edited,
            now=truck_now(city.pk, now()),
            by=COMMAND,
            dry_run=chosen.dry_run,
            tell=lambda: tell(1),
        )
    _tell(plan, done, dry_run=chosen.dry_run)
    refused = [*plan.refused, *((plan.by_row[row], why) for row, why in done.refused.items() if row in plan.by_row)]
    for code, why in done.refused_rounds.items():
        draft = next(draft for draft in plan.rounds if draft.code == code)
        refused += [(plan.by_row[stop.row], why) for stop in draft.stops if stop.row not in done.refused]
    return _tell_refused(path, came, refused, chosen, city, var=var)


def _read(path: Path, chosen: argparse.Namespace, city: City) -> _Came:
    kind = chosen.kind or _kind_of(path)
    reading = Reading(
        before_s=chosen.window_before_min * 60,
        after_s=chosen.window_after_min * 60,
        language=chosen.language or city.policy_terms().languages[0],
        days=weekdays(chosen.days, column="--days") if chosen.days else None,
        holidays=HolidayRule(chosen.holidays),
    )
    source = chosen.source or ""
    if kind == tainan.SOURCE:
        return _Came(plan=tainan.read_tainan(path, reading), source=source or tainan.SOURCE)
    if kind == montevideo.SOURCE:
        if not (chosen.days and chosen.shift_starts):
            raise Refused(
                "These tables know neither weekdays nor at what time a shift begins: say --days and --shift-starts, "
                "for example --days mon-sat --shift-starts 06:00."
            )
        plan = montevideo.read_montevideo(
            path, reading, starts_s=time_s(chosen.shift_starts, column="--shift-starts"),
            kg_per_litre=chosen.kg_per_litre,
        )  # fmt: skip
        return _Came(plan=plan, source=source or montevideo.SOURCE)
    if kind == "gtfs":
        return _Came(plan=gtfs.read_gtfs(path, reading), source=source or path.stem[:60])
    return _mapped(path, kind, chosen, reading, source)


def _mapped(path: Path, kind: str, chosen: argparse.Namespace, reading: Reading, source: str) -> _Came:
    mapping = read_plan_mapping(read_text(_mapping_file(chosen.mapping))) if chosen.mapping else None
    originals: Sequence[Row | Feature]
    if kind == "geojson":
        features = read_geojson(path)
        names = {name for feature in features for name in feature.properties}
        mapping = mapping or plain_mapping(sorted(names), source=source or path.stem.removesuffix(".errors")[:60])
        rows, originals, table = mapping.rows_of_map(features), list(features), None
    else:
        of_file = mapping.file if mapping else {}
        table = read_table(
            path,
            encoding=chosen.encoding or str(of_file.get("encoding", "")),
            delimiter=str(of_file.get("delimiter", "")),
            sheet=chosen.sheet or str(of_file.get("sheet", "")),
            header_row=int(of_file.get("header_row", 0)),
        )
        mapping = mapping or plain_mapping(table.columns, source=source or path.stem.removesuffix(".errors")[:60])
        table.need(mapping.wanted_columns())
        rows, originals = mapping.rows_of(table), list(table.rows)
    plan = drafted(rows, _with(reading, mapping, chosen))
    original: Row | Feature
    for row, original in zip(rows, originals, strict=True):
        plan.questions.extend(mapping.questions_of(original, row))
    by_number = {row.number: row for row in table.rows} if table is not None else {}
    return _Came(plan=plan, source=source or mapping.source, table=table, original=by_number)


def _with(reading: Reading, mapping: PlanMapping, chosen: argparse.Namespace) -> Reading:
    return Reading(
        weekdays=mapping.weekdays,
        before_s=reading.before_s if mapping.before_min is None else mapping.before_min * 60,
        after_s=reading.after_s if mapping.after_min is None else mapping.after_min * 60,
        language=chosen.language or mapping.language,
        days=reading.days,
        holidays=reading.holidays,
    )


def _mapping_file(name: str) -> Path:
    """Return a mapping's path: a file, or else one of those that come with Saat, by its name."""
    path = Path(name)
    shipped = city_file("phnom-penh").parent / "mappings" / f"{path.stem}.toml"
    return shipped if not path.is_file() and shipped.is_file() else path


def _kind_of(path: Path) -> str:
    if montevideo.is_montevideo(path):
        return montevideo.SOURCE
    if gtfs.is_gtfs(path):
        return "gtfs"
    if path.is_dir():
        return tainan.SOURCE
    if path.suffix.lower() in _MAPS:
        return "geojson"
    if path.suffix.lower() in _TABLES:
        return "table"
    raise FileRefused(f"{path.name} is none of {', '.join((*_TABLES, *_MAPS, '.zip'))}, and no folder of a plan.")


def _day(text: str) -> date | None:
    if not text:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise Refused(f"--from must be a date such as 2026-11-30, got {text!r}.") from error


def _tell(plan: PlanFile, done: RoundsReport, *, dry_run: bool) -> None:
    say(f"{plan.rows} rows read.{' Nothing was written.' if dry_run else ''}")
    days = f", from {', '.join(sorted(day.isoformat() for day in done.from_days))}" if done.from_days else ""
    say(f"  rounds     {done.created} new, {done.changed} changed{days}; {done.unchanged} unchanged")
    say(f"  stops      {done.stops} on them; {done.stops_made} new, {done.stops_changed} changed")
    if done.runs:
        say(f"  runs       {done.runs} that were planned ahead follow the new versions")
    for why, count in sorted(plan.excluded.items()):
        say(f"  left out   {count} rows: {why}")
    if plan.questions:
        by_kind = Counter(question.why for question in plan.questions)
        kinds = ", ".join(f"{count} {why.replace('_', ' ')}" for why, count in sorted(by_kind.items()))
        say(f"  questions  {done.questions} new for a person to settle, {done.questions_known} known ({kinds})")
    for note in plan.notes:
        say(f"  note       {note}")
    if done.kept:
        say(f"  kept       {len(done.kept)} rounds that differ in the file, but were changed here by people: "
            f"{_some(done.kept)}; --replace-edited takes the file's")  # fmt: skip
    for why, count in sorted(done.warnings.items()):
        say(f"  unlikely   {count} × {why.replace('_', ' ')}, such as: {done.examples[why]}")
    for code, why in sorted(done.refused_rounds.items())[:_MOST_SHOWN]:
        say(f"  refused    round {code}: {why}")


def _some(codes: list[str]) -> str:
    return ", ".join(codes[:_MOST_SHOWN]) + (" …" if len(codes) > _MOST_SHOWN else "")


def _tell_refused(
    path: Path, came: _Came, refused: list[tuple[PlanRow, str]], chosen: argparse.Namespace, city: City, *, var: Path
) -> int:
    table = came.table or _plain_table(path, [row for row, _why in refused])
    where = (Path(chosen.errors) if chosen.errors else var / "imports") / errors_name(table)
    if not refused:
        if not chosen.dry_run and where != path:
            where.unlink(missing_ok=True)
        return 0
    say(f"Rows that could not be taken: {len(refused)}.")
    for row, why in refused[:_MOST_SHOWN]:
        say(f"  {row.file or path.name}, row {row.number}: {why}")
    if len(refused) > _MOST_SHOWN:
        say(f"  … and {len(refused) - _MOST_SHOWN} more.")
    if chosen.dry_run:
        return 1
    if came.table is not None:
        rows = [(came.original[row.number], why) for row, why in refused]
    else:
        rows = [(Row(number=at, cells=dict(row.cells)), why) for at, (row, why) in enumerate(refused, start=2)]
    try:
        where.parent.mkdir(parents=True, exist_ok=True)
        write_errors(table, rows, where)
    except OSError as error:
        raise FileRefused(f"{where} cannot be written: {error.strerror or error}.") from error
    mapping = f" --mapping {chosen.mapping}" if came.table is not None and chosen.mapping else ""
    say(f"  They stand in {where}. Mend them there, then:")
    say(f"  saat import rounds {where} --merge --source {came.source}{mapping} --city {city.jurisdiction_id}")
    return 1


def _plain_table(path: Path, rows: list[PlanRow]) -> Table:
    """Return an empty table in our own columns, for rows of a file that is no table itself."""
    used = dict.fromkeys(column for row in rows for column in row.cells)
    ordered = [column for column in COLUMNS if column in used]
    columns = (*ordered, *(column for column in used if column not in COLUMNS))
    return Table(path=path.with_suffix(".csv"), kind="csv", columns=columns, rows=())

"""Areas from GeoJSON files, and their names and codes from official lists."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import shapely

from saat.actions.areas import AreaEntry, AreasReport, Unjoined, import_areas
from saat.actions.log import COMMAND
from saat.config.commands.base import Refused, now, progress, say, table
from saat.links.tables.geojson import Feature, read_geojson
from saat.links.tables.reading import Row, read_table
from saat.records.models import City
from saat.terms.geo import Point
from saat.triage.places import mend

Told = Row | Feature


@dataclass(frozen=True, slots=True)
class Fields:
    """Where an entry's parts stand in a file: columns of a table or properties of a feature."""

    names: dict[str, str]
    code: str = ""
    parent_code: str = ""
    parent_names: tuple[str, ...] = ()
    level: str = ""
    level_values: dict[str, int] = field(default_factory=dict)
    fixed_level: int = 1
    digits: tuple[int, ...] = ()
    prefix: str = ""
    where: dict[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ("khan", "sangkat")

    def columns(self) -> list[str]:
        """Return every column that must be there."""
        wanted = [*self.names.values(), self.code, self.parent_code, *self.parent_names, self.level, *self.where]
        return [column for column in wanted if column]

    def level_of(self, told: Told) -> int:
        """Return how deep an entry lies, 0 for what is not wanted."""
        if any(told.text(name) != value for name, value in self.where.items()):
            return 0
        code = told.text(self.code) if self.code else ""
        if self.prefix and not code.startswith(self.prefix):
            return 0
        if self.digits:
            return self.digits.index(len(code)) + 1 if len(code) in self.digits else 0
        if self.level:
            value = told.text(self.level)
            return self.level_values.get(value, 0) if self.level_values else int(value) if value.isdigit() else 0
        return self.fixed_level

    def entry(self, told: Told, *, level: int, wkb: bytes = b"") -> AreaEntry:
        """Return an entry in our own words."""
        code = told.text(self.code) if self.code else ""
        parent_code = told.text(self.parent_code) if self.parent_code else ""
        if self.digits and level > 1:
            parent_code = code[: self.digits[level - 2]]
        names = {language: told.text(column) for language, column in self.names.items()}
        return AreaEntry(
            row=told.number,
            level=level,
            kind=self.kinds[level - 1] if level <= len(self.kinds) else f"level {level}",
            names={language: name for language, name in names.items() if name},
            code=code,
            parent_code=parent_code,
            parent_names=tuple(name for column in self.parent_names if (name := told.text(column))),
            wkb=wkb,
        )


def fields(chosen: argparse.Namespace) -> Fields:
    """Return the options in one value.

    :raises Refused: if one cannot be read.
    """
    try:
        digits = tuple(int(part) for part in chosen.code_digits.split(",") if part)
        level_values = {value: int(level) for value, level in _pairs(chosen.level_values.split(","), "--level-values")}
    except ValueError as error:
        raise Refused("--code-digits and --level-values want whole numbers, such as 4,6 and ខណ្ឌ=1.") from error
    if digits and not chosen.code:
        raise Refused("--code-digits needs --code.")
    if (chosen.code or chosen.code_prefix) and not (chosen.code and chosen.list):
        raise Refused("Codes need --code and --list: a code means nothing without the list that it is of.")
    return Fields(
        names=dict(_pairs(chosen.name, "--name")),
        code=chosen.code,
        parent_code=chosen.parent_code,
        parent_names=tuple(chosen.parent_name),
        level=chosen.level_property,
        level_values=level_values,
        fixed_level=chosen.level,
        digits=digits,
        prefix=chosen.code_prefix,
        where=dict(_pairs(chosen.where, "--where")),
        kinds=tuple(kind.strip() for kind in chosen.kinds.split(",") if kind.strip()),
    )


def _pairs(texts: Sequence[str], option: str) -> list[tuple[str, str]]:
    found = []
    for text in texts:
        if not text:
            continue
        left, sign, right = text.partition("=")
        if not sign or not left.strip() or not right.strip():
            raise Refused(f"{option} wants LEFT=RIGHT, got {text!r}.")
        found.append((left.strip(), right.strip()))
    return found


@dataclass(frozen=True, slots=True)
class _Outlines:
    """What a map file holds: entries with mended outlines, those without a usable one, and how many were mended."""

    entries: list[AreaEntry]
    refused: list[Unjoined]
    mended: int
    features: int


def read_outlines(path: Path, where: Fields, *, box: shapely.Polygon | None, centre: Point) -> _Outlines:
    """Return the areas of a GeoJSON file, with outlines that are whole.

    :raises FileRefused: if it is no GeoJSON file.
    """
    features = read_geojson(path)
    entries, refused, mended = [], [], 0
    with progress("Outlines", len(features)) as step:
        for feature in features:
            step(1)
            level = where.level_of(feature)
            if level < 1:
                continue
            surface, note = mend(feature.geometry or {}, near=centre)
            if surface is None:
                if box is None or _could_be_in(feature, box):
                    refused.append(_refused(where.entry(feature, level=level), note))
                continue
            if box is not None and not box.contains(surface.representative_point()):
                continue
            mended += bool(note)
            entries.append(where.entry(feature, level=level, wkb=shapely.to_wkb(surface)))
    return _Outlines(entries, refused, mended, len(features))


def areas_from_map(chosen: argparse.Namespace, city: City, *, var: Path) -> int:
    """Import the areas of a GeoJSON file."""
    found = read_outlines(
        Path(chosen.file), fields(chosen), box=bounding_box(chosen.bbox), centre=city.policy_terms().centre
    )
    if not found.entries and not found.refused:
        raise Refused(f"None of the {found.features} features of {chosen.file} is wanted; look at --where and --bbox.")
    report = import_areas(
        city=city, entries=found.entries, code_list=chosen.list, create=not chosen.only_known,
        schematic=chosen.schematic, now=now(), by=COMMAND, dry_run=chosen.dry_run,
    )  # fmt: skip
    report.unjoined.extend(found.refused)
    if found.mended:
        say(f"Mended {found.mended} outlines that crossed or touched themselves.")
    return _tell(chosen, report, var=var)


def names_from_list(chosen: argparse.Namespace, city: City, *, var: Path) -> int:
    """Import the names and codes of an official list."""
    where = fields(chosen)
    if not chosen.list:
        raise Refused("Say what the official list is called with --list, such as --list mef.")
    found = read_table(Path(chosen.file), encoding=chosen.encoding, sheet=chosen.sheet, header_row=chosen.header_row)
    found.need(where.columns())
    entries = [where.entry(row, level=level) for row in found.rows if (level := where.level_of(row)) > 0]
    if not entries:
        raise Refused(f"None of the {len(found.rows)} rows of {chosen.file} is wanted; look at --where and --level.")
    report = import_areas(
        city=city, entries=entries, code_list=chosen.list, create=chosen.create, now=now(), by=COMMAND,
        dry_run=chosen.dry_run,
    )  # fmt: skip
    return _tell(chosen, report, var=var)


def bounding_box(text: str) -> shapely.Polygon | None:
    """Return the box that an operator names, None for none.

    :raises Refused: if it is none.
    """
    if not text:
        return None
    try:
        west, south, east, north = (float(part) for part in text.split(","))
    except ValueError as error:
        raise Refused("--bbox wants WEST,SOUTH,EAST,NORTH in degrees, such as 104.7,11.4,105.1,11.75.") from error
    if not (-180 <= west < east <= 180 and -90 <= south < north <= 90):
        raise Refused("--bbox wants WEST,SOUTH,EAST,NORTH: the longitudes first and third, west before east.")
    return shapely.box(west, south, east, north)


def _could_be_in(feature: Feature, box: shapely.Polygon) -> bool:
    """Return whether an outline that was refused could concern us: whatever is not surely somewhere else."""
    try:
        return bool(shapely.box(*shapely.geometry.shape(feature.geometry or {}).bounds).intersects(box))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
        return True


def _refused(entry: AreaEntry, why: str) -> Unjoined:
    return Unjoined(row=entry.row, level=entry.level, name=" / ".join(entry.names.values()), code=entry.code, why=why)


def _tell(chosen: argparse.Namespace, report: AreasReport, *, var: Path) -> int:
    """Print the numbers, write down what could not be joined, and return the exit code."""
    levels = sorted(report.read)
    left_out = {level: sum(1 for entry in report.unjoined if entry.level == level) for level in levels}
    rows = [
        (
            level,
            report.read[level],
            report.joined[level],
            report.created[level],
            left_out[level],
            report.without_entry[level],
        )
        for level in levels
    ]
    head = ("level", "in the file", "joined", "made", "left out", "known but not in the file")
    say(table(rows, head=head))
    say(f"{'Would change' if chosen.dry_run else 'Changed'} {report.changed} known areas.")
    if report.unjoined and not chosen.dry_run:
        path = Path(chosen.unjoined) if chosen.unjoined else var / "imports" / f"{Path(chosen.file).stem}.unjoined.csv"
        write_unjoined(path, report.unjoined)
        say(f"What could not be joined stands in {path}.")
    for entry in report.unjoined[:5]:
        could_be = f" Could be: {'; '.join(entry.could_be)}." if entry.could_be else ""
        say(f"  {entry.name}: {entry.why}{could_be}")
    if len(report.unjoined) > 5:
        say(f"  … and {len(report.unjoined) - 5} more.")
    return 0


def write_unjoined(path: Path, unjoined: Sequence[Unjoined]) -> None:
    """Write what could not be joined as CSV, for a person to settle."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("row", "level", "name", "code", "why", "could_be"))
        writer.writerows((e.row, e.level, e.name, e.code, e.why, "; ".join(e.could_be)) for e in unjoined)

"""Landmarks and streets from an operator's files."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path

import shapely

from saat.actions.log import COMMAND
from saat.actions.places import PlaceEntry, import_places
from saat.actions.streets import Street, import_streets
from saat.config.commands.base import Refused, now, say
from saat.links.tables.geojson import Feature, read_geojson
from saat.links.tables.reading import Row, read_table
from saat.records.models import City
from saat.terms.case import PlaceKind, ServiceLevel
from saat.terms.geo import Point

_MAIN_ROADS = frozenset({"motorway", "trunk", "primary", "secondary"})
_MOST_SHOWN = 8


def places_from_file(chosen: argparse.Namespace, city: City, *, var: Path) -> int:
    """Import the landmarks of a GeoJSON file or a table."""
    path = Path(chosen.file)
    names = dict(_pair(text) for text in chosen.name)
    kinds = dict(_pair(text) for text in chosen.kind_values)
    entries, refused = [], []
    for told, point in _told(path, chosen):
        kind = kinds.get(told.text(chosen.kind), told.text(chosen.kind)) if chosen.kind else chosen.all_are
        level = told.text(chosen.service_level) if chosen.service_level else ""
        called = {language: name for language, column in names.items() if (name := told.text(column))}
        why = _wrong(kind, level, called, point)
        if why or point is None:
            refused.append((told.number, why))
            continue
        first = next(iter(called.values()))
        entries.append(
            PlaceEntry(
                row=told.number,
                source_id=(told.text(chosen.id) if chosen.id else first)[:80],
                kind=PlaceKind(kind),
                names=called,
                point=point,
                service_level=ServiceLevel(level) if level else None,
                radius_m=chosen.radius_m,
            )
        )
    ids = [entry.source_id for entry in entries]
    twice = sorted({one for one in ids if ids.count(one) > 1}) if len(set(ids)) != len(ids) else []
    if twice:
        raise Refused(f"{path.name} has several places called {twice[0]!r}; name a column with their ids with --id.")
    report = import_places(
        city=city, entries=entries, source=chosen.source or path.stem[:60], schematic=chosen.schematic, now=now(),
        by=COMMAND, dry_run=chosen.dry_run,
    )  # fmt: skip
    would = "Would be made" if chosen.dry_run else "Made"
    say(f"{would}: {report.created}. Changed: {report.changed}. Unchanged: {report.unchanged}.")
    left_out = sorted(refused + report.left_out)
    if left_out:
        say(f"Left out: {len(left_out)}.")
        for number, why in left_out[:_MOST_SHOWN]:
            say(f"  row {number}: {why}")
    return 0


def streets_from_map(chosen: argparse.Namespace, city: City, *, var: Path) -> int:
    """Import the streets of a GeoJSON file, for showing on maps."""
    streets = read_streets(Path(chosen.file), chosen.name, class_property=chosen.class_property)
    report = import_streets(
        city=city, streets=streets, schematic=chosen.schematic, attribution=chosen.attribution, now=now(), by=COMMAND,
        dry_run=chosen.dry_run,
    )  # fmt: skip
    if not report.kept:
        raise Refused(f"{chosen.file} has no lines in or near the city; nothing was changed.")
    say(
        f"{'Would keep' if chosen.dry_run else 'Kept'} {report.kept} streets. Left out: {report.outside} far from the "
        f"city, {report.not_lines} that are no lines."
    )
    return 0


def read_streets(path: Path, names: Sequence[str], *, class_property: str = "highway") -> list[Street]:
    """Return the streets of a GeoJSON file. names: LANGUAGE=PROPERTY.

    :raises FileRefused: if it is no GeoJSON file.
    """
    columns = dict(_pair(text) for text in names)
    streets = []
    for feature in read_geojson(path):
        called = {language: name for language, column in columns.items() if (name := feature.text(column))}
        main = feature.text(class_property) in _MAIN_ROADS
        streets.append(Street(line=feature.geometry, names=called, main=main))
    return streets


def _told(path: Path, chosen: argparse.Namespace) -> Iterator[tuple[Row | Feature, Point | None]]:
    if path.suffix.lower() in (".geojson", ".json"):
        for feature in read_geojson(path):
            shape = _shape(feature)
            middle = shape if shape.geom_type == "Point" else shape.representative_point()
            yield feature, _point(middle.y, middle.x) if not middle.is_empty else None
        return
    if not (chosen.lat and chosen.lon):
        raise Refused("A table needs --lat and --lon, the columns with the degrees.")
    found = read_table(path, encoding=chosen.encoding, sheet=chosen.sheet)
    wanted = (chosen.lat, chosen.lon, chosen.kind, chosen.id, *(_pair(text)[1] for text in chosen.name))
    found.need([column for column in wanted if column])
    for row in found.rows:
        yield row, _point(row.text(chosen.lat), row.text(chosen.lon))


def _point(lat: float | str, lon: float | str) -> Point | None:
    try:
        return Point(lat=float(lat), lon=float(lon))
    except ValueError:
        return None


def _shape(feature: Feature) -> shapely.geometry.base.BaseGeometry:
    try:
        return shapely.force_2d(shapely.geometry.shape(feature.geometry or {"type": "GeometryCollection"}))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
        return shapely.GeometryCollection()


def _wrong(kind: str, level: str, names: dict[str, str], point: Point | None) -> str:
    if point is None:
        return "It has no position in degrees."
    if not names:
        return "It has no name."
    if kind not in list(PlaceKind):
        return f"{kind!r} is no kind of place; the kinds are {', '.join(PlaceKind)}."
    if level and level not in list(ServiceLevel):
        return f"{level!r} is no service level; the levels are {', '.join(ServiceLevel)}."
    return ""


def _pair(text: str) -> tuple[str, str]:
    left, sign, right = text.partition("=")
    if not sign or not left.strip() or not right.strip():
        raise Refused(f"LEFT=RIGHT is wanted, got {text!r}.")
    return left.strip(), right.strip()

"""Landmarks that residents know: markets, schools, pagodas and others, with the care that each asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext as _

from saat.actions.citymap import city_map
from saat.actions.log import Actor, NotAllowed, writing
from saat.records.models import City, Place
from saat.terms.case import PlaceKind, ServiceLevel
from saat.terms.geo import Point
from saat.triage.names import plain_name

# How much care a place asks for where its file does not say.
USUAL_LEVEL = {
    PlaceKind.MARKET: ServiceLevel.RAISED,
    PlaceKind.SCHOOL: ServiceLevel.RAISED,
    PlaceKind.TOURIST_SITE: ServiceLevel.RAISED,
    PlaceKind.HOSPITAL: ServiceLevel.HIGHEST,
    PlaceKind.HERITAGE: ServiceLevel.HIGHEST,
}
_COLUMNS = ("area_id", "kind", "service_level", "names", "plain", "lat", "lon", "radius_m", "schematic")


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceEntry:
    """One landmark as a file has it.

    row: where it stands in its file, from 1. source_id: the file's own id of it, unique within its source.
    service_level: None for what is usual for its kind. radius_m: how far its surroundings reach.
    """

    row: int
    source_id: str
    kind: PlaceKind
    names: Mapping[str, str]
    point: Point
    service_level: ServiceLevel | None = None
    radius_m: float = 60.0


@dataclass(slots=True, kw_only=True)
class PlacesReport:
    """What an import did. left_out: row and reason."""

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    left_out: list[tuple[int, str]] = field(default_factory=list)


def import_places(
    *,
    city: City,
    entries: Sequence[PlaceEntry],
    source: str,
    now: datetime,
    by: Actor,
    schematic: bool = False,
    dry_run: bool = False,
) -> PlacesReport:
    """Take the landmarks of a file into a city; the same file again changes nothing.

    source: what the file is called, so that its landmarks are known again. Places outside the city are left out and
    reported. Landmarks that the file does not have any more stay.

    :raises NotAllowed: if it is not for this actor to do.
    """
    if not by.may_in_city("import_data", city.pk):
        raise NotAllowed(_("Only an administrator of the city can import data."))
    report = PlacesReport()
    ground = city_map(city)
    with writing(city.pk, now=now, by=by) as log:
        known = {row.source_id: row for row in Place.objects.filter(city=city, source=source).exclude(source_id="")}
        new, differing = [], []
        for entry in entries:
            area_id = ground.index.area_of(entry.point) if ground.index else None
            if ground.index and area_id is None:
                report.left_out.append((entry.row, "It lies outside the city."))
                continue
            row = known.get(entry.source_id)
            if row is None:
                row = Place(city=city, source=source, source_id=entry.source_id)
                new.append(row)
            elif not _differs(row, entry, area_id=area_id, schematic=schematic):
                report.unchanged += 1
                continue
            else:
                differing.append(row)
            _put(row, entry, area_id=area_id, schematic=schematic)
        report.created, report.changed = len(new), len(differing)
        if not dry_run and (new or differing):
            Place.objects.bulk_create(new)
            Place.objects.bulk_update(differing, _COLUMNS, batch_size=200)
            City.objects.filter(pk=city.pk).update(areas_version=F("areas_version") + 1)
            facts = {"source": source, "created": len(new), "changed": len(differing)}
            log.append("places_imported", subject=f"city:{city.pk}", facts=facts)
    city.refresh_from_db(fields=["areas_version"])
    return report


def _put(row: Place, entry: PlaceEntry, *, area_id: int | None, schematic: bool) -> None:
    for column, value in _columns(entry, area_id=area_id, schematic=schematic).items():
        setattr(row, column, value)


def _differs(row: Place, entry: PlaceEntry, *, area_id: int | None, schematic: bool) -> bool:
    wanted = _columns(entry, area_id=area_id, schematic=schematic)
    return any(getattr(row, column) != value for column, value in wanted.items())


def _columns(entry: PlaceEntry, *, area_id: int | None, schematic: bool) -> dict[str, object]:
    return {
        "area_id": area_id,
        "kind": str(entry.kind),
        "service_level": str(entry.service_level or USUAL_LEVEL.get(entry.kind, ServiceLevel.USUAL)),
        "names": dict(entry.names),
        "plain": " ".join(plain_name(name) for name in entry.names.values())[:300],
        "lat": entry.point.lat,
        "lon": entry.point.lon,
        "radius_m": entry.radius_m,
        "schematic": schematic,
    }

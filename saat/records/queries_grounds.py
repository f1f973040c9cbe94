"""The names and middles of areas and landmarks, for the few that a page of reports needs; two or three queries."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from saat.records.models import Area, AreaName, Place
from saat.terms.geo import Point
from saat.terms.policy import Names


@dataclass(frozen=True, slots=True)
class Grounds:
    """Areas and landmarks by their ids. chains: an area with those that hold it, the smallest first."""

    chains: dict[int, tuple[int, ...]]
    area_names: dict[int, Names]
    middles: dict[int, Point]
    places: dict[int, tuple[Names, Point]]

    def names_of(self, row: dict[str, Any]) -> tuple[Names, ...]:
        """Return the names of where a report is: the landmark, then the areas, the smallest first."""
        place = self.places.get(row["place_id"])
        chain = self.chains.get(row["area_id"], ())
        names = [self.area_names[area_id] for area_id in chain if area_id in self.area_names]
        return (place[0], *names) if place else tuple(names)

    def point_of(self, row: dict[str, Any]) -> tuple[Point | None, str]:
        """Return where a report is and how that is known: by a point, by its landmark or by the middle of its area."""
        if row["lat"] is not None and row["lon"] is not None:
            return Point(lat=row["lat"], lon=row["lon"]), "point"
        if row["place_id"] in self.places:
            return self.places[row["place_id"]][1], "place"
        if row["area_id"] in self.middles:
            return self.middles[row["area_id"]], "area"
        return None, ""


def grounds_of(*, area_ids: Iterable[int | None], place_ids: Iterable[int | None]) -> Grounds:
    """Return names and middles of these areas, those that hold them, and these landmarks."""
    areas = Area.objects.filter(pk__in={pk for pk in area_ids if pk is not None})
    chains, middles = {}, {}
    columns = ("pk", "path", "min_lat", "max_lat", "min_lon", "max_lon")
    for pk, path, south, north, west, east in areas.values_list(*columns):
        chains[pk] = tuple(int(part) for part in reversed(path.split("/")) if part)
        if None not in (south, north, west, east):
            middles[pk] = Point(lat=round((south + north) / 2, 6), lon=round((west + east) / 2, 6))
    names: dict[int, Names] = {}
    wanted = {area_id for chain in chains.values() for area_id in chain}
    rows = AreaName.objects.filter(area_id__in=wanted).values_list("area_id", "language", "text")
    for area_id, language, text in rows if wanted else ():
        names.setdefault(area_id, {})[language] = text
    places = {}
    marks = {pk for pk in place_ids if pk is not None}
    if marks:
        for pk, called, lat, lon in Place.objects.filter(pk__in=marks).values_list("pk", "names", "lat", "lon"):
            places[pk] = (called, Point(lat=round(lat, 6), lon=round(lon, 6)))
    return Grounds(chains, names, middles, places)

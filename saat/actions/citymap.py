"""The ground of a city in memory: its areas and landmarks, read once per process and again when they change."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from saat.records.models import Area, AreaName, City, Place
from saat.terms.case import ServiceLevel
from saat.terms.geo import Point, degrees_around, distance_m
from saat.triage.places import AreaIndex, AreaShape

_LEVELS = list(ServiceLevel)


@dataclass(frozen=True, slots=True)
class Landmark:
    """One place as the triage needs it."""

    place_id: int
    point: Point
    radius_m: float
    service_level: ServiceLevel
    area_id: int | None


class CityMap:
    """Areas and landmarks of one city at one version."""

    def __init__(self, city: City) -> None:
        self.version = city.areas_version
        rows = list(Area.objects.filter(city=city).values_list("pk", "level", "wkb", "path"))
        self.paths: dict[int, str] = {pk: path for pk, _, _, path in rows}
        self.levels: dict[int, int] = {pk: level for pk, level, _, _ in rows}
        shapes = [AreaShape(area_id=pk, level=level, wkb=bytes(wkb)) for pk, level, wkb, _ in rows if wkb]
        self.index = AreaIndex(shapes) if shapes else None
        self.names: dict[int, dict[str, str]] = {}
        for area_id, language, text in AreaName.objects.filter(city=city).values_list("area_id", "language", "text"):
            self.names.setdefault(area_id, {})[language] = text
        places = Place.objects.filter(city=city).values_list("pk", "lat", "lon", "radius_m", "service_level", "area_id")
        self.landmarks = [
            Landmark(pk, Point(lat=lat, lon=lon), radius_m, ServiceLevel(level), area_id)
            for pk, lat, lon, radius_m, level, area_id in places
        ]
        self.by_place = {mark.place_id: mark for mark in self.landmarks}
        self._lats = np.array([mark.point.lat for mark in self.landmarks])
        self._lons = np.array([mark.point.lon for mark in self.landmarks])
        self._reach_m = max((mark.radius_m for mark in self.landmarks), default=0.0)

    def path_of(self, area_id: int | None) -> str:
        """Return an area's path, "" for none."""
        return self.paths.get(area_id, "") if area_id is not None else ""

    def landmark_at(self, point: Point) -> Landmark | None:
        """Return the landmark whose surroundings hold a point: the one that asks for most care, then the nearest."""
        if not self.landmarks:
            return None
        high, wide = degrees_around(point, self._reach_m)
        near = np.flatnonzero((np.abs(self._lats - point.lat) <= high) & (np.abs(self._lons - point.lon) <= wide))
        best: tuple[int, float] | None = None
        found = None
        for at in near:
            mark = self.landmarks[at]
            metres = distance_m(point, mark.point)
            if metres <= mark.radius_m:
                rank = (-_LEVELS.index(mark.service_level), metres)
                if best is None or rank < best:
                    best, found = rank, mark
        return found


_maps: dict[int, CityMap] = {}
_guard = threading.Lock()


def city_map(city: City) -> CityMap:
    """Return the ground of a city, as of `city.areas_version`."""
    known = _maps.get(city.pk)
    if known is not None and known.version == city.areas_version:
        return known
    with _guard:
        known = _maps.get(city.pk)
        if known is None or known.version != city.areas_version:
            known = _maps[city.pk] = CityMap(city)
        return known


def forget() -> None:
    """Read every city anew when it is next asked for; for whoever puts other tables under a running process."""
    with _guard:
        _maps.clear()

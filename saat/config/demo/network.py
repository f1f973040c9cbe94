"""The demo's streets as a graph on which trucks can drive."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import shapely
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from saat.records import streets_store
from saat.rounds.simulation import Plane, Streets

_LEAST_M = 40_000.0  # of streets, for a zone to have rounds
_ABOUT_M = 300.0


@dataclass(frozen=True, slots=True)
class Network:
    """Streets as lines in flat metres. mains: whether each is a through street."""

    plane: Plane
    lines: tuple[BaseGeometry, ...]
    mains: tuple[bool, ...]

    @classmethod
    def of_city(cls, jurisdiction_id: str) -> Network:
        """Return the streets that a city's maps show; none if it has none."""
        path = streets_store.path_of(jurisdiction_id)
        features = json.loads(path.read_text(encoding="utf-8"))["features"] if path.exists() else []
        return cls.of_features(features)

    @classmethod
    def of_features(cls, features: Sequence[Mapping[str, Any]]) -> Network:
        """Return the streets of GeoJSON features."""
        shapes = [shape(feature["geometry"]) for feature in features]
        mains = [bool(feature["properties"].get("main")) for feature in features]
        if not shapes:
            return cls(Plane(0.0, 0.0), (), ())
        middle = shapely.box(*shapely.total_bounds(shapes)).centroid
        plane = Plane(middle.y, middle.x)
        return cls(plane, tuple(_flat(line, plane) for line in shapes), tuple(mains))

    def around(self, groups: Iterable[Iterable[tuple[float, float]]]) -> Streets:
        """Return the graph of all through streets, and of the smaller ones about some groups of places (lat, lon)."""
        hulls = [shapely.MultiPoint([(lon, lat) for lat, lon in group]).convex_hull for group in groups]
        zone = shapely.union_all([_flat(hull, self.plane) for hull in hulls]).buffer(_ABOUT_M)
        shapely.prepare(zone)
        return self._graph([i for i, line in enumerate(self.lines) if self.mains[i] or zone.intersects(line)])

    def within(self, outlines: Iterable[BaseGeometry]) -> Streets | None:
        """Return the graph of the smaller streets whose middle lies in one of some outlines (degrees, x is the
        longitude); None if they are too few for rounds."""
        zone = shapely.union_all([_flat(outline, self.plane) for outline in outlines])
        shapely.prepare(zone)
        inside = [
            i for i, line in enumerate(self.lines)
            if not self.mains[i] and zone.contains(line.interpolate(0.5, normalized=True))
        ]  # fmt: skip
        if sum(self.lines[i].length for i in inside) < _LEAST_M:
            return None
        return self._graph(inside)

    def _graph(self, chosen: Collection[int]) -> Streets:
        """Return the graph of some lines, which meet wherever they cross."""
        crossed = shapely.union_all([self.lines[i] for i in chosen])
        pieces = [piece for piece in shapely.get_parts(crossed) if piece.geom_type == "LineString"]
        return Streets.of_lines(self.plane, ((False, list(piece.coords)) for piece in pieces))


def _flat(of: BaseGeometry, plane: Plane) -> BaseGeometry:
    """Return a shape given in degrees (x is the longitude) in flat metres."""
    return shapely.transform(of, lambda lonlat: [plane.xy(lat, lon) for lon, lat in lonlat])

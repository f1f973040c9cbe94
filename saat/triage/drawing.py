"""Outlines of areas made light enough for a phone's map."""

from __future__ import annotations

import math
from collections.abc import Sequence

import shapely

from saat.terms.geo import EARTH_RADIUS_M
from saat.triage.places import AreaShape

# A polygon: its outer ring first, then its holes. A ring: (lat, lon) in degrees, the first point again at the end.
Ring = tuple[tuple[float, float], ...]
Polygon = tuple[Ring, ...]

_DIGITS = 5  # of a degree: about a metre


def drawn(shapes: Sequence[AreaShape], *, tolerance_m: float) -> dict[int, tuple[Polygon, ...]]:
    """Return each area's polygons with no more points than a drawing needs.

    tolerance_m: corners go whose triangle with their neighbours is smaller than a square of this side (Visvalingam and
    Whyatt, as in GEOS CoverageSimplify). Lines that neighbours share stay shared where the areas of a level cover the
    ground without overlap.

    :raises ValueError: if an outline cannot be read.
    """
    polygons: dict[int, tuple[Polygon, ...]] = {}
    for level in sorted({shape.level for shape in shapes}):
        of_level = [shape for shape in shapes if shape.level == level]
        try:
            outlines = shapely.from_wkb([shape.wkb for shape in of_level])
        except shapely.errors.ShapelyError as error:
            raise ValueError(f"An outline cannot be read: {error}.") from error
        tolerance = math.degrees(tolerance_m / EARTH_RADIUS_M)
        lighter = shapely.coverage_simplify(outlines, tolerance)
        for shape, outline in zip(of_level, lighter, strict=True):
            polygons[shape.area_id] = tuple(_polygon(part) for part in shapely.get_parts(outline))
    return polygons


def _polygon(part: shapely.Geometry) -> Polygon:
    rings = [shapely.get_exterior_ring(part), *(ring for ring in part.interiors)]
    return tuple(
        tuple((round(lat, _DIGITS), round(lon, _DIGITS)) for lon, lat in shapely.get_coordinates(ring).tolist())
        for ring in rings
    )

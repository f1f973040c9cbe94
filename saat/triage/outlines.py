"""What is asked of an outline or a line when it comes in: its edges, a place inside it, whether it lies near a city."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import shapely
from shapely.geometry import mapping
from shapely.geometry import shape as shape_of

from saat.terms.geo import Point

_DECIMALS_DEG = 1e-6  # a tenth of a metre


@dataclass(frozen=True, slots=True, kw_only=True)
class Edges:
    """The box around something, in degrees of WGS 84."""

    south: float
    west: float
    north: float
    east: float


class Line(StrEnum):
    """What became of a line."""

    KEPT = "kept"
    OUTSIDE = "outside"  # it lies beyond the surroundings
    NO_LINE = "no_line"  # another shape, an empty one, or none that can be read


def edges_of(wkb: bytes) -> Edges:
    """Return the box around an outline.

    wkb: polygon or multipolygon as WKB, x is the longitude and y the latitude.

    >>> edges_of(shapely.to_wkb(shapely.box(104.9, 11.5, 104.95, 11.6)))
    Edges(south=11.5, west=104.9, north=11.6, east=104.95)
    """
    west, south, east, north = (float(edge) for edge in shapely.from_wkb(wkb).bounds)
    return Edges(south=south, west=west, north=north, east=east)


def place_in(wkb: bytes) -> Point:
    """Return a place that surely lies within an outline, about its middle."""
    inside = shapely.point_on_surface(shapely.from_wkb(wkb))
    return Point(lat=inside.y, lon=inside.x)


def kept_line(
    geometry: Mapping[str, Any] | None, *, around: Edges | None, margin_deg: float
) -> tuple[Mapping[str, Any] | None, Line]:
    """Return a line as it is kept for maps, rounded to a tenth of a metre, or None and why it is left out.

    geometry: a GeoJSON LineString or MultiLineString. around: the city's edges, None where they are not known.
    margin_deg: how far beyond them a line may lie, in degrees.

    >>> road = {"type": "LineString", "coordinates": [[104.9, 11.5], [104.91234567, 11.5]]}
    >>> kept_line(road, around=None, margin_deg=0.02)[0]["coordinates"]
    ((104.9, 11.5), (104.912346, 11.5))
    """
    try:
        line = shapely.force_2d(shape_of(geometry or {}))
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, shapely.errors.ShapelyError):
        return None, Line.NO_LINE
    if line.geom_type not in ("LineString", "MultiLineString") or line.is_empty:
        return None, Line.NO_LINE
    if around is not None:
        box = shapely.box(around.west, around.south, around.east, around.north).buffer(margin_deg)
        if not box.intersects(line):
            return None, Line.OUTSIDE
    return mapping(shapely.set_precision(line, _DECIMALS_DEG, mode="pointwise")), Line.KEPT

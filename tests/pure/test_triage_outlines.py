"""Outlines of areas made light for a phone's map."""

from __future__ import annotations

import math

import pytest
import shapely

from saat.triage.drawing import drawn
from saat.triage.places import AreaShape


def wavy_line(points: int) -> list[tuple[float, float]]:
    """A border from south to north at 104.9° E that swings by five metres."""
    return [(104.9 + 0.00005 * math.sin(i), 11.5 + 0.02 * i / points) for i in range(points + 1)]


def neighbours() -> list[AreaShape]:
    border = wavy_line(400)
    west = shapely.Polygon([*border, (104.88, 11.52), (104.88, 11.5)])
    east = shapely.Polygon([*border, (104.92, 11.52), (104.92, 11.5)])
    return [AreaShape(area_id=i, level=1, wkb=shapely.to_wkb(area)) for i, area in ((1, west), (2, east))]


def test_a_wavy_border_becomes_light_and_stays_shared():
    outlines = drawn(neighbours(), tolerance_m=15)
    (west,), (east,) = outlines[1], outlines[2]
    assert len(west[0]) < 404 / 10
    assert {point for point in west[0] if abs(point[1] - 104.9) < 0.001} == {
        point for point in east[0] if abs(point[1] - 104.9) < 0.001
    }


def test_latitude_comes_first_and_a_ring_is_closed():
    (ring,) = drawn(neighbours(), tolerance_m=15)[1][0]
    assert ring[0] == ring[-1]
    assert all(11 < lat < 12 and 104 < lon < 105 for lat, lon in ring)


def test_islands_and_holes_are_kept():
    lake = shapely.box(0.4, 0.4, 0.6, 0.6)
    land = shapely.MultiPolygon([shapely.box(0, 0, 1, 1).difference(lake), shapely.box(2, 2, 3, 3)])
    mainland, island = drawn([AreaShape(area_id=7, level=0, wkb=shapely.to_wkb(land))], tolerance_m=15)[7]
    assert (len(mainland), len(island)) == (2, 1)


def test_what_is_no_outline_is_refused():
    with pytest.raises(ValueError, match="cannot be read"):
        drawn([AreaShape(area_id=1, level=0, wkb=b"no outline")], tolerance_m=15)

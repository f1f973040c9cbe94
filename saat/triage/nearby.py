"""Cells of the ground, so that the database finds what lies near a place by a plain index.

The cells are those of H3 (Uber's hexagonal hierarchical index), as integers whose highest bit is always 0, so that
they fit a signed 64-bit column.
"""

from __future__ import annotations

import math

import h3.api.basic_int as h3

from saat.terms.geo import Point, distance_m

RESOLUTION = 10
"""H3 resolution. An edge is 57 to 86 m long (82 m in Phnom Penh), so the usual 60 m around a place lie in its own cell
and the ring of six around it; two rings (19 cells) reach 140 m even where cells are smallest."""

# Cells side by side differ by less than a thousandth; the rest is to spare.
_SPARE = 0.98
_WIDEST_M = 4_000.0  # 62 rings where cells are smallest; a wider search is not for cells of this size


def cell_of(point: Point) -> int:
    """Return the cell that holds a place, an integer below 2**63.

    >>> cell_of(Point(lat=11.5564, lon=104.9282)) == cell_of(Point(lat=11.55641, lon=104.92821))
    True
    """
    return h3.latlng_to_cell(point.lat, point.lon, RESOLUTION)


def cells_around(point: Point, radius_m: float) -> tuple[int, ...]:
    """Return cells that together hold every place within a radius; they hold places beyond it, too.

    radius_m: metres, from 0 to 4,000.

    :raises ValueError: if the radius is negative or too wide.

    >>> around = cells_around(Point(lat=11.5564, lon=104.9282), 60)
    >>> len(around), cell_of(Point(lat=11.5568, lon=104.9282)) in around
    (7, True)
    """
    if not 0 <= radius_m <= _WIDEST_M:
        raise ValueError(f"A radius must be from 0 to {_WIDEST_M:g} m, got {radius_m:g}.")
    cell = cell_of(point)
    # From any place in a hexagon with edge a, k rings around it reach at least (1.5 k - 0.5) a.
    edge_m = _shortest_edge_m(cell) * _SPARE
    rings = 0 if radius_m == 0 else max(1, math.ceil((radius_m / edge_m + 0.5) / 1.5))
    cells = h3.grid_disk(cell, rings)
    if any(map(h3.is_pentagon, cells)):
        # Around the twelve pentagons, all at sea, the ground closes like a cone and rings reach less far.
        cells = h3.grid_disk(cell, rings + 1 + rings // 4)
    return tuple(cells)


def _shortest_edge_m(cell: int) -> float:
    corners = [Point(lat=lat, lon=lon) for lat, lon in h3.cell_to_boundary(cell)]
    return min(distance_m(corners[i - 1], corners[i]) for i in range(len(corners)))

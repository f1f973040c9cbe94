"""Places on the ground: degrees of WGS 84 in, metres out."""

from __future__ import annotations

import math
from dataclasses import dataclass

EARTH_RADIUS_M = 6_371_008.8  # mean radius R1 of the IUGG


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A place on the ground.

    lat, lon: degrees, WGS 84; latitude within ±90, longitude within ±180.

    :raises ValueError: if a coordinate is not a finite number within its range.
    """

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lat) and -90 <= self.lat <= 90):
            raise ValueError(f"Latitude must be a number from -90 to 90, got {self.lat}.")
        if not (math.isfinite(self.lon) and -180 <= self.lon <= 180):
            raise ValueError(f"Longitude must be a number from -180 to 180, got {self.lon}.")


def distance_m(a: Point, b: Point) -> float:
    """Return the great-circle distance between two points in metres (haversine).

    >>> round(distance_m(Point(lat=11.5564, lon=104.9282), Point(lat=11.5564, lon=104.9292)))
    109
    """
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = math.sin((lat_b - lat_a) / 2)
    half_lon = math.sin(math.radians(b.lon - a.lon) / 2)
    h = half_lat * half_lat + math.cos(lat_a) * math.cos(lat_b) * half_lon * half_lon
    return 2 * EARTH_RADIUS_M * math.asin(min(1.0, math.sqrt(h)))


def degrees_around(point: Point, radius_m: float) -> tuple[float, float]:
    """Return the half height and half width, in degrees, of a box that holds the circle around a point.

    The width is capped at 180 degrees near the poles.

    >>> tuple(round(d, 4) for d in degrees_around(Point(lat=11.56, lon=104.9), 1000))
    (0.009, 0.0092)
    """
    lat_deg = math.degrees(radius_m / EARTH_RADIUS_M)
    narrowing = math.cos(math.radians(min(89.9, abs(point.lat) + lat_deg)))
    return lat_deg, min(180.0, lat_deg / narrowing)


def coarse(point: Point, grid_m: float) -> Point:
    """Return the middle of the grid square that holds a point, so that a public place does not name a door.

    grid_m: side of a square in metres; 0 leaves the point as it is.

    >>> coarse(Point(lat=11.556412, lon=104.928213), 0).lat
    11.556412
    >>> a, b = (coarse(Point(lat=11.55641, lon=lon), 100) for lon in (104.92821, 104.92829))
    >>> a == b
    True
    """
    if grid_m <= 0:
        return point
    step_lat = math.degrees(grid_m / EARTH_RADIUS_M)
    lat = (math.floor(point.lat / step_lat) + 0.5) * step_lat
    # The width of a square is taken at its row's own middle, so that each row is a regular grid.
    step_lon = step_lat / max(0.01, math.cos(math.radians(lat)))
    lon = (math.floor(point.lon / step_lon) + 0.5) * step_lon
    return Point(lat=round(max(-90.0, min(90.0, lat)), 6), lon=round(max(-180.0, min(180.0, lon)), 6))

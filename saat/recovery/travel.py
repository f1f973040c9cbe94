"""How long a truck takes from one place to another where no streets are known: a straight line with a detour.

The detour of 1.4 is what Boscoe, Henry and Zdeb (2012, The Professional Geographer 64:2) found between straight lines
and ways by road (1.417 in the mean); five metres a second is 18 km/h, a truck in a city at night.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from saat.terms.geo import EARTH_RADIUS_M

Floats = NDArray[np.float64]
DETOUR = 1.4
SPEED_MPS = 5.0


def metres_between(lat: Floats, lon: Floats) -> Floats:
    """Return the metres by road, as far as they can be guessed, between all pairs of places.

    lat, lon: (n,) float64, degrees.
    Returns   (n, n) float64, metres; symmetric, zero on the diagonal.

    >>> way = metres_between(np.array([11.55, 11.56]), np.array([104.92, 104.92]))
    >>> round(float(way[0, 1]))
    1557
    """
    if lat.shape != lon.shape:
        raise ValueError(f"one longitude for each latitude, got {lat.shape} and {lon.shape}")
    if not lat.size:
        return np.zeros((0, 0))
    middle = np.radians(lat.mean())
    north = np.radians(lat[:, None] - lat[None, :])
    east = np.radians(lon[:, None] - lon[None, :]) * np.cos(middle)
    return DETOUR * EARTH_RADIUS_M * np.hypot(north, east)

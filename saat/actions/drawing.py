"""The city as a drawing: what a map shows where there are no tiles."""

from __future__ import annotations

import threading

from saat.records import queries_areas
from saat.records.models import City
from saat.triage.drawing import Polygon, drawn
from saat.triage.places import AreaShape

_TOLERANCE_M = 15.0

_drawn: dict[int, tuple[int, dict[int, tuple[Polygon, ...]]]] = {}
_guard = threading.Lock()


def outlines_of(city: City) -> dict[int, tuple[Polygon, ...]]:
    """Return the outlines of a city's areas, light enough for a phone; drawn once for each version of the areas."""
    known = _drawn.get(city.pk)
    if known is not None and known[0] == city.areas_version:
        return known[1]
    with _guard:
        known = _drawn.get(city.pk)
        if known is None or known[0] != city.areas_version:
            shapes = [
                AreaShape(area_id=area_id, level=level, wkb=wkb) for area_id, level, wkb in queries_areas.outlines(city)
            ]
            known = _drawn[city.pk] = (city.areas_version, drawn(shapes, tolerance_m=_TOLERANCE_M))
    return known[1]

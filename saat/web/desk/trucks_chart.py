"""The time line of a run as numbers of a drawing: planned against actual, with the band of what is predicted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

WIDE, LEFT, RIGHT, TOP, BOTTOM = 760.0, 44.0, 12.0, 22.0, 10.0
_LEAST_HIGH, _MOST_HIGH, _ROW_HIGH = 180.0, 460.0, 16.0
_STEPS_S = (300, 600, 900, 1800, 3600, 7200, 10800, 21600)
_MOST_TICKS = 9
_MARK = 12.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """One stop as the chart needs it; moments in seconds since 1970.

    place: from 1, in the order of the plan. mark: how it is drawn. actual_s: when it was served, None if it was not.
    low_s, middle_s, high_s: the prediction of a stop that is still expected.
    """

    place: int
    mark: str
    planned_s: float
    actual_s: float | None = None
    low_s: float | None = None
    middle_s: float | None = None
    high_s: float | None = None


def chart(dots: Sequence[Dot], *, now_s: float | None, zone: str) -> dict[str, Any] | None:
    """Return the drawing: time from left to right, the stops from the first at the top to the last.

    now_s: where "now" stands, None for a run of the past. Returns None if there is no stop. `planned`, `expected` and
    `band` are the points of a line, a line and a polygon; `marks` have x, y of their corner and a size; `ticks` have x
    and the time of day; `rows` are y and the place of some stops.
    """
    if not dots:
        return None
    moments = [dot.planned_s for dot in dots]
    moments += [at for dot in dots for at in (dot.actual_s, dot.low_s, dot.high_s) if at is not None]
    begin, end = min(moments), max(moments)
    if now_s is not None and begin - 3600 < now_s < end + 3600:
        begin, end = min(begin, now_s), max(end, now_s)
    pad = max(60.0, (end - begin) * 0.02)
    begin, end = begin - pad, end + pad
    high = min(_MOST_HIGH, max(_LEAST_HIGH, _ROW_HIGH * len(dots))) + TOP + BOTTOM

    def x(at: float) -> float:
        return round(LEFT + (at - begin) / (end - begin) * (WIDE - LEFT - RIGHT), 1)

    def y(place: int) -> float:
        return round(TOP + (place + 0.5) / len(dots) * (high - TOP - BOTTOM), 1)

    band = [(place, dot) for place, dot in enumerate(dots) if dot.low_s is not None and dot.high_s is not None]
    low = [f"{x(dot.low_s or 0)},{y(place)}" for place, dot in band]
    upper = [f"{x(dot.high_s or 0)},{y(place)}" for place, dot in reversed(band)]
    every = max(1, -(-len(dots) // 20))
    return {
        "wide": WIDE,
        "high": round(high, 1),
        "left": LEFT,
        "right": WIDE - RIGHT,
        "top": TOP,
        "bottom": round(high - BOTTOM, 1),
        "planned": " ".join(f"{x(dot.planned_s)},{y(place)}" for place, dot in enumerate(dots)),
        "expected": " ".join(f"{x(dot.middle_s)},{y(place)}" for place, dot in band if dot.middle_s is not None),
        "band": " ".join(low + upper) if len(band) > 1 else "",
        "marks": [
            {
                "mark": dot.mark,
                "x": round(x(_where(dot)) - _MARK / 2, 1),
                "y": round(y(place) - _MARK / 2, 1),
                "size": _MARK,
            }
            for place, dot in enumerate(dots)
        ],
        "ticks": [{"x": x(at), "text": text} for at, text in _ticks(begin, end, zone=zone)],
        "rows": [{"y": y(place), "text": dot.place} for place, dot in enumerate(dots) if place % every == 0],
        "now": x(now_s) if now_s is not None and begin <= now_s <= end else None,
    }


def _where(dot: Dot) -> float:
    """Return when a stop is drawn: when it was served, else when it is expected, else when it was planned."""
    if dot.actual_s is not None:
        return dot.actual_s
    return dot.middle_s if dot.middle_s is not None else dot.planned_s


def _ticks(begin: float, end: float, *, zone: str) -> list[tuple[float, str]]:
    """Return full moments of the city's clock between two moments, few enough to be read."""
    step = next((step for step in _STEPS_S if (end - begin) / step <= _MOST_TICKS), _STEPS_S[-1])
    there = ZoneInfo(zone)
    offset = datetime.fromtimestamp(begin, UTC).astimezone(there).utcoffset()
    shift = offset.total_seconds() if offset is not None else 0.0
    first = -(-(begin + shift) // step) * step - shift
    ticks = []
    while first <= end:
        ticks.append((first, f"{datetime.fromtimestamp(first, UTC).astimezone(there):%H:%M}"))
        first += step
    return ticks

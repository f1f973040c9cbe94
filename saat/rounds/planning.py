"""Whether a plan can be driven at all: every rule that needs no table, with the row that breaks it.

What is impossible is a fault; what is unlikely but may be meant is a warning, and a person decides.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from statistics import median

from saat.terms.geo import Point, distance_m
from saat.terms.plan import Line, StopKind
from saat.terms.planning import PlanFault, RoundDraft, StopDraft
from saat.terms.servicedays import service_days

LONGEST_S = 172_800.0  # a service day and the night after it
_LOOK_AHEAD_DAYS = 400
# Faster than any truck between two stops as the crow flies. Times are often rounded to minutes: one is to spare.
_FASTEST_MPS = 28.0
_ROUNDED_S = 60.0
_LEAST_SPAN_S = 60.0
# How far from the middle of its round a stop may lie before it is a mistake in its coordinates, or a doubt.
_FAR_M, _DOUBTFUL_M = 50_000.0, 20_000.0
_LEAST_FOR_MIDDLE = 3


def plan_faults(
    draft: RoundDraft, *, from_day: date, holidays: Collection[date] = frozenset()
) -> tuple[PlanFault, ...]:
    """Return everything that is wrong with a draft, the round's own faults first, then in the order of its stops.

    from_day: the first day on which it is to hold.
    """
    return (*_round_faults(draft, from_day, holidays), *_stop_faults(draft))


def span_of(draft: RoundDraft) -> tuple[float, float]:
    """Return when a round begins and ends, in seconds since its midnight: as it says, or from its stops' times."""
    starts, ends = draft.starts_s, draft.ends_s
    if starts is None:
        starts = min((stop.planned_s for stop in draft.stops), default=0.0)
    if ends is None:
        ends = max((stop.planned_s + stop.dwell_s for stop in draft.stops), default=0.0)
        ends = min(LONGEST_S, max(ends, starts + _LEAST_SPAN_S))
    return starts, ends


def middle_of(line: Line) -> Point:
    """Return the place half way along a line, by the length of its parts.

    :raises ValueError: if the line has no point.

    >>> middle_of(((11.0, 104.0), (11.0, 104.2))).lon
    104.1
    """
    if not line:
        raise ValueError("A line without a point has no middle.")
    points = [Point(lat=lat, lon=lon) for lat, lon in line]
    parts = [distance_m(a, b) for a, b in pairwise(points)]
    left = sum(parts) / 2
    for part, (a, b) in zip(parts, pairwise(points), strict=True):
        if part >= left and part > 0:
            share = left / part
            lat, lon = a.lat + (b.lat - a.lat) * share, a.lon + (b.lon - a.lon) * share
            return Point(lat=round(lat, 7), lon=round(lon, 7))
        left -= part
    return points[0]


def placed(stop: StopDraft) -> StopDraft:
    """Return a stop with the middle of its line as its place, where it has a line and no place."""
    if not stop.line or math.isfinite(stop.lat):
        return stop
    try:
        middle = middle_of(stop.line)
    except ValueError:  # a point of the line is no place on Earth; the faults say so
        return stop
    return replace(stop, lat=middle.lat, lon=middle.lon)


def _round_faults(draft: RoundDraft, from_day: date, holidays: Collection[date]) -> list[PlanFault]:
    faults = []
    rule = draft.days
    if not draft.code.strip():
        faults.append(PlanFault(code="no_code"))
    counted = rule.every_weeks <= 1 or rule.counted_from is not None or rule.first is not None
    if rule.every_weeks < 1 or not counted:
        faults.append(PlanFault(code="weeks_uncounted"))
    elif rule.first is not None and rule.last is not None and rule.last < rule.first:
        faults.append(PlanFault(code="days_end_before_start"))
    elif not _ever_runs(draft, from_day, holidays):
        faults.append(PlanFault(code="no_days"))
    if not draft.stops:
        faults.append(PlanFault(code="no_stops"))
    starts, ends = span_of(draft)
    if not (math.isfinite(starts) and math.isfinite(ends) and starts >= 0 and ends <= LONGEST_S):
        faults.append(PlanFault(code="round_outside_day"))
    elif ends <= starts:
        faults.append(PlanFault(code="round_ends_before_start"))
    return faults


def _ever_runs(draft: RoundDraft, from_day: date, holidays: Collection[date]) -> bool:
    first = max(from_day, draft.days.first or from_day)
    return bool(service_days(draft.days, first=first, last=first + timedelta(_LOOK_AHEAD_DAYS), holidays=holidays))


def _stop_faults(draft: RoundDraft) -> list[PlanFault]:
    faults: list[PlanFault] = []
    sequences: dict[int, int] = {}
    same: dict[object, int] = {}
    before: StopDraft | None = None
    middle = _middle_of_round(draft)
    known = {key: stop for stop in draft.stops for key in (stop.source_id, stop.number) if key}
    for stop in sorted(draft.stops, key=lambda stop: stop.sequence):
        faults += _own_faults(stop, draft)
        if middle is not None and _is_place(stop.lat, stop.lon):
            away_m = distance_m(Point(lat=stop.lat, lon=stop.lon), middle)
            if away_m > _DOUBTFUL_M:
                facts = {"km": round(away_m / 1000)}
                faults.append(PlanFault(code="far_from_round", row=stop.row, facts=facts, warning=away_m <= _FAR_M))
        if stop.sequence in sequences:
            facts = {"sequence": stop.sequence, "other": sequences[stop.sequence]}
            code = "sequence_twice" if sequences[stop.sequence] > 0 else "sequence_taken"
            faults.append(PlanFault(code=code, row=stop.row, facts=facts))
        sequences.setdefault(stop.sequence, stop.row)
        identity = stop.stop_id or stop.source_id or stop.number
        if identity and identity in same:
            faults.append(PlanFault(code="stop_twice", row=stop.row, facts={"other": same[identity]}))
        same.setdefault(identity, stop.row)
        if stop.served_by:
            faults += _lane_faults(stop, known.get(stop.served_by))
        if before is not None:
            faults += _between(before, stop, order_strict=draft.order_strict)
        before = stop
    return faults


def _middle_of_round(draft: RoundDraft) -> Point | None:
    """Return the median place of a round's stops, which a few wrong ones do not move; None for very short rounds."""
    places = [(stop.lat, stop.lon) for stop in draft.stops if _is_place(stop.lat, stop.lon)]
    if len(places) < _LEAST_FOR_MIDDLE:
        return None
    return Point(lat=median(lat for lat, _lon in places), lon=median(lon for _lat, lon in places))


def _own_faults(stop: StopDraft, draft: RoundDraft) -> list[PlanFault]:
    faults = []
    if 90 < abs(stop.lat) <= 180 and abs(stop.lon) <= 90:
        faults.append(PlanFault(code="latitude_too_large", row=stop.row, facts={"lat": round(stop.lat, 5)}))
    elif not _is_place(stop.lat, stop.lon) or not all(_is_place(lat, lon) for lat, lon in stop.line):
        faults.append(PlanFault(code="no_place", row=stop.row))
    elif stop.lat == 0 and stop.lon == 0:
        faults.append(PlanFault(code="null_island", row=stop.row))
    if stop.kind == StopKind.KERB and len(set(stop.line)) < 2:
        faults.append(PlanFault(code="kerb_without_line", row=stop.row))
    times = (stop.planned_s, stop.opens_s, stop.closes_s)
    if not all(math.isfinite(at) and 0 <= at <= LONGEST_S for at in times):
        faults.append(PlanFault(code="time_outside_day", row=stop.row))
    elif stop.closes_s <= stop.opens_s:
        faults.append(PlanFault(code="window_ends_before_start", row=stop.row))
    elif not stop.opens_s <= stop.planned_s <= stop.closes_s:
        faults.append(PlanFault(code="planned_outside_window", row=stop.row, warning=True))
    if not (math.isfinite(stop.dwell_s) and stop.dwell_s >= 0):
        faults.append(PlanFault(code="dwell_negative", row=stop.row))
    if not (math.isfinite(stop.load_kg) and stop.load_kg >= 0):
        faults.append(PlanFault(code="load_negative", row=stop.row))
    weekdays = draft.days.weekdays
    if weekdays and all(days is not None and not days & weekdays for days in stop.streams.values()):
        faults.append(PlanFault(code="stop_never_collected", row=stop.row, warning=bool(stop.streams)))
    return faults


def _lane_faults(stop: StopDraft, meeting_point: StopDraft | None) -> list[PlanFault]:
    if meeting_point is None:
        return []  # it may be a stop of another round; whoever saves the plan looks
    if meeting_point is stop:
        return [PlanFault(code="serves_itself", row=stop.row)]
    if meeting_point.kind != StopKind.TRANSFER:
        return [PlanFault(code="no_meeting_point", row=stop.row, facts={"other": meeting_point.row})]
    return []


def _between(before: StopDraft, stop: StopDraft, *, order_strict: bool) -> list[PlanFault]:
    if not (math.isfinite(before.planned_s) and math.isfinite(stop.planned_s)):
        return []
    if not order_strict:
        return []
    if stop.planned_s < before.planned_s:
        return [PlanFault(code="times_go_backwards", row=stop.row, facts={"other": before.row})]
    if not (_is_place(before.lat, before.lon) and _is_place(stop.lat, stop.lon)):
        return []
    metres = distance_m(Point(lat=before.lat, lon=before.lon), Point(lat=stop.lat, lon=stop.lon))
    seconds = stop.planned_s - before.planned_s
    if metres > _FASTEST_MPS * (seconds + _ROUNDED_S):
        facts = {"km": round(metres / 1000, 1), "minutes": round(seconds / 60), "other": before.row}
        return [PlanFault(code="too_fast", row=stop.row, facts=facts, warning=True)]
    return []


def _is_place(lat: float, lon: float) -> bool:
    return math.isfinite(lat) and math.isfinite(lon) and abs(lat) <= 90 and abs(lon) <= 180

"""Replay of one service day: where the trucks were, thinned, and when each stop's outcome was known.

A track shows where people worked, so it goes only to those who need it for their work (see
`saat.records.queries_trucks.tracks_seen`), only for the time of a run, and only as long as the city keeps tracks.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from saat.actions.filters import note_export
from saat.records import queries_trucks, queries_worklist
from saat.records.models import City, Run
from saat.records.position_log import position_log
from saat.records.queries_trucks import Box, StopPlace, Stretch
from saat.records.scope import Reach
from saat.terms.position import Flag, Position
from saat.terms.run import Outcome
from saat.web.desk import trucks_words
from saat.web.desk.filters import area_options
from saat.web.desk.frame import actor_for, city_for, desk_view, reach_for
from saat.web.desk.trucks import Asked, places_of, read_asked, texts_of
from saat.web.desk.trucks_rows import Clock, clock_for
from saat.web.desk.trucks_words import LETTER_OF

MOST_RUNS = 120
_EARLY, _LATE = timedelta(minutes=30), timedelta(hours=3)
_SCALE = 100_000  # of degrees: about a metre
_STILL_M = 15.0


@desk_view
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the replay of a service day: the map, the slider, and what is known at each moment."""
    city, reach = city_for(request), reach_for(request)
    clock = clock_for(city, timezone.now())
    contractors = queries_worklist.contractors(city)
    asked = read_asked(request.GET, city=city, contractors=contractors)
    day, fault = _day(request.GET.get("day", ""))
    if day is None:
        day = queries_trucks.latest_day(reach, city, until=clock.today) or clock.today
    run_id = _number(request.GET.get("run", ""))
    runs = _runs(reach, city, day=day, asked=asked, run_id=run_id)
    query = asked.query_with(day=day.isoformat(), run=str(run_id or ""))
    context = {
        "section": "trucks",
        "city": city,
        "clock": clock,
        "asked": asked,
        "faults": [*asked.faults, *([fault] if fault else [])],
        "day": day,
        "before": asked.query_with(day=(day - timedelta(days=1)).isoformat()),
        "after": asked.query_with(day=(day + timedelta(days=1)).isoformat()) if day < clock.today else "",
        "contractors": contractors,
        "areas": area_options(city, get_language() or "en"),
        "runs": runs,
        "one": runs[0] if run_id and runs else None,
        "simulated": any(run.simulated for run in runs),
        "marks": trucks_words.MARKS.items(),
        "query": query,
        "speeds": (60, 180, 600, 1800),
        "texts": {
            **texts_of(asked, mark=""),
            "at_time": _("{time}: {told}"),
            "play": _("Play"),
            "pause": _("Pause"),
            "loading": _("The day is being read…"),
            "failed": _("The day could not be read. Please try again."),
            "quiet": _("no signal"),
        },
    }
    return render(request, "trucks/replay.html", context)


@desk_view
@require_GET
def tracks(request: HttpRequest) -> JsonResponse:
    """Answer a service day: its runs with the final letters of their stops, when each became known, and the tracks.

    `from`, `until`: seconds since 1970. A run has `changes`, [seconds after `from`, place of the stop, letter], and
    `trucks` with `points`, [seconds, lat, lon] in steps from the point before, degrees times 100,000. `note` says why
    there are no tracks, where there are none. Six queries, and one reading of the log.
    """
    city, reach = city_for(request), reach_for(request)
    clock = clock_for(city, timezone.now())
    asked = read_asked(request.GET, city=city, contractors=queries_worklist.contractors(city))
    day = _day(request.GET.get("day", ""))[0] or clock.today
    runs = _runs(reach, city, day=day, asked=asked, run_id=_number(request.GET.get("run", "")))
    if not runs:
        return JsonResponse({"runs": [], "plans": {}, "note": ""}, headers={"Cache-Control": "no-store"})
    begin = min(run.starts_at for run in runs) - _EARLY
    until = min(clock.now, max(_end_of(run) for run in runs))
    sight = queries_trucks.tracks_seen(reach, city)
    note = _why_no_tracks(city, clock, day=day, allowed=sight is not None)
    stretches: list[Stretch] = []
    positions: dict[int, list[Position]] = {}
    if not note and sight is not None:
        spans = {run.pk: (run.starts_at - _EARLY, min(clock.now, _end_of(run))) for run in runs}
        stretches = queries_trucks.stretches_of(spans)
        positions = _positions(stretches)
        note_export(city=city, form="tracks", group=day.isoformat(), now=timezone.now(), by=actor_for(request))
    step = 15.0 if len(stretches) <= 10 else 30.0 if len(stretches) <= 50 else 60.0
    places = queries_trucks.stop_places(city, (run.pk for run in runs))
    changes = _changes(runs, places, begin=begin)
    answer = {
        "from": round(begin.timestamp()),
        "until": round(max(begin, until).timestamp()),
        "zone": clock.zone,
        "note": note,
        "plans": places_of(places),
        "runs": [
            {
                "id": run.pk,
                "plan": run.pk,
                "name": str(run.round),
                "stops": run.stops,
                "changes": changes.get(run.pk, []),
                "trucks": [
                    {"label": stretch.label, "points": points}
                    for stretch in stretches
                    if stretch.run_id == run.pk
                    and (
                        points := encoded(
                            thinned(_cut(positions.get(stretch.device_id, ()), stretch, sight or ()), step_s=step),
                            begin_s=begin.timestamp(),
                        )
                    )
                ],
            }
            for run in runs
        ],
    }
    return JsonResponse(answer, headers={"Cache-Control": "no-store"})


def _runs(reach: Reach, city: City, *, day: date, asked: Asked, run_id: int | None) -> list[Run]:
    runs = queries_trucks.runs_of_day(reach, city, day=day, wanted=asked.wanted, most=MOST_RUNS)
    return [run for run in runs if run_id is None or run.pk == run_id]


def _end_of(run: Run) -> datetime:
    return (run.finished_at or run.ends_at + _LATE) + timedelta(minutes=15)


def _why_no_tracks(city: City, clock: Clock, *, day: date, allowed: bool) -> str:
    kept = city.policy_terms().rounds.track_days
    if not allowed:
        return _("Your role sees what became of the stops, but not where people drove.")
    if day < clock.today - timedelta(days=kept):
        return _("Tracks are kept for %(n)d days; of this day only the outcomes are left.") % {"n": kept}
    return ""


def _positions(stretches: Sequence[Stretch]) -> dict[int, list[Position]]:
    """Return device to its positions over all stretches, read from the log once; unproved ones do not count."""
    if not stretches:
        return {}
    log = position_log()
    try:
        rows = log.of_devices(
            {stretch.device_id for stretch in stretches},
            from_s=min(stretch.from_at for stretch in stretches).timestamp(),
            until_s=max(stretch.until_at for stretch in stretches).timestamp(),
        )
    finally:
        log.close()
    found: dict[int, list[Position]] = {}
    for row in rows:
        if not row.flags & Flag.UNPROVED:
            found.setdefault(row.device_id, []).append(row)
    return found


def _cut(positions: Sequence[Position], stretch: Stretch, boxes: Sequence[Box]) -> Iterable[Position]:
    """Yield the positions within a stretch of time and, for officers of an area, around their area."""
    begin, end = stretch.from_at.timestamp(), stretch.until_at.timestamp()
    for position in positions:
        if begin <= position.fixed_s <= end and (not boxes or any(box.holds(position) for box in boxes)):
            yield position


def thinned(positions: Iterable[Position], *, step_s: float) -> list[Position]:
    """Return positions at least `step_s` apart; of a vehicle that stands only the first and the last.

    >>> at = lambda s, lat: Position(device_id=1, fixed_s=s, received_s=s, lat=lat, lon=0.0)
    >>> track = [at(0, 0), at(5, 0.001), at(30, 0.002), at(60, 0.002), at(90, 0.002)]
    >>> [row.fixed_s for row in thinned(track, step_s=30)]
    [0, 30, 90]
    """
    kept: list[Position] = []
    last: Position | None = None
    for position in positions:
        if not kept or (position.fixed_s - kept[-1].fixed_s >= step_s and _moved(kept[-1], position)):
            if last is not None and kept and last.fixed_s - kept[-1].fixed_s >= 4 * step_s:
                kept.append(last)  # it stood until then
            kept.append(position)
        last = position
    if last is not None and kept and kept[-1] is not last:
        kept.append(last)
    return kept


def _moved(one: Position, other: Position) -> bool:
    metre = 1 / 111_000
    return abs(one.lat - other.lat) > _STILL_M * metre or abs(one.lon - other.lon) > _STILL_M * metre


def encoded(positions: Sequence[Position], *, begin_s: float) -> list[list[int]]:
    """Return positions as [seconds, lat, lon], each as the step from the one before; degrees times 100,000.

    >>> encoded([Position(device_id=1, fixed_s=10.0, received_s=10.0, lat=11.5, lon=104.9)], begin_s=0)
    [[10, 1150000, 10490000]]
    """
    before = (0, 0, 0)
    steps = []
    for position in positions:
        here = (round(position.fixed_s - begin_s), round(position.lat * _SCALE), round(position.lon * _SCALE))
        steps.append([here[0] - before[0], here[1] - before[1], here[2] - before[2]])
        before = here
    return steps


def _changes(runs: Sequence[Run], places: Sequence[StopPlace], *, begin: datetime) -> dict[int, list[list[Any]]]:
    """Return run to [seconds, place of the stop, letter]: served stops when they were served, others when decided."""
    at_place: dict[tuple[int, int], int] = {}
    stops: dict[int, int] = {}
    for there in places:
        at_place[there.run_id, there.sequence] = stops.get(there.run_id, 0)
        stops[there.run_id] = stops.get(there.run_id, 0) + 1
    found: dict[int, list[list[Any]]] = {}
    for run_id, sequence, outcome, arrived, decided in queries_trucks.outcomes_of(run.pk for run in runs):
        served = arrived is not None and Outcome(outcome).is_served
        after_s = ((arrived if served else decided) - begin).total_seconds()
        place = at_place.get((run_id, sequence))
        if place is not None:
            found.setdefault(run_id, []).append([max(0, round(after_s)), place, LETTER_OF[Outcome(outcome)]])
    for changes in found.values():
        changes.sort()
    return found


def _day(text: str) -> tuple[date | None, str]:
    if not text:
        return None, ""
    try:
        day = date.fromisoformat(text)
        if 1990 <= day.year <= 2200:
            return day, ""
    except ValueError:
        pass
    return None, _("“%(value)s” is no date like 2026-03-31.") % {"value": text[:60]}


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

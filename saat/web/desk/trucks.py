"""Trucks now: the list of runs in the order of acting, beside the map; and what of it changed, for open pages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from saat.actions.citymap import city_map
from saat.records import queries_trucks, queries_worklist
from saat.records.models import City, Contractor, Run
from saat.records.queries_trucks import RunsWanted, StopPlace
from saat.web.desk import trucks_words
from saat.web.desk.filters import area_options
from saat.web.desk.frame import city_for, desk_view, reach_for
from saat.web.desk.trucks_rows import LEVEL_NAMES, LEVELS, RunRows, clock_for, marks_of, summary_of

MOST_ROWS = 150
_NO_STORE = {"Cache-Control": "no-store"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an address asks for. level: one of `LEVELS`, "" for all. query: the same question as a part of an address.

    faults: sentences about what could not be used.
    """

    wanted: RunsWanted
    area_id: int | None
    level: str
    query: str
    faults: tuple[str, ...] = ()

    def query_with(self, **changed: str) -> str:
        """Return the question with some of its parts replaced."""
        parts = {"contractor": _contractor_key(self.wanted), "area": str(self.area_id or ""), "state": self.level}
        return urlencode([(name, value) for name, value in {**parts, **changed}.items() if value])


def read_asked(params: QueryDict, *, city: City, contractors: list[Contractor]) -> Asked:
    """Return what an address asks for; what cannot be used is left out, and a sentence says so."""
    faults, ground = [], city_map(city)
    known = {str(row.pk): row.pk for row in contractors} | {"none": 0}
    contractor = params.get("contractor", "")
    if contractor and contractor not in known:
        faults.append(_("There is no contractor “%(value)s” here.") % {"value": contractor[:60]})
    area = params.get("area", "")
    area_id = int(area) if area.isascii() and area.isdigit() and len(area) < 19 else None
    if area and area_id not in ground.paths:
        faults.append(_("There is no area “%(value)s” in this city.") % {"value": area[:60]})
        area_id = None
    level = params.get("state", "")
    if level and level not in LEVELS:
        faults.append(_("There is no such state of a run: “%(value)s”.") % {"value": level[:60]})
        level = ""
    wanted = RunsWanted(contractor_id=known.get(contractor), area_path=ground.path_of(area_id))
    asked = Asked(wanted=wanted, area_id=area_id, level=level, query="", faults=tuple(faults))
    return Asked(wanted=wanted, area_id=area_id, level=level, query=asked.query_with(), faults=tuple(faults))


def _contractor_key(wanted: RunsWanted) -> str:
    return "none" if wanted.contractor_id == 0 else str(wanted.contractor_id or "")


@desk_view
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the runs of this moment, what must be acted on first at the top, with the map beside them."""
    city, reach = city_for(request), reach_for(request)
    clock = clock_for(city, timezone.now())
    contractors = queries_worklist.contractors(city)
    asked = read_asked(request.GET, city=city, contractors=contractors)
    runs = queries_trucks.live_runs(reach, city, wanted=asked.wanted, now=clock.now, today=clock.today)
    rows = RunRows(reach, city, runs, clock=clock).rows()
    shown = [row for row in rows if not asked.level or row["level"] == asked.level]
    context = {
        "section": "trucks",
        "city": city,
        "asked": asked,
        "clock": clock,
        "time": clock.say(clock.now),
        "rows": shown[:MOST_ROWS],
        "more": len(shown) - MOST_ROWS,
        "summary": summary_of(rows),
        "groups": groups_of(rows, asked),
        "contractors": contractors,
        "areas": area_options(city, get_language() or "en"),
        "any": bool(rows) or queries_trucks.has_rounds(reach, city),
        "simulated": clock.speed is not None or any(run.simulated for run in runs),
        "marks": trucks_words.MARKS.items(),
        "texts": texts_of(asked, mark=mark_of(runs)),
    }
    return render(request, "trucks/live.html", context)


def groups_of(rows: list[dict[str, Any]], asked: Asked) -> list[tuple[str, str, int, str, bool]]:
    """Return (level, name, number of runs, address, chosen) of each level that has runs, and of all."""
    numbers = {level: sum(1 for row in rows if row["level"] == level) for level in LEVELS}
    every = ("", _("All"), len(rows), asked.query_with(state=""), not asked.level)
    return [every] + [
        (level, str(LEVEL_NAMES[level]), number, asked.query_with(state=level), asked.level == level)
        for level, number in numbers.items()
        if number or level == asked.level
    ]


def mark_of(runs: list[Run]) -> str:
    """Return up to which moment of the follower a page knows these runs, "" where it never looked at them."""
    latest = max((run.followed_at for run in runs if run.followed_at is not None), default=None)
    return latest.isoformat() if latest else ""


def texts_of(asked: Asked, *, mark: str) -> dict[str, Any]:
    """Return what the script of the page needs to know, in the reader's language."""
    return {
        "query": asked.query,
        "mark": mark,
        "live": _("Live"),
        "lost": _("The connection is lost; what you see may be old. It is being tried again."),
        "schematic": _("Streets and areas are drawn schematically"),
        "no_map": _("The map cannot be shown here. The list holds the same runs."),
        "marks": {mark: str(name) for mark, name in trucks_words.MARKS.items()},
        "states": {str(state): str(name) for state, name in trucks_words.VEHICLE_STATES.items()},
        "open_run": _("Open the run"),
        "changed": _("{n} runs changed."),
    }


@desk_view
@require_GET
def changed(request: HttpRequest) -> JsonResponse:
    """Answer the runs that the follower wrote after `since`, with their rows; and the order of the list as it is now.

    The map's part: `marks`, a letter for each stop in planned order, and the vehicles; a run without a row is not in
    the list as it was asked for, or far down in it.
    """
    city, reach = city_for(request), reach_for(request)
    clock = clock_for(city, timezone.now())
    asked = read_asked(request.GET, city=city, contractors=queries_worklist.contractors(city))
    since = _moment(request.GET.get("since", ""))
    runs = queries_trucks.live_runs(reach, city, wanted=asked.wanted, now=clock.now, today=clock.today)
    maker = RunRows(reach, city, runs, clock=clock)
    rows = maker.rows()
    shown = [row for row in rows if not asked.level or row["level"] == asked.level][:MOST_ROWS]
    fresh = {run.pk for run in runs if since is None or (run.followed_at is not None and run.followed_at > since)}
    levels = {row["id"]: row["level"] for row in rows}
    return JsonResponse(
        {
            "mark": mark_of(runs),
            "time": clock.say(clock.now),
            "summary": summary_of(rows),
            "order": [row["id"] for row in shown],
            "groups": {level or "all": number for level, _name, number, _query, _chosen in groups_of(rows, asked)},
            "rows": {
                row["id"]: render_to_string("trucks/row.html", {"row": row}, request)
                for row in shown
                if row["id"] in fresh
            },
            "runs": [_for_map(run, maker, level=levels[run.pk]) for run in runs if run.pk in fresh],
        },
        headers=_NO_STORE,
    )


def _for_map(run: Run, maker: RunRows, *, level: str) -> dict[str, Any]:
    return {
        "id": run.pk,
        "plan": run.pk,  # by which `ground` answers its stops
        "name": str(run.round),
        "level": level,
        "marks": marks_of(run),
        "vehicles": [
            {
                "id": vehicle["id"],
                "label": maker.label(vehicle["id"]),
                "lat": vehicle["lat"],
                "lon": vehicle["lon"],
                "state": vehicle["state"],
                "course": vehicle.get("course"),
                "text": trucks_words.vehicle_words(vehicle, label=maker.label(vehicle["id"]), now=maker.clock.now),
            }
            for vehicle in run.view.get("vehicles", ())
            if vehicle.get("lat") is not None and run.state == "running"
        ],
    }


@desk_view
@require_GET
def ground(request: HttpRequest) -> JsonResponse:
    """Answer where the stops of this moment's runs lie: for each run its stops in order.

    A stop is [lat, lon], a kerb [lat, lon, [[lat, lon], …]]. Plans never change once they are driven, so a page asks
    once, and again when a run appears that it does not know.
    """
    city, reach = city_for(request), reach_for(request)
    clock = clock_for(city, timezone.now())
    runs = queries_trucks.live_runs(reach, city, wanted=RunsWanted(), now=clock.now, today=clock.today)
    return JsonResponse(
        {"plans": places_of(queries_trucks.stop_places(city, (run.pk for run in runs)))}, headers=_NO_STORE
    )


def places_of(places: Iterable[StopPlace]) -> dict[int, list[list[Any]]]:
    """Return run to the places of its stops in order, as `ground` answers them. places: by run and sequence."""
    plans: dict[int, list[list[Any]]] = {}
    for place in places:
        stop: list[Any] = [round(place.lat, 6), round(place.lon, 6)]
        if place.line:
            stop.append([[round(lat, 6), round(lon, 6)] for lat, lon in place.line])
        plans.setdefault(place.run_id, []).append(stop)
    return plans


def _moment(text: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if at.tzinfo is not None else at.replace(tzinfo=UTC)

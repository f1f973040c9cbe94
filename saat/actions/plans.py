"""Plans: a round's next version, checked, saved, and in force from its day on; what was in force before stays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from django.utils.translation import gettext as _

from saat.actions.citymap import CityMap, city_map
from saat.actions.log import Actor, Log, NotAllowed, NotFound, writing
from saat.actions.plan_stops import StopsSaved, save_stops
from saat.actions.plan_words import StopRefused, say_fault
from saat.actions.runs import begun, replan_round, service_day_of
from saat.cases.permission import may
from saat.records.models import City, Contractor, PlannedStop, Round, RoundPlan, Run, Site, Vehicle
from saat.records.plan_values import days_to_json, streams_to_json
from saat.rounds.planning import placed, plan_faults, span_of
from saat.terms.geo import Point, distance_m
from saat.terms.planning import PlanFault, RoundDraft, StopDraft

# A stop as far from the city's outline as this is a mistake in its coordinates, not a stop outside; where the city has
# no outlines, as far from its centre.
_FAR_M, _FAR_FROM_CENTRE_M = 50_000.0, 150_000.0
_LONGEST_CODE, _LONGEST_NAME, _LONGEST_NOTE = 60, 160, 300
_PLAN_COLUMNS = (
    "days", "holidays", "starts_s", "ends_s", "order_strict", "vehicle_id", "depot_id", "disposal_site_id",
)  # fmt: skip
_STOP_COLUMNS = ("sequence", "stop_id", "planned_s", "opens_s", "closes_s", "streams", "lat", "lon", "line")


class PlanRefused(Exception):
    """A plan cannot be saved as it is. faults: all that is wrong. may_accept: they are warnings, and may be meant."""

    def __init__(self, faults: Sequence[PlanFault]) -> None:
        self.faults = tuple(faults)
        self.may_accept = all(fault.warning for fault in faults)
        super().__init__(" ".join(say_fault(fault) for fault in faults[:3]))


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """What saving a plan did. changed False: the same was in force already. runs: how many were planned anew."""

    round_id: int
    plan_id: int
    version: int
    changed: bool
    stops_made: int = 0
    stops_changed: int = 0
    runs: int = 0
    warnings: tuple[PlanFault, ...] = ()


class _NothingWritten(Exception):
    """Ends the transaction of a dry run. saved: what it would have done."""

    def __init__(self, saved: SavedPlan) -> None:
        super().__init__()
        self.saved = saved


def may_plan(by: Actor, *, city_id: int, area_path: str) -> bool:
    """Return whether somebody may plan the rounds of an area; area_path is an `Area.path`, "" for the whole city."""
    if by.kind != "user":
        return by.may_in_city("plan_rounds", city_id)
    return may(by.reach.roles_in(city_id=city_id, area_path=area_path, contractor_id=None, crew_id=None), "plan_rounds")


def save_plan(
    *,
    city_id: int,
    draft: RoundDraft,
    from_day: date,
    now: datetime,
    by: Actor,
    round_id: int | None = None,
    contractor_id: int | None = None,
    vehicle_id: int | None = None,
    depot_id: int | None = None,
    disposal_site_id: int | None = None,
    source: str = "",
    simulated: bool = False,
    new: bool = False,
    accept_warnings: bool = False,
    dry_run: bool = False,
) -> SavedPlan:
    """Save a new version of a round that holds from a day on; the same as is in force changes nothing.

    round_id: None for the round with the draft's code, which is made if there is none. now: aware; the clock of the
    city's trucks. source: what the draft came from, by which its stops are known again. new: there must be no round
    with this code yet. accept_warnings: save it although something is unlikely. dry_run: check it all, write nothing.
    Runs from that day on that have not begun follow the new version.

    :raises PlanRefused: if it cannot be driven, with everything that is wrong; or, unless warnings are accepted, if
        something about it is unlikely.
    :raises NotAllowed: if planning there is not for this actor.
    :raises NotFound: if there is no such round, contractor, vehicle or site in the city.
    """
    draft = replace(draft, stops=tuple(placed(stop) for stop in draft.stops))
    plan_ids = {"vehicle_id": vehicle_id, "depot_id": depot_id, "disposal_site_id": disposal_site_id}
    try:
        with writing(city_id, now=now, by=by) as log:
            city = City.objects.get(pk=city_id)
            row = _round(city, draft, round_id, new=new, source=source, simulated=simulated)
            _check_references(city_id, contractor_id, plan_ids)
            warnings, areas = _checked(row, draft, city, from_day=from_day, now=now, by=by, accept=accept_warnings)
            saved = save_stops(city=city, drafts=draft.stops, areas=areas, source=source, simulated=simulated)
            round_ids = {"contractor_id": contractor_id, "area_id": _common_area(areas, city_map(city))}
            made = _save_version(
                log, city, row, draft, saved, from_day=from_day, plan_ids=plan_ids, round_ids=round_ids
            )
            made = replace(made, warnings=warnings)
            if dry_run:
                raise _NothingWritten(made)
    except _NothingWritten as done:
        return done.saved
    except StopRefused as error:
        raise PlanRefused([error.fault]) from error
    return made


def retire_round(*, round_id: int, now: datetime, by: Actor, active: bool = False) -> Round:
    """Take a round out of use, or back into it; its runs that have not begun go, and what happened stays.

    :raises NotAllowed: if planning there is not for this actor.
    :raises NotFound: if there is no such round.
    """
    found = Round.objects.filter(pk=round_id).select_related("area", "city").first()
    if found is None:
        raise NotFound(_("There is no such round."))
    if not may_plan(by, city_id=found.city_id, area_path=found.area.path if found.area else ""):
        raise NotAllowed(_("Rounds are planned by the city's duty desk and the officers of their khan."))
    with writing(found.city_id, now=now, by=by) as log:
        if found.active != active:
            found.active = active
            found.save(update_fields=["active"])
            log.append("round_put_to_use" if active else "round_retired", subject=f"round:{found.pk}")
            replan_round(log, found.city, found.pk)
    return found


def _checked(
    row: Round, draft: RoundDraft, city: City, *, from_day: date, now: datetime, by: Actor, accept: bool
) -> tuple[tuple[PlanFault, ...], dict[int, int | None]]:
    """Return the warnings about a draft that may be saved, and the area of each stop, by its row."""
    ground = city_map(city)
    if row.pk and not may_plan(by, city_id=city.pk, area_path=ground.path_of(row.area_id)):
        raise NotAllowed(_("Rounds are planned by the city's duty desk and the officers of their khan."))
    places, areas = _where_stops_are(draft, ground, city)
    faults = [
        *plan_faults(draft, from_day=from_day, holidays=city.policy_terms().hours.holidays),
        *places,
        *_day_faults(row, from_day, today=service_day_of(city, now)),
    ]
    wrong = [fault for fault in faults if not fault.warning]
    if wrong or (faults and not accept):
        raise PlanRefused(wrong or faults)
    if not may_plan(by, city_id=city.pk, area_path=ground.path_of(_common_area(areas, ground))):
        raise NotAllowed(_("Some of the stops lie outside the area that you plan for."))
    return tuple(faults), areas


def _round(city: City, draft: RoundDraft, round_id: int | None, *, new: bool, source: str, simulated: bool) -> Round:
    if round_id is not None:
        found = Round.objects.filter(pk=round_id, city=city).first()
        if found is None:
            raise NotFound(_("There is no such round."))
        return found
    code = draft.code.strip()[:_LONGEST_CODE]
    found = Round.objects.filter(city=city, code=code).first()
    if new and found is not None:
        raise PlanRefused([PlanFault(code="code_taken", facts={"code": code})])
    return found or Round(city=city, code=code, source=source, simulated=simulated)


def _check_references(city_id: int, contractor_id: int | None, plan_ids: Mapping[str, int | None]) -> None:
    wanted = (
        (Contractor.objects, contractor_id),
        (Vehicle.objects, plan_ids["vehicle_id"]),
        (Site.objects, plan_ids["depot_id"]),
        (Site.objects, plan_ids["disposal_site_id"]),
    )
    for rows, pk in wanted:
        if pk is not None and not rows.filter(pk=pk, city_id=city_id).exists():
            raise NotFound(_("There is no such contractor, vehicle or place in this city."))


def _where_stops_are(draft: RoundDraft, ground: CityMap, city: City) -> tuple[list[PlanFault], dict[int, int | None]]:
    """Return what is wrong with where the stops are, and the area of each, by its row."""
    faults: list[PlanFault] = []
    areas: dict[int, int | None] = {}
    centre = city.policy_terms().centre
    for stop in draft.stops:
        areas[stop.row] = None
        try:
            point = Point(lat=stop.lat, lon=stop.lon)
        except ValueError:
            continue  # the plan's own faults say that it has no place
        away_m, far_m = distance_m(point, centre), _FAR_FROM_CENTRE_M
        if ground.index is not None:
            areas[stop.row] = ground.index.area_of(point)
            nearest = ground.index.nearest(point)
            away_m = 0.0 if areas[stop.row] is not None or nearest is None else nearest[1]
            far_m = _FAR_M
        elif away_m <= far_m:
            continue  # a city without outlines knows only what is far away
        if away_m > far_m:
            swapped = abs(stop.lon) <= 90 and distance_m(Point(lat=stop.lon, lon=stop.lat), centre) <= far_m
            code = "swapped" if swapped else "far_from_city"
            faults.append(PlanFault(code=code, row=stop.row, facts={"km": round(away_m / 1000)}))
        elif away_m > 0:
            faults.append(PlanFault(code="outside_city", row=stop.row, facts={"m": round(away_m)}, warning=True))
    return faults, areas


def _day_faults(row: Round, from_day: date, *, today: date) -> list[PlanFault]:
    """Return what speaks against a version's beginning on a day: what was in force stays as it was."""
    if row.pk is None:
        return []
    plans = RoundPlan.objects.filter(round=row)
    if from_day < today and plans.exists():
        return [PlanFault(code="from_day_past", facts={"today": today.isoformat()})]
    same_day = plans.filter(from_day=from_day)
    if Run.objects.filter(plan__in=same_day).exclude(state="planned").exists() or (
        Run.objects.filter(plan__in=same_day).annotate(known=begun()).filter(known=True).exists()
    ):
        return [PlanFault(code="from_day_begun", facts={"day": from_day.isoformat()})]
    return []


def _common_area(areas: Mapping[int, int | None], ground: CityMap) -> int | None:
    """Return the smallest area that holds all stops, None where there is none or some lie in no area."""
    found = set(areas.values())
    if not found or None in found:
        return None
    paths = [ground.path_of(area_id).strip("/").split("/") for area_id in found]
    shared = ""
    for parts in zip(*paths, strict=False):
        if len(set(parts)) > 1:
            break
        shared = parts[0]
    return int(shared) if shared else None


def _save_version(
    log: Log,
    city: City,
    row: Round,
    draft: RoundDraft,
    saved: StopsSaved,
    *,
    from_day: date,
    plan_ids: Mapping[str, int | None],
    round_ids: Mapping[str, int | None],
) -> SavedPlan:
    starts_s, ends_s = span_of(draft)
    values: dict[str, Any] = {
        "days": days_to_json(draft.days),
        "holidays": str(draft.days.holidays),
        "starts_s": starts_s,
        "ends_s": ends_s,
        "order_strict": draft.order_strict,
        **plan_ids,
    }
    stops = [_stop_values(stop, saved.ids[stop.row]) for stop in sorted(draft.stops, key=lambda one: one.sequence)]
    round_changed = _save_round(row, draft, round_ids)
    present = RoundPlan.objects.filter(round=row, from_day__lte=from_day).order_by("-from_day").first()
    if present is not None and _is_same(present, values, stops):
        if round_changed:
            ahead = Run.objects.filter(round=row, service_day__gte=from_day, state="planned", starts_at__gt=log.now)
            ahead.update(contractor_id=row.contractor_id)
        if saved.changed or round_changed:
            log.append("round_changed", subject=f"round:{row.pk}", facts={"stops_changed": saved.changed})
        return SavedPlan(
            round_id=row.pk, plan_id=present.pk, version=present.version, changed=False, stops_changed=saved.changed
        )
    versions = RoundPlan.objects.filter(round=row)
    newest = versions.order_by("-version").values_list("version", flat=True).first() or 0
    same_day = versions.filter(from_day=from_day)
    Run.objects.filter(plan__in=same_day).delete()
    same_day.delete()
    plan = RoundPlan.objects.create(
        city=city,
        round=row,
        version=newest + 1,
        from_day=from_day,
        made_at=log.now,
        made_by_id=log.by.id if log.by.kind == "user" else None,
        note=draft.note[:_LONGEST_NOTE],
        **values,
    )
    PlannedStop.objects.bulk_create([PlannedStop(city=city, plan=plan, **stop) for stop in stops], batch_size=500)
    facts = {"version": plan.version, "from_day": from_day.isoformat(), "stops": len(stops), "stops_made": saved.made}
    log.append("plan_saved", subject=f"round:{row.pk}", facts=facts)
    return SavedPlan(
        round_id=row.pk,
        plan_id=plan.pk,
        version=plan.version,
        changed=True,
        stops_made=saved.made,
        stops_changed=saved.changed,
        runs=replan_round(log, city, row.pk),
    )


def _save_round(row: Round, draft: RoundDraft, given: Mapping[str, int | None]) -> bool:
    """Write what the round itself is; return whether something differs from before."""
    values: dict[str, Any] = {"name": draft.name[:_LONGEST_NAME], "active": True, **given}
    changed = [name for name, value in values.items() if getattr(row, name) != value]
    for name in changed:
        setattr(row, name, values[name])
    if row.pk is None:
        row.save()
        return True
    if changed:
        row.save(update_fields=changed)
    return bool(changed)


def _stop_values(stop: StopDraft, stop_id: int) -> dict[str, Any]:
    return {
        "stop_id": stop_id,
        "sequence": stop.sequence,
        "planned_s": stop.planned_s,
        "opens_s": stop.opens_s,
        "closes_s": stop.closes_s,
        "streams": streams_to_json(stop.streams),
        "lat": stop.lat,
        "lon": stop.lon,
        "line": [list(at) for at in stop.line],
    }


def _is_same(present: RoundPlan, values: Mapping[str, Any], stops: Sequence[Mapping[str, Any]]) -> bool:
    if any(getattr(present, column) != values[column] for column in _PLAN_COLUMNS):
        return False
    rows = PlannedStop.objects.filter(plan=present).order_by("sequence").values(*_STOP_COLUMNS)
    return list(rows) == [{column: stop[column] for column in _STOP_COLUMNS} for stop in stops]

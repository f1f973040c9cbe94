"""Rounds and their plans as a person may see them, and plans as drafts, to be changed and saved as the next version.

A dispatcher sees the rounds of the own company; an officer of an area sees those that have a stop there; whoever has
the whole city sees all.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from django.db.models import Count, Q, QuerySet

from saat.records.models import (
    Area,
    City,
    Contractor,
    PlannedStop,
    PlanQuestion,
    Round,
    RoundPlan,
    Site,
    Vehicle,
)
from saat.records.plan_values import days_from_json, streams_from_json
from saat.records.scope import Reach
from saat.terms.case import Role
from saat.terms.plan import SiteKind, StopKind
from saat.terms.planning import RoundDraft, StopDraft

_WHOLE = frozenset(Role) - {Role.CONTRACTOR, Role.CREW}


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundLine:
    """One round in the list. plan: the version in force, None before the first begins. next_plan: the one after it."""

    round: Round
    plan: RoundPlan | None
    next_plan: RoundPlan | None
    stops: int
    questions: int


def rounds_seen(reach: Reach) -> Q:
    """Return the condition on `Round` that holds a query to what a person may see."""
    condition = Q(pk__in=[])
    for grant in reach.grants:
        if grant.role == Role.CONTRACTOR:
            condition |= Q(city_id=grant.city_id, contractor_id=grant.contractor_id)
        elif grant.role == Role.CREW:
            continue
        elif grant.area_path:
            inside = Area.objects.filter(city_id=grant.city_id, path__startswith=grant.area_path).values("pk")
            through = PlannedStop.objects.filter(city_id=grant.city_id, stop__area__in=inside).values("plan__round_id")
            condition |= Q(city_id=grant.city_id) & (Q(area__in=inside) | Q(pk__in=through))
        else:
            condition |= Q(city_id=grant.city_id)
    return condition


def round_list(
    reach: Reach, city: City, *, today: date, text: str = "", contractor_id: int | None = None
) -> list[RoundLine]:
    """Return a city's rounds by code, those out of use last, each with its version in force.

    text: part of a code or a name. contractor_id: 0 for those of no contractor. Four statements.
    """
    rows = Round.objects.filter(rounds_seen(reach), city=city)
    if text:
        rows = rows.filter(Q(code__icontains=text) | Q(name__icontains=text))
    if contractor_id is not None:
        rows = rows.filter(Q(contractor_id=contractor_id) if contractor_id else Q(contractor__isnull=True))
    plans: dict[int, list[RoundPlan]] = {}
    for plan in RoundPlan.objects.filter(round__in=rows.values("pk")).select_related("vehicle").order_by("from_day"):
        plans.setdefault(plan.round_id, []).append(plan)
    sizes = dict(
        PlannedStop.objects.filter(plan__round__in=rows.values("pk"))
        .values_list("plan_id")
        .annotate(size=Count("pk"))
        .order_by()
    )
    asked = dict(
        PlanQuestion.objects.filter(round__in=rows.values("pk"), settled_at__isnull=True)
        .values_list("round_id")
        .annotate(size=Count("pk"))
        .order_by()
    )
    lines = []
    for row in rows.select_related("contractor", "area").order_by("-active", "code"):
        past = [plan for plan in plans.get(row.pk, ()) if plan.from_day <= today]
        ahead = [plan for plan in plans.get(row.pk, ()) if plan.from_day > today]
        now_on = past[-1] if past else None
        lines.append(
            RoundLine(
                round=row,
                plan=now_on,
                stops=sizes.get((now_on or ahead[0]).pk, 0) if past or ahead else 0,
                next_plan=ahead[0] if ahead else None,
                questions=asked.get(row.pk, 0),
            )
        )
    return lines


def round_file(reach: Reach, round_id: int) -> Round:
    """Return one round.

    :raises Round.DoesNotExist: if there is none that this person may see.
    """
    rows = Round.objects.filter(rounds_seen(reach)).select_related("city", "contractor", "area")
    return rows.get(pk=round_id)


def versions_of(row: Round) -> list[RoundPlan]:
    """Return all versions of a round, the newest first."""
    return list(RoundPlan.objects.filter(round=row).select_related("made_by", "vehicle").order_by("-from_day"))


def plan_on(row: Round, day: date) -> RoundPlan | None:
    """Return the version that holds on a day; before the first, the first; None without any."""
    plans = RoundPlan.objects.filter(round=row).select_related("vehicle", "depot", "disposal_site")
    return plans.filter(from_day__lte=day).order_by("-from_day").first() or plans.order_by("from_day").first()


def draft_of(plan: RoundPlan) -> RoundDraft:
    """Return a saved version as a draft, from which the next one is made. `row` is the place in the order."""
    row = plan.round
    stops = []
    rows = PlannedStop.objects.filter(plan=plan).select_related("stop__served_by").order_by("sequence")
    for at, planned in enumerate(rows, start=1):
        stop = planned.stop
        moved = planned.lat is not None and planned.lon is not None
        stops.append(
            StopDraft(
                row=at,
                sequence=planned.sequence,
                lat=planned.lat if moved else stop.lat,  # type: ignore[arg-type]
                lon=planned.lon if moved else stop.lon,  # type: ignore[arg-type]
                line=tuple((lat, lon) for lat, lon in (planned.line if moved else stop.line)),
                planned_s=planned.planned_s,
                opens_s=planned.opens_s,
                closes_s=planned.closes_s,
                kind=StopKind(stop.kind),
                names=stop.names,
                stop_id=stop.pk,
                number=stop.number,
                source_id=stop.source_id,
                dwell_s=stop.dwell_s,
                load_kg=stop.load_kg,
                lane=stop.lane,
                served_by=stop.served_by.number if stop.served_by else "",
                streams=streams_from_json(planned.streams),
            )
        )
    return RoundDraft(
        code=row.code,
        name=row.name,
        days=days_from_json(plan.days),
        stops=tuple(stops),
        starts_s=plan.starts_s,
        ends_s=plan.ends_s,
        order_strict=plan.order_strict,
        contractor=row.contractor.name if row.contractor else "",
        vehicle=plan.vehicle.label if plan.vehicle else "",
        depot=plan.depot.name if plan.depot else "",
        disposal=plan.disposal_site.name if plan.disposal_site else "",
        note=plan.note,
    )


def choices_for(city: City) -> dict[str, list[tuple[int, str]]]:
    """Return what a round may be given: contractors, vehicles, depots and disposal sites of a city, by name."""
    sites = Site.objects.filter(city=city).order_by("name")
    return {
        "contractor": list(
            Contractor.objects.filter(city=city, active=True).order_by("name").values_list("pk", "name")
        ),
        "vehicle": list(Vehicle.objects.filter(city=city, active=True).order_by("label").values_list("pk", "label")),
        "depot": list(sites.filter(kind=SiteKind.DEPOT).values_list("pk", "name")),
        "disposal_site": list(sites.filter(kind=SiteKind.DISPOSAL).values_list("pk", "name")),
    }


def questions_seen(reach: Reach, city: City, *, settled: bool = False) -> QuerySet[PlanQuestion]:
    """Return what imported plans left for a person to settle; what is about no round, to whoever has the city."""
    rounds = Round.objects.filter(rounds_seen(reach), city=city).values("pk")
    whole = any(grant.city_id == city.pk and not grant.area_path for grant in reach.grants if grant.role in _WHOLE)
    seen = Q(round__in=rounds) | Q(round__isnull=True) if whole else Q(round__in=rounds)
    rows = PlanQuestion.objects.filter(seen, city=city, settled_at__isnull=not settled)
    rows = rows.select_related("round", "stop", "settled_by")
    return rows.order_by("-settled_at") if settled else rows.order_by("round__code", "why", "pk")

"""What a proposal needs to know of a night: which stops were left, and which other trucks are on the road."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from saat.records.models import FindingRow, Run, Vehicle
from saat.records.plan_values import run_plans_of
from saat.terms.plan import RunPlan
from saat.terms.run import FindingKind

# What these findings name is left; the others may still come right by themselves.
LEFT = (FindingKind.STALLED, FindingKind.NOT_STARTED, FindingKind.WILL_MISS, FindingKind.MISSED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One run in trouble and the others of its contractor on the same service day.

    left: stop ids that somebody else would have to serve. views: `Run.view` by run id. in_trouble: runs of which a
    truck stands. vehicles: by id.
    """

    plan: RunPlan
    left: frozenset[int]
    others: tuple[RunPlan, ...]
    views: dict[int, dict[str, Any]]
    in_trouble: frozenset[int]
    vehicles: dict[int, Vehicle]


def night_of(run: Run) -> Night:
    """Return what is known around a run that the caller may see; six queries, whatever the number of stops.

    Only trucks of the run's own contractor are asked: another's are asked by people.
    """
    found = FindingRow.objects.filter(run=run, kind__in=LEFT, closed_at__isnull=True)
    left = {stop_id for ids in found.values_list("stop_ids", flat=True) for stop_id in ids}
    same = Run.objects.filter(city_id=run.city_id, service_day=run.service_day, contractor=run.contractor)
    rows = list(same.exclude(state="called_off").values_list("pk", "view"))
    views = {pk: view or {} for pk, view in rows}
    plans = {plan.run_id: plan for plan in run_plans_of(run.city, list(views))}
    stalled = FindingRow.objects.filter(run_id__in=list(views), kind=FindingKind.STALLED, closed_at__isnull=True)
    ids = _vehicle_ids(list(views.values()))
    return Night(
        plan=plans[run.pk],
        left=frozenset(left),
        others=tuple(plan for run_id, plan in sorted(plans.items()) if run_id != run.pk),
        views=views,
        in_trouble=frozenset(stalled.values_list("run_id", flat=True)),
        vehicles=Vehicle.objects.in_bulk(ids),
    )


def _vehicle_ids(views: Sequence[dict[str, Any]]) -> set[int]:
    return {vehicle["id"] for view in views for vehicle in view.get("vehicles", ())}

"""Somebody says that their rubbish was not collected: what is known is said at once, and their word is kept and weighs.

A report about a stop joins the case that its run's findings have opened already. About a stop that was thought
collected it lowers the probability, and whoever can settle it is asked.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

import numpy as np

from saat.actions.log import Log
from saat.records.models import Case, City, Run, ServiceRequest, StopRun, StopRunRevision, StopWord
from saat.records.queries_collection import (
    NextStep,
    StopPlace,
    instances_of,
    next_step_of,
    stop_by_number,
    stops_in_cells,
)
from saat.records.truck_clock import truck_now
from saat.rounds.answering import answer_to
from saat.rounds.verdicts import BY_PEOPLE
from saat.terms.collection import Answer, Known
from saat.terms.geo import EARTH_RADIUS_M, Point
from saat.terms.run import Outcome
from saat.triage.nearby import cells_around

STOP_ATTRIBUTE = "stop"  # under which a report keeps the number of its stop
REACH_M = 120.0  # a stop further away is not the one that somebody carries their rubbish to
_LINE_REACH_M = 300.0  # kerbs are found by their middle
COMPLAINT_LOG_ODDS = -2.0  # what one complaint takes from the log-odds of "served"
SURE = 0.9  # below this a served stop is asked about
DOUBTFUL = 0.5  # below this nobody can tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known about the stop next to a place. step: the open case of its trouble, if there is one."""

    stop: StopPlace
    answer: Answer
    step: NextStep | None = None


def answer_for(city: City, *, now: datetime, point: Point | None = None, number: str = "") -> Told | None:
    """Return what is known about the collection at a place, or at a stop; None where no stop is near or planned.

    now: the wall clock, aware. At most five queries.
    """
    stop = _stop(city, point=point, number=number)
    if stop is None:
        return None
    trucks = truck_now(city.pk, now)
    policy = city.policy_terms()
    today = trucks.astimezone(ZoneInfo(policy.hours.zone)).date()
    instances = instances_of(city, stop.stop_id, today=today)
    answer = answer_to(instances, rule=policy.rounds, now_s=trucks.timestamp())
    if answer is None:
        return None
    about = answer.judged or (answer.next if answer.known is Known.LATER_TODAY else None)
    step = next_step_of(about.run_id, stop.stop_id) if about is not None else None
    return Told(stop=stop, answer=answer, step=step)


def _stop(city: City, *, point: Point | None, number: str) -> StopPlace | None:
    if number:
        return stop_by_number(city, number)
    if point is None:
        return None
    stops = stops_in_cells(city, cells_around(point, _LINE_REACH_M))
    near = [(far_m(point, stop), stop.stop_id, stop) for stop in stops]
    near = [one for one in near if one[0] <= REACH_M]
    return min(near)[2] if near else None


def far_m(point: Point, stop: StopPlace) -> float:
    """Return how far a place is from a stop in metres: from its point, or from the nearest part of its line."""
    line = stop.line if len(stop.line) >= 2 else ((stop.lat, stop.lon), (stop.lat, stop.lon))
    metres_a_degree = math.radians(1.0) * EARTH_RADIUS_M
    flat = np.array([metres_a_degree, metres_a_degree * math.cos(math.radians(point.lat))])
    corners = (np.array(line) - np.array([point.lat, point.lon])) * flat
    starts, ways = corners[:-1], np.diff(corners, axis=0)
    lengths2 = np.maximum((ways**2).sum(axis=1), 1e-9)
    along = np.clip(-(starts * ways).sum(axis=1) / lengths2, 0.0, 1.0)
    return float(np.sqrt(((starts + along[:, None] * ways) ** 2).sum(axis=1)).min())


def about_collection(
    city: City, *, service_code: str, point: Point | None, attributes: Iterable[tuple[str, str]], now: datetime
) -> Told | None:
    """Return what is known about the stop that a report is about; None if it is about something else or no stop."""
    if service_code != city.policy_terms().missed_code:
        return None
    number = dict(attributes).get(STOP_ATTRIBUTE, "")
    return answer_for(city, now=now, point=point, number=number)


def collection_of_report(*, token: str, now: datetime) -> Told | None:
    """Return what is known by now about the stop that a reporter's own report is about; None if it is about no stop."""
    request = ServiceRequest.objects.filter(token=token).select_related("city").first()
    if request is None:
        return None
    point = Point(lat=request.lat, lon=request.lon) if request.lat is not None and request.lon is not None else None
    said = tuple((str(name), str(value)) for name, value in request.attributes.items())
    return about_collection(request.city, service_code=request.service_code, point=point, attributes=said, now=now)


def case_to_join(told: Told | None) -> Case | None:
    """Return the open case to which a report about a stop belongs, locked; None if there is none."""
    if told is None or told.step is None:
        return None
    rows = Case.objects.select_for_update(of=("self",)).select_related("area")
    return rows.filter(pk=told.step.case_id, closed_at__isnull=True).first()


def keep_word(log: Log, *, request: ServiceRequest, told: Told | None) -> None:
    """Keep what a resident said about a stop, within the report's transaction; the follower reads it on.

    Where a stop was thought collected its probability falls at once, for runs that nobody follows any more; whoever
    can tell is asked. After the freeze the word is kept, and changes nothing.
    """
    judged = told.answer.judged if told is not None else None
    if told is None or judged is None or told.answer.known in (Known.ON_ITS_WAY, Known.AT_RISK, Known.CALLED_OFF):
        return
    said_at = truck_now(request.city_id, log.now)
    StopWord.objects.create(
        city_id=request.city_id,
        run_id=judged.run_id,
        stop_id=judged.stop_id,
        service_request=request,
        collected=False,
        said_at=said_at,
        received_at=log.now,
    )
    facts = {
        "run": judged.run_id,
        "stop": judged.stop_id,
        "service_request": request.pk,
        "known": str(told.answer.known),
    }
    log.append("stop_disputed", case_id=request.case_id, subject=f"run:{judged.run_id}", facts=facts)
    run = Run.objects.select_for_update(of=("self",)).get(pk=judged.run_id)
    row = StopRun.objects.filter(run=run, stop_id=judged.stop_id).exclude(decided_by__in=BY_PEOPLE).first()
    if row is None or run.frozen_at is not None or not Outcome(row.outcome).is_served:
        return
    if StopWord.objects.filter(run=run, stop_id=judged.stop_id).count() == 1:
        _lower(log, run, row, said_at=said_at)


def _lower(log: Log, run: Run, row: StopRun, *, said_at: datetime) -> None:
    served = min(0.999, max(0.001, row.p_served if row.p_served is not None else SURE))
    p_served = 1 / (1 + math.exp(-(math.log(served / (1 - served)) + COMPLAINT_LOG_ODDS)))
    before = row.outcome
    row.p_served = p_served
    row.evidence = [*row.evidence, ["resident", COMPLAINT_LOG_ODDS, None, ""]]
    row.settle_by = "crew" if p_served < SURE else row.settle_by
    if p_served < DOUBTFUL:
        row.outcome, row.decided_at, row.decided_by = Outcome.UNKNOWN, said_at, "follower"
        row.revision += 1
    row.save(update_fields=["p_served", "evidence", "settle_by", "outcome", "decided_at", "decided_by", "revision"])
    if row.outcome == before:
        return
    StopRunRevision.objects.create(
        city_id=row.city_id, stop_run=row, at=said_at, before=before, after=row.outcome, p_served=p_served,
        why="resident", actor=str(log.by), evidence=row.evidence,
    )  # fmt: skip
    run.served -= 1
    run.late -= before == Outcome.LATE
    run.unknown += 1
    run.save(update_fields=["served", "late", "unknown"])
    facts = {
        "run": run.pk, "stops": [row.stop_id], "service_day": run.service_day.isoformat(), "before": [before],
        "after": [str(row.outcome)], "why": ["resident"], "contractor": run.contractor_id, "after_freeze": False,
    }  # fmt: skip
    log.append("stop_run.corrected", subject=f"run:{run.pk}", facts=facts)

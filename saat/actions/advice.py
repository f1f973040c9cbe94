"""What the page of a case advises: what comes next and who fits, what lies nearby, what will happen if nobody acts.

Nothing is written here; the rules are asked and rows are read.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from saat.actions.alerts import duties_at, path_ids
from saat.actions.joining import UNDOABLE
from saat.actions.openings import handed
from saat.actions.settling import snapshot
from saat.cases.acting import TimesToAct, times_to_act
from saat.cases.alerts import next_on_call
from saat.cases.escalation import Escalation, next_escalation
from saat.cases.mends import undo_conflicts
from saat.cases.moves import MoveNotAllowed
from saat.records.models import Case, Contractor, Crew, Event, Photo, User
from saat.records.queries_case import Workers, open_around
from saat.records.scope import Reach
from saat.terms.case import State
from saat.terms.duplicates import Candidate, Likeness
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.triage.likeness import likeness
from saat.triage.nearby import cells_around

__all__ = [
    "Escalation",
    "Fit",
    "MoveNotAllowed",
    "Neighbour",
    "Proposal",
    "TimesToAct",
    "can_be_undone",
    "fits",
    "neighbours",
    "next_rung",
    "on_call",
    "proposal",
    "time_taken",
]

MOST_NEIGHBOURS = 6
# Neighbours are shown from further away than reports join by themselves: a person can judge what a rule cannot.
_WIDER = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """One to whom a case can be handed.

    kind: "contractor" or "crew". serves: whether the case's area is theirs. open_cases: what they have already.
    """

    kind: str
    id: int
    name: str
    company: str
    serves: bool
    open_cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """An open case near another one, and how likely the two are the same trouble (score 0: they cannot be)."""

    case: Case
    likeness: Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """The one act that brings a case on: take, assign, take_over, arrive, prove, look; "" if it is another's turn.

    to: whom to hand it to, for "assign".
    """

    act: str
    to: Fit | None = None


def fits(case: Case, workers: Workers) -> list[Fit]:
    """Return to whom a case can be handed: who serves its area first, then who has least to do.

    A contractor without areas serves the whole city; one with areas that hold the case stands before it, and a
    contractor before its crews, because its dispatcher knows which of them is free.
    """
    path = case.area.path if case.area_id and case.area else ""
    loads = handed(case.city)
    depth = {contractor.pk: _depth(contractor, path) for contractor in workers.contractors}
    found: list[tuple[tuple[int, bool, int, str], Fit]] = []
    for contractor in workers.contractors:
        load = sum(number for (owner, _), number in loads.items() if owner == contractor.pk)
        found.append(_ranked("contractor", contractor, depth=depth[contractor.pk], load=load, company=""))
    for crew in workers.crews:
        # The city's own crews go everywhere; a dispatcher's list holds the own crews alone.
        level = depth.get(crew.contractor_id, 0) if crew.contractor_id is not None else 0
        load = loads.get((crew.contractor_id, crew.pk), 0)
        company = crew.contractor.name if crew.contractor else ""
        found.append(_ranked("crew", crew, depth=level, load=load, company=company))
    return [fit for _, fit in sorted(found, key=lambda pair: pair[0])]


def _depth(contractor: Contractor, path: str) -> int:
    """Return how deep the contractor's smallest area that holds a case lies; 0 for the whole city, -1 for none."""
    areas = list(contractor.areas.all())
    if not areas:
        return 0
    return max((area.level for area in areas if path.startswith(area.path)), default=-1)


def _ranked(
    kind: str, row: Contractor | Crew, *, depth: int, load: int, company: str
) -> tuple[tuple[int, bool, int, str], Fit]:
    fit = Fit(kind=kind, id=row.pk, name=row.name, company=company, serves=depth >= 0, open_cases=load)
    return (-depth, kind == "crew", load, row.name), fit


def proposal(case: Case, *, acts: frozenset[str], user_id: int, ways: list[Fit]) -> Proposal:
    """Return the act that brings a case on.

    acts: what the reader may do. ways: from `fits`, the best first.
    """
    state = State(case.state)
    best = next((fit for fit in ways if fit.serves), None)
    office = "take" in acts
    if state is State.CLOSED:
        return Proposal(act="look" if case.proof_failed and "judge_proof" in acts else "")
    if state is State.OPEN and office:
        return Proposal(act="assign", to=best) if best and "assign" in acts else Proposal(act="take")
    if state is State.TAKEN and "assign" in acts and best:
        return Proposal(act="assign", to=best)
    if state is State.ASSIGNED and not office and case.crew_id is None and "assign" in acts and best:
        return Proposal(act="assign", to=best)
    if state in (State.TAKEN, State.ASSIGNED) and "arrive" in acts:
        return Proposal(act="arrive")
    if state is State.ON_SITE and "prove" in acts:
        return Proposal(act="prove")
    return Proposal(act="")


def neighbours(case: Case, *, photos: Iterable[Photo], reach: Reach, policy: CityPolicy) -> list[Neighbour]:
    """Return the open cases near a case, the likest first; two queries."""
    rule = policy.duplicates
    point = _point(case)
    cells = cells_around(point, rule.radius_m * _WIDER) if point else ()
    own = _candidate(case, policy=policy, photos=photos)
    found = []
    for other in open_around(case, cells=cells, reach=reach):
        like = likeness(own, _candidate(other, policy=policy, photos=other.photos.all()), rule)
        near = like.distance_m is None or like.distance_m <= rule.radius_m * _WIDER
        if like.score > 0 or (near and like.distance_m is not None):
            found.append(Neighbour(case=other, likeness=like))
    found.sort(key=lambda one: (-one.likeness.score, one.likeness.distance_m or 0.0))
    return found[:MOST_NEIGHBOURS]


def _candidate(case: Case, *, policy: CityPolicy, photos: Iterable[Photo]) -> Candidate:
    group = policy.category(case.service_code).group if policy.has_category(case.service_code) else ""
    return Candidate(
        case_id=case.pk,
        service_code=case.service_code,
        group=group,
        point=_point(case),
        area_id=case.area_id,
        first_at=case.opened_at,
        last_at=case.last_voice_at,
        words=case.summary,
        photo_hashes=tuple(photo.phash & (1 << 64) - 1 for photo in photos if photo.kind == "report"),
        place_id=case.place_id,
    )


def _point(case: Case) -> Point | None:
    return Point(lat=case.lat, lon=case.lon) if case.lat is not None and case.lon is not None else None


def next_rung(case: Case, *, policy: CityPolicy) -> Escalation | None:
    """Return who is told next, and when, if nothing happens to a case."""
    if State(case.state).is_closed:
        return None
    return next_escalation(
        policy=policy,
        waiting_since=case.waiting_since,
        due_at=case.due_at,
        taken=State(case.state) is not State.OPEN,
        steps_done=frozenset(case.steps_done),
    )


def on_call(case: Case, *, now: datetime) -> User | None:
    """Return who would be alerted about a case now; two queries."""
    path = path_ids(case.area.path if case.area_id and case.area else "")
    duties = duties_at(city_id=case.city_id, now=now, case=case)
    user_id = next_on_call(duties=duties, area_path=path, now=now, tried=frozenset())
    return User.objects.filter(pk=user_id).first() if user_id is not None else None


def time_taken(case: Case) -> TimesToAct:
    """Return how long it took from the report to each step."""
    return times_to_act(
        requested_at=case.opened_at,
        seen_at=case.seen_at,
        taken_at=case.taken_at,
        on_site_at=case.on_site_at,
        proved_at=case.proved_at,
    )


def can_be_undone(
    events: Iterable[Event], *, case: Case, acts: frozenset[str], since: timedelta, now: datetime
) -> set[int]:
    """Return the ids of the events for which an Undo may be offered to somebody who may do `acts`.

    Left out is what was changed again since; of merges and splits only the action itself knows.
    """
    if "undo" not in acts:
        return set()
    listed = list(events)
    gone = {event.facts["undoes"] for event in listed if event.kind == "act_undone"}
    current = snapshot(case)
    return {
        event.pk
        for event in listed
        if event.kind in UNDOABLE
        and UNDOABLE[event.kind] in acts
        and event.actor not in ("resident", "clock")
        and event.pk not in gone
        and now - event.at <= since
        and not _changed_since(event, current)
    }


def _changed_since(event: Event, current: dict[str, Any]) -> bool:
    facts = event.facts
    if "before" not in facts or "after" not in facts:
        return False
    return bool(undo_conflicts(before=facts["before"], after=facts["after"], current=current))

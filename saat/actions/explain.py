"""Why a case stands where it stands, what its reader may do, and what comes next; doors put it in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from saat.actions.citymap import city_map
from saat.cases.order import Reason, reasons
from saat.cases.permission import ACTS, may
from saat.records.models import Case, City
from saat.records.scope import Reach
from saat.terms.case import ServiceLevel, State, Urgency
from saat.triage.words import query_words

__all__ = ["Reason", "acts_on", "held_to", "may_anywhere", "next_step", "reasons_of", "search_terms"]


def reasons_of(case: Case, *, now: datetime) -> tuple[Reason, ...]:
    """Return the at most three weightiest reasons why a case stands where it stands; see `saat.cases.order`."""
    return reasons(
        now=now,
        due_at=case.due_at,
        urgency=Urgency(case.urgency),
        voices=case.voices,
        state=State(case.state),
        reopened=case.reopened,
        service_level=ServiceLevel(case.service_level),
        escalated=len(case.steps_done),
        waiting_since=case.waiting_since,
        proof_failed=case.proof_failed,
    )


def acts_on(case: Case, *, city: City, reach: Reach) -> frozenset[str]:
    """Return what a person may do to a case, by the names of `saat.cases.permission`; no query.

    city: the case's own, with its areas as they are in memory.
    """
    roles = reach.roles_in(
        city_id=case.city_id,
        area_path=city_map(city).path_of(case.area_id),
        contractor_id=case.contractor_id,
        crew_id=case.crew_id,
    )
    return frozenset(act for act in ACTS if may(roles, act))


def may_anywhere(reach: Reach, *, city: City, act: str) -> bool:
    """Return whether a person may do something to some case of a city."""
    return may({grant.role for grant in reach.grants if grant.city_id == city.pk}, act)


def held_to(reach: Reach, *, act: str) -> Reach:
    """Return what a person sees as somebody who may do this."""
    return replace(reach, grants=tuple(grant for grant in reach.grants if may([grant.role], act)))


def next_step(case: Case, *, acts: frozenset[str], user_id: int) -> str:
    """Return the act that brings a case on: take, assign, arrive or prove; "" where it is another's turn.

    acts: what the reader may do to the case.
    """
    state = State(case.state)
    if state is State.OPEN and "take" in acts:
        return "take"
    if state is State.TAKEN and "assign" in acts and case.owner_id == user_id:
        return "assign"
    if state is State.ASSIGNED and "take" not in acts:
        if "assign" in acts and case.crew_id is None:
            return "assign"
        if "arrive" in acts:
            return "arrive"
    if state is State.ON_SITE and "prove" in acts and ("take" not in acts or case.owner_id == user_id):
        return "prove"
    return ""


def search_terms(text: str) -> tuple[str, ...]:
    """Return the words that cases must have to answer what somebody typed into the search box."""
    return query_words(text[:200])

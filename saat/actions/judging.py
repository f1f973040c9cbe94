"""What the words of a report say of its case: how urgent it is and why, and of which category they speak."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from saat.cases.deadlines import due_at
from saat.records.models import Case
from saat.terms.case import Danger, ServiceLevel, Urgency
from saat.terms.policy import CityPolicy
from saat.triage.urgency import urgency_of
from saat.triage.words import guess_category


def guessed(words: str, *, service_code: str, policy: CityPolicy) -> str:
    """Return of which category a text speaks that was filed under one that says nothing; "" if that is not known.

    A category to which the policy gives no words of its own is where people file what they cannot name.
    """
    if not words or not policy.has_category(service_code) or policy.category(service_code).words:
        return ""
    return guess_category(words, policy) or ""


def raise_urgency(case: Case, *, words: str, policy: CityPolicy, told: Iterable[Danger] = ()) -> dict[str, Any]:
    """Make a case more urgent, never less, by one more voice, which is counted already; without saving it.

    Only what this voice adds counts: if an official has judged the category or the place less urgent than the rules
    do, that stands. What becomes dangerous is promised as if that had been known from the start, never later than
    before. Returns what the event of the voice tells of it: nothing if the case is as urgent as it was.
    """
    if not policy.has_category(case.service_code):
        return {}
    category, level = policy.category(case.service_code), ServiceLevel(case.service_level)
    urgency, why = urgency_of(
        category=category, words=words, service_level=level, voices=case.voices, policy=policy, told=told
    )
    if urgency.level <= Urgency(case.urgency).level:
        return {}
    _known, known_why = urgency_of(category=category, words="", service_level=level, voices=case.voices - 1)
    added = [code for code in why if code not in known_why]
    if not added:
        return {}
    before = {"urgency": str(case.urgency), "due_at": case.due_at.isoformat()}
    case.urgency = urgency
    if urgency is Urgency.DANGER:
        known_from_the_start = due_at(
            policy=policy,
            service_code=case.service_code,
            opened_at=case.opened_at,
            service_level=level,
            urgency=urgency,
        )
        case.due_at = min(case.due_at, known_from_the_start)
    after = {"urgency": str(case.urgency), "due_at": case.due_at.isoformat()}
    differ = [column for column in before if before[column] != after[column]]
    return {
        "urgency_why": added,
        "before": {column: before[column] for column in differ},
        "after": {column: after[column] for column in differ},
    }

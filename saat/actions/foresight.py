"""What a report would become if it came in now, for an official who is still speaking with the caller."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from saat.actions.citymap import CityMap, city_map
from saat.actions.judging import guessed
from saat.actions.understanding import likely_duplicates
from saat.cases.deadlines import due_at
from saat.records.models import City
from saat.terms.case import ServiceLevel, Urgency
from saat.terms.duplicates import Likeness
from saat.terms.report import NewReport
from saat.triage.urgency import urgency_of

MOST_ALIKE = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What would be filed and promised.

    why: the codes of `saat.triage.urgency`. guess: of which category the words speak, "" if the one chosen says enough.
    alike: the few open cases that are likeliest the same trouble, best first; of equals, those opened last. The same
    ones a minute later, so that an official who has looked at them is not asked again. would_join: the first of them,
    if it is so alike that a report joins it by itself.
    """

    urgency: Urgency
    why: tuple[str, ...]
    due_at: datetime
    guess: str
    alike: tuple[Likeness, ...]
    would_join: int | None


def foresee(*, city: City, report: NewReport, now: datetime) -> Foresight:
    """Return what a report would become; nothing is written.

    :raises ReportRefused: if the category is unknown, or the place is missing or outside the city.
    """
    policy = city.policy_terms()
    # Scores sink a little with each second; to two digits they stay what they were while a caller speaks.
    found = likely_duplicates(city=city, report=report, now=now)
    alike = tuple(sorted(found, key=lambda like: (-round(like.score, 2), -like.case_id))[:MOST_ALIKE])
    level = _level(report, city_map(city))
    urgency, why = urgency_of(
        category=policy.category(report.service_code),
        words=report.words,
        service_level=level,
        voices=1,
        policy=policy,
        told=report.dangers,
    )
    joins = alike[0].case_id if alike and alike[0].score >= policy.duplicates.join else None
    return Foresight(
        urgency=urgency,
        why=why,
        due_at=due_at(
            policy=policy, service_code=report.service_code, opened_at=now, service_level=level, urgency=urgency
        ),
        guess=guessed(report.words, service_code=report.service_code, policy=policy),
        alike=alike,
        would_join=joins,
    )


def _level(report: NewReport, ground: CityMap) -> ServiceLevel:
    landmark = ground.by_place.get(report.place_id) if report.place_id is not None else None
    if landmark is None and report.point is not None:
        landmark = ground.landmark_at(report.point)
    return landmark.service_level if landmark else ServiceLevel.USUAL

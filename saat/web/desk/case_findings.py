"""What the trucks' positions say about a case, for its page: each finding with its stops, probability and evidence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from saat.actions.finding_text import line
from saat.actions.findings import told_of
from saat.records.models import Case, FindingRow
from saat.records.queries_findings import findings_of_case, stops_of
from saat.records.truck_clock import truck_now
from saat.terms.run import FindingKind
from saat.web.desk import trucks_words, words

MOST_STOPS = 60
_MOST_FINDINGS = 12
# The probability of these is that stops are missed, now or soon; the others simply hold.
_CHANCES = frozenset({FindingKind.WILL_MISS, FindingKind.MISSED, FindingKind.STALLED, FindingKind.NOT_STARTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class StopLine:
    """One stop of a finding. evidence: pieces in words, with which way each speaks."""

    number: str
    sequence: int
    outcome: str
    probability: str
    evidence: list[tuple[str, str]]


def findings_on(case: Case, *, now: datetime) -> list[dict[str, Any]]:
    """Return the findings of a case in words, those that hold first. now: the wall clock."""
    rows = findings_of_case(case)[:_MOST_FINDINGS]
    if not rows:
        return []
    zone = case.city.policy_terms().hours.zone
    reader = trucks_words.Reader(now=truck_now(case.city_id, now), zone=zone)
    stops = stops_of(rows, most=MOST_STOPS)
    return [
        {
            "row": row,
            "title": trucks_words.FINDINGS[FindingKind(row.kind)],
            "text": line(told, zone=zone),
            "since": words.moment(row.since_at, zone=zone),
            "chance": trucks_words.percent(row.probability) if row.kind in _CHANCES else "",
            "by": _by(row, reader),
            "settle": trucks_words.SETTLED_BY.get(row.settle_by, ""),
            "over": _over(row, zone=zone),
            "stops": _stops(row, stops),
            "more": max(0, len(row.stop_ids) - MOST_STOPS),
        }
        for row, told in zip(rows, told_of(rows), strict=True)
    ]


def _by(row: FindingRow, reader: trucks_words.Reader) -> str:
    if row.closed_at is not None or row.act_by_at is None:
        return ""
    if row.act_by_at <= reader.now:
        return _("It is too late to save all of them; every stop that is still reached counts.")
    left_s = (row.act_by_at - reader.now).total_seconds()
    facts = {"time": trucks_words.clock(row.act_by_at, zone=reader.zone), "span": words.span(left_s)}
    return _("Help that is sent until %(time)s still comes in time (%(span)s from now).") % facts


def _over(row: FindingRow, *, zone: str) -> str:
    if row.closed_at is None:
        return ""
    at = words.moment(row.closed_at, zone=zone)
    if row.withdrawn:
        return _("Taken back %(at)s: it turned out not to be so.") % {"at": at}
    return _("Over since %(at)s.") % {"at": at}


def _stops(row: FindingRow, known: dict[tuple[int, int], Any]) -> list[StopLine]:
    found = []
    for stop_id in row.stop_ids[:MOST_STOPS]:
        number, sequence, outcome = known.get((row.run_id or 0, stop_id), ("", 0, None))
        if not number:
            continue
        served = outcome.p_served if outcome is not None else None
        found.append(
            StopLine(
                number=number,
                sequence=sequence,
                outcome=trucks_words.outcome_words(outcome),
                probability="" if served is None else _("served with %(n)s") % {"n": trucks_words.percent(served)},
                evidence=trucks_words.evidence_words(outcome.evidence) if outcome is not None else [],
            )
        )
    return found

"""The one order of the desk: what must be acted on first, and why.

The order has to be an index of the database, so it cannot depend on the present. Each case therefore gets one moment,
`act_by`: when somebody must act. What makes a case more pressing than its promise says moves that moment ahead by a
head start of some hours. All cases grow older at the same pace, so their order changes only when something happens.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from saat.terms.case import ServiceLevel, State, Urgency

# A normal case at a usual place with one voice has no head start: its moment is its promise.
# Danger goes before everything else: ten years are more than any case is late, so that the needles reported this minute
# are not hidden below an old backlog. High and low move by one day: enough to pass the cases of the same day, not those
# that have waited longer.
URGENCY_H = {Urgency.LOW: -24.0, Urgency.NORMAL: 0.0, Urgency.HIGH: 24.0, Urgency.DANGER: 87_600.0}
# Every doubling of the voices counts the same, and all of them together at most one day (64 voices), so that neither
# one person who sends thirty reports nor a district that likes to report pushes the silent ones to the end.
VOICE_DOUBLING_H = 4.0
VOICES_CAP_H = 24.0
# "Closed but not fixed" costs more trust than lateness does: a day for each time, three at most.
REOPENED_H = 24.0
REOPENED_CAP_H = 72.0
# The place has already shortened the promise; this only decides between cases that are equally late.
PLACE_H = {ServiceLevel.USUAL: 0.0, ServiceLevel.RAISED: 4.0, ServiceLevel.HIGHEST: 12.0}
# A case that nobody has taken must be taken while there is still half of the promised time to do the work.
UNTAKEN_SHARE = 0.5

# Weights that only order the reasons shown; the hours above serve for the others.
OVERDUE_H = 48.0  # a broken promise, and each hour since then on top
DUE_SOON_H = 12.0
DUE_SOON = timedelta(hours=2)
UNTAKEN_H = 1.0  # and each hour of waiting on top
ESCALATED_H = 12.0  # for each rung of the ladder
ESCALATED_CAP_H = 72.0
PROOF_FAILED_H = 36.0
SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a case stands where it stands.

    code: danger, overdue, due_soon, untaken, urgent, reopened, voices, place, escalated or proof_failed.
    amount: overdue: seconds late; due_soon: seconds left; untaken: seconds waiting; reopened: times; voices: how many;
    escalated: rungs climbed; otherwise None.
    """

    code: str
    amount: float | None = None


def act_by(
    *,
    due_at: datetime,
    opened_at: datetime,
    urgency: Urgency,
    voices: int,
    taken: bool,
    reopened: int,
    service_level: ServiceLevel,
) -> datetime:
    """Return the moment by which somebody must act, aware, UTC; the desk lists the earliest first.

    Sort by it; show people the promise instead: a danger's moment lies years before its report.
    More urgency, more voices, more reopenings, a higher service level and nobody having taken the case never make it
    later.

    due_at, opened_at: aware, due after opened. voices: reports that the case holds, from 1. reopened: how often it was
    reopened.
    """
    moment = due_at.astimezone(UTC)
    if not taken:
        moment -= (due_at - opened_at) * UNTAKEN_SHARE
    ahead_h = URGENCY_H[urgency] + _voices_h(voices) + _reopened_h(reopened) + PLACE_H[service_level]
    return moment - timedelta(hours=ahead_h)


def reasons(
    *,
    now: datetime,
    due_at: datetime,
    urgency: Urgency,
    voices: int,
    state: State,
    reopened: int,
    service_level: ServiceLevel,
    escalated: int,
    waiting_since: datetime,
    proof_failed: bool,
) -> tuple[Reason, ...]:
    """Return the at most three weightiest reasons why a case stands where it stands, the weightiest first.

    A closed case has only one possible reason: a proof that failed a check and wants a supervisor's eye.

    now, due_at, waiting_since: aware. escalated: rungs of the ladder climbed. proof_failed: whether a check of the
    last proof failed.
    """
    if state == State.MERGED:
        return ()
    if state == State.CLOSED:
        return (Reason(code="proof_failed"),) if proof_failed else ()
    left_s = (due_at - now).total_seconds()
    waiting_s = max(0.0, (now - waiting_since).total_seconds())
    weighed: list[tuple[float, Reason]] = []
    if urgency == Urgency.DANGER:
        weighed.append((URGENCY_H[urgency], Reason(code="danger")))
    if urgency == Urgency.HIGH:
        weighed.append((URGENCY_H[urgency], Reason(code="urgent")))
    if left_s <= 0:
        weighed.append((OVERDUE_H - left_s / 3600, Reason(code="overdue", amount=-left_s)))
    elif left_s <= DUE_SOON.total_seconds():
        weighed.append((DUE_SOON_H, Reason(code="due_soon", amount=left_s)))
    if state == State.OPEN:
        weighed.append((UNTAKEN_H + waiting_s / 3600, Reason(code="untaken", amount=waiting_s)))
    if proof_failed:
        weighed.append((PROOF_FAILED_H, Reason(code="proof_failed")))
    if reopened > 0:
        weighed.append((_reopened_h(reopened), Reason(code="reopened", amount=float(reopened))))
    if escalated > 0:
        weighed.append(
            (min(ESCALATED_CAP_H, ESCALATED_H * escalated), Reason(code="escalated", amount=float(escalated)))
        )
    if voices > 1:
        weighed.append((_voices_h(voices), Reason(code="voices", amount=float(voices))))
    if service_level != ServiceLevel.USUAL:
        weighed.append((PLACE_H[service_level], Reason(code="place")))
    weighed.sort(key=lambda pair: -pair[0])
    return tuple(reason for _, reason in weighed[:SHOWN])


def _voices_h(voices: int) -> float:
    return min(VOICES_CAP_H, VOICE_DOUBLING_H * math.log2(max(1, voices)))


def _reopened_h(reopened: int) -> float:
    return min(REOPENED_CAP_H, REOPENED_H * reopened)

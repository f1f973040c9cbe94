"""Who is told, one rung after the other, when a case waits too long."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from saat.terms.case import Role
from saat.terms.policy import CityPolicy


@dataclass(frozen=True, slots=True, kw_only=True)
class Escalation:
    """One rung of the ladder, with the moment at which it is reached.

    at: aware; may lie in the past. step: index of the rung in `policy.escalation`. role: who is told.
    """

    at: datetime
    step: int
    role: Role


def next_escalation(
    *, policy: CityPolicy, waiting_since: datetime, due_at: datetime, taken: bool, steps_done: frozenset[int]
) -> Escalation | None:
    """Return the earliest rung that was not yet climbed, or None if the ladder has no more for this case.

    Ask only for cases that are neither closed nor merged. "untaken" rungs count round the clock from `waiting_since`
    and vanish once the case is taken; "overdue" rungs count from `due_at` whether or not anybody has taken the case.
    Rungs in the past are answered too, so that a clock that stood still catches up: climb, add the rung to
    `steps_done`, ask again; each rung comes once.

    waiting_since: the report, or the case's return to the queue, aware. due_at: the promise, aware.
    taken: whether anybody answers for the case. steps_done: indices of the rungs already climbed.
    """
    rungs = [
        Escalation(
            at=(waiting_since if step.when == "untaken" else due_at) + timedelta(minutes=step.after_min),
            step=index,
            role=step.role,
        )
        for index, step in enumerate(policy.escalation)
        if index not in steps_done and not (taken and step.when == "untaken")
    ]
    return min(rungs, key=lambda rung: (rung.at, rung.step), default=None)


def steps_after_return(*, policy: CityPolicy, steps_done: frozenset[int]) -> frozenset[int]:
    """Return the rungs that still count as climbed when a case comes back to the queue.

    A new wait begins, so the "untaken" rungs can be climbed again; the promise is the old one, so the "overdue" rungs
    that were climbed stay climbed.
    """
    return frozenset(
        step for step in steps_done if step < len(policy.escalation) and policy.escalation[step].when != "untaken"
    )

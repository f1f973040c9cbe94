"""What happens because time passes: escalation, alerts that go on to the next, forgetting.

Each function looks at every city, oldest first, and goes on until nothing is due; a clock that stood still catches up,
and two clocks at once do each thing once, because each case is looked at again under its city's lock. A case that
cannot be dealt with is logged and holds up no other.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import InterfaceError, OperationalError
from django.db.models import Q

from saat.actions import outbox, settling
from saat.actions.accounts import forget_ended_sign_ins
from saat.actions.alerts import pass_on, raise_alert
from saat.actions.anonymising import anonymise_due
from saat.actions.crewnotes import forget_where
from saat.actions.log import CLOCK, Log, writing
from saat.cases.escalation import next_escalation
from saat.records.models import Alert, Case, Membership
from saat.terms.case import Role, State

_BATCH = 200

log = logging.getLogger(__name__)


def escalate_due(*, now: datetime) -> int:
    """Climb every rung of the ladder that is reached, in all cities; return how many were climbed.

    A case that nobody has taken is escalated like any other: the ladder asks for the time, not for an owner.
    """
    tries = _Tries("Case %s could not be escalated; the others go on.")
    climbed = 0
    while True:
        due = Case.objects.filter(next_escalation_at__isnull=False, next_escalation_at__lte=now)
        due = due.exclude(pk__in=tries.failed).order_by("next_escalation_at")
        found = list(due.values_list("pk", "city_id")[:_BATCH])
        if not found:
            return climbed
        for case_id, city_id in found:
            climbed += tries.of(case_id, partial(_escalate, case_id, city_id, now=now))


def _escalate(case_id: int, city_id: int, *, now: datetime) -> int:
    with writing(city_id, now=now, by=CLOCK) as chain:
        case = chain.case(case_id, "escalate")
        policy = case.city.policy_terms()
        climbed = 0
        while not State(case.state).is_closed:
            rung = next_escalation(
                policy=policy,
                waiting_since=case.waiting_since,
                due_at=case.due_at,
                taken=State(case.state) is not State.OPEN,
                steps_done=frozenset(case.steps_done),
            )
            if rung is None or rung.at > now:
                break
            case.steps_done = sorted({*case.steps_done, rung.step})
            why = policy.escalation[rung.step].when
            told_as, told = _tell_role(chain, case=case, role=rung.role, step=rung.step)
            facts = {"step": rung.step, "role": str(rung.role), "why": why, "reached_at": rung.at, "told": told}
            if told_as is not rung.role:
                facts["told_as"] = str(told_as)
            chain.append("case_escalated", case_id=case.pk, facts=facts)
            raise_alert(chain, case=case, why=why, policy=policy)
            climbed += 1
        if climbed:
            settling.save(case, policy=policy, now=now)
        else:
            # Another clock was here first, or the ladder was changed: only the next look is set anew.
            was = case.updated_at
            settling.settle(case, policy=policy, now=now)
            Case.objects.filter(pk=case.pk).update(next_escalation_at=case.next_escalation_at, updated_at=was)
        return climbed


def _tell_role(chain: Log, *, case: Case, role: Role, step: int) -> tuple[Role, list[int]]:
    """Queue a message to everybody who has a role over a case; return as what, and their user ids.

    Where nobody has it, the city's duty officers are told instead, or else its administrators.
    """
    told_as, told = role, _holders(case, role)
    for instead in (Role.CITY_DUTY, Role.ADMINISTRATOR):
        if told:
            break
        told_as, told = instead, _holders(case, instead)
    outbox.queue_all(
        city_id=case.city_id,
        kind="official.escalated",
        messages=[
            (
                f"escalated:{case.pk}:{step}:{case.waiting_since.isoformat()}:{user_id}",
                {"case": case.pk, "user": user_id, "step": step},
            )
            for user_id in told
        ],
        now=chain.now,
    )
    return told_as, told


def _holders(case: Case, role: Role) -> list[int]:
    """Return the people with open accounts who see a case in this role; one query."""
    holders = Membership.objects.filter(city_id=case.city_id, role=role, user__is_active=True)
    if role is Role.CONTRACTOR:
        holders = holders.filter(contractor_id=case.contractor_id or 0)
    elif role is Role.CREW:
        holders = holders.filter(crew_id=case.crew_id or 0)
    else:
        path = case.area.path if case.area_id and case.area else ""
        above = [int(part) for part in path.split("/") if part]
        holders = holders.filter(Q(area__isnull=True) | Q(area_id__in=above))
    return sorted(set(holders.values_list("user_id", flat=True)))


def pass_on_alerts(*, now: datetime) -> int:
    """Hand every alert that nobody acknowledged in time to the next on duty; return how many."""
    tries = _Tries("Alert %s could not be handed on; the others go on.")
    passed = 0
    while True:
        waiting = Alert.objects.filter(acknowledged_at__isnull=True, passed_on_at__isnull=True, answer_by__lte=now)
        found = list(waiting.exclude(pk__in=tries.failed).order_by("answer_by")[:_BATCH])
        if not found:
            return passed
        for alert in found:
            passed += tries.of(alert.pk, partial(_pass_on, alert, now=now))


def _pass_on(alert: Alert, *, now: datetime) -> int:
    with writing(alert.city_id, now=now, by=CLOCK) as chain:
        case = chain.case(alert.case_id, "escalate")
        return int(pass_on(chain, alert=alert, case=case, policy=case.city.policy_terms()))


def forget_due(*, now: datetime) -> int:
    """Forget reporters after their city's period, messages long sent, sign-ins that are over, and where crews stood.

    Returns how many.
    """
    people = anonymise_due(now=now) + forget_ended_sign_ins(now=now) + forget_where(now=now)
    return people + outbox.forget_sent(now=now)


class _Tries:
    """Does one thing after the other; one that fails is logged, remembered and left out until the next round."""

    def __init__(self, message: str) -> None:
        self.failed: set[int] = set()
        self._message = message

    def of(self, key: int, act: Callable[[], int]) -> int:
        try:
            return act()
        except (OperationalError, InterfaceError):
            raise  # the tables are busy or away, not this row; the next round begins anew
        except Exception:
            self.failed.add(key)
            log.exception(self._message, key)
            return 0

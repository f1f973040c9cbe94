"""Alerts: a case is put before whoever is on duty, and goes on to the next if nobody answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from saat.actions.log import Actor, Log, NotFound, writing
from saat.actions.outbox import queue
from saat.cases.alerts import DutyTerm, next_on_call, still_stands
from saat.cases.permission import may
from saat.records.models import Alert, Case, Membership
from saat.records.scope import Grant, Reach
from saat.terms.case import Role, State
from saat.terms.policy import CityPolicy


def raise_alert(log: Log, *, case: Case, why: str, policy: CityPolicy) -> Alert | None:
    """Put a case before whoever is on duty for its area and was not asked yet for the same reason; four queries.

    why: danger, reopened, untaken, overdue or declined. Returns None, and says so in the log, if nobody is left.
    """
    # Whoever did not answer in an earlier wait is asked again: only this one counts.
    earlier = Alert.objects.filter(case=case, why=why, raised_at__gte=case.waiting_since)
    asked = list(earlier.values_list("user_id", "acknowledged_at", "passed_on_at"))
    if any(answered is None and passed is None for _, answered, passed in asked):
        return None
    tried = frozenset(user_id for user_id, _, passed in asked if passed is not None)
    user_id = next_on_call(
        duties=duties_at(city_id=case.city_id, now=log.now, case=case),
        area_path=path_ids(case.area.path if case.area_id and case.area else ""),
        now=log.now,
        tried=tried,
    )
    if user_id is None:
        log.append("alert_unheard", case_id=case.pk, facts={"why": why, "tried": sorted(tried)})
        return None
    alert = Alert.objects.create(
        city_id=case.city_id,
        case=case,
        user_id=user_id,
        why=why,
        raised_at=log.now,
        answer_by=log.now + timedelta(minutes=policy.ack_min),
    )
    log.append("alert_raised", case_id=case.pk, facts={"alert": alert.pk, "user": user_id, "why": why})
    queue(
        city_id=case.city_id,
        kind="official.alert",
        dedupe_key=f"alert:{alert.pk}",
        facts={"alert": alert.pk},
        now=log.now,
    )
    return alert


def pass_on(log: Log, *, alert: Alert, case: Case, policy: CityPolicy) -> bool:
    """Hand an alert that its holder has not answered to the next on duty, if it still matters.

    Returns False if it was answered, or handed on, meanwhile.
    """
    waiting = Alert.objects.filter(pk=alert.pk, acknowledged_at__isnull=True, passed_on_at__isnull=True)
    if not waiting.update(passed_on_at=log.now):
        return False
    facts = {"alert": alert.pk, "user": alert.user_id, "why": alert.why}
    log.append("alert_passed_on", case_id=case.pk, facts=facts)
    state = State(case.state)
    if still_stands(why=alert.why, taken=state is not State.OPEN, closed=state.is_closed):
        raise_alert(log, case=case, why=alert.why, policy=policy)
    return True


def acknowledge_alert(*, alert_id: int, now: datetime, by: Actor) -> None:
    """Write down that the person who was alerted has seen it; twice is harmless.

    :raises NotFound: if it is not this person's alert.
    """
    alert = Alert.objects.filter(pk=alert_id, user_id=by.id or 0).first()
    if alert is None or by.kind != "user":
        raise NotFound("There is no such alert for you.")
    with writing(alert.city_id, now=now, by=by) as log:
        if Alert.objects.filter(pk=alert_id, acknowledged_at__isnull=True).update(acknowledged_at=now):
            log.append("alert_acknowledged", case_id=alert.case_id, facts={"alert": alert_id, "why": alert.why})


def duties_at(*, city_id: int, now: datetime, case: Case | None = None) -> list[DutyTerm]:
    """Return the turns of duty that run now, of people whose account is open; one query.

    case: only of those who see this case and may answer for it. Its area must be loaded with it.
    """
    rows = Membership.objects.filter(
        city_id=city_id,
        user__is_active=True,
        user__duties__city_id=city_id,
        user__duties__starts_at__lte=now,
        user__duties__ends_at__gt=now,
    ).values_list(
        *("user_id", "role", "area__path", "contractor_id", "crew_id"),
        *(f"user__duties__{column}" for column in ("id", "area_id", "starts_at", "ends_at", "rank")),
    )
    terms: dict[int, DutyTerm] = {}
    for user_id, role, path, contractor_id, crew_id, duty_id, area_id, starts_at, ends_at, rank in rows:
        grant = Grant(
            city_id=city_id,
            role=Role(role),
            area_path=path or "",
            contractor_id=contractor_id,
            crew_id=crew_id,
        )
        seen_as = Reach(user_id=user_id, grants=(grant,)).roles_for(case) if case is not None else {grant.role}
        if may(seen_as, "acknowledge"):
            terms[duty_id] = DutyTerm(user_id=user_id, area_id=area_id, starts_at=starts_at, ends_at=ends_at, rank=rank)
    return list(terms.values())


def path_ids(path: str) -> tuple[int, ...]:
    """Return the area ids in an `Area.path`, from the city down."""
    return tuple(int(part) for part in path.split("/") if part)

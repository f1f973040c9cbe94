"""Alerts: a case is put before whoever is on duty, and goes on to the next if nobody answers."""

from __future__ import annotations

from datetime import datetime, timedelta

from saat.actions.log import Actor, Log, NotFound, writing
from saat.actions.outbox import queue
from saat.cases.alerts import DutyTerm, next_on_call
from saat.records.models import Alert, Case, Duty
from saat.terms.policy import CityPolicy


def raise_alert(log: Log, *, case: Case, why: str, policy: CityPolicy) -> Alert | None:
    """Put a case before whoever is on duty for its area and was not asked yet for the same reason.

    why: danger, reopened, untaken or overdue. Returns None, and says so in the log, if nobody is left on duty.
    """
    # Whoever did not answer in an earlier wait is asked again: only this one counts.
    earlier = Alert.objects.filter(case=case, why=why, raised_at__gte=case.waiting_since)
    if earlier.filter(acknowledged_at__isnull=True, passed_on_at__isnull=True).exists():
        return None
    tried = frozenset(earlier.filter(passed_on_at__isnull=False).values_list("user_id", flat=True))
    user_id = next_on_call(
        duties=duties_at(city_id=case.city_id, now=log.now),
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


def duties_at(*, city_id: int, now: datetime) -> list[DutyTerm]:
    """Return the turns of duty that run now."""
    rows = Duty.objects.filter(city_id=city_id, starts_at__lte=now, ends_at__gt=now)
    return [
        DutyTerm(user_id=row.user_id, area_id=row.area_id, starts_at=row.starts_at, ends_at=row.ends_at, rank=row.rank)
        for row in rows
    ]


def path_ids(path: str) -> tuple[int, ...]:
    """Return the area ids in an `Area.path`, from the city down."""
    return tuple(int(part) for part in path.split("/") if part)

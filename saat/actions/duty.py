"""Turns of duty: planned, ended early, handed over."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from saat.actions.alerts import pass_on
from saat.actions.cases import ActRefused
from saat.actions.log import Actor, Log, NotAllowed, NotFound, writing
from saat.cases.permission import may
from saat.records.models import Alert, Area, Case, Duty, User
from saat.records.scope import reach_of
from saat.triage.words import clean_words

LONGEST = timedelta(days=31)


def plan_duty(
    *,
    city_id: int,
    user_id: int,
    area_id: int | None,
    starts_at: datetime,
    ends_at: datetime,
    now: datetime,
    by: Actor,
    rank: int = 1,
) -> Duty:
    """Plan somebody's turn of duty for an area, or for the whole city if `area_id` is None.

    starts_at, ends_at: aware. rank: who is called first, 1 before 2.

    :raises ActRefused: if the span is empty, over, or longer than a month, the person cannot answer alerts there, or
        has a turn for the same area at that time.
    :raises NotAllowed: if the person who plans may not do so for this area.
    """
    if ends_at <= starts_at:
        raise ActRefused(_("The turn must end after it starts."), field="ends_at")
    if ends_at <= now:
        raise ActRefused(_("This turn would be over already."), field="ends_at")
    if ends_at - starts_at > LONGEST:
        raise ActRefused(_("A turn is at most 31 days long."), field="ends_at")
    if not 1 <= rank <= 9:
        raise ActRefused(_("Please choose who is called first from 1 to 9."), field="rank")
    with writing(city_id, now=now, by=by) as log:
        area = _area(city_id, area_id)
        _check_may_plan(by, city_id=city_id, area=area)
        _check_can_answer(user_id, city_id=city_id, area=area)
        if Duty.objects.filter(
            user_id=user_id, city_id=city_id, area=area, starts_at__lt=ends_at, ends_at__gt=starts_at
        ).exists():
            raise ActRefused(_("This person has a turn for this area at that time already."), field="user")
        duty = Duty.objects.create(
            city_id=city_id, user_id=user_id, area=area, starts_at=starts_at, ends_at=ends_at, rank=rank
        )
        log.append("duty_planned", subject=f"duty:{duty.pk}", facts=_facts(duty))
        return duty


def end_duty(*, duty_id: int, now: datetime, by: Actor) -> None:
    """End a turn now, or take it out of the plan if it has not begun.

    :raises NotFound: if there is no such turn, or it is over.
    :raises NotAllowed: if the person may not plan for this area.
    """
    with _turn(duty_id, now=now, by=by) as (log, duty):
        _check_may_plan(by, city_id=duty.city_id, area=duty.area)
        facts = _facts(duty)
        if duty.starts_at >= now:
            duty.delete()
        else:
            duty.ends_at = now
            duty.save(update_fields=["ends_at"])
            _pass_alerts(log, duty)
        log.append("duty_ended", subject=f"duty:{duty_id}", facts=facts)


def hand_over(*, duty_id: int, to_user_id: int, note: str, now: datetime, by: Actor) -> Duty:
    """Hand the rest of a running turn to somebody else, with what they must know; open alerts go with it.

    :raises ActRefused: if the other person cannot answer alerts there, or is the same.
    :raises NotFound: if there is no such turn, or it does not run now.
    :raises NotAllowed: if it is neither the person's own turn nor theirs to plan.
    """
    with _turn(duty_id, now=now, by=by) as (log, duty):
        if duty.user_id != by.id or by.kind != "user":
            _check_may_plan(by, city_id=duty.city_id, area=duty.area)
        if duty.starts_at >= now:
            raise NotFound(_("This turn has not begun yet."))
        if to_user_id == duty.user_id:
            raise ActRefused(_("Please choose somebody else."), field="user")
        _check_can_answer(to_user_id, city_id=duty.city_id, area=duty.area)
        following = Duty.objects.create(
            city_id=duty.city_id,
            user_id=to_user_id,
            area=duty.area,
            starts_at=now,
            ends_at=duty.ends_at,
            rank=duty.rank,
        )
        duty.ends_at, duty.handed_over_to, duty.handover_note = now, following, clean_words(note)
        duty.save(update_fields=["ends_at", "handed_over_to", "handover_note"])
        log.append("duty_handed_over", subject=f"duty:{duty.pk}", facts={**_facts(following), "to": following.pk})
        _pass_alerts(log, duty)
        return following


def may_plan(by: Actor, *, city_id: int, area_path: str) -> bool:
    """Return whether a person may plan turns for an area ("" for the whole city)."""
    if by.kind != "user":
        return by.may_in_city("manage_duty", city_id)
    roles = by.reach.roles_in(city_id=city_id, area_path=area_path, contractor_id=None, crew_id=None)
    return may(roles, "manage_duty")


@contextmanager
def _turn(duty_id: int, *, now: datetime, by: Actor) -> Iterator[tuple[Log, Duty]]:
    city_id = Duty.objects.filter(pk=duty_id).values_list("city_id", flat=True).first()
    if city_id is None:
        raise NotFound(_("There is no such turn of duty."))
    with writing(city_id, now=now, by=by) as log:
        duty = Duty.objects.select_related("area").filter(pk=duty_id, ends_at__gt=now).first()
        if duty is None:
            raise NotFound(_("This turn of duty is over."))
        yield log, duty


def _area(city_id: int, area_id: int | None) -> Area | None:
    if area_id is None:
        return None
    area = Area.objects.filter(pk=area_id, city_id=city_id).first()
    if area is None:
        raise ActRefused(_("This area is not in the city."), field="area")
    return area


def _check_may_plan(by: Actor, *, city_id: int, area: Area | None) -> None:
    if not may_plan(by, city_id=city_id, area_path=area.path if area else ""):
        raise NotAllowed(_("You cannot plan turns of duty for this area."))


def _check_can_answer(user_id: int, *, city_id: int, area: Area | None) -> None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    roles = (
        reach_of(user).roles_in(city_id=city_id, area_path=area.path if area else "", contractor_id=None, crew_id=None)
        if user
        else set()
    )
    if not may(roles, "take"):
        raise ActRefused(_("This person cannot act on the cases of this area."), field="user")


def _pass_alerts(log: Log, duty: Duty) -> None:
    """Put what its holder was alerted to and has not answered before whoever is on duty now."""
    waiting = Alert.objects.filter(
        city_id=duty.city_id, user_id=duty.user_id, acknowledged_at__isnull=True, passed_on_at__isnull=True
    )
    for alert in waiting.order_by("pk"):
        case = Case.objects.select_related("area", "city").get(pk=alert.case_id)
        path = case.area.path if case.area else ""
        if duty.area is not None and not path.startswith(duty.area.path):
            continue
        pass_on(log, alert=alert, case=case, policy=case.city.policy_terms())


def _facts(duty: Duty) -> dict[str, object]:
    return {
        "user": duty.user_id,
        "area": duty.area_id,
        "starts_at": duty.starts_at,
        "ends_at": duty.ends_at,
        "rank": duty.rank,
    }

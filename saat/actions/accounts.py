"""Accounts: what happens to them is written down, and administrators help when somebody is locked out.

An account may serve several cities, but it has one password and one set of keys. Whoever changes these decides for all
of its cities, so only an administrator of every one of them may.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, writing
from saat.actions.people import PersonRefused, managing_people, one_line, person_with_whole_account
from saat.records.models import City, Membership, User


def note(*, user_id: int, kind: str, now: datetime, facts: dict[str, Any] | None = None) -> None:
    """Write what somebody did with the own account into the log of every city that they work for.

    kind: a past participle such as `signed_in`. facts: plain values, nothing secret and nothing personal.
    """
    by = Actor(kind="user", id=user_id)
    cities = Membership.objects.filter(user_id=user_id).values_list("city_id", flat=True).distinct().order_by("city_id")
    for city_id in list(cities):
        with writing(city_id, now=now, by=by) as log:
            log.append(kind, subject=f"user:{user_id}", facts={"user": user_id, **(facts or {})})


def end_own_sign_ins(*, user: User, sign_in_ids: list[int], now: datetime) -> int:
    """Sign oneself out in some of the places where one is signed in; return in how many."""
    ended = _end(UserSession.objects.filter(user=user, pk__in=sign_in_ids))
    if ended:
        note(user_id=user.pk, kind="sign_ins_ended", now=now, facts={"count": ended})
    return ended


def end_sign_ins(*, city: City, user_id: int, now: datetime, by: Actor) -> int:
    """Sign somebody out everywhere; return in how many places they were signed in.

    :raises PersonRefused: if they also work for a city that is not the actor's to manage.
    """
    with managing_people(city, now=now, by=by) as log:
        user = person_with_whole_account(city, user_id, by=by)
        return _end_all(log, user)


def reset_password(*, city: City, user_id: int, now: datetime, by: Actor) -> User:
    """Take somebody's password away, with every sign-in; they choose a new one through a link that works once.

    :raises PersonRefused: if they also work for a city that is not the actor's to manage, or the account is closed.
    """
    with managing_people(city, now=now, by=by) as log:
        user = person_with_whole_account(city, user_id, by=by)
        if not user.is_active:
            raise PersonRefused(_("This account is closed; open it first."))
        user.set_unusable_password()
        user.save(update_fields=["password"])
        log.append("password_reset", subject=f"user:{user.pk}", facts={"user": user.pk})
        _end_all(log, user)
        return user


def remove_second_factors(*, city: City, user_id: int, now: datetime, by: Actor) -> int:
    """Take away somebody's passkeys, codes and recovery codes, for a phone that was lost; return how many.

    :raises PersonRefused: if they also work for a city that is not the actor's to manage.
    """
    with managing_people(city, now=now, by=by) as log:
        user = person_with_whole_account(city, user_id, by=by)
        removed, _rows = Authenticator.objects.filter(user=user).delete()
        if removed:
            log.append("second_factors_removed", subject=f"user:{user.pk}", facts={"user": user.pk, "count": removed})
        _end_all(log, user)
        return removed


def change_person(
    *,
    city: City,
    user_id: int,
    now: datetime,
    by: Actor,
    first_name: str,
    last_name: str,
    email: str,
    phone: str,
    language: str,
) -> User:
    """Correct how somebody is called and reached. The log says what was changed, not to what.

    :raises PersonRefused: if the address is none, or is another's here.
    """
    with managing_people(city, now=now, by=by) as log:
        user = person_with_whole_account(city, user_id, by=by)
        email = email.strip()
        if email:
            try:
                validate_email(email)
            except ValidationError as error:
                raise PersonRefused(" ".join(error.messages), field="email") from error
            if User.objects.filter(email__iexact=email).exclude(pk=user.pk).exists():
                # The identity provider knows people by this address, so it can be one person's only.
                raise PersonRefused(_("Somebody else here has this e-mail address."), field="email")
        wanted = {
            "first_name": one_line(first_name, limit=150),
            "last_name": one_line(last_name, limit=150),
            "email": email,
            "phone": one_line(phone, limit=32),
            "language": one_line(language, limit=12),
        }
        differing = sorted(field for field, value in wanted.items() if getattr(user, field) != value)
        for field in differing:
            setattr(user, field, wanted[field])
        if differing:
            user.save(update_fields=differing)
            log.append("person_changed", subject=f"user:{user.pk}", facts={"user": user.pk, "changed": differing})
        return user


def forget_ended_sign_ins(*, now: datetime) -> int:
    """Delete sign-ins that are over, with the addresses from which they came; return how many."""
    Session.objects.filter(expire_date__lt=now).delete()
    over = UserSession.objects.exclude(session_key__in=Session.objects.values("session_key"))
    forgotten, _rows = over.delete()
    return forgotten


def _end_all(log: Log, user: User) -> int:
    ended = _end(UserSession.objects.filter(user=user))
    if ended:
        log.append("sign_ins_ended", subject=f"user:{user.pk}", facts={"user": user.pk, "count": ended})
    return ended


def _end(rows: Any) -> int:
    keys = list(rows.values_list("session_key", flat=True))
    ended, _rows = Session.objects.filter(session_key__in=keys).delete()
    rows.delete()
    return ended

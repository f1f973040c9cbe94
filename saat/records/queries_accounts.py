"""Accounts as their owners and their city's administrators see them: sign-ins, second factors, who is meant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session

from saat.records.models import User


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """One place where somebody is signed in. id: how its owner names it. browser: what the browser says of itself."""

    id: int
    started_at: datetime
    address: str
    browser: str
    is_this: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection:
    """How an account is protected, beside its password. identities: names of the providers that sign it in."""

    passkeys: int
    codes: bool
    has_password: bool
    identities: tuple[str, ...]
    sign_ins: int


def sole_owner_of(addresses: Iterable[str]) -> User | None:
    """Return the one person with an open account under one of these e-mail addresses; None if nobody, or several."""
    found: dict[int, User] = {}
    for address in addresses:
        if address:
            found |= {user.pk: user for user in User.objects.filter(email__iexact=address, is_active=True)[:2]}
    return next(iter(found.values())) if len(found) == 1 else None


def sign_ins_of(user: User, *, session_key: str | None, now: datetime) -> list[SignIn]:
    """Return where somebody is signed in now, this place first, then the latest.

    session_key: of the session that asks.
    """
    rows = list(UserSession.objects.filter(user=user).order_by("-created_at"))
    keys = [row.session_key for row in rows]
    living = set(Session.objects.filter(session_key__in=keys, expire_date__gt=now).values_list("pk", flat=True))
    found = [
        SignIn(
            id=row.pk,
            started_at=row.created_at,
            address=row.ip,
            browser=row.user_agent,
            is_this=row.session_key == session_key,
        )
        for row in rows
        if row.session_key in living
    ]
    return sorted(found, key=lambda sign_in: not sign_in.is_this)


def protection_of(user: User, *, now: datetime) -> Protection:
    """Return how an account is protected; four queries."""
    kinds = list(Authenticator.objects.filter(user=user).values_list("type", flat=True))
    return Protection(
        passkeys=kinds.count(Authenticator.Type.WEBAUTHN),
        codes=Authenticator.Type.TOTP in kinds,
        has_password=user.has_usable_password(),
        identities=tuple(
            SocialAccount.objects.filter(user=user).order_by("provider").values_list("provider", flat=True)
        ),
        sign_ins=len(sign_ins_of(user, session_key=None, now=now)),
    )

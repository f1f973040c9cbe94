"""Who calls the API: a signed-in official, or a partner with a key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from ninja.security import HttpBearer
from ninja.security.apikey import APIKeyCookie
from ninja.utils import check_csrf

from saat.actions.access import count_use
from saat.actions.log import Actor, NotAllowed, NotFound
from saat.records import queries_access, queries_worklist
from saat.records.models import ApiKey, City, User
from saat.records.scope import Grant, Reach, reach_of
from saat.terms.case import Role


class NotSignedIn(Exception):
    """A key was shown that is not valid, or a form came without its CSRF token. status: 401 or 403."""

    def __init__(self, message: str, *, status: int = 401) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who calls, and what they may see. Exactly one of user and key is there."""

    reach: Reach
    actor: Actor
    now: datetime
    user: User | None = None
    key: ApiKey | None = None

    def city(self, jurisdiction_id: str = "") -> City:
        """Return the city that is meant: the one named, or the caller's first.

        :raises NotFound: if the caller has nothing to do with it.
        """
        cities = queries_worklist.cities(self.reach) if self.key is None else [self.key.city]
        if jurisdiction_id:
            cities = [city for city in cities if city.jurisdiction_id == jurisdiction_id]
        if not cities:
            raise NotFound(_("There is no such city for you."))
        return cities[0]

    def person(self) -> User:
        """Return the signed-in person.

        :raises NotAllowed: for a key.
        """
        if self.user is None:
            raise NotAllowed(_("Only a signed-in person can do this, not a key."))
        return self.user


class KeyCaller(HttpBearer):
    """`Authorization: Bearer saat_…`: a partner's key.

    Any key may bring reports; one that is trusted reads its city's cases as an auditor does. No key acts on a case.
    """

    openapi_name = "Key"

    def authenticate(self, request: HttpRequest, token: str) -> Caller:
        now = timezone.now()
        known = queries_access.key_of(token.strip(), now=now)
        if known is None:
            raise NotSignedIn(_("This key is not valid, or not any more."))
        count_use(key=known.key, now=now)
        grants = (Grant(city_id=known.city.pk, role=Role.AUDITOR),) if known.key.trusted else ()
        reach = Reach(user_id=0, grants=grants)
        return Caller(reach=reach, actor=Actor(kind="partner", id=known.key.pk), now=now, key=known.key)


class SessionCaller(APIKeyCookie):
    """The cookie of a signed-in official; whatever changes something needs the CSRF token as well."""

    param_name = settings.SESSION_COOKIE_NAME
    openapi_name = "Session"

    def _get_key(self, request: HttpRequest) -> str | None:
        cookie = request.COOKIES.get(self.param_name)
        if cookie and check_csrf(request):
            raise NotSignedIn(_("The CSRF token is missing or wrong. Send it as X-CSRFToken."), status=403)
        return cookie

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:
        user = request.user
        if not isinstance(user, User) or not user.is_active:
            return None
        reach = reach_of(user)
        actor = Actor(kind="user", id=user.pk, user=user, reach=reach)
        return Caller(reach=reach, actor=actor, now=timezone.now(), user=user)


def caller_of(request: HttpRequest) -> Caller:
    """Return who makes this request, after it was let in."""
    found: Any = request.auth  # type: ignore[attr-defined]
    assert isinstance(found, Caller)
    return found

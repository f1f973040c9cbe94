"""Accounts as their owners and their city's administrators see them: sign-ins, second factors, roles, who is meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount
from allauth.usersessions.models import UserSession
from django.contrib.sessions.models import Session
from django.db.models import Q

from saat.records.models import Area, AreaName, City, Contractor, Crew, Membership, User
from saat.records.queries_areas import names_by_area
from saat.terms.case import Role

MOST = 500


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
    sign_ins: tuple[SignIn, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleRow:
    """One role of a person.

    where: the area's name by language, or {"": name} of a contractor or crew; {} for the whole city.
    """

    membership_id: int
    role: Role
    where: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody who works for a city, with the roles in this city."""

    user: User
    roles: tuple[RoleRow, ...]
    second_factors: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a role can be held. key: "area:12", "contractor:3" or "crew:4". depth: of an area, 0 for the city."""

    key: str
    names: dict[str, str]
    depth: int = 0


def sole_owner_of(addresses: Iterable[str]) -> User | None:
    """Return the one person with an open account under one of these e-mail addresses; None if nobody, or several."""
    found: dict[int, User] = {}
    for address in addresses:
        if address:
            found |= {user.pk: user for user in User.objects.filter(email__iexact=address, is_active=True)[:2]}
    return next(iter(found.values())) if len(found) == 1 else None


def sign_ins_of(user: User, *, session_key: str | None, now: datetime) -> list[SignIn]:
    """Return where somebody is signed in now, this place first, then the latest; two queries.

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
    identities = SocialAccount.objects.filter(user=user).order_by("provider").values_list("provider", flat=True)
    return Protection(
        passkeys=kinds.count(Authenticator.Type.WEBAUTHN),
        codes=Authenticator.Type.TOTP in kinds,
        has_password=user.has_usable_password(),
        identities=tuple(identities),
        sign_ins=tuple(sign_ins_of(user, session_key=None, now=now)),
    )


def people_in(city: City, *, words: str = "", role: str = "") -> list[Person]:
    """Return the people with a role in a city, by user name, at most `MOST`; four queries.

    words: part of a name, an address or a number. role: only those who hold it.
    """
    holders = Membership.objects.filter(city=city)
    if role:
        holders = holders.filter(role=role)
    users = User.objects.filter(pk__in=holders.values("user_id"))
    for word in words.split()[:5]:
        users = users.filter(
            Q(username__icontains=word)
            | Q(first_name__icontains=word)
            | Q(last_name__icontains=word)
            | Q(email__icontains=word)
            | Q(phone__icontains=word)
        )
    return _with_roles(city, list(users.order_by("-is_active", "username")[:MOST]))


def person_in(city: City, user_id: int) -> Person | None:
    """Return one person of a city, or None if nobody of this number has a role there."""
    users = list(User.objects.filter(pk=user_id, memberships__city=city).distinct())
    return _with_roles(city, users)[0] if users else None


def works_elsewhere(city: City, user_id: int) -> bool:
    """Return whether somebody has a role in another city too."""
    return Membership.objects.filter(user_id=user_id).exclude(city=city).exists()


def _with_roles(city: City, users: list[User]) -> list[Person]:
    ids = [user.pk for user in users]
    rows = list(
        Membership.objects.filter(city=city, user_id__in=ids)
        .select_related("contractor", "crew")
        .order_by("role", "pk")
    )
    areas = names_by_area([row.area_id for row in rows if row.area_id is not None])
    factors = Counter(
        Authenticator.objects.filter(user_id__in=ids)
        .exclude(type=Authenticator.Type.RECOVERY_CODES)
        .values_list("user_id", flat=True)
    )
    roles: dict[int, list[RoleRow]] = {}
    for row in rows:
        where = areas.get(row.area_id, {}) if row.area_id is not None else {}
        if row.crew is not None or row.contractor is not None:
            where = {"": str(row.crew or row.contractor)}
        roles.setdefault(row.user_id, []).append(RoleRow(membership_id=row.pk, role=Role(row.role), where=where))
    return [Person(user=user, roles=tuple(roles.get(user.pk, ())), second_factors=factors[user.pk]) for user in users]


def places_for_roles(city: City) -> dict[str, list[Place]]:
    """Return where a role can be held in a city, as "areas" (in the order of the tree), "contractors" and "crews"."""
    names: dict[int, dict[str, str]] = {}
    for area_id, language, text in AreaName.objects.filter(city=city).values_list("area_id", "language", "text"):
        names.setdefault(area_id, {})[language] = text
    areas = sorted(
        Area.objects.filter(city=city, level__gt=0), key=lambda area: [int(i) for i in area.path.split("/") if i]
    )
    return {
        "areas": [Place(key=f"area:{area.pk}", names=names.get(area.pk, {}), depth=area.level) for area in areas],
        "contractors": [
            Place(key=f"contractor:{row.pk}", names={"": row.name})
            for row in Contractor.objects.filter(city=city, active=True).order_by("name")
        ],
        "crews": [
            Place(
                key=f"crew:{row.pk}", names={"": f"{row.contractor.name}: {row.name}" if row.contractor else row.name}
            )
            for row in Crew.objects.filter(city=city, active=True).select_related("contractor").order_by("name")
        ],
    }

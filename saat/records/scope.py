"""What a person may see, decided once and put into every query.

A person's memberships say: in this city, as this, in this area (or for this contractor, or in this crew). Everything
that serves a person starts from one of the functions here; nothing else decides who sees what.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db import connection
from django.db.models import Q, QuerySet

from saat.records.models import Area, Case, City, User
from saat.terms.case import Role

# These see cases of their area (or of the whole city); the others see what was handed to them.
AREA_ROLES = frozenset(Role) - {Role.CONTRACTOR, Role.CREW}
# Asked at every request, and therefore written out: Django would make it anew each time.
_GRANTS = """
    SELECT m.city_id, m.role, m.area_id, a.path, m.contractor_id, m.crew_id
    FROM records_membership m LEFT JOIN records_area a ON a.id = m.area_id
    WHERE m.user_id = %s ORDER BY m.id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One membership as a value. area_path: "/1/5/", or "" for the whole city."""

    city_id: int
    role: Role
    area_id: int | None = None
    area_path: str = ""
    contractor_id: int | None = None
    crew_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """Everything that one person is, in every city."""

    user_id: int
    grants: tuple[Grant, ...] = field(default_factory=tuple)

    def roles_in(self, *, city_id: int, area_path: str, contractor_id: int | None, crew_id: int | None) -> set[Role]:
        """Return as what this person sees something that lies in an area and was handed to a contractor or crew."""
        roles = set()
        for grant in self.grants:
            if grant.city_id != city_id:
                continue
            if grant.role == Role.CONTRACTOR:
                fits = grant.contractor_id is not None and grant.contractor_id == contractor_id
            elif grant.role == Role.CREW:
                fits = grant.crew_id is not None and grant.crew_id == crew_id
            else:
                fits = not grant.area_path or area_path.startswith(grant.area_path)
            if fits:
                roles.add(grant.role)
        return roles

    def roles_for(self, case: Case) -> set[Role]:
        """Return as what this person sees a case; empty if not at all. The case's area must be loaded with it."""
        path = case.area.path if case.area_id and case.area else ""
        return self.roles_in(
            city_id=case.city_id, area_path=path, contractor_id=case.contractor_id, crew_id=case.crew_id
        )

    def cities(self, roles: Iterable[Role] = Role) -> set[int]:
        """Return the cities in which this person has one of these roles."""
        wanted = set(roles)
        return {grant.city_id for grant in self.grants if grant.role in wanted}


def reach_of(user: User) -> Reach:
    """Return what a person is; one query. Nobody, if the account is not active."""
    if not user.is_authenticated or not user.is_active:
        return Reach(user_id=user.pk or 0)
    with connection.cursor() as cursor:
        cursor.execute(_GRANTS, [user.pk])
        rows = cursor.fetchall()
    return Reach(
        user_id=user.pk,
        grants=tuple(
            Grant(
                city_id=city_id,
                role=Role(role),
                area_id=area_id,
                area_path=area_path or "",
                contractor_id=contractor_id,
                crew_id=crew_id,
            )
            for city_id, role, area_id, area_path, contractor_id, crew_id in rows
        ),
    )


def visible(reach: Reach) -> Q:
    """Return the condition on `Case` that holds a query to what a person may see."""
    condition = Q(pk__in=[])
    for grant in reach.grants:
        if grant.role == Role.CONTRACTOR:
            condition |= Q(city_id=grant.city_id, contractor_id=grant.contractor_id)
        elif grant.role == Role.CREW:
            condition |= Q(city_id=grant.city_id, crew_id=grant.crew_id)
        elif grant.area_path:
            inside = Area.objects.filter(city_id=grant.city_id, path__startswith=grant.area_path).values("pk")
            condition |= Q(area_id__in=inside)
        else:
            condition |= Q(city_id=grant.city_id)
    return condition


def cases_for(user: User, *, reach: Reach | None = None) -> QuerySet[Case]:
    """Return the cases that a person may see, in no order."""
    return Case.objects.filter(visible(reach or reach_of(user)))


def cities_for(user: User, *, reach: Reach | None = None) -> QuerySet[City]:
    """Return the cities in which a person has any role."""
    return City.objects.filter(pk__in=(reach or reach_of(user)).cities())

"""Who works in a city and as what; for the city's own administrators."""

from __future__ import annotations

from dataclasses import dataclass

from saat.records.models import City, Membership
from saat.records.queries_areas import names_by_area


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonRow:
    """One role of one person. where: the area, contractor or crew by name, "" for the whole city."""

    membership_id: int
    user_id: int
    username: str
    name: str
    role: str
    where: str
    active: bool


def people_of(city: City) -> list[PersonRow]:
    """Return everybody's roles in a city, by user name; two queries."""
    rows = list(
        Membership.objects.filter(city=city)
        .select_related("user", "contractor", "crew")
        .order_by("user__username", "role")
    )
    names = names_by_area([row.area_id for row in rows if row.area_id is not None])
    return [
        PersonRow(
            membership_id=row.pk,
            user_id=row.user_id,
            username=row.user.username,
            name=row.user.get_full_name(),
            role=row.role,
            where=_where(row, names),
            active=row.user.is_active,
        )
        for row in rows
    ]


def _where(row: Membership, names: dict[int, dict[str, str]]) -> str:
    if row.crew is not None:
        return row.crew.name
    if row.contractor is not None:
        return row.contractor.name
    if row.area_id is None:
        return ""
    own = names.get(row.area_id, {})
    return own.get("en") or next(iter(own.values()), f"area {row.area_id}")

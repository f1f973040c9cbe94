"""The work list: which cases, in which order, and what each row shows."""

from __future__ import annotations

from saat.records.models import Alert, City
from saat.records.scope import Reach


def cities(reach: Reach) -> list[City]:
    """Return the cities in which a person has a role, by name; one query."""
    return list(City.objects.filter(pk__in=reach.cities()).order_by("jurisdiction_id"))


def unanswered_alerts(reach: Reach) -> int:
    """Return how many alerts wait for this person's answer; one query."""
    return Alert.objects.filter(
        user_id=reach.user_id, acknowledged_at__isnull=True, passed_on_at__isnull=True
    ).count()

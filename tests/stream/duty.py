"""Turns of duty for tests of the stream."""

from __future__ import annotations

from saat.records.models import Duty
from tests.hall import Hall, later


def on_duty(hall: Hall, who: str, *, area: str | None = None) -> Duty:
    """Put somebody on duty for a sangkat, or for the whole city, for long enough."""
    return Duty.objects.create(
        city=hall.city,
        user=hall.people[who],
        area=hall.ground.sangkats[area] if area else None,
        starts_at=later(hours=-1),
        ends_at=later(days=60),
    )

"""Figures by which an operator sees whether Saat keeps up."""

from __future__ import annotations

from saat.records.models import Case, Event, Outbox


def gauges() -> dict[str, tuple[str, float]]:
    """Return name → (help text, value); public, so without anything about a person or a place."""
    waiting = Outbox.objects.filter(sent_at__isnull=True, dead_at__isnull=True)
    last = Event.objects.order_by("-id").values_list("id", flat=True).first()
    return {
        "open_cases": ("Cases that are not closed.", Case.objects.filter(closed_at__isnull=True).count()),
        "outbox_waiting": ("Messages that wait to be sent.", waiting.count()),
        "outbox_dead": ("Messages that were given up.", Outbox.objects.filter(dead_at__isnull=False).count()),
        "last_event_id": ("The number of the latest event.", last or 0),
    }

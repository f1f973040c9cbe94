"""Figures by which an operator sees whether Saat keeps up."""

from __future__ import annotations

from datetime import datetime

from saat.records.models import Alert, Case, Event, Outbox


def gauges(*, now: datetime) -> dict[str, tuple[str, float]]:
    """Return name → (help text, value); public, so without anything about a person or a place."""
    waiting = Outbox.objects.filter(sent_at__isnull=True, dead_at__isnull=True)
    oldest = waiting.order_by("next_try_at").values_list("next_try_at", flat=True).first()
    rungs = Case.objects.filter(next_escalation_at__isnull=False, next_escalation_at__lte=now)
    alerts = Alert.objects.filter(acknowledged_at__isnull=True, passed_on_at__isnull=True)
    last = Event.objects.order_by("-id").values_list("id", flat=True).first()
    late_s = max(0.0, (now - oldest).total_seconds()) if oldest else 0.0
    return {
        "open_cases": ("Cases that are not closed.", Case.objects.filter(closed_at__isnull=True).count()),
        "outbox_waiting": ("Messages that wait to be sent.", waiting.count()),
        "outbox_late_seconds": ("How long the message that is due longest should have been tried already.", late_s),
        "outbox_dead": ("Messages that were given up.", Outbox.objects.filter(dead_at__isnull=False).count()),
        "escalations_due": ("Cases that the deadline clock should have looked at already.", rungs.count()),
        "alerts_unanswered": ("Alerts that wait for an answer.", alerts.count()),
        "last_event_id": ("The number of the latest event.", last or 0),
    }

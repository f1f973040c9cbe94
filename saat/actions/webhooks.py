"""Each event becomes a message for every address that wants to be told of it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from saat.records.models import Event, Outbox, WebhookEndpoint

_BATCH = 500


def fan_out_webhooks(*, now: datetime) -> int:
    """Queue what happened since the last time for every endpoint; return how many messages were queued.

    Two workers at once queue each message once: the endpoint's row is locked, and the outbox knows the key.
    """
    queued = 0
    for pk, city_id, last_event_id in WebhookEndpoint.objects.filter(active=True).values_list(
        "pk", "city_id", "last_event_id"
    ):
        # The common case, that nothing happened, writes nothing.
        while Event.objects.filter(city_id=city_id, pk__gt=last_event_id).exists():
            last_event_id, made = _fan_out(endpoint_id=pk, now=now)
            queued += made
    return queued


@transaction.atomic
def _fan_out(*, endpoint_id: int, now: datetime) -> tuple[int, int]:
    """Queue the next events for one endpoint; return up to which event it was told, and how many were queued."""
    endpoint = WebhookEndpoint.objects.select_for_update().get(pk=endpoint_id)
    events = list(
        Event.objects.filter(city_id=endpoint.city_id, pk__gt=endpoint.last_event_id)
        .order_by("pk")
        .values_list("pk", "kind", "case_id")[:_BATCH]
    )
    if not events:
        return endpoint.last_event_id, 0
    # Whoever asks for everything means what happens to cases, not who signed in or got a role.
    wanted = [pk for pk, kind, case_id in events if (kind in endpoint.kinds if endpoint.kinds else case_id is not None)]
    if endpoint.active:
        Outbox.objects.bulk_create(
            [
                Outbox(
                    city_id=endpoint.city_id,
                    kind="webhook",
                    dedupe_key=f"webhook:{endpoint_id}:{event_id}",
                    facts={"endpoint": endpoint_id, "event": event_id},
                    queued_at=now,
                    next_try_at=now,
                )
                for event_id in wanted
            ],
            ignore_conflicts=True,
        )
    endpoint.last_event_id = events[-1][0]
    endpoint.save(update_fields=["last_event_id"])
    return endpoint.last_event_id, len(wanted)

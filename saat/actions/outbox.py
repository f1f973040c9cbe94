"""Messages to be sent: queued with the change that causes them, sent by the stream, once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

from saat.records.models import Outbox

# Seconds to wait after the first, second, … failure; after the last the message is dead and shown to the administrator.
BACKOFF_S = (30, 120, 600, 1800, 7200, 21600, 43200, 86400)
LEASE = timedelta(minutes=2)


def queue(*, city_id: int, kind: str, dedupe_key: str, facts: dict[str, Any], now: datetime) -> None:
    """Queue a message inside the caller's transaction; the same `dedupe_key` is queued once for ever.

    facts: ids only; addresses and names are looked up when it is sent, so that somebody who withdrew gets nothing.
    """
    Outbox.objects.bulk_create(
        [Outbox(city_id=city_id, kind=kind, dedupe_key=dedupe_key[:120], facts=facts, queued_at=now, next_try_at=now)],
        ignore_conflicts=True,
    )


def withdraw(*, city_id: int, kind: str, case_id: int, now: datetime) -> None:
    """Take back what nobody is sending yet of one kind about one case, because it is not true any more."""
    waiting = Outbox.objects.filter(city_id=city_id, kind=kind, sent_at__isnull=True, dead_at__isnull=True)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    waiting.filter(free, facts__case=case_id).delete()


@transaction.atomic
def lease(*, now: datetime, most: int = 50, kinds: tuple[str, ...] = ()) -> list[Outbox]:
    """Return messages that are due, reserved for this worker for `LEASE`; several workers never get the same.

    A worker that dies leaves its lease to run out; the message is then tried again. kinds: prefixes, none means all.
    """
    due = Outbox.objects.filter(sent_at__isnull=True, dead_at__isnull=True, next_try_at__lte=now)
    due = due.filter(Q(lease_until__isnull=True) | Q(lease_until__lt=now))
    if kinds:
        either = Q(pk__in=[])
        for kind in kinds:
            either |= Q(kind__startswith=kind)
        due = due.filter(either)
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    rows = list(due.order_by("next_try_at")[:most])
    Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(lease_until=now + LEASE)
    return rows


def mark_sent(*, outbox_id: int, now: datetime) -> None:
    """Write down that a message was handed over."""
    Outbox.objects.filter(pk=outbox_id).update(sent_at=now, lease_until=None, last_error="")


@transaction.atomic
def mark_failed(*, outbox_id: int, why: str, now: datetime, for_good: bool = False) -> None:
    """Write down why a message could not be handed over, and when it is tried again, if at all."""
    row = Outbox.objects.select_for_update().get(pk=outbox_id)
    row.attempts += 1
    row.last_error = why[:300]
    row.lease_until = None
    if for_good or row.attempts > len(BACKOFF_S):
        row.dead_at = now
    else:
        row.next_try_at = now + timedelta(seconds=BACKOFF_S[row.attempts - 1])
    row.save()


@transaction.atomic
def send_again(*, outbox_id: int, now: datetime) -> None:
    """Give a dead message another round of tries."""
    Outbox.objects.filter(pk=outbox_id, dead_at__isnull=False).update(
        dead_at=None, attempts=0, next_try_at=now, lease_until=None
    )

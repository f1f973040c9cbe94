"""Messages to be sent: queued with the change that causes them, sent by the stream, once."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from saat.actions.log import Actor, NotFound, writing
from saat.records.models import Outbox

# Seconds to wait after the first, second, … failure; after the last the message is dead and shown to the administrator.
BACKOFF_S = (30, 120, 600, 1800, 7200, 21600, 43200, 86400)
LEASE = timedelta(minutes=2)
# Nothing may take longer to send than this; a lease with less of it left is renewed first.
LONGEST = timedelta(minutes=1)
# What was sent is kept so long, to answer questions. Keys never come back, so nothing is sent twice by forgetting.
KEPT = timedelta(days=90)


def queue(*, city_id: int, kind: str, dedupe_key: str, facts: dict[str, Any], now: datetime) -> None:
    """Queue a message inside the caller's transaction; the same `dedupe_key` is queued once for ever.

    facts: ids only; addresses and names are looked up when it is sent, so that somebody who withdrew gets nothing.
    """
    queue_all(city_id=city_id, kind=kind, messages=[(dedupe_key, facts)], now=now)


def queue_all(*, city_id: int, kind: str, messages: Iterable[tuple[str, dict[str, Any]]], now: datetime) -> None:
    """Queue several messages of one kind, each as (dedupe_key, facts), in one query."""
    rows = [
        Outbox(city_id=city_id, kind=kind, dedupe_key=key[:120], facts=facts, queued_at=now, next_try_at=now)
        for key, facts in messages
    ]
    if rows:
        Outbox.objects.bulk_create(rows, ignore_conflicts=True, batch_size=500)


def withdraw(*, city_id: int, kind: str, case_id: int, now: datetime) -> None:
    """Take back what nobody is sending yet of one kind about one case, because it is not true any more."""
    waiting = Outbox.objects.filter(city_id=city_id, kind=kind, sent_at__isnull=True, dead_at__isnull=True)
    free = Q(lease_until__isnull=True) | Q(lease_until__lt=now)
    waiting.filter(free, facts__case=case_id).delete()


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
    if not due.exists():
        return []  # most of the time; nobody has to wait for a lock for that
    if connection.features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True)
    with transaction.atomic():
        rows = list(due.order_by("next_try_at")[:most])
        Outbox.objects.filter(pk__in=[row.pk for row in rows]).update(lease_until=now + LEASE)
    for row in rows:
        row.lease_until = now + LEASE
    return rows


def still_leased(row: Outbox, *, now: datetime) -> bool:
    """Return whether a message is still this worker's to send, and for long enough; to be asked before each sending.

    A worker that was held up by the messages before, longer than its lease, lets go of what another may have taken.
    """
    if row.lease_until is not None and row.lease_until - now >= LONGEST:
        return True
    mine = Outbox.objects.filter(pk=row.pk, lease_until=row.lease_until, sent_at__isnull=True, dead_at__isnull=True)
    renewed = mine.update(lease_until=now + LEASE)
    row.lease_until = now + LEASE
    return bool(renewed)


def mark_sent(*, outbox_id: int, now: datetime) -> None:
    """Write down that a message was handed over."""
    Outbox.objects.filter(pk=outbox_id, sent_at__isnull=True).update(
        sent_at=now, dead_at=None, lease_until=None, last_error=""
    )


@transaction.atomic
def mark_failed(*, outbox_id: int, why: str, now: datetime, for_good: bool = False) -> None:
    """Write down why a message could not be handed over, and when it is tried again, if at all."""
    row = Outbox.objects.select_for_update().filter(pk=outbox_id, sent_at__isnull=True, dead_at__isnull=True).first()
    if row is None:
        return  # another worker has dealt with it meanwhile
    row.attempts += 1
    row.last_error = " ".join(why.split())[:300]
    row.lease_until = None
    if for_good or row.attempts > len(BACKOFF_S):
        row.dead_at = now
    else:
        row.next_try_at = now + timedelta(seconds=BACKOFF_S[row.attempts - 1])
    row.save()


def send_again(*, outbox_id: int, now: datetime, by: Actor) -> None:
    """Give a dead message another round of tries.

    :raises NotFound: if there is no such message in a city whose links are this person's to manage, or it is not dead.
    """
    row = Outbox.objects.filter(pk=outbox_id).first()
    if row is None or not by.may_in_city("manage_links", row.city_id):
        raise NotFound(_("There is no such message."))
    with writing(row.city_id, now=now, by=by) as log:
        dead = Outbox.objects.filter(pk=outbox_id, dead_at__isnull=False)
        if not dead.update(dead_at=None, attempts=0, next_try_at=now, lease_until=None):
            raise NotFound(_("This message is being sent already."))
        facts = {"outbox": outbox_id, "kind": row.kind}
        log.append("message_revived", case_id=row.facts.get("case"), subject=f"outbox:{outbox_id}", facts=facts)


def forget_sent(*, now: datetime) -> int:
    """Delete what was sent long ago; return how many messages."""
    forgotten, _rows = Outbox.objects.filter(sent_at__lt=now - KEPT).delete()
    return forgotten


def forget_waiting(*, city_id: int, now: datetime) -> int:
    """Put aside what waits to be sent in a city, as if it had been sent; for a demo, whose people are invented."""
    waiting = Outbox.objects.filter(city_id=city_id, sent_at__isnull=True, dead_at__isnull=True)
    return waiting.update(sent_at=now, lease_until=None)

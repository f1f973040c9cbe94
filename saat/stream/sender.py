"""Sends what waits in the outbox: once, with back-off, and never slower for a provider that hangs.

Each kind of message has its own thread, so that a mail server that does not answer holds up no webhook.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime

from saat.actions import outbox
from saat.links.email.client import EmailClient, NotSent
from saat.links.webhook.client import WebhookClient, WebhookNotSent
from saat.records.models import Outbox
from saat.records.queries_webhooks import delivery_of
from saat.stream.letters import Desk, letter_of

log = logging.getLogger(__name__)

LETTERS = ("reporter.", "official.", "worker.")
_AT_ONCE = 8


def send_letters(*, client: EmailClient, desk: Desk, now: Callable[[], datetime], most: int = 50) -> int:
    """Send the letters that are due; return how many rows were dealt with, whatever came of them."""
    return send_due(kinds=LETTERS, send=lambda row: _send_letter(row, client=client, desk=desk), now=now, most=most)


def _send_letter(row: Outbox, *, client: EmailClient, desk: Desk) -> None:
    letter = letter_of(row, desk=desk)
    if letter is not None:  # otherwise the person withdrew, or the alert was answered: there is nothing to send
        client.send(letter)


def send_webhooks(*, client: WebhookClient, now: Callable[[], datetime], most: int = 16) -> int:
    """Send the webhooks that are due; return how many rows were dealt with, whatever came of them.

    Several at once, so that an address that hangs holds up no other, and all of them well within their lease.
    """
    rows = outbox.lease(now=now(), most=most, kinds=("webhook",))
    if not rows:
        return 0
    deliveries = [delivery_of(row.facts) for row in rows]
    with ThreadPoolExecutor(max_workers=_AT_ONCE, thread_name_prefix="webhook") as pool:
        # Nothing in these threads reads or writes a table. Without a delivery there is nobody to tell any more.
        tries = [pool.submit(client.send, told, now=now()) if told else None for told in deliveries]
    for row, tried in zip(rows, tries, strict=True):
        _settle(row, tried.exception() if tried else None, now=now())
    return len(rows)


def send_due(
    *, kinds: tuple[str, ...], send: Callable[[Outbox], None], now: Callable[[], datetime], most: int = 50
) -> int:
    """Hand each due row of some kinds to `send`, and write down what came of it; return how many rows there were.

    send: raises an exception if the row was not sent; its attribute `for_good`, if true, ends the tries.
    """
    rows = outbox.lease(now=now(), most=most, kinds=kinds)
    for row in rows:
        if not outbox.still_leased(row, now=now()):
            continue
        error: BaseException | None = None
        try:
            send(row)
        except Exception as raised:  # noqa: BLE001 - one bad row must not stop the others; it is written down and shown
            error = raised
        _settle(row, error, now=now())
    return len(rows)


def _settle(row: Outbox, error: BaseException | None, *, now: datetime) -> None:
    """Write down what came of one row."""
    if error is None:
        outbox.mark_sent(outbox_id=row.pk, now=now)
        return
    if not isinstance(error, NotSent | WebhookNotSent):
        log.warning("Outbox row %s (%s) was not sent: %s", row.pk, row.kind, error)
    for_good = bool(getattr(error, "for_good", False))
    outbox.mark_failed(outbox_id=row.pk, why=str(error) or type(error).__name__, now=now, for_good=for_good)

"""Sends what waits in the outbox: once, with back-off, and never slower for a provider that hangs.

Each kind of message has its own thread, so that a mail server that does not answer holds up no webhook.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from saat.actions import outbox
from saat.links.email.client import EmailClient, NotSent
from saat.records.models import Outbox
from saat.stream.letters import Desk, letter_of

log = logging.getLogger(__name__)

LETTERS = ("reporter.", "official.", "worker.")


def send_letters(*, client: EmailClient, desk: Desk, now: Callable[[], datetime], most: int = 50) -> int:
    """Send the letters that are due; return how many rows were dealt with, whatever came of them."""
    return send_due(kinds=LETTERS, send=lambda row: _send_letter(row, client=client, desk=desk), now=now, most=most)


def _send_letter(row: Outbox, *, client: EmailClient, desk: Desk) -> None:
    letter = letter_of(row, desk=desk)
    if letter is not None:  # otherwise the person withdrew, or the alert was answered: there is nothing to send
        client.send(letter)


def send_due(
    *, kinds: tuple[str, ...], send: Callable[[Outbox], None], now: Callable[[], datetime], most: int = 50
) -> int:
    """Hand each due row of some kinds to `send`, and write down what came of it; return how many rows there were.

    send: raises an exception if the row was not sent; its attribute `for_good`, if true, ends the tries.
    """
    rows = outbox.lease(now=now(), most=most, kinds=kinds)
    for row in rows:
        try:
            send(row)
        except Exception as error:  # noqa: BLE001 - one bad row must not stop the others; it is written down and shown
            for_good = bool(getattr(error, "for_good", False))
            if not isinstance(error, NotSent):
                log.warning("Outbox row %s (%s) was not sent: %s", row.pk, row.kind, error)
            outbox.mark_failed(outbox_id=row.pk, why=str(error) or type(error).__name__, now=now(), for_good=for_good)
        else:
            outbox.mark_sent(outbox_id=row.pk, now=now())
    return len(rows)

"""What is sent to an address that wants to be told of events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookDelivery:
    """One event for one endpoint.

    event_id: the same for every try, so that the receiver can tell a repetition. actor: what kind of actor it was,
    never who. data: facts without personal data.
    """

    url: str
    secret: str
    event_id: str
    jurisdiction_id: str
    kind: str
    subject: str
    at: datetime
    actor: str
    data: dict[str, Any]

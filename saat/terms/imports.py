"""A case of another system, in our own words."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from datetime import datetime

from saat.terms.case import Channel, Ending
from saat.terms.geo import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportedReport:
    """One case of another system as an import takes it in.

    source_id: its own id there, unique within its source. opened_at, due_at, closed_at: aware; due_at None where the
    other system promised nothing. ending, reason_code: what it claims, where it is closed. parent_id: the source_id of
    the case of which it is a duplicate, "" for none. closing_text: what the office wrote when it closed it. on_time:
    what the other system says of the promise, None where it says nothing. attributes: further columns, by name.
    """

    source_id: str
    service_code: str
    opened_at: datetime
    due_at: datetime | None = None
    closed_at: datetime | None = None
    ending: Ending | None = None
    reason_code: str = ""
    parent_id: str = ""
    words: str = ""
    address: str = ""
    point: Point | None = None
    closing_text: str = ""
    on_time: bool | None = None
    channel: Channel = Channel.IMPORT
    language: str = ""
    media_url: str = ""
    attributes: tuple[tuple[str, str], ...] = ()

    def digest(self) -> str:
        """Return the SHA-256 of all of it in hexadecimal, by which a row that changed is known."""
        return hashlib.sha256(repr(astuple(self)).encode()).hexdigest()

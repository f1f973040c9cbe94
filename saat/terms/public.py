"""What outsiders may know of a report and of what became of it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from saat.terms.case import Ending, State
from saat.terms.geo import Point
from saat.terms.policy import Names


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicPhoto:
    """A photo that an official, or the policy, lets the public see. kind: report or proof. width, height: pixels."""

    photo_id: int
    kind: str
    width: int
    height: int
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicNote:
    """One step in a case's history that everybody may know. kind: the event's kind. at: aware."""

    at: datetime
    kind: str
    state: State
    ending: Ending | None = None
    reason_code: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicRequest:
    """One report as a given reader may see it; nothing in it tells who sent it.

    words, address: what the reporter wrote, without numbers and addresses of people unless the reader brought the
    report or is trusted. point: coarsened for the same readers; None where nothing tells the place. grain: how the
    place is known: "point", "place" (the landmark's position), "area" (the middle of the area), or "" for not at all.
    names: of the landmark and the areas, the most specific first. updated_at: when the case was closed, once it is.
    """

    service_request_id: int
    service_code: str
    case_code: str
    case_service_code: str
    state: State
    ending: Ending | None
    reason_code: str
    channel: str
    words: str
    address: str
    address_id: str
    names: tuple[Names, ...]
    point: Point | None
    grain: str
    media_url: str
    requested_at: datetime
    updated_at: datetime
    due_at: datetime
    voices: int
    reopened: int
    attributes: tuple[tuple[str, str], ...] = ()
    photos: tuple[PublicPhoto, ...] = ()
    notes: tuple[PublicNote, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PublicUpdate:
    """What happened to one report at one moment, for partners that follow it.

    update_id: unique and stable. text: a message of the office to the reporter, given only to whoever brought the
    report; otherwise "".
    """

    update_id: str
    service_request_id: int
    note: PublicNote
    text: str = ""
    photo_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestFilter:
    """Which reports somebody asks for. Every part that is None or empty limits nothing.

    ids: overrides all other parts. start, end: of the report's own moment, both included. updated_after,
    updated_before: of the case's latest change. box: south, west, north, east in degrees. centre, radius_m: a circle.
    page: from 1. page_size: 1 to 1,000. extended: with photos and history.
    """

    ids: tuple[int, ...] | None = None
    service_codes: tuple[str, ...] = ()
    start: datetime | None = None
    end: datetime | None = None
    is_closed: bool | None = None
    updated_after: datetime | None = None
    updated_before: datetime | None = None
    box: tuple[float, float, float, float] | None = None
    centre: Point | None = None
    radius_m: float = 0.0
    page: int = 1
    page_size: int = 1000
    extended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PostedUpdate:
    """What another system says of one of our reports.

    update_id: its own id for it. status: its word for where the matter stands, in FixMyStreet's vocabulary, such as
    IN_PROGRESS or FIXED. said_at: its clock (aware), or None.
    """

    service_request_id: int
    update_id: str
    status: str
    words: str
    said_at: datetime | None
    media_url: str = ""


_EMAIL = re.compile(r"[^\s@<>()\[\]]+@[^\s@<>()\[\]]+\.[^\s@<>()\[\]]+")
# Seven digits and more, in any script, with what people put between them; moments and coordinates are shorter runs.
_NUMBER = re.compile(r"(?<![\w.])\+?\d(?:[\s().\-/]{0,2}\d){6,}(?!\w)")


def without_contacts(text: str) -> str:
    """Return a text with e-mail addresses and telephone numbers blotted out, before strangers read it.

    >>> without_contacts("Call me: 012 345 678, or sok@example.org. House 12.")
    'Call me: …, or … House 12.'
    >>> without_contacts("ទូរស័ព្ទ ០១២៣៤៥៦៧៨")
    'ទូរស័ព្ទ …'
    """
    return _NUMBER.sub("…", _EMAIL.sub("…", text))

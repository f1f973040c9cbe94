"""What a resident says, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from saat.terms.case import Channel, Danger, Voice
from saat.terms.geo import Point


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPhoto:
    """A photo after it was decoded, turned upright, stripped of metadata and re-encoded at the door.

    jpeg: bytes of the clean JPEG. width, height: pixels. grey: 1,024 bytes, the picture as 32 x 32 grey values
    (0 black to 255 white, row by row), from which likeness is judged. taken_at: aware, UTC, from EXIF; point: from
    EXIF; both None where the phone left them out. digest: SHA-256 of `jpeg` in hexadecimal.
    """

    jpeg: bytes
    width: int
    height: int
    grey: bytes
    digest: str
    taken_at: datetime | None = None
    point: Point | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contact:
    """How a reporter wants to be told. Empty strings where nothing was given; never shown in public."""

    name: str = ""
    phone: str = ""
    email: str = ""

    def __bool__(self) -> bool:
        return bool(self.name or self.phone or self.email)


@dataclass(frozen=True, slots=True, kw_only=True)
class NewReport:
    """One resident's report as it comes through any door.

    service_code: a category of the city's policy. words: what the resident wrote, cleaned of control characters.
    point: where the rubbish is, or None where only words say so; then `area_id` or `address` must say it.
    area_id, place_id: rows of the city (the sangkat chosen, the landmark chosen). client_id: the sender's own id for
    this report; the same id from the same city is the same report, however often it is sent. said_at: the sender's
    clock (aware), which may be wrong; the server's clock decides. join_case_id: the open case that the resident says
    it is. apart: the resident looked at the open cases nearby and says that it is none of them. dangers: what an
    official asked a caller for and heard.
    """

    service_code: str
    words: str = ""
    point: Point | None = None
    accuracy_m: float | None = None
    area_id: int | None = None
    place_id: int | None = None
    address: str = ""
    photos: tuple[NewPhoto, ...] = ()
    contact: Contact = field(default_factory=Contact)
    language: str = ""
    client_id: str = ""
    channel: Channel = Channel.WEB
    voice: Voice = Voice.REPORT
    join_case_id: int | None = None
    apart: bool = False
    said_at: datetime | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    media_url: str = ""
    device_id: str = ""
    dangers: tuple[Danger, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What the sender gets back.

    token: the unguessable part of the reporter's own link. code: the case's short code. again: True when this
    report had come in before and nothing new was written. due_at: by when the city promises to act.
    """

    service_request_id: int
    case_id: int
    token: str
    code: str
    again: bool = False
    joined: bool = False
    due_at: datetime | None = None


class ReportRefused(Exception):
    """A report cannot be taken in; the message says what is wrong and what to do, for the resident to read.

    field: the form field at fault, or "". code: a stable word for machines, for example `outside_city`.
    """

    def __init__(self, message: str, *, field: str = "", code: str = "refused") -> None:
        super().__init__(message)
        self.field = field
        self.code = code

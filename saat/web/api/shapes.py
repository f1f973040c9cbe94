"""What goes in and out of the API. Moments are ISO 8601 with their offset; places are WGS 84, latitude first."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

from ninja import Schema
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, Strict, StrictBool, StringConstraints

from saat.terms.case import Channel, Ending, Role, ServiceLevel, State, Urgency, Voice

_MOST_ID = 2**63 - 1


def _no_control(text: str) -> str:
    if any(sign < " " and sign not in "\n\r\t" for sign in text):
        raise ValueError("Control characters are not possible here.")
    return text


def _within(moment: datetime) -> datetime:
    if not 1970 < moment.year < 2200:
        raise ValueError("The moment must lie between 1971 and 2199.")
    return moment


Id = Annotated[int, Field(ge=1, le=_MOST_ID)]
BodyId = Annotated[int, Strict(), Field(ge=1, le=_MOST_ID)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,63}$")]
Line = Annotated[str, StringConstraints(max_length=300), AfterValidator(_no_control)]
Words = Annotated[str, StringConstraints(max_length=4000), AfterValidator(_no_control)]
Lat = Annotated[float, Strict(), Field(ge=-90, le=90, allow_inf_nan=False)]
Lon = Annotated[float, Strict(), Field(ge=-180, le=180, allow_inf_nan=False)]
Moment = Annotated[AwareDatetime, AfterValidator(_within)]
CursorText = Annotated[str, StringConstraints(pattern=r"^-?[0-9]{1,16}\.[0-9]{1,18}$")]


class Place(Schema):
    """Where something is."""

    lat: float
    lon: float


class AreaShown(Schema):
    """A part of the city. names: language to text."""

    id: int
    level: int
    parent_id: int | None
    names: dict[str, str]


class CaseShown(Schema):
    """A case as a row of the work list. code: as it is read aloud. act_by: the one order of the desk."""

    id: int
    code: str
    state: State
    ending: Ending | None
    reason_code: str
    service_code: str
    urgency: Urgency
    service_level: ServiceLevel
    area_id: int | None
    place_id: int | None
    place: Place | None
    address: str
    summary: str
    voices: int
    has_photo: bool
    reopened: int
    proof_failed: bool
    opened_at: datetime
    seen_at: datetime | None
    taken_at: datetime | None
    on_site_at: datetime | None
    proved_at: datetime | None
    closed_at: datetime | None
    due_at: datetime
    act_by: datetime
    updated_at: datetime
    owner_id: int | None
    contractor_id: int | None
    crew_id: int | None
    merged_into_id: int | None


class CasePage(Schema):
    """One page of the work list. next: send it as `after` for the page that follows; null at the end."""

    items: list[CaseShown]
    next: str | None


class ContactShown(Schema):
    """How a reporter wants to be told; only for those who may know."""

    name: str
    phone: str
    email: str


class ReportShown(Schema):
    """One report, or voice, of a case. likeness: why it was joined to the case."""

    id: int
    voice: Voice
    channel: Channel
    service_code: str
    requested_at: datetime
    words: str
    address: str
    place: Place | None
    attributes: dict[str, Any]
    likeness: dict[str, Any] | None
    contact: ContactShown | None


class EventShown(Schema):
    """One step of a case's history. actor: a kind and a number, such as user:3."""

    id: int
    at: datetime
    kind: str
    actor: str
    facts: dict[str, Any]


class NoteShown(Schema):
    """A private note."""

    id: int
    text: str
    written_at: datetime
    by: str


class MessageShown(Schema):
    """What was said between the office and a reporter."""

    id: int
    text: str
    said_at: datetime
    to_reporter: bool
    asks: bool
    service_request_id: int | None


class PhotoShown(Schema):
    """A photo; its picture is at `url` for whoever may see the case."""

    id: int
    kind: Literal["report", "proof"]
    url: str
    width: int
    height: int
    added_at: datetime
    public: bool
    proof_failed: bool


class CaseWhole(Schema):
    """A case with all that belongs to it. acts: what the caller may do to it. last_event_id: for `read_up_to`."""

    case: CaseShown
    acts: list[str]
    last_event_id: int
    reports: list[ReportShown]
    events: list[EventShown]
    notes: list[NoteShown]
    messages: list[MessageShown]
    photos: list[PhotoShown]


class ActDone(Schema):
    """A case after an act. last_event_id: the act's own step, for `read_up_to` and for undoing it."""

    case: CaseShown
    last_event_id: int


class AttributeShown(Schema):
    """A question that a category asks. values: key to names, for lists."""

    code: str
    text: str
    datatype: str
    required: bool
    hint: str
    values: dict[str, str]


class CategoryShown(Schema):
    """What residents can report, in the caller's language."""

    service_code: str
    name: str
    description: str
    group: str
    urgency: Urgency
    due_h: float
    round_the_clock: bool
    at_home: bool
    attributes: list[AttributeShown]


class ReasonShown(Schema):
    """Why a case may be closed without a fix."""

    code: str
    text: str


class PolicyShown(Schema):
    """The rules of a city that other programs need."""

    jurisdiction_id: str
    name: str
    office: str
    languages: list[str]
    country: str
    time_zone: str
    centre: Place
    phone: str
    email: str
    max_photos: int
    max_photo_mb: int
    retention_days: int
    ack_min: int
    duplicate_radius_m: float
    duplicate_window_h: float
    closing_reasons: list[ReasonShown]


class RoleShown(Schema):
    """What the caller is somewhere. area_id: null for the whole city."""

    city: str
    role: Role
    area_id: int | None
    contractor_id: int | None
    crew_id: int | None


class Me(Schema):
    """Who is calling."""

    kind: Literal["user", "key"]
    id: int
    name: str
    language: str
    cities: list[str]
    roles: list[RoleShown]


class In(BaseModel):
    """What comes in as a body: nothing but what is described."""

    model_config = ConfigDict(extra="forbid")


class NewContact(In):
    """How the reporter wants to be told."""

    name: Line = ""
    phone: Annotated[str, StringConstraints(max_length=32), AfterValidator(_no_control)] = ""
    email: Annotated[str, StringConstraints(max_length=254), AfterValidator(_no_control)] = ""


class NewReportIn(In):
    """A report. Where: lat and lon, area_id, place_id or address. client_id: the same again is the same report."""

    city: Line = ""
    service_code: Code
    words: Words = ""
    lat: Lat | None = None
    lon: Lon | None = None
    area_id: BodyId | None = None
    place_id: BodyId | None = None
    address: Line = ""
    client_id: Annotated[str, StringConstraints(max_length=200), AfterValidator(_no_control)] = ""
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{0,8}$")] = ""
    contact: NewContact = NewContact()
    attributes: dict[Code, Line] = Field(default={}, max_length=60)


class ReceiptShown(Schema):
    """What becomes of a report. again: it had come in before. joined: it tells of a trouble that was known."""

    service_request_id: int
    case_id: int | None
    code: str
    tracking_url: str
    due_at: datetime
    again: bool
    joined: bool


class ActIn(In):
    """An act without more to say. read_up_to: the last_event_id that was read; refused if more has happened since."""

    read_up_to: BodyId | None = None


class AssignIn(ActIn):
    """To whom a case is handed: exactly one."""

    user_id: BodyId | None = None
    crew_id: BodyId | None = None
    contractor_id: BodyId | None = None


class CloseIn(ActIn):
    """A private note for the closing."""

    note: Words = ""


class CloseWithoutFixIn(CloseIn):
    """reason_code: one of the policy's closing reasons; the reporter reads its text."""

    reason_code: Code


class NoteIn(In):
    """A text."""

    text: Words


class MessageIn(NoteIn):
    """asks: an answer is wanted. service_request_id: one reporter only, or all of the case."""

    asks: StrictBool = False
    service_request_id: BodyId | None = None


class UrgencyIn(In):
    """How soon somebody must act."""

    urgency: Urgency


class ChangeIn(ActIn):
    """What is corrected; what is left out stays."""

    service_code: Code | None = None
    lat: Lat | None = None
    lon: Lon | None = None
    area_id: BodyId | None = None
    address: Line | None = None


class MergeIn(ActIn):
    """into: the case that goes on."""

    into: BodyId


class SplitIn(ActIn):
    """The reports that become a case of their own."""

    service_request_ids: list[BodyId] = Field(min_length=1, max_length=200)


class UndoIn(In):
    """event_id: the step to undo, from the case's events."""

    event_id: BodyId


class KeyIn(In):
    """A key for a partner. trusted: sees exact places and reads cases."""

    city: Line = ""
    name: Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_no_control)]
    email: Annotated[str, StringConstraints(max_length=254), AfterValidator(_no_control)] = ""
    per_minute: Annotated[int, Strict(), Field(ge=1, le=1_000_000)] = 600
    per_day: Annotated[int, Strict(), Field(ge=1, le=1_000_000_000)] = 100_000
    trusted: StrictBool = False


class KeyShown(Schema):
    """A key as it is listed."""

    id: int
    name: str
    email: str
    per_minute: int
    per_day: int
    trusted: bool
    created_at: datetime
    revoked_at: datetime | None


class KeyMade(KeyShown):
    """A key that was just made. secret: shown this once."""

    secret: str


class WebhookIn(In):
    """An address to be told of events. kinds: which; none means everything that happens to cases."""

    city: Line = ""
    url: Annotated[str, StringConstraints(max_length=500), AfterValidator(_no_control)]
    kinds: list[Annotated[str, StringConstraints(pattern=r"^[a-z_.]{1,40}$")]] = Field(default=[], max_length=60)


class WebhookShown(Schema):
    """An address as it is listed."""

    id: int
    url: str
    kinds: list[str]
    active: bool
    created_at: datetime


class WebhookMade(WebhookShown):
    """An address that was just added. secret: signs what it is sent; shown this once."""

    secret: str

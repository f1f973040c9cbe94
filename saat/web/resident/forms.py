"""Reading the report form: everything that was typed stays, and every fault is named beside its field."""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import validate_email
from django.http import QueryDict
from django.utils.translation import gettext as _

from saat.actions.notcollected import STOP_ATTRIBUTE
from saat.records.models import City
from saat.records.queries_collection import StopPlace, stop_by_number
from saat.terms.geo import Point
from saat.terms.report import Contact, NewPhoto, NewReport, ReportRefused
from saat.web.contact import NotAPhone, phone_number
from saat.web.photos import decode_photo
from saat.web.resident import drafts
from saat.web.resident.choices import Question, cards, landmark_called

_CLIENT_ID = re.compile(r"^[A-Za-z0-9-]{8,40}$")
_CODE_DIGITS = 16
_WORDS = 2000
_LINE = 300
# Fields in the order in which they stand on the page, with the element that a fault leads to.
ANCHORS = {
    "service_code": "service_code",
    "where": "where",
    "area_id": "area_id",
    "place_id": "near",
    "photos": "photos",
    "words": "words",
    "name": "name",
    "phone": "phone",
    "email": "email",
}


class ReportForm:
    """One filled report form. values: what was typed, by field. errors: field to message, in the page's order."""

    def __init__(
        self, *, city: City, language: str, data: QueryDict | None = None, files: Sequence[UploadedFile] = ()
    ) -> None:
        self.city, self.policy, self.language = city, city.policy_terms(), language
        self.data = data if data is not None else QueryDict()
        self.errors: dict[str, str] = {}
        self.cards = cards(self.policy, language)
        self.values = {
            "service_code": self._line("service_code", 63),
            "lat": self._line("lat", 30),
            "lon": self._line("lon", 30),
            "accuracy_m": self._line("accuracy_m", 30),
            "area_id": self._line("area_id", 20),
            "near": self._line("near", _LINE),
            "stop": self._line("stop", 12),
            "words": self._text("words", _WORDS),
            "name": self._line("name", 120),
            "phone": self._line("phone", 40),
            "email": self._line("email", 254),
            "said_at": self._line("said_at", 40),
            "client_id": self._client_id(),
        }
        self.photos = self._read_photos(files)
        self.draft = ""

    # ------------------------------------------------------------------------------------------------ what was typed

    def _line(self, name: str, limit: int) -> str:
        return " ".join(self._text(name, limit).split())

    def _text(self, name: str, limit: int) -> str:
        """Return what was typed without what no text may hold; U+FFFD stands where it was not UTF-8."""
        text = self.data.get(name, "").replace("\r\n", "\n").replace("\ufffd", "")
        return "".join(letter for letter in text if letter in "\n\t" or letter >= " ").strip()[: limit * 2]

    def _client_id(self) -> str:
        given = self.data.get("client_id", "")
        return given if _CLIENT_ID.match(given) else str(uuid.uuid4())

    def _read_photos(self, files: Sequence[UploadedFile]) -> tuple[NewPhoto, ...]:
        photos: list[NewPhoto] = []
        if not self.data.get("drop_photos"):
            photos += drafts.load(self.data.get("draft", ""))
        refusals = []
        for file in files:
            if len(photos) == self.policy.max_photos:
                message = _("At most %(most)d photos can be sent with one report.")
                refusals.append(message % {"most": self.policy.max_photos})
                break
            try:
                photos.append(decode_photo(file, policy=self.policy))
            except ReportRefused as error:
                refusals.append(str(error))
        if refusals:
            self.errors["photos"] = " ".join(refusals)
        return tuple(photos)

    # ------------------------------------------------------------------------------------------------------- reading

    def read(self, *, client_id: str = "", apart: bool = False, join_case_id: int | None = None) -> NewReport | None:
        """Return the report, or None if `errors` say what is wrong with it.

        client_id: "" for one made of the page's own and of what was typed, so that a form sent twice is one report and
        a form that was changed and sent again is another.
        """
        values = self.values
        if not values["service_code"]:
            self.fault("service_code", _("Please choose what it is."))
        stop = self._stop()
        point = self._point() or (Point(lat=stop.lat, lon=stop.lon) if stop is not None else None)
        place_id = landmark_called(self.city, values["near"])
        contact = Contact(name=values["name"][:120], phone=self._phone(), email=self._email())
        attributes = self._attributes()
        if stop is not None:
            attributes += ((STOP_ATTRIBUTE, stop.number),)
        if self.errors:
            return None
        return NewReport(
            service_code=values["service_code"],
            words=values["words"],
            point=point,
            accuracy_m=_number(values["accuracy_m"], most=100_000.0),
            area_id=_whole(values["area_id"]),
            place_id=place_id,
            address="" if place_id is not None else values["near"],
            photos=self.photos,
            contact=contact,
            language=self._language(),
            client_id=client_id or self._own_id(),
            join_case_id=join_case_id,
            apart=apart,
            said_at=_moment(values["said_at"]),
            attributes=attributes,
        )

    def look(self, service_code: str) -> NewReport | None:
        """Return only what tells where and what it is, to look for cases nearby; None if the place is none."""
        stop = self._stop()
        point = self._point() or (Point(lat=stop.lat, lon=stop.lon) if stop is not None else None)
        if self.errors:
            return None
        values = self.values
        return NewReport(
            service_code=service_code,
            words=values["words"],
            point=point,
            area_id=_whole(values["area_id"]),
            place_id=landmark_called(self.city, values["near"]),
            address=values["near"],
            attributes=((STOP_ATTRIBUTE, stop.number),) if stop is not None else (),
        )

    def fault(self, field: str, message: str) -> None:
        """Name a fault; the first one of a field stays."""
        self.errors.setdefault(field, message)

    def refuse(self, error: ReportRefused) -> None:
        """Take over why a report was refused by an action."""
        self.fault(error.field or "form", str(error))

    def keep_photos(self) -> None:
        """Put the photos aside, so that they come back with the form."""
        known = self.data.get("draft", "")
        if drafts.load(known) and not self.data.get("drop_photos"):
            drafts.discard(known)
        self.draft = drafts.keep(self.photos)

    def forget_photos(self) -> None:
        """Remove what was put aside: the report is in."""
        drafts.discard(self.data.get("draft", ""))

    @property
    def faults(self) -> list[tuple[str, str]]:
        """The errors as (id of the element, message), in the page's order."""
        order = [*ANCHORS, *(question.field for card in self.cards for question in card.questions)]
        found = sorted(self.errors.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))
        return [(ANCHORS.get(field, field if field in order else "form"), message) for field, message in found]

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """Everything that was typed as (name, value), to be carried through a page in between."""
        fields = [(name, value) for name, value in self.values.items() if value]
        for card in self.cards:
            for question in card.questions:
                fields += [(question.field, value) for value in self.answers(question)]
        return [*fields, ("draft", self.draft)]

    def answers(self, question: Question) -> list[str]:
        """Return what was answered to a question, cut to a reasonable length."""
        return [text[:_LINE] for text in self.data.getlist(question.field) if text.strip()]

    def _point(self) -> Point | None:
        lat, lon = _number(self.values["lat"]), _number(self.values["lon"])
        if lat is None or lon is None:
            return None
        try:
            return Point(lat=lat, lon=lon)
        except ValueError:
            self.fault("where", _("This position is not on Earth. Please choose the place again."))
            return None

    def _stop(self) -> StopPlace | None:
        """Return the stop that a link named, if the report is about its collection."""
        if not self.values["stop"] or self.values["service_code"] != self.policy.missed_code:
            return None
        return stop_by_number(self.city, self.values["stop"])

    def _phone(self) -> str:
        try:
            return phone_number(self.values["phone"], country=self.policy.country)
        except NotAPhone:
            self.fault("phone", _("This does not look like a phone number. Please check it, or leave it empty."))
            return ""

    def _email(self) -> str:
        text = self.values["email"]
        if text:
            try:
                validate_email(text)
            except ValidationError:
                self.fault("email", _("This does not look like an e-mail address. Please check it, or leave it empty."))
        return text

    def _attributes(self) -> tuple[tuple[str, str], ...]:
        found = []
        for card in self.cards:
            if card.service_code != self.values["service_code"]:
                continue
            for question in card.questions:
                answers = self.answers(question)
                known = {key for key, _name in question.values}
                if known and any(answer not in known for answer in answers):
                    self.fault(question.field, _("Please choose one of the answers."))
                if question.datatype == "number" and answers and _number(answers[0]) is None:
                    self.fault(question.field, _("Please write a number."))
                if question.required and not answers:
                    self.fault(
                        question.field, _("Please answer this question: %(question)s") % {"question": question.text}
                    )
                if answers:
                    found.append((question.code, ",".join(answers)))
        return tuple(found)

    def _language(self) -> str:
        given = self.data.get("language", "")
        return given if given in dict(settings.LANGUAGES) else self.language

    def _own_id(self) -> str:
        values: dict[str, Any] = {name: text for name, text in self.values.items() if name != "said_at"}
        values["photos"] = [photo.digest for photo in self.photos]
        told = hashlib.sha256(repr(sorted(values.items())).encode()).hexdigest()
        return f"{values['client_id']}-{told[:_CODE_DIGITS]}"


def _number(text: str, *, most: float | None = None) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    if number != number or number in (float("inf"), float("-inf")):
        return None
    return number if most is None or 0 <= number <= most else None


def _whole(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() else None


def _moment(text: str) -> datetime | None:
    """Return the sender's clock, or None if it says nothing usable; it may be wrong and decides nothing."""
    try:
        moment = datetime.fromisoformat(text)
        return moment if moment.tzinfo is not None and 1970 <= moment.year <= 9000 else None
    except ValueError:
        return None

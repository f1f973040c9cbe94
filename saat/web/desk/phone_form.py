"""Reading the form on which an official writes a call down: what was typed stays, each fault stands at its field."""

from __future__ import annotations

import hashlib
import re
import uuid

from django.conf import settings
from django.http import QueryDict
from django.utils.translation import gettext as _

from saat.actions.whereabouts import Whereabout, called_so, found_where, may_report_anywhere, this_where
from saat.records.models import City
from saat.records.scope import Reach
from saat.terms.case import Channel, Danger
from saat.terms.codes import heard
from saat.terms.geo import Point
from saat.terms.report import Contact, NewReport, ReportRefused
from saat.web.contact import NotAPhone, phone_number

_CLIENT_ID = re.compile(r"^[A-Za-z0-9-]{8,40}$")
_MOST_MEANT = 6
# Fields in the order in which they stand on the page, with the element that a fault leads to.
ANCHORS = {"service_code": "service_code", "where": "where", "words": "words", "phone": "phone", "join": "alike"}
_FIELD_OF = {"area_id": "where", "place_id": "where"}


class CallForm:
    """One call as it was written down so far.

    values: what was typed, by field. errors: field to message. meant: what somebody may have meant by a place that
    they typed, where that is not clear.
    """

    def __init__(self, *, city: City, reach: Reach, data: QueryDict | None = None) -> None:
        self.city, self.reach, self.policy = city, reach, city.policy_terms()
        self.data = data if data is not None else QueryDict()
        self.errors: dict[str, str] = {}
        self.meant: list[Whereabout] = []
        self.values = {
            "service_code": self._line("service_code", 63),
            # Which of several was meant stands before the list that holds them all, and speaks first.
            "pick": next((text.strip()[:20] for text in self.data.getlist("pick") if text.strip()), ""),
            "where": self._line("where", 200),
            "lat": self._line("lat", 30),
            "lon": self._line("lon", 30),
            "address": self._line("address", 300),
            "words": self._text("words", 2000),
            "name": self._line("name", 120),
            "phone": self._line("phone", 40),
            "language": self._language(),
            "client_id": self._client_id(),
        }
        self.dangers = tuple(danger for danger in Danger if danger in self.data.getlist("dangers"))
        self.picked = this_where(self.values["pick"], city=city, reach=reach) if self.values["pick"] else None

    def _line(self, name: str, limit: int) -> str:
        return " ".join(self._text(name, limit).split())

    def _text(self, name: str, limit: int) -> str:
        text = self.data.get(name, "").replace("\r\n", "\n").replace("\ufffd", "")
        return "".join(letter for letter in text if letter in "\n\t" or letter >= " ").strip()[:limit]

    def _language(self) -> str:
        given = self.data.get("language", "")
        return given if given in dict(settings.LANGUAGES) else self.policy.languages[0]

    def _client_id(self) -> str:
        given = self.data.get("client_id", "")
        return given if _CLIENT_ID.match(given) else str(uuid.uuid4())

    @property
    def looked(self) -> frozenset[str]:
        """The codes of the open cases that stood on the page when it was sent."""
        return frozenset(code for text in self.data.getlist("looked") if (code := heard(text)))

    @property
    def join(self) -> str:
        """The code of the case that the caller means, "" for none."""
        return heard(self.data.get("join", "")) or ""

    @property
    def decided(self) -> bool:
        """Whether the official chose among the cases that were shown."""
        return "join" in self.data

    def read(self, *, apart: bool = False, join_case_id: int | None = None) -> NewReport | None:
        """Return the report, or None if `errors` say what is wrong with it."""
        if not self.policy.has_category(self.values["service_code"]):
            self.fault("service_code", _("Please choose what it is."))
        report = self.look(apart=apart, join_case_id=join_case_id)
        return None if self.errors else report

    def look(self, *, apart: bool = False, join_case_id: int | None = None) -> NewReport:
        """Return what is known so far, filed under the first category if none is chosen yet."""
        values = self.values
        code = values["service_code"]
        point = self._point()
        self._settle_place(point, joins=join_case_id is not None)
        picked = self.picked
        return NewReport(
            service_code=code if self.policy.has_category(code) else self.policy.categories[0].service_code,
            words=values["words"],
            point=point,
            area_id=picked.area_id if picked else None,
            place_id=picked.id if picked and not picked.is_area else None,
            address=self._address(),
            contact=Contact(name=values["name"], phone=self._phone()),
            language=values["language"],
            client_id=self._own_id(),
            channel=Channel.PHONE,
            join_case_id=join_case_id,
            apart=apart,
            dangers=self.dangers,
        )

    def _address(self) -> str:
        """Return the place in words: with what was typed as the area, if it is the name of none."""
        typed = self.values["where"] if self.picked is None else ""
        return ", ".join(part for part in (typed, self.values["address"]) if part)[:300]

    def _own_id(self) -> str:
        """Return an id of the page and of what was typed: sent twice it is one call, changed and sent again another."""
        told = repr((sorted(self.values.items()), self.dangers, self.join))
        return f"{self.values['client_id']}-{hashlib.sha256(told.encode()).hexdigest()[:16]}"

    def _point(self) -> Point | None:
        lat, lon = self.values["lat"], self.values["lon"]
        if not lat and not lon:
            return None
        try:
            return Point(lat=float(lat), lon=float(lon))
        except ValueError:
            self.fault("where", _("This position is not on Earth. Please choose the place again."))
            return None

    def _settle_place(self, point: Point | None, *, joins: bool) -> None:
        """Find out which area or landmark was meant by what was typed, or ask."""
        typed = self.values["where"]
        if self.picked is None and typed:
            same = called_so(typed, city=self.city, reach=self.reach)
            if len(same) == 1:
                self.picked = same[0]
            else:
                self.meant = same or found_where(typed, city=self.city, reach=self.reach, most=_MOST_MEANT)
        if self.picked is not None or point is not None or joins:
            return
        if self.meant:
            self.fault("where", _("Which of these is meant?"))
        elif typed:
            self.fault("where", _("No area or landmark of yours is called so. Please choose one."))
        elif not (self.values["address"] and may_report_anywhere(city=self.city, reach=self.reach)):
            self.fault("where", _("Please choose the area or a landmark."))

    def _phone(self) -> str:
        try:
            return phone_number(self.values["phone"], country=self.policy.country)
        except NotAPhone:
            self.fault("phone", _("This does not look like a phone number. Please check it, or leave it empty."))
            return ""

    def fault(self, field: str, message: str) -> None:
        """Name a fault; the first one of a field stays."""
        self.errors.setdefault(field, message)

    def refuse(self, error: ReportRefused) -> None:
        """Take over why a report was refused by an action."""
        self.fault(_FIELD_OF.get(error.field, error.field) or "form", str(error))

    @property
    def faults(self) -> list[tuple[str, str]]:
        """The errors as (id of the element, message), in the page's order."""
        order = list(ANCHORS)
        found = sorted(self.errors.items(), key=lambda item: order.index(item[0]) if item[0] in order else len(order))
        return [(ANCHORS.get(field, "call"), message) for field, message in found]

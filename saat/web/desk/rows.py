"""One row of the work list: a case in few words, for the reader at hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from saat.actions import explain
from saat.actions.citymap import city_map
from saat.records import queries_worklist
from saat.records.models import Case, City
from saat.records.queries_worklist import Wanted, WorkList
from saat.records.scope import Reach
from saat.terms.case import State
from saat.terms.codes import spoken
from saat.terms.geo import Point, distance_m
from saat.web.desk import words

SOON_S = 7200


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """Why a case stands where it stands, in short words. since: the moment from which its span is counted on."""

    code: str
    text: str
    since: datetime | None = None


def work_list(reach: Reach, *, city: City, wanted: Wanted, now: datetime) -> WorkList:
    """Return the list that somebody asks for, with the city's areas as they are in memory."""
    return WorkList(reach, city=city, wanted=wanted, now=now, paths=city_map(city).paths)


class RowMaker:
    """Makes rows for one reader; all that rows share is looked up once."""

    def __init__(self, work: WorkList) -> None:
        self.work = work
        self.city: City = work.city
        self.reach: Reach = work.reach
        self.now = work.now
        self.policy = self.city.policy_terms()
        self.ground = city_map(self.city)
        self.language = get_language() or self.policy.languages[0]
        self.zone = self.policy.hours.zone
        self.today: date = self.now.astimezone(ZoneInfo(self.zone)).date()

    def rows(self, cases: Sequence[Case]) -> list[dict[str, Any]]:
        """Return what the template of a row shows, for each case; one query, for the photos."""
        with_photo = [case.pk for case in cases if case.has_photo]
        photos = queries_worklist.first_photos(with_photo) if with_photo else {}
        return [self._row(case, photos.get(case.pk)) for case in cases]

    def _row(self, case: Case, photo: Any) -> dict[str, Any]:
        acts = explain.acts_on(case, city=self.city, reach=self.reach)
        category = self.policy.category(case.service_code) if self.policy.has_category(case.service_code) else None
        closed = State(case.state).is_closed
        return {
            "id": case.pk,
            "key": self.work.key_of(case).key,
            "code": spoken(case.code),
            "category": words.category_name(case.service_code, policy=self.policy, language=self.language),
            "icon": category.icon if category else "other",
            "urgency": case.urgency,
            "urgency_text": words.URGENCIES[case.urgency],
            "where": self.where(case),
            "area": self.area(case.area_id),
            "summary": case.summary,
            "voices": case.voices,
            "photo": photo.pk if photo else None,
            "photo_version": photo.digest[:8] if photo else "",
            "state": case.state,
            "state_text": words.STATES[case.state],
            "ending": words.ENDINGS.get(case.ending, "") if closed else "",
            "who": self.who(case),
            "reasons": self.reasons(case),
            "clock": self.clock(case),
            "step": "" if closed else explain.next_step(case, acts=acts, user_id=self.reach.user_id),
            "can_bulk": "bulk" in acts,
            "lat": case.lat,
            "lon": case.lon,
        }

    def where(self, case: Case) -> str:
        """Return the nearest words for the place: the landmark that it lies at, or what the reporter wrote."""
        if case.place is not None:
            name = self.policy.say(case.place.names, self.language)
            here = Point(lat=case.lat, lon=case.lon) if case.lat is not None and case.lon is not None else None
            there = Point(lat=case.place.lat, lon=case.place.lon)
            if here is None or distance_m(here, there) <= case.place.radius_m:
                return _("At %(landmark)s") % {"landmark": name}
            return _("%(far)s from %(landmark)s") % {"far": words.metres(distance_m(here, there)), "landmark": name}
        return case.address

    def area(self, area_id: int | None) -> str:
        """Return the area with those around it, from the smallest: "Phsar Kandal, Daun Penh"."""
        path = self.ground.path_of(area_id)
        ids = [int(part) for part in path.split("/") if part]
        names = (self.policy.say(self.ground.names.get(part, {}), self.language) for part in reversed(ids[1:] or ids))
        return ", ".join(name for name in names if name)

    def who(self, case: Case) -> str:
        """Return who has the case now; "" for nobody."""
        if case.crew is not None:
            return f"{case.crew} · {case.contractor}" if case.contractor is not None else str(case.crew)
        if case.state in (State.ASSIGNED, State.ON_SITE) and case.contractor is not None:
            return str(case.contractor)
        if case.owner_id == self.reach.user_id and case.owner is not None:
            return _("You")
        return str(case.owner) if case.owner is not None else str(case.contractor or "")

    def reasons(self, case: Case) -> list[Reason]:
        """Return why the case stands where it stands, beside what its clock shows anyway; and always its voices."""
        found = explain.reasons_of(case, now=self.now)
        shown = [self._reason(case, reason) for reason in found if reason.code not in ("overdue", "due_soon")]
        if case.voices > 1 and all(reason.code != "voices" for reason in found):
            shown.append(self._reason(case, explain.Reason(code="voices", amount=case.voices)))
        return shown

    def _reason(self, case: Case, reason: explain.Reason) -> Reason:
        times = int(reason.amount or 0)
        if reason.code == "untaken":
            text = _("Nobody has taken it for %(span)s") % {"span": short_span(reason.amount or 0)}
            return Reason(code=reason.code, text=text, since=case.waiting_since)
        if reason.code == "place" and case.place is not None:
            name = self.policy.say(case.place.names, self.language)
            return Reason(code=reason.code, text=_("Near %(landmark)s") % {"landmark": name})
        texts = {
            "danger": _("Danger"),
            "urgent": _("Urgent"),
            "reopened": ngettext("Opened again", "Opened again %(n)d times", times) % {"n": times},
            "voices": ngettext("%(n)d voice", "%(n)d voices", times) % {"n": times},
            "place": _("A place that needs care"),
            "escalated": ngettext("Escalated", "Escalated %(n)d times", times) % {"n": times},
            "proof_failed": _("Proof in doubt"),
        }
        return Reason(code=reason.code, text=texts[reason.code])

    def clock(self, case: Case) -> dict[str, Any]:
        """Return the promise: how long until it or since it, and the moment itself on the city's clock."""
        due = words.moment(case.due_at, zone=self.zone, today=self.today)
        if case.closed_at is not None:
            at = words.moment(case.closed_at, zone=self.zone, today=self.today)
            late = case.closed_at > case.due_at
            return {
                "closed": True,
                "level": "late" if late else "done",
                "text": _("Closed late") if late else _("Closed in time"),
                "at": at,
                "moment": case.closed_at,
            }
        left_s = (case.due_at - self.now).total_seconds()
        level = "late" if left_s < 0 else "soon" if left_s <= SOON_S else "fine"
        form = _("%(span)s late") if left_s < 0 else _("%(span)s left")
        return {
            "closed": False,
            "level": level,
            "text": form % {"span": short_span(abs(left_s))},
            "at": _("due %(moment)s") % {"moment": due},
            "moment": case.due_at,
        }


def short_span(seconds: float) -> str:
    """Return a span of time as it stands in a row: "2 d 4 h", "3 h 12 min", "40 min".

    The desk's script counts on in the same words; see `clock_words`.
    """
    minutes = int(seconds // 60)
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    units = clock_words()
    if days:
        parts = [(units["day"], days), (units["hour"], hours)]
    elif hours:
        parts = [(units["hour"], hours), (units["minute"], minutes)]
    else:
        parts = [(units["minute"], max(1, minutes))]
    return " ".join(unit.replace("{n}", str(number)) for unit, number in parts if number)


def clock_words() -> dict[str, str]:
    """Return the words by which the desk's script counts on; {n} and {span} are filled in by it."""
    return {
        "day": _("{n} d"),
        "hour": _("{n} h"),
        "minute": _("{n} min"),
        "late": _("%(span)s late") % {"span": "{span}"},
        "left": _("%(span)s left") % {"span": "{span}"},
        "untaken": _("Nobody has taken it for %(span)s") % {"span": "{span}"},
    }

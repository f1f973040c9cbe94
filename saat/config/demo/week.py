"""The demo's week: residents report, officials act, deadlines pass, all through the same actions as in earnest.

Everything that happens is put on one calendar and carried out in the order of its moments, the deadline clock between.
What would happen after the present is left out, so the last hours hold the cases that wait to be acted on.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import partial
from itertools import count
from zoneinfo import ZoneInfo

from shapely.geometry.base import BaseGeometry

from saat.actions import cases, clock
from saat.actions.alerts import acknowledge_alert
from saat.actions.cases import ActRefused, Assignee
from saat.actions.declining import decline_case
from saat.actions.joining import merge_cases, undo
from saat.actions.log import RESIDENT, Actor, NotAllowed, NotFound
from saat.actions.proof import draw_proof_code, prove_case
from saat.actions.reports import receive_report
from saat.actions.voices import add_voice, add_voice_by_code
from saat.cases.moves import MoveNotAllowed
from saat.config.demo import words
from saat.config.demo.ground import points_in
from saat.config.demo.people import HOME_KHAN, HOME_SANGKAT, People
from saat.config.demo.pictures import draw_street
from saat.records.models import Alert, AreaCode, Case, City, Event, Place
from saat.terms.case import Channel, Declined, State, Urgency, Voice
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.terms.report import Contact, NewPhoto, NewReport, Receipt, ReportRefused

REPORTS = 400
_SEED = 20260304
_CLOCK_EVERY = timedelta(minutes=20)
# How often each category is reported, and how much rubbish its drawing shows.
_CATEGORIES = (
    ("pile", 34), ("missed-collection", 26), ("full-bin", 14), ("dumping", 10), ("blocked-drain", 8), ("danger", 5),
    ("other", 3),
)  # fmt: skip
_DRAWN = {"pile": ("pile", 14), "full-bin": ("bin", 6), "dumping": ("pile", 9), "blocked-drain": ("drain", 5)}
# How many reports come in each hour of the day, midnight first.
_HOURS = (1, 1, 0, 0, 1, 3, 8, 10, 9, 7, 6, 5, 4, 4, 5, 6, 7, 9, 10, 9, 7, 5, 3, 2)
_CENTRE = frozenset({"1201", "1202", "1203", "1204", "1213"})
# How slowly each khan works: the demo's director should see who needs help.
_SLOW = {"1205": 2.2, "1209": 1.8, "1212": 2.6, "1214": 2.0, "1206": 1.5, "1202": 0.7, "1213": 0.6}
_CHANNELS = (Channel.WEB, Channel.WEB, Channel.WEB, Channel.OPEN311)
_REASONS = ("nothing-found", "private-land", "another-office", "not-your-day", "cannot-do", "no-rubbish")
_DAY = (time(6, 0), time(21, 0))  # nobody but the duty officer acts at night


@dataclass(frozen=True, slots=True)
class _Spot:
    """Somewhere in the drawn city."""

    point: Point
    code: str  # of the sangkat
    place: Place | None


class Week:
    """One run of the demo's week. now: its end."""

    def __init__(
        self,
        *,
        city: City,
        people: People,
        outlines: dict[str, BaseGeometry],
        now: datetime,
        days: int,
        tell: Callable[[int], None],
    ) -> None:
        self.city, self.people, self.outlines, self.now = city, people, outlines, now
        self.policy: CityPolicy = city.policy_terms()
        self.zone = ZoneInfo(self.policy.hours.zone)
        self.start = now - timedelta(days=days)
        self.chance = random.Random(_SEED)  # noqa: S311 - a story, not a secret
        self.tell = tell
        self.calendar: list[tuple[datetime, int, Callable[[datetime], object]]] = []
        self._order = count()
        self.duty = Actor.of(people.users["duty"])
        self.crew = Actor.of(people.users["crew"])
        self.dispatcher = Actor.of(people.users["dispatcher"])
        self.sangkat = Actor.of(people.users["sangkat"])
        self.officers = {code: Actor.of(user) for code, user in people.khan_officers.items()}
        self.on_duty = {actor.id: actor for actor in (*self.officers.values(), self.duty)}
        self.areas = {code: area_id for code, area_id in _area_ids(city).items() if len(code) == 6 and code in outlines}
        self.places: dict[int, list[Place]] = {}
        for place in Place.objects.filter(city=city):
            self.places.setdefault(place.area_id or 0, []).append(place)
        self.recent: list[tuple[_Spot, str, str]] = []

    # ------------------------------------------------------------------------------------------------- calendar

    def at(self, moment: datetime, what: Callable[[datetime], object]) -> None:
        """Put something on the calendar; after the end of the week it never happens."""
        if moment < self.now:
            heapq.heappush(self.calendar, (moment, next(self._order), what))

    def by_day(self, moment: datetime) -> datetime:
        """Return a moment at which somebody is at work: the same, or, three times out of four at night, the morning."""
        local = moment.astimezone(self.zone)
        if _DAY[0] <= local.time() <= _DAY[1] or self.chance.random() < 0.25:
            return moment
        day = local.date() + timedelta(days=1 if local.time() > _DAY[1] else 0)
        return datetime.combine(day, _DAY[0], self.zone) + timedelta(minutes=self.chance.randint(5, 90))

    def run(self) -> None:
        """Let the week pass."""
        for moment in self._moments(REPORTS):
            self.at(moment, self._report)
        tick = self.start
        while tick < self.now:
            self.at(tick, self._pass_time)
            tick += _CLOCK_EVERY
        while self.calendar:
            moment, _, what = heapq.heappop(self.calendar)
            try:
                what(moment)
            except (MoveNotAllowed, ActRefused, NotAllowed, NotFound, ReportRefused):
                # Somebody was quicker, as in life: the case is closed, merged or handed on by now.
                continue
        self._merge_some()
        self._pass_time(self.now)

    def _moments(self, how_many: int) -> Iterable[datetime]:
        """Return the moments of the reports: more in the mornings and evenings, and a few in the last minutes."""
        hours = int((self.now - self.start).total_seconds() // 3600)
        spans = [self.now - timedelta(hours=back + 1) for back in range(hours)]
        weights = [_HOURS[span.astimezone(self.zone).hour] for span in spans]
        for span in self.chance.choices(spans, weights, k=how_many - 12):
            yield span + timedelta(seconds=self.chance.randint(0, 3599))
        for minutes in (2, 5, 9, 14, 20, 27, 35, 44, 54, 65, 77, 90):
            yield self.now - timedelta(minutes=minutes)

    # -------------------------------------------------------------------------------------------------- reports

    def _report(self, now: datetime) -> None:
        chance = self.chance
        if self.recent and chance.random() < 0.2:
            spot, category, language = chance.choice(self.recent[-25:])
            spot = _Spot(_nearby(spot.point, chance, 15.0), spot.code, spot.place)
        else:
            spot = self._spot()
            category = chance.choices([name for name, _ in _CATEGORIES], [weight for _, weight in _CATEGORIES])[0]
            language = "km" if chance.random() < 0.66 else "en"
        self.recent.append((spot, category, language))
        in_words = chance.random() < 0.12
        report = NewReport(
            service_code=category,
            words=self._sentence(category, language, spot.place),
            point=None if in_words else spot.point,
            accuracy_m=None if in_words else float(chance.choice((8, 12, 20, 35, 60))),
            area_id=self.areas[spot.code],
            place_id=spot.place.pk if in_words and spot.place else None,
            address=self._address(language),
            photos=() if in_words else self._photos(category),
            contact=self._contact(),
            language=language,
            channel=Channel.PHONE
            if in_words
            else chance.choice((Channel.WEB, Channel.WEB, Channel.WEB, Channel.OPEN311)),
        )
        receipt = receive_report(city=self.city, report=report, now=now, by=RESIDENT)
        self.tell(1)
        if not receipt.joined:
            self._plan(receipt, spot, category, language, now)
        elif chance.random() < 0.2:
            self.at(now + timedelta(hours=chance.uniform(1, 9)), lambda then: self._me_too(receipt, language, then))

    def _spot(self) -> _Spot:
        codes = sorted(self.areas)
        weights = [3.0 if code[:4] in _CENTRE else 1.0 for code in codes]
        code = self.chance.choices(codes, weights)[0]
        if self.chance.random() < 0.07 and HOME_SANGKAT in self.areas:
            code = HOME_SANGKAT
        near = self.places.get(self.areas[code], [])
        place = self.chance.choice(near) if near and self.chance.random() < 0.6 else None
        if place is not None:
            middle = Point(lat=place.lat, lon=place.lon)
            return _Spot(_nearby(middle, self.chance, place.radius_m * 0.8), code, place)
        spot = points_in(self.outlines[code], 1, self.chance)[0]
        return _Spot(Point(lat=round(spot.y, 6), lon=round(spot.x, 6)), code, near[0] if near else None)

    def _sentence(self, category: str, language: str, place: Place | None) -> str:
        known = words.REPORTS[category][language]
        fitting = known if place is not None else [sentence for sentence in known if "{place}" not in sentence]
        name = place.names.get(language, "") if place is not None else ""
        return self.chance.choice(fitting).format(place=name)

    def _address(self, language: str) -> str:
        if self.chance.random() < 0.55:
            return ""
        street = self.chance.randint(51, 598)
        return f"ផ្លូវ {street}" if language == "km" else f"Street {street}"

    def _photos(self, category: str) -> tuple[NewPhoto, ...]:
        if self.chance.random() < 0.45:
            return ()
        kind, rubbish = _DRAWN.get(category, ("pile", 4))
        many = 1 if self.chance.random() < 0.85 else 2
        return tuple(
            draw_street(seed=self.chance.getrandbits(32), rubbish=rubbish + self.chance.randint(-3, 6), kind=kind)
            for _ in range(many)
        )

    def _contact(self) -> Contact:
        drawn = self.chance.random()
        number = self.chance.randint(100, 999)
        if drawn < 0.12:
            return Contact(name="", email=f"resident{number}@example.org")
        if drawn < 0.35:
            return Contact(name="", phone=f"012 000 {number}")
        return Contact()

    # ------------------------------------------------------------------------------------------------- officials

    def _plan(self, receipt: Receipt, spot: _Spot, category: str, language: str, now: datetime) -> None:
        """Put on the calendar what becomes of a new case, unless it is one that nobody looks at."""
        chance, khan = self.chance, spot.code[:4]
        if chance.random() < 0.12:
            self.at(now + timedelta(hours=chance.uniform(2, 30)), lambda then: self._me_too(receipt, language, then))
        if chance.random() < 0.06:
            return
        slow = _SLOW.get(khan, 1.0) * (0.25 if category == "danger" else 1.0)
        by = self.sangkat if spot.code == HOME_SANGKAT and chance.random() < 0.7 else self.officers[khan]
        seen = now + timedelta(minutes=chance.lognormvariate(2.6, 0.8) * slow)
        if category != "danger":
            seen = self.by_day(seen)
        elif seen.astimezone(self.zone).hour < _DAY[0].hour:
            by = self.duty
        self.at(seen, lambda then: self._act(receipt.case_id, khan, by, slow, language, category, spot, then))

    def _act(
        self, case_id: int, khan: str, by: Actor, slow: float, language: str, category: str, spot: _Spot, now: datetime
    ) -> None:
        chance = self.chance
        cases.mark_seen(case_id=case_id, now=now, by=by)
        if chance.random() < 0.07:
            return  # looked at, and forgotten
        taken = now + timedelta(minutes=chance.uniform(0.5, 12) * slow)
        self.at(taken, lambda then: cases.take_case(case_id=case_id, now=then, by=by))
        assigned = taken + timedelta(minutes=chance.uniform(2, 50) * slow)
        contractor = self.people.contractors[khan]
        crew = chance.choice(self.people.crews[contractor.pk])
        if khan == HOME_KHAN and chance.random() < 0.5:
            crew = self.people.crews[contractor.pk][0]
        to = Assignee(crew_id=crew.pk) if chance.random() < 0.75 else Assignee(contractor_id=contractor.pk)
        handed_on = chance.random() < 0.9
        if not handed_on and chance.random() < 0.5:
            return  # taken, and left lying
        if handed_on:
            self.at(assigned, lambda then: cases.assign_case(case_id=case_id, to=to, now=then, by=by))
        if chance.random() < 0.04:
            self.at(assigned + timedelta(minutes=2), lambda then: self._set_urgency(case_id, by, then))
        if chance.random() < 0.05 and khan == HOME_KHAN:
            declined = assigned + timedelta(minutes=chance.uniform(10, 90))
            self.at(declined, lambda then: self._decline(case_id, then))
            return
        if chance.random() < 0.16:
            self.at(assigned + timedelta(minutes=1), lambda then: self._write(case_id, language, by, then))
        if chance.random() < 0.16:
            note = chance.choice(words.NOTES)
            self.at(
                assigned + timedelta(minutes=chance.uniform(5, 60)),
                lambda then: cases.add_note(case_id=case_id, text=note, now=then, by=by),
            )
        worker = (
            self.crew
            if handed_on and khan == HOME_KHAN and crew == self.people.crews[contractor.pk][0] and to.crew_id
            else by
        )
        if chance.random() < 0.06:
            return  # handed on, and forgotten
        arrived = self.by_day(assigned + timedelta(hours=chance.lognormvariate(1.3, 0.8) * slow))
        self.at(arrived, lambda then: cases.arrive(case_id=case_id, now=then, by=worker))
        if chance.random() < 0.03:
            return  # they are there, and wait for a larger truck
        closed = arrived + timedelta(minutes=chance.lognormvariate(3.7, 0.8))
        self.at(closed, lambda then: self._close(case_id, worker, by, language, category, spot, then))

    def _close(
        self, case_id: int, worker: Actor, by: Actor, language: str, category: str, spot: _Spot, now: datetime
    ) -> None:
        chance = self.chance
        drawn = chance.random()
        if drawn < 0.66:
            self._prove(case_id, worker, category, spot, now)
        elif drawn < 0.82:
            cases.close_case(case_id=case_id, now=now, by=by, note=chance.choice(words.CLOSING_NOTES))
        else:
            reason = "not-your-day" if category == "missed-collection" else chance.choice(_REASONS)
            cases.close_without_fix(case_id=case_id, reason_code=reason, now=now, by=by)
        later = now + timedelta(hours=chance.uniform(0.3, 20))
        said = chance.random()
        if drawn < 0.66 and said < 0.28:
            self.at(later, lambda then: self._say(case_id, Voice.GONE, language, then))
        elif said > (0.93 if drawn < 0.66 else 0.82):
            self.at(later, lambda then: self._still_there(case_id, language, category, spot, then))

    def _prove(self, case_id: int, worker: Actor, category: str, spot: _Spot, now: datetime) -> None:
        chance = self.chance
        kind, rubbish = _DRAWN.get(category, ("pile", 4))
        honest = chance.random() < 0.9
        near = _nearby(spot.point, chance, 20.0 if honest else 900.0)
        photo = draw_street(
            seed=chance.getrandbits(32), rubbish=0 if honest else rubbish // 2, kind="bin" if kind == "bin" else "pile",
            point=near,
        )  # fmt: skip
        code = draw_proof_code(case_id=case_id, now=now - timedelta(minutes=2), by=worker) if honest else ""
        prove_case(
            case_id=case_id, photo=photo, now=now, by=worker, code=code, camera=honest, phone_point=near,
            phone_accuracy_m=12.0, note=chance.choice(words.CLOSING_NOTES),
        )  # fmt: skip

    def _set_urgency(self, case_id: int, by: Actor, now: datetime) -> None:
        cases.set_urgency(case_id=case_id, urgency=self.chance.choice((Urgency.HIGH, Urgency.LOW)), now=now, by=by)

    def _decline(self, case_id: int, now: datetime) -> None:
        reason = self.chance.choice((Declined.TOO_MUCH, Declined.NO_ACCESS, Declined.NO_ONE_FREE))
        decline_case(case_id=case_id, reason=reason, now=now, by=self.dispatcher)

    def _write(self, case_id: int, language: str, by: Actor, now: datetime) -> None:
        if self.chance.random() < 0.5:
            cases.message_reporter(case_id=case_id, text=self.chance.choice(words.TOLD[language]), now=now, by=by)
            return
        cases.message_reporter(
            case_id=case_id, text=self.chance.choice(words.ASKED[language]), now=now, by=by, asks=True
        )
        token = _token(case_id)
        if self.chance.random() < 0.7:
            text = self.chance.choice(words.ANSWERED[language])
            self.at(
                now + timedelta(minutes=self.chance.uniform(4, 200)),
                lambda then: cases.answer_office(token=token, text=text, now=then, by=RESIDENT),
            )

    def _pass_time(self, now: datetime) -> None:
        clock.escalate_due(now=now)
        clock.pass_on_alerts(now=now)
        waiting = Alert.objects.filter(city=self.city, acknowledged_at__isnull=True, passed_on_at__isnull=True)
        for alert_id, user_id in list(waiting.order_by("pk").values_list("pk", "user_id")):
            if self.chance.random() < 0.85:
                heard = now + timedelta(minutes=self.chance.uniform(0.5, 9))
                self.at(heard, partial(self._acknowledge, alert_id, user_id))

    def _acknowledge(self, alert_id: int, user_id: int, now: datetime) -> None:
        acknowledge_alert(alert_id=alert_id, now=now, by=self.on_duty[user_id])

    # ------------------------------------------------------------------------------------------------- residents

    def _me_too(self, receipt: Receipt, language: str, now: datetime) -> None:
        if not State(Case.objects.get(pk=receipt.case_id).state).is_closed:
            add_voice_by_code(
                city=self.city,
                code=receipt.code,
                words=self.chance.choice(words.ME_TOO[language]),
                now=now,
                by=RESIDENT,
            )

    def _say(self, case_id: int, voice: Voice, language: str, now: datetime) -> None:
        known = words.GONE if voice is Voice.GONE else words.STILL_THERE
        add_voice(token=_token(case_id), voice=voice, words=self.chance.choice(known[language]), now=now, by=RESIDENT)

    def _still_there(self, case_id: int, language: str, category: str, spot: _Spot, now: datetime) -> None:
        self._say(case_id, Voice.STILL_THERE, language, now)
        if self.chance.random() < 0.6:
            again = self.by_day(now + timedelta(hours=self.chance.uniform(0.5, 8)))
            by = self.officers[spot.code[:4]]
            self.at(again, lambda then: cases.take_case(case_id=case_id, now=then, by=by))
            self.at(again + timedelta(hours=2), lambda then: self._prove(case_id, by, category, spot, then))

    def _merge_some(self) -> None:
        """Let an officer join two cases by hand, and do the same once in error and undo it."""
        done = 0
        open_now = Case.objects.filter(city=self.city, closed_at__isnull=True, area__isnull=False)
        by_area: dict[int, list[Case]] = {}
        for case in open_now.order_by("opened_at"):
            by_area.setdefault(case.area_id or 0, []).append(case)
        for waiting in by_area.values():
            if len(waiting) < 2 or done == 2:
                continue
            merge_cases(case_id=waiting[1].pk, into_id=waiting[0].pk, now=self.now, by=self.duty)
            if done:
                last = Event.objects.filter(case_id=waiting[1].pk, kind="case_merged").order_by("-pk").first()
                if last is not None:
                    undo(event_id=last.pk, now=self.now, by=self.duty)
            done += 1


def _area_ids(city: City) -> dict[str, int]:
    return dict(AreaCode.objects.filter(city=city).values_list("code", "area_id"))


def _token(case_id: int) -> str:
    """Return the link of the case's first reporter."""
    case = Case.objects.get(pk=case_id)
    first = case.service_requests.order_by("pk").first()
    return first.token if first is not None else ""


def _nearby(point: Point, chance: random.Random, radius_m: float) -> Point:
    """Return a place within so many metres, roughly."""
    reach = radius_m / 111_320
    return Point(
        lat=round(point.lat + chance.uniform(-reach, reach) * 0.7, 6),
        lon=round(point.lon + chance.uniform(-reach, reach) * 0.7, 6),
    )

"""A city's policy: everything in which one city differs from another, as data.

A policy is written as TOML (`cities/*.toml`) and read into a frozen `CityPolicy`. The same text is kept on the city's
row, so that every process judges by the same words.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

from saat.terms.case import Role, ServiceLevel, Urgency
from saat.terms.entries import Names as Names
from saat.terms.entries import PolicyError as PolicyError
from saat.terms.entries import Reader
from saat.terms.geo import Point
from saat.terms.roundrule import RoundRule as RoundRule
from saat.terms.roundrule import round_rule
from saat.terms.worktime import WorkingHours


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One question that a category asks (an Open311 service attribute).

    datatype: string, text, number, datetime, singlevaluelist or multivaluelist. values: key and names, for lists.
    """

    code: str
    text: Names
    datatype: str = "string"
    required: bool = False
    values: tuple[tuple[str, Names], ...] = ()
    hint: Names = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Category:
    """A kind of trouble that residents can report; an Open311 service.

    due_h: hours promised until it is dealt with; of working time, unless `round_the_clock`.
    at_home: the place may be the reporter's own door, so the public sees it coarsely.
    words: words by which a report of this kind is recognised, in any language.
    """

    service_code: str
    name: Names
    description: Names
    group: str
    icon: str
    due_h: float
    urgency: Urgency = Urgency.NORMAL
    round_the_clock: bool = False
    at_home: bool = False
    words: tuple[str, ...] = ()
    attributes: tuple[Attribute, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class EscalationStep:
    """One rung of the ladder: who is told when a case waits too long.

    when: "untaken" counts from the report (or its return to the queue) until somebody takes it, round the clock;
    "overdue" counts from the promised moment until the case is closed. after_min: minutes, not negative.
    """

    when: str
    after_min: int
    role: Role


@dataclass(frozen=True, slots=True, kw_only=True)
class DuplicateRule:
    """When two reports are the same trouble.

    radius_m: places further apart are never the same. window_h: reports further apart in time are never the same.
    join: from this score (0 to 1) a report joins the case by itself; suggest: from this one it is shown to a person.
    """

    radius_m: float = 60.0
    window_h: float = 72.0
    join: float = 0.72
    suggest: float = 0.45


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosingReason:
    """Why a case is closed without claiming a fix; the reporter reads `text`."""

    code: str
    text: Names


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPolicy:
    """Everything in which one city differs from another.

    languages: the first is the city's own. phone: the hotline for people without a smartphone, may be empty.
    retention_days: after so many days since a case closed its reporters are anonymised.
    ack_min: minutes after which an alert that nobody acknowledged goes to the next. public_grid_m, home_grid_m: side of
    the square to which a public place is coarsened, in streets and at homes. proof_near_m, proof_fresh_min: how near
    to the place and how recent a proof photo must be. service_levels: share of the promised time that a place of that
    level is given (1 is all of it).
    """

    jurisdiction_id: str
    name: Names
    office: Names
    languages: tuple[str, ...]
    country: str
    centre: Point
    hours: WorkingHours
    categories: tuple[Category, ...]
    escalation: tuple[EscalationStep, ...]
    closing_reasons: tuple[ClosingReason, ...]
    duplicates: DuplicateRule = field(default_factory=DuplicateRule)
    phone: str = ""
    email: str = ""
    retention_days: int = 365
    ack_min: int = 10
    max_photos: int = 3
    max_photo_mb: int = 12
    public_grid_m: float = 25.0
    home_grid_m: float = 150.0
    proof_near_m: float = 75.0
    proof_fresh_min: float = 30.0
    photos_public: bool = False
    service_levels: dict[ServiceLevel, float] = field(default_factory=dict)
    observe_country_holidays: bool = True
    rounds: RoundRule = field(default_factory=RoundRule)

    @property
    def missed_code(self) -> str:
        """The category of a collection that did not come: what the rule names, or the first about collection."""
        about = [category.service_code for category in self.categories if category.group == "collection"]
        return self.rounds.service_code or (about or [self.categories[0].service_code])[0]

    def category(self, service_code: str) -> Category:
        """Return the category with this code.

        :raises KeyError: if the city has no such category.
        """
        for category in self.categories:
            if category.service_code == service_code:
                return category
        raise KeyError(service_code)

    def has_category(self, service_code: str) -> bool:
        """Return whether the city has a category with this code."""
        return any(category.service_code == service_code for category in self.categories)

    def say(self, names: Names, language: str) -> str:
        """Return a text in the wanted language, or else in the city's own, or else in any.

        >>> phnom_penh = example_policy()
        >>> phnom_penh.say({"km": "ភ្នំពេញ", "en": "Phnom Penh"}, "vi")
        'ភ្នំពេញ'
        """
        return names.get(language) or names.get(self.languages[0]) or next(iter(names.values()), "")

    def grid_m(self, service_code: str) -> float:
        """Return how coarsely the public sees the place of a case of this category, in metres."""
        at_home = self.has_category(service_code) and self.category(service_code).at_home
        return self.home_grid_m if at_home else self.public_grid_m


_CODE = re.compile(r"^[a-z0-9][a-z0-9_.-]{0,62}$")
_WIDEST_RADIUS_M = 1000.0  # reports further apart are no longer one trouble anywhere
_DAYS = {"mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6}
_DATATYPES = ("string", "text", "number", "datetime", "singlevaluelist", "multivaluelist")


def read_policy(text: str, *, holidays: frozenset[date] = frozenset()) -> CityPolicy:
    """Return the policy written as TOML.

    holidays: public holidays of the country, which the caller looks up; the policy's own are added to them.

    :raises PolicyError: if the text is not TOML or an entry is missing, unknown or of the wrong kind.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PolicyError(f"The policy is not valid TOML: {error}.") from error
    return policy_from(data, holidays=holidays)


def policy_from(data: dict[str, Any], *, holidays: frozenset[date] = frozenset()) -> CityPolicy:
    """Return the policy held in plain dictionaries, as TOML or JSON gives them.

    :raises PolicyError: if an entry is missing, unknown or of the wrong kind.
    """
    reader = Reader(data, "")
    reader.need("languages", list)
    languages = reader.texts("languages")
    if not languages:
        raise PolicyError("`languages` must name at least one language, the city's own first.")
    own = languages[0]
    jurisdiction_id = reader.need("jurisdiction_id", str)
    if not _CODE.fullmatch(jurisdiction_id):
        raise PolicyError(
            f"`jurisdiction_id` must be lower-case letters, digits, dots and dashes, got {jurisdiction_id!r}."
        )
    centre = reader.need("centre", list)
    try:
        middle = Point(lat=float(centre[0]), lon=float(centre[1]))
    except (ValueError, IndexError, TypeError) as error:
        raise PolicyError(f"`centre` must be [latitude, longitude], got {centre!r}: {error}.") from error
    categories = tuple(_category(entry, own) for entry in reader.tables("category"))
    if not categories:
        raise PolicyError("The policy has no [[category]]; residents could report nothing.")
    closing_reasons = tuple(_closing_reason(entry, own) for entry in reader.tables("closing_reason"))
    _once("service_code", [category.service_code for category in categories])
    _once("closing_reason.code", [reason.code for reason in closing_reasons])
    policy = CityPolicy(
        jurisdiction_id=jurisdiction_id,
        name=reader.names("name", own),
        office=reader.names("office", own),
        languages=languages,
        country=reader.need("country", str),
        centre=middle,
        phone=reader.get("phone", str, ""),
        email=reader.get("email", str, ""),
        hours=_hours(reader, holidays),
        categories=categories,
        escalation=tuple(_step(entry) for entry in reader.tables("escalation")),
        closing_reasons=closing_reasons,
        duplicates=_duplicates(reader),
        retention_days=reader.whole("retention_days", 365, least=1),
        ack_min=reader.whole("ack_min", 10, least=1),
        max_photos=reader.whole("max_photos", 3, least=0),
        max_photo_mb=reader.whole("max_photo_mb", 12, least=1),
        public_grid_m=reader.number("public_grid_m", 25.0),
        home_grid_m=reader.number("home_grid_m", 150.0),
        proof_near_m=reader.number("proof_near_m", 75.0),
        proof_fresh_min=reader.number("proof_fresh_min", 30.0),
        photos_public=reader.get("photos_public", bool, False),
        service_levels=_service_levels(reader),
        observe_country_holidays=reader.get("observe_country_holidays", bool, True),
        rounds=round_rule(reader, [category.service_code for category in categories]),
    )
    reader.done(("time_zone", "hours", "holidays", "duplicates", "service_levels", "rounds"))
    return policy


def _once(what: str, codes: list[str]) -> None:
    twice = sorted({code for code in codes if codes.count(code) > 1})
    if twice:
        raise PolicyError(f"A `{what}` stands twice: {', '.join(twice)}.")


def _category(entry: Reader, own: str) -> Category:
    code = entry.need("service_code", str)
    if not _CODE.fullmatch(code):
        raise PolicyError(f"{entry.where}: `service_code` must be lower-case letters, digits and dashes, got {code!r}.")
    due_h = entry.number("due_h", None)
    if due_h < 0.05:
        raise PolicyError(f"{entry.where}: `due_h` must be at least 0.05 hours (three minutes), got {due_h}.")
    category = Category(
        service_code=code,
        name=entry.names("name", own),
        description=entry.names("description", own),
        group=entry.get("group", str, "rubbish"),
        icon=entry.get("icon", str, "pile"),
        due_h=due_h,
        urgency=entry.one_of("urgency", Urgency, Urgency.NORMAL),
        round_the_clock=entry.get("round_the_clock", bool, False),
        at_home=entry.get("at_home", bool, False),
        words=entry.texts("words"),
        attributes=tuple(_attribute(attribute, own) for attribute in entry.tables("attribute")),
    )
    _once("attribute.code", [attribute.code for attribute in category.attributes])
    entry.done()
    return category


def _attribute(entry: Reader, own: str) -> Attribute:
    datatype = entry.get("datatype", str, "string")
    if datatype not in _DATATYPES:
        raise PolicyError(f"{entry.where}: `datatype` must be one of {', '.join(_DATATYPES)}, got {datatype!r}.")
    values = tuple((value.need("key", str), value.names("name", own)) for value in entry.tables("value"))
    if datatype.endswith("list") and not values:
        raise PolicyError(f"{entry.where}: a {datatype} needs its [[…value]] entries.")
    attribute = Attribute(
        code=entry.need("code", str),
        text=entry.names("text", own),
        datatype=datatype,
        required=entry.get("required", bool, False),
        values=values,
        hint=entry.names("hint", own, needed=False),
    )
    entry.done()
    return attribute


def _step(entry: Reader) -> EscalationStep:
    when = entry.need("when", str)
    if when not in ("untaken", "overdue"):
        raise PolicyError(f'{entry.where}: `when` must be "untaken" or "overdue", got {when!r}.')
    step = EscalationStep(
        when=when, after_min=entry.whole("after_min", None, least=0), role=entry.one_of("role", Role, None)
    )
    entry.done()
    return step


def _closing_reason(entry: Reader, own: str) -> ClosingReason:
    reason = ClosingReason(code=entry.need("code", str), text=entry.names("text", own))
    entry.done()
    return reason


def _duplicates(reader: Reader) -> DuplicateRule:
    if "duplicates" not in reader.data:
        return DuplicateRule()
    entry = reader.table("duplicates")
    usual = DuplicateRule()
    rule = DuplicateRule(
        radius_m=entry.number("radius_m", usual.radius_m),
        window_h=entry.number("window_h", usual.window_h),
        join=entry.number("join", usual.join),
        suggest=entry.number("suggest", usual.suggest),
    )
    entry.done()
    if rule.radius_m > _WIDEST_RADIUS_M:
        raise PolicyError(f"duplicates: `radius_m` must be at most {_WIDEST_RADIUS_M:g} m, got {rule.radius_m:g}.")
    if not 0 < rule.suggest <= rule.join <= 1:
        raise PolicyError(f"duplicates: 0 < suggest <= join <= 1 must hold, got {rule.suggest} and {rule.join}.")
    return rule


def _hours(reader: Reader, holidays: frozenset[date]) -> WorkingHours:
    zone = reader.need("time_zone", str)
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:  # a region such as "Asia" is a folder
        raise PolicyError(f"`time_zone` must be an IANA name such as Asia/Phnom_Penh, got {zone!r}.") from error
    days: dict[int, tuple[tuple[time, time], ...]] = {}
    entry = reader.table("hours")
    for name in list(entry.data):
        if name not in _DAYS:
            raise PolicyError(f"hours: {name!r} is no weekday; use {', '.join(_DAYS)}.")
        days[_DAYS[name]] = spans = tuple(_span(text, f"hours.{name}") for text in entry.need(name, list))
        if any(before[1] > after[0] for before, after in pairwise(spans)):
            raise PolicyError(f"hours.{name}: the spans overlap or are not in order.")
    if not any(days.values()):
        raise PolicyError("hours: the city never works; give at least one span.")
    own: set[date] = set()
    for value in reader.get("holidays", list, []):
        try:
            own.add(value if isinstance(value, date) else date.fromisoformat(value))
        except (TypeError, ValueError) as error:
            raise PolicyError(f"holidays: {value!r} is no date like 2026-04-14.") from error
    return WorkingHours(zone=zone, days=days, holidays=holidays | own)


def _span(text: Any, where: str) -> tuple[time, time]:
    try:
        start_text, end_text = str(text).split("-")
        start, end = time.fromisoformat(start_text.strip()), time.fromisoformat(end_text.strip())
    except ValueError as error:
        raise PolicyError(f'{where}: {text!r} is no span like "07:30-11:30".') from error
    if end <= start:
        raise PolicyError(f"{where}: the span {text!r} ends before it starts.")
    return start, end


def _service_levels(reader: Reader) -> dict[ServiceLevel, float]:
    levels = {ServiceLevel.USUAL: 1.0, ServiceLevel.RAISED: 0.5, ServiceLevel.HIGHEST: 0.25}
    if "service_levels" in reader.data:
        entry = reader.table("service_levels")
        for level in ServiceLevel:
            levels[level] = entry.number(level, levels[level])
            if not 0 < levels[level] <= 1:
                raise PolicyError(f"service_levels: {level} must be a share above 0 and up to 1, got {levels[level]}.")
        entry.done()
    return levels


def due_span(category: Category, share: float) -> timedelta:
    """Return the time promised for a category where a place is given this share of it."""
    return timedelta(hours=category.due_h * share)


def example_policy() -> CityPolicy:
    """Return a small policy for examples and tests of pure rules."""
    return read_policy(_EXAMPLE)


_EXAMPLE = """
jurisdiction_id = "example.test"
languages = ["km", "en"]
time_zone = "Asia/Phnom_Penh"
country = "KH"
centre = [11.5564, 104.9282]
[name]
km = "ភ្នំពេញ"
en = "Phnom Penh"
[office]
km = "សាលារាជធានី"
en = "City Hall"
[hours]
mon = ["07:30-11:30", "14:00-17:30"]
tue = ["07:30-11:30", "14:00-17:30"]
wed = ["07:30-11:30", "14:00-17:30"]
thu = ["07:30-11:30", "14:00-17:30"]
fri = ["07:30-11:30", "14:00-17:30"]
[[category]]
service_code = "pile"
name = { km = "គំនរសំរាម", en = "Rubbish piled up" }
description = { km = "សំរាមគរនៅតាមផ្លូវ", en = "Rubbish lies in the street" }
due_h = 8
[[category]]
service_code = "missed"
name = { km = "មិនបានប្រមូល", en = "Not collected" }
description = { km = "ឡានមិនបានមក", en = "The truck did not come" }
group = "collection"
due_h = 12
at_home = true
[[escalation]]
when = "untaken"
after_min = 30
role = "khan_officer"
[[escalation]]
when = "overdue"
after_min = 0
role = "city_duty"
[[closing_reason]]
code = "not_found"
text = { km = "រកមិនឃើញ", en = "We went there and found nothing" }
"""

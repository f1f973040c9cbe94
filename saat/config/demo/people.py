"""The demo's people: three contractors with their zones and crews, one login for each role, and who is on duty."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from saat.actions.duty import LONGEST, plan_duty
from saat.actions.log import COMMAND
from saat.actions.people import Part, add_contractor, add_crew, add_user
from saat.config.demo_facts import Login
from saat.records.models import Area, AreaCode, City, Contractor, Crew, User
from saat.terms.case import Role
from saat.terms.codes import new_token

# Who collects where since July 2021, by the khans' codes in the list.
CONTRACTORS = (
    ("GAEA (demo)", ("1204", "1207", "1208", "1211", "1212")),
    ("Mizuda (demo)", ("1202", "1203", "1205", "1209", "1214")),
    ("Everbright (demo)", ("1201", "1206", "1210", "1213")),
)
_CREWS_EACH = 4
HOME_KHAN = "1201"  # of the demo's officers: Chamkar Mon
HOME_SANGKAT = "120101"  # Tonle Basak
# Officers of the other khans: names as they are common in Phnom Penh, of nobody in particular.
_OFFICERS = (
    ("1202", "Sophea", "Chan"), ("1203", "Vannak", "Keo"), ("1204", "Sreymom", "Pich"), ("1205", "Bunthoeun", "Sok"),
    ("1206", "Kunthea", "Long"), ("1207", "Rithy", "Noun"), ("1208", "Chenda", "Heng"), ("1209", "Makara", "Ouk"),
    ("1210", "Sokunthea", "Prak"), ("1211", "Veasna", "Tep"), ("1212", "Sovann", "Mao"), ("1213", "Dalin", "Chea"),
    ("1214", "Piseth", "Yim"),
)  # fmt: skip
_MONTHS_ON_DUTY = 3


@dataclass(slots=True, kw_only=True)
class People:
    """The demo's people by what they are. khan_officers: by the khan's code."""

    logins: list[Login] = field(default_factory=list)
    users: dict[str, User] = field(default_factory=dict)
    khan_officers: dict[str, User] = field(default_factory=dict)
    contractors: dict[str, Contractor] = field(default_factory=dict)  # by the khan's code
    crews: dict[int, list[Crew]] = field(default_factory=dict)  # by the contractor's id


def settle_people(city: City, *, code_list: str, since: datetime) -> People:
    """Write the demo's people. since: when they begin to be on duty."""
    by_code = {
        row.code: row.area for row in AreaCode.objects.filter(city=city, code_list=code_list).select_related("area")
    }
    people = People()
    for name, khans in CONTRACTORS:
        zone = [by_code[code].pk for code in khans if code in by_code]
        contractor = add_contractor(city=city, name=name, area_ids=zone, now=since, by=COMMAND)
        people.contractors |= dict.fromkeys(khans, contractor)
        people.crews[contractor.pk] = [
            add_crew(city=city, name=f"{name.split()[0]} {number}", contractor_id=contractor.pk, now=since, by=COMMAND)
            for number in range(1, _CREWS_EACH + 1)
        ]
    home = people.contractors[HOME_KHAN]
    khan, sangkat = by_code.get(HOME_KHAN), by_code.get(HOME_SANGKAT)
    crew = people.crews[home.pk][0]
    first = Area.objects.filter(city=city).order_by("level", "pk").last()
    khan, sangkat = khan or first, sangkat or first
    assert khan is not None
    assert sangkat is not None
    parts = (
        ("sangkat", Part(role=Role.SANGKAT_OFFICER, area_id=sangkat.pk), "Sopheak", "Meas"),
        ("khan", Part(role=Role.KHAN_OFFICER, area_id=khan.pk), "Bopha", "Sar"),
        ("duty", Part(role=Role.CITY_DUTY), "Samnang", "Chhim"),
        ("dispatcher", Part(role=Role.CONTRACTOR, contractor_id=home.pk), "Dara", "Kim"),
        ("crew", Part(role=Role.CREW, crew_id=crew.pk), "Vuthy", "Em"),
        ("director", Part(role=Role.DIRECTOR), "Chanthou", "Ros"),
        ("auditor", Part(role=Role.AUDITOR), "Leakhena", "Tan"),
        ("admin", Part(role=Role.ADMINISTRATOR), "Sokha", "Nhem"),
    )
    for username, part, first_name, last_name in parts:
        password = new_token()[:12]
        people.users[username] = add_user(
            city=city, username=username, part=part, password=password, first_name=first_name, last_name=last_name,
            language="en", now=since, by=COMMAND,
        )  # fmt: skip
        where = {sangkat.pk: sangkat, khan.pk: khan}.get(part.area_id or 0)
        people.logins.append(
            Login(role=part.role, username=username, password=password, area=_english(where) if where else "")
        )
    people.khan_officers[HOME_KHAN] = people.users["khan"]
    for code, first_name, last_name in _OFFICERS:
        if code in by_code:
            # They fill the rosters; nobody signs in as them, so they have no password.
            people.khan_officers[code] = add_user(
                city=city, username=f"{first_name}.{last_name}".lower(), first_name=first_name, last_name=last_name,
                part=Part(role=Role.KHAN_OFFICER, area_id=by_code[code].pk), language="km", now=since, by=COMMAND,
            )  # fmt: skip
    _roster(city, people, by_code, since=since)
    return people


def _roster(city: City, people: People, by_code: dict[str, Area], *, since: datetime) -> None:
    turns = [(officer, by_code[code].pk) for code, officer in people.khan_officers.items() if code in by_code]
    for user, area_id in [*turns, (people.users["duty"], None)]:
        for month in range(_MONTHS_ON_DUTY):
            starts_at = since + month * LONGEST
            plan_duty(
                city_id=city.pk,
                user_id=user.pk,
                area_id=area_id,
                starts_at=starts_at,
                ends_at=starts_at + LONGEST,
                now=since,
                by=COMMAND,
            )


def _english(area: Area) -> str:
    names = dict(area.names.values_list("language", "text"))
    return names.get("en") or next(iter(names.values()), "")

"""The people of the test city: officers of two sangkats and a khan, the duty officer, contractors and crews."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from saat.actions.log import RESIDENT, Actor
from saat.actions.reports import receive_report
from saat.records.models import Case, Contractor, Crew, User
from saat.terms.case import Role
from saat.terms.report import NewReport, Receipt
from tests.city import MONDAY_MORNING, TestCity, make_city, make_user, new_report


@dataclass(frozen=True, slots=True, kw_only=True)
class Hall:
    """A city with its people by what they are."""

    ground: TestCity
    people: dict[str, User]
    contractors: dict[str, Contractor]
    crews: dict[str, Crew]

    @property
    def city(self):
        return self.ground.city

    def by(self, name: str) -> Actor:
        """Return somebody as an actor."""
        return Actor.of(self.people[name])

    def report(self, report: NewReport | None = None, *, now: datetime = MONDAY_MORNING) -> Receipt:
        """Let a resident report; the heap at Kandal market if nothing else is said."""
        return receive_report(city=self.city, report=report or new_report(), now=now, by=RESIDENT)

    def case(self, report: NewReport | None = None, *, now: datetime = MONDAY_MORNING) -> Case:
        """Let a resident report, and return the case."""
        return Case.objects.get(pk=self.report(report, now=now).case_id)


def make_hall(ground: TestCity | None = None, *, password: str | None = None) -> Hall:
    """Write the people of a city. password: theirs; without one nobody can sign in with a password."""
    ground = ground or make_city()
    city = ground.city
    north = Contractor.objects.create(city=city, name="North Clean", email="work@north.example")
    north.areas.add(ground.khans["Daun Penh"])
    south = Contractor.objects.create(city=city, name="South Waste", email="work@south.example")
    south.areas.add(ground.khans["Chamkar Mon"])
    crews = {
        "North 1": Crew.objects.create(city=city, contractor=north, name="North 1"),
        "South 1": Crew.objects.create(city=city, contractor=south, name="South 1"),
        "City crew": Crew.objects.create(city=city, name="City crew"),
    }
    make = {
        "kandal": (Role.SANGKAT_OFFICER, {"area": ground.sangkats["Phsar Kandal"]}),
        "bassac": (Role.SANGKAT_OFFICER, {"area": ground.sangkats["Tonle Bassac"]}),
        "daun penh": (Role.KHAN_OFFICER, {"area": ground.khans["Daun Penh"]}),
        "duty": (Role.CITY_DUTY, {}),
        "north": (Role.CONTRACTOR, {"contractor": north}),
        "south": (Role.CONTRACTOR, {"contractor": south}),
        "north crew": (Role.CREW, {"crew": crews["North 1"]}),
        "director": (Role.DIRECTOR, {}),
        "auditor": (Role.AUDITOR, {}),
        "admin": (Role.ADMINISTRATOR, {}),
    }
    people = {
        name: make_user(city, role, username=name.replace(" ", "-"), password=password, **where)
        for name, (role, where) in make.items()
    }
    return Hall(ground=ground, people=people, contractors={"north": north, "south": south}, crews=crews)


def later(**span: float) -> datetime:
    """Return a moment so long after the Monday morning on which everything begins."""
    return MONDAY_MORNING + timedelta(**span)

"""What a call would become is told while the caller speaks, and stays the same from one look to the next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saat.actions.foresight import MOST_ALIKE, foresee
from saat.records.models import Case, Event
from saat.terms.case import Danger, Urgency
from saat.terms.report import NewReport, ReportRefused
from tests.city import AT_RIVER, NEXT_TO_MARKET, OUTSIDE, new_report
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def at_market(hall: Hall) -> NewReport:
    """Return a report of a caller who names the landmark, not a point."""
    place = hall.ground.places["Kandal Market"]
    return NewReport(service_code="pile", place_id=place.pk, area_id=place.area_id, words="bags beside the stairs")


def test_what_is_foreseen_is_what_is_filed(hall):
    report = new_report(point=AT_RIVER, words="it is burning")
    seen = foresee(city=hall.city, report=report, now=later(minutes=1))
    assert not Event.objects.exists()
    case = hall.case(report, now=later(minutes=1))
    assert (seen.urgency, seen.due_at) == (Urgency(case.urgency), case.due_at)
    assert seen.why == ("words:fire",)


def test_the_care_that_a_landmark_asks_for_and_what_the_caller_tells_are_counted(hall):
    hospital = hall.ground.places["Calmette Hospital"]
    report = NewReport(service_code="pile", place_id=hospital.pk, area_id=hospital.area_id)
    assert foresee(city=hall.city, report=report, now=later()).why == ("place:highest",)
    told = replace(report, dangers=(Danger.WIRE,))
    assert foresee(city=hall.city, report=told, now=later()).urgency is Urgency.DANGER


def test_a_case_so_alike_that_it_would_be_joined_is_named(hall):
    case = hall.case()
    close = new_report(point=NEXT_TO_MARKET)
    assert foresee(city=hall.city, report=close, now=later(minutes=3)).would_join == case.pk
    assert foresee(city=hall.city, report=new_report(point=AT_RIVER), now=later(minutes=3)).would_join is None


def test_of_many_that_are_equally_alike_the_same_few_are_shown_from_one_look_to_the_next(hall):
    for number in range(MOST_ALIKE + 3):
        hall.case(replace(at_market(hall), apart=True), now=later(minutes=number))
    assert Case.objects.count() == MOST_ALIKE + 3
    looks = [
        [
            like.case_id
            for like in foresee(city=hall.city, report=at_market(hall), now=later(minutes=20, seconds=s)).alike
        ]
        for s in range(0, 40, 4)
    ]
    assert len(looks[0]) == MOST_ALIKE
    assert all(look == looks[0] for look in looks)


def test_a_place_outside_the_city_is_refused_as_the_report_would_be(hall):
    with pytest.raises(ReportRefused, match="outside"):
        foresee(city=hall.city, report=new_report(point=OUTSIDE), now=later())

"""The page of a case shows what the trucks' positions say about it, also where they alone opened it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.test import Client

from saat.actions.notcollected import answer_for
from saat.records.models import Case
from saat.terms.codes import spoken
from saat.terms.run import Outcome
from tests.actions.test_round_findings import look, standing
from tests.doors.desk import page_of, signed_in, text_of
from tests.hall import Hall, make_hall
from tests.rounds_plan import at_s, make_run, moment, view_at


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


@pytest.fixture
def run(hall):
    return make_run(hall.ground, contractor=hall.contractors["north"])


def broken_down(run) -> Case:
    """Return the case of a truck that stands with six stops to go, of which one before was missed."""
    view = standing(9)
    missed = view_at(view.as_of_s, served=4, outcomes={2: Outcome.MISSED})
    return Case.objects.get(pk=look(run, replace(view, stops=missed.stops)))


def test_the_page_shows_each_finding_with_its_stops_and_evidence(hall, run):
    case = broken_down(run)
    said = text_of(signed_in(hall, "kandal").get(page_of(case)))
    for words in (
        "What the trucks show", "Truck 2A-1234 stands since 20:16, 6 stops to go", "Norodom: 1 stop was missed",
        "N2: Missed", "served with 5 %", "positions: Missed stops, Stalled",
        "The follower of trucks",
    ):  # fmt: skip
        assert words in said.replace(" :", ":"), words


def test_the_list_shows_it_as_one_line(hall, run):
    case = broken_down(run)
    said = text_of(signed_in(hall, "kandal").get("/desk/"))
    assert spoken(case.code) in said
    assert "2A-1234" in said


def test_its_contractor_sees_it_and_another_does_not(hall, run):
    case = broken_down(run)
    assert signed_in(hall, "north").get(page_of(case)).status_code == 200
    assert signed_in(hall, "south").get(page_of(case)).status_code == 404


def test_what_closed_itself_says_so(hall, run):
    case = Case.objects.get(pk=look(run, standing(9)))
    look(run, view_at(at_s(5), served=6))
    said = text_of(signed_in(hall, "kandal").get(page_of(case)))
    assert "positions show that it is over, and nobody had touched it" in said
    assert "Over since" in said


def test_the_public_page_of_its_code_stands(hall, run):
    case = broken_down(run)
    page = Client(headers={"accept-language": "en"}).get(f"/r/{spoken(case.code)}")
    html = page.content.decode()
    assert page.status_code == 200
    assert "positions showed that something is wrong with the collection" in html
    assert "2A-1234" not in html


def test_who_asks_about_one_of_its_stops_hears_of_it(hall, run):
    case = broken_down(run)
    told = answer_for(run.city, now=moment(at_s(9)), number="N8")
    assert told.step.code == case.code


def test_the_list_of_reports_for_other_systems_stands(hall, run):
    broken_down(run)
    answer = Client().get("/open311/v2/requests.json", {"jurisdiction_id": "phnompenh.kh"})
    assert (answer.status_code, answer.json()) == (200, [])

"""The case page says why a case was filed as dangerous, and offers the category of which the words speak."""

from __future__ import annotations

from dataclasses import replace

import pytest
from django.utils import timezone

from saat.actions.cases import set_urgency
from saat.actions.log import Actor
from saat.actions.reports import receive_report
from saat.records.models import Case
from saat.terms.case import Channel, Danger, Urgency
from saat.web.desk.understood import DANGERS, why_text
from tests.city import AT_MARKET, new_report
from tests.doors.desk import act_on, now_case, page_of, reread, signed_in, text_of
from tests.hall import Hall, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def page(hall: Hall, case: Case, who: str = "kandal") -> str:
    return text_of(signed_in(hall, who).get(page_of(case)))


def test_the_page_says_which_words_made_a_case_dangerous(hall):
    case = now_case(hall, new_report(words="it burns, fire"))
    assert "Urgency “Danger”, because the words speak of fire." in page(hall, case)


def test_the_page_says_what_a_caller_told(hall):
    report = replace(new_report(), channel=Channel.PHONE, dangers=(Danger.WIRE, Danger.GLASS))
    receipt = receive_report(city=hall.city, report=report, now=timezone.now(), by=hall.by("kandal"))
    text = page(hall, Case.objects.get(pk=receipt.case_id))
    assert "because the caller tells of an electric wire." in text
    assert "Told on the telephone: an electric wire, broken glass." in text
    assert "wrote down a call" in text


def test_a_later_voice_that_made_it_dangerous_is_the_reason_that_stands_there(hall):
    case = now_case(hall)
    receive_report(
        city=hall.city, report=new_report(words="needles now"), now=timezone.now(), by=Actor(kind="resident")
    )
    assert "because the words speak of needles." in page(hall, case)


def test_the_reason_is_gone_once_an_official_has_judged_it_otherwise_and_a_usual_case_has_none(hall):
    case = now_case(hall, new_report(words="fire"))
    set_urgency(case_id=case.pk, urgency=Urgency.LOW, now=timezone.now(), by=hall.by("kandal"))
    assert "because" not in page(hall, case).split("History")[0]
    usual = now_case(hall, new_report(service_code="full-bin", point=None).__class__(
        service_code="full-bin", area_id=hall.ground.sangkats["Phsar Kandal"].pk))  # fmt: skip
    assert "because the" not in page(hall, usual).split("History")[0]


def test_something_else_is_filed_by_its_name_with_one_click_and_the_clock_goes_on(hall):
    case = now_case(hall, new_report(service_code="other", words="a public container is full"))
    client = signed_in(hall, "kandal")
    shown = client.get(page_of(case))
    assert "The words speak of: Bin or container is full." in text_of(shown)
    assert "File as “Bin or container is full”" in text_of(shown)
    after = act_on(client, case, "change", service_code="full-bin")
    assert reread(case).service_code == "full-bin"
    assert reread(case).opened_at == case.opened_at
    assert (reread(case).lat, reread(case).lon) == (AT_MARKET.lat, AT_MARKET.lon)
    assert "File as" not in text_of(after)


@pytest.mark.parametrize("who", ["auditor", "director"])
def test_who_may_not_change_a_case_is_not_offered_to(hall, who):
    case = now_case(hall, new_report(service_code="other", words="a public container is full"))
    assert "File as" not in page(hall, case, who)


def test_every_danger_has_its_words_and_an_unknown_reason_is_shown_as_it_is(hall):
    assert set(DANGERS) == set(Danger)
    policy = hall.city.policy_terms()
    assert why_text("words:blocked-drain", policy=policy, language="en") == (
        "the words speak of Rubbish blocks a drain"
    )
    assert why_text("stars", policy=policy, language="en") == "stars"

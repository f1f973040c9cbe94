"""Why a case is as urgent as it is, which category its words speak of, and who may write down a caller's words."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from saat.actions.cases import set_urgency
from saat.actions.log import Actor, NotAllowed
from saat.actions.reports import receive_report
from saat.actions.voices import add_voice, add_voice_by_code
from saat.records.models import Alert, Case, Duty, Event, ServiceRequest
from saat.terms.case import Channel, Danger, Urgency, Voice
from saat.terms.report import Contact, NewReport
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_HOSPITAL, AT_RIVER, MONDAY_MORNING, NEXT_TO_MARKET, new_report
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def on_duty(hall) -> Hall:
    Duty.objects.create(
        city=hall.city, user=hall.people["daun penh"], area=hall.ground.khans["Daun Penh"],
        starts_at=later(hours=-1), ends_at=later(hours=7),
    )  # fmt: skip
    return hall


def last(case_id: int, kind: str) -> dict:
    return Event.objects.filter(case_id=case_id, kind=kind).order_by("id").last().facts


def phoned(**more) -> NewReport:
    return replace(new_report(), channel=Channel.PHONE, **more)


# ------------------------------------------------------------------------------------------------------- why so urgent


def test_the_log_says_why_a_case_was_filed_as_dangerous_in_codes_alone(hall):
    case = hall.case(new_report(point=AT_RIVER, words="uncle Sok's heap is BURNING"))
    facts = last(case.pk, "case_opened")
    assert (facts["urgency"], facts["urgency_why"]) == ("danger", ["words:fire"])
    written = " ".join(Event.objects.values_list("facts_json", flat=True))
    assert "Sok" not in written
    assert "BURNING" not in written


def test_the_words_of_the_citys_own_urgent_categories_raise_a_report_of_another_kind(hall):
    case = hall.case(new_report(point=AT_RIVER, words="rubbish in the canal"))
    assert case.urgency == Urgency.HIGH
    assert last(case.pk, "case_opened")["urgency_why"] == ["words:blocked-drain"]


def test_a_usual_report_is_as_urgent_as_its_category_and_says_so(hall):
    case = hall.case(new_report(point=AT_RIVER))
    facts = last(case.pk, "case_opened")
    assert (facts["urgency"], facts["urgency_why"]) == ("normal", ["category"])


def test_a_voice_that_tells_of_fire_makes_the_case_dangerous_promises_more_and_alerts(on_duty):
    first = on_duty.case()
    receipt = on_duty.report(new_report(point=NEXT_TO_MARKET, words="the bags beside the stairs burn: fire"),
                             now=later(minutes=20))  # fmt: skip
    case = Case.objects.get(pk=first.pk)
    assert receipt.joined
    assert case.urgency == Urgency.DANGER
    # Eight hours, halved at a market, and every hour counts.
    assert case.due_at == MONDAY_MORNING + timedelta(hours=4)
    assert receipt.due_at == case.due_at
    facts = last(case.pk, "voice_added")
    assert facts["urgency_why"] == ["words:fire"]
    assert (facts["before"]["urgency"], facts["after"]["urgency"]) == ("normal", "danger")
    assert Alert.objects.get(case=case).why == "danger"


def test_the_reporters_own_word_of_fire_alarms_as_well(on_duty):
    receipt = on_duty.report()
    add_voice(token=receipt.token, voice=Voice.ME_TOO, words="now it burns, fire!", now=later(minutes=5),
              by=Actor(kind="resident"))  # fmt: skip
    case = Case.objects.get(pk=receipt.case_id)
    assert case.urgency == Urgency.DANGER
    assert last(case.pk, "voice_added")["urgency_why"] == ["words:fire"]
    assert Alert.objects.filter(case=case, why="danger").count() == 1


def test_a_voice_on_a_closed_case_changes_nothing_of_its_urgency(hall):
    receipt = hall.report()
    Case.objects.filter(pk=receipt.case_id).update(state="closed", ending="claimed", closed_at=later(hours=1))
    code = Case.objects.get(pk=receipt.case_id).code
    add_voice_by_code(city=hall.city, code=code, words="fire", now=later(hours=2), by=Actor(kind="resident"))
    assert Case.objects.get(pk=receipt.case_id).urgency == Urgency.NORMAL


def test_the_fifth_voice_raises_a_case_once_and_an_officials_judgement_stands_after_it(hall):
    case = hall.case(new_report(point=AT_RIVER))
    for number in range(2, 6):
        hall.report(new_report(point=AT_RIVER), now=later(minutes=number))
    case.refresh_from_db()
    assert (case.voices, case.urgency) == (5, Urgency.HIGH)
    assert last(case.pk, "voice_added")["urgency_why"] == ["voices"]
    set_urgency(case_id=case.pk, urgency=Urgency.LOW, now=later(minutes=10), by=hall.by("bassac"))
    hall.report(new_report(point=AT_RIVER), now=later(minutes=11))
    case.refresh_from_db()
    assert (case.voices, case.urgency) == (6, Urgency.LOW)
    assert "urgency_why" not in last(case.pk, "voice_added")


def test_a_dangerous_category_that_an_official_judged_harmless_alarms_again_only_if_somebody_says_more(on_duty):
    needles = new_report(service_code="danger", words="waste")
    case = on_duty.case(needles)
    set_urgency(case_id=case.pk, urgency=Urgency.NORMAL, now=later(minutes=5), by=on_duty.by("kandal"))
    on_duty.report(needles, now=later(minutes=6))
    case.refresh_from_db()
    assert (case.voices, case.urgency) == (2, Urgency.NORMAL)
    on_duty.report(replace(needles, words="waste with needles"), now=later(minutes=7))
    case.refresh_from_db()
    assert case.urgency == Urgency.DANGER
    assert last(case.pk, "voice_added")["urgency_why"] == ["words:needle"]


# ------------------------------------------------------------------------------------------------- of what it may speak


def test_a_report_of_something_else_keeps_its_category_and_the_log_tells_of_what_it_speaks(hall):
    case = hall.case(new_report(service_code="other", point=AT_RIVER, words="A public bin is full, container too"))
    assert case.service_code == "other"
    assert last(case.pk, "case_opened")["guess"] == "full-bin"


def test_a_report_that_was_filed_by_its_name_or_says_nothing_known_is_not_guessed_about(hall):
    filed = hall.case(new_report(service_code="pile", point=AT_RIVER, words="the container is full"))
    assert "guess" not in last(filed.pk, "case_opened")
    vague = hall.case(new_report(service_code="other", point=AT_HOSPITAL, words="please come"))
    assert "guess" not in last(vague.pk, "case_opened")


def test_a_later_voice_may_say_of_what_a_case_of_something_else_is(hall):
    case = hall.case(new_report(service_code="other", point=AT_RIVER, words="please come"))
    joins = NewReport(service_code="other", words="somebody dumped construction debris", join_case_id=case.pk)
    hall.report(joins, now=later(minutes=3))
    assert last(case.pk, "voice_added")["guess"] == "dumping"


# ------------------------------------------------------------------------------------------------- officials write down


def test_an_official_writes_down_a_call_and_stands_in_the_log_as_who_did(hall):
    caller = Contact(name="Grandmother Mom", phone="+85512345678")
    receipt = receive_report(city=hall.city, report=phoned(contact=caller), now=MONDAY_MORNING, by=hall.by("kandal"))
    event = Event.objects.get(case_id=receipt.case_id, kind="case_opened")
    assert event.actor == f"user:{hall.people['kandal'].pk}"
    assert event.facts["channel"] == "phone"
    assert "Mom" not in event.facts_json
    assert "12345678" not in event.facts_json
    request = ServiceRequest.objects.get(pk=receipt.service_request_id)
    assert (request.channel, request.contact.phone) == ("phone", "+85512345678")
    assert_chain_is_whole(hall.city)


def test_what_a_caller_tells_of_danger_counts_is_kept_in_codes_and_alerts(on_duty):
    report = phoned(words="", dangers=(Danger.WIRE, Danger.SMOKE))
    receipt = receive_report(city=on_duty.city, report=report, now=MONDAY_MORNING, by=on_duty.by("kandal"))
    facts = last(receipt.case_id, "case_opened")
    assert (facts["urgency"], facts["urgency_why"]) == ("danger", ["told:wire"])
    assert facts["dangers"] == ["wire", "smoke"]
    assert Alert.objects.get(case_id=receipt.case_id).why == "danger"


@pytest.mark.parametrize("who", ["kandal", "daun penh", "duty", "admin"])
def test_officers_of_the_place_may_write_down_a_call(hall, who):
    assert receive_report(city=hall.city, report=phoned(), now=MONDAY_MORNING, by=hall.by(who)).code


@pytest.mark.parametrize("who", ["bassac", "north", "north crew", "director", "auditor"])
def test_nobody_else_may_and_nothing_is_written(hall, who):
    with pytest.raises(NotAllowed):
        receive_report(city=hall.city, report=phoned(), now=MONDAY_MORNING, by=hall.by(who))
    assert not Case.objects.exists()
    assert not Event.objects.exists()


def test_a_call_that_names_no_area_is_for_the_citys_own_officers(hall):
    somewhere = replace(phoned(), point=None, address="near the blue house")
    with pytest.raises(NotAllowed, match="choose the area"):
        receive_report(city=hall.city, report=somewhere, now=MONDAY_MORNING, by=hall.by("kandal"))
    receipt = receive_report(city=hall.city, report=somewhere, now=MONDAY_MORNING, by=hall.by("duty"))
    assert Case.objects.get(pk=receipt.case_id).area_id is None


def test_a_caller_who_names_a_case_joins_it_if_it_is_in_the_officials_area(hall):
    case = hall.case()
    joins = NewReport(service_code="pile", channel=Channel.PHONE, join_case_id=case.pk)
    receipt = receive_report(city=hall.city, report=joins, now=later(minutes=5), by=hall.by("kandal"))
    assert (receipt.case_id, receipt.joined) == (case.pk, True)
    with pytest.raises(NotAllowed):
        receive_report(city=hall.city, report=joins, now=later(minutes=6), by=hall.by("bassac"))


def test_a_call_from_just_across_the_border_joins_the_case_there(hall):
    west = replace(new_report().point, lat=11.5500, lon=104.91995)
    east = replace(west, lon=104.92005)
    case = hall.case(new_report(point=west))
    receipt = receive_report(
        city=hall.city, report=replace(phoned(), point=east), now=later(minutes=5), by=hall.by("bassac")
    )
    assert (receipt.case_id, receipt.joined) == (case.pk, True)

"""A resident's report comes in: a case of its own, one more voice in another, or a clear no."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from saat.actions.log import RESIDENT
from saat.actions.reports import receive_report
from saat.actions.understanding import likely_duplicates
from saat.records.models import Alert, Case, CaseSearch, Contact, Duty, Event, Outbox, ServiceRequest
from saat.records.search import matching
from saat.terms.case import State, Urgency
from saat.terms.report import Contact as ContactGiven
from saat.terms.report import NewReport, ReportRefused
from saat.triage.words import query_words
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_HOSPITAL, AT_RIVER, MONDAY_MORNING, NEXT_TO_MARKET, OUTSIDE, make_city, new_report
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def test_a_report_becomes_an_open_case_in_the_area_of_its_place(hall):
    receipt = hall.report()
    case = Case.objects.get(pk=receipt.case_id)
    assert (case.state, case.area_id, case.voices) == (State.OPEN, hall.ground.sangkats["Phsar Kandal"].pk, 1)
    assert case.place_id == hall.ground.places["Kandal Market"].pk
    # Eight working hours, halved at a market, from Monday 10:00: one and a half until lunch, the rest until 16:30.
    assert case.due_at - MONDAY_MORNING == timedelta(hours=6, minutes=30)
    assert not receipt.again
    assert not receipt.joined


def test_the_same_trouble_next_door_joins_the_case_and_keeps_its_own_time(hall):
    first = hall.report()
    second = hall.report(new_report(point=NEXT_TO_MARKET, words="bags beside the stairs"), now=later(minutes=40))
    assert (second.case_id, second.joined) == (first.case_id, True)
    case = Case.objects.get(pk=first.case_id)
    assert case.voices == 2
    assert case.opened_at == MONDAY_MORNING
    assert case.last_voice_at == later(minutes=40)
    request = ServiceRequest.objects.get(pk=second.service_request_id)
    assert request.requested_at == later(minutes=40)
    assert request.likeness["score"] >= hall.city.policy_terms().duplicates.join
    assert request.likeness["distance_m"] == pytest.approx(16, abs=2)
    assert sum(request.likeness["parts"].values()) == pytest.approx(request.likeness["score"], abs=0.01)


def test_another_kind_of_trouble_at_the_same_place_is_a_case_of_its_own(hall):
    first = hall.report()
    second = hall.report(new_report(service_code="danger", words="needles"), now=later(minutes=5))
    assert second.case_id != first.case_id


def test_a_resident_can_choose_the_case_to_join_among_those_that_are_likely(hall):
    first = hall.report()
    again = new_report(service_code="full-bin", point=NEXT_TO_MARKET, words="the stairs are full of bags")
    likely = likely_duplicates(city=hall.city, report=again, now=later(minutes=10))
    assert [like.case_id for like in likely] == [first.case_id]
    chosen = NewReport(service_code="full-bin", words="here too", join_case_id=first.case_id)
    receipt = hall.report(chosen, now=later(minutes=10))
    assert (receipt.case_id, receipt.joined) == (first.case_id, True)


def test_who_wants_to_join_a_merged_case_joins_the_one_that_lives_on(hall):
    first, second = hall.case(), hall.case(new_report(point=AT_HOSPITAL))
    Case.objects.filter(pk=second.pk).update(state="merged", merged_into=first, closed_at=MONDAY_MORNING)
    receipt = hall.report(NewReport(service_code="pile", join_case_id=second.pk), now=later(minutes=1))
    assert receipt.case_id == first.pk


def test_who_wants_to_join_a_case_that_closed_meanwhile_is_asked_for_the_place(hall):
    case = hall.case()
    Case.objects.filter(pk=case.pk).update(state="closed", ending="claimed", closed_at=MONDAY_MORNING)
    with pytest.raises(ReportRefused) as refused:
        hall.report(NewReport(service_code="pile", join_case_id=case.pk))
    assert refused.value.code == "case_closed"


def test_sending_a_report_again_gives_the_same_receipt_and_writes_nothing(hall):
    first = hall.report(new_report(client_id="phone-7"))
    events = Event.objects.count()
    again = hall.report(new_report(client_id="phone-7", words="changed on the way"), now=later(days=2))
    assert again.again
    assert (again.service_request_id, again.token, again.code) == (first.service_request_id, first.token, first.code)
    assert ServiceRequest.objects.count() == 1
    assert Event.objects.count() == events


def test_two_cities_may_use_the_same_client_id(hall):
    other = make_city(jurisdiction_id="elsewhere.kh")
    hall.report(new_report(client_id="phone-7"))
    receipt = receive_report(city=other.city, report=new_report(client_id="phone-7"), now=MONDAY_MORNING, by=RESIDENT)
    assert not receipt.again


def test_a_place_outside_the_city_is_refused_with_the_nearest_area_in_words(hall):
    with pytest.raises(ReportRefused, match=r"outside .*Tonle Bassac.*1\.1 km") as refused:
        hall.report(new_report(point=OUTSIDE))
    assert (refused.value.field, refused.value.code) == ("where", "outside_city")
    assert not Case.objects.exists()
    assert not Event.objects.exists()


def test_an_unknown_category_is_refused_with_those_that_there_are(hall):
    with pytest.raises(ReportRefused, match="pile, missed-collection") as refused:
        hall.report(new_report(service_code="ufo"))
    assert refused.value.code == "unknown_category"


def test_a_report_without_any_place_is_refused(hall):
    with pytest.raises(ReportRefused) as refused:
        hall.report(new_report(point=None))
    assert refused.value.code == "place_missing"


def test_a_report_in_words_alone_lands_in_the_area_that_was_chosen(hall):
    bassac = hall.ground.sangkats["Tonle Bassac"]
    receipt = hall.report(NewReport(service_code="pile", area_id=bassac.pk, address="behind the pagoda"))
    case = Case.objects.get(pk=receipt.case_id)
    assert (case.area_id, case.lat, case.address) == (bassac.pk, None, "behind the pagoda")


def test_needles_at_a_hospital_alert_whoever_is_on_duty_there(hall):
    Duty.objects.create(
        city=hall.city, user=hall.people["daun penh"], area=hall.ground.khans["Daun Penh"],
        starts_at=later(hours=-1), ends_at=later(hours=7),
    )  # fmt: skip
    receipt = hall.report(new_report(service_code="danger", point=AT_HOSPITAL, words="syringes"))
    assert Case.objects.get(pk=receipt.case_id).urgency == Urgency.DANGER
    alert = Alert.objects.get(case_id=receipt.case_id)
    assert (alert.user, alert.why) == (hall.people["daun penh"], "danger")
    assert Outbox.objects.filter(kind="official.alert", facts__alert=alert.pk).exists()


def test_a_reporter_who_left_an_address_is_sent_a_receipt_and_the_log_holds_nothing_personal(hall):
    given = ContactGiven(name="Sok Dara", phone="+85512345678", email="dara@example.org")
    receipt = hall.report(new_report(contact=given, words="in front of my house, call Dara"))
    assert Outbox.objects.filter(
        kind="reporter.received", facts={"service_request": receipt.service_request_id}
    ).exists()
    assert Contact.objects.get().email == "dara@example.org"
    written = " ".join(Event.objects.values_list("facts_json", flat=True))
    assert "Dara" not in written
    assert "house" not in written


def test_a_case_is_found_by_its_words_its_code_and_its_area(hall):
    case = hall.case(new_report(words="broken sofa beside the stairs"))
    hall.case(new_report(point=AT_RIVER, words="leaves"))
    for asked in ("sofa", case.code[:4] + "-" + case.code[4:], "ផ្សារកណ្ដាល"):
        assert [found.pk for found in matching(Case.objects.all(), query_words(asked))] == [case.pk], asked


@pytest.mark.django_db(transaction=True)
def test_twenty_phones_sending_one_report_at_once_make_one_report():
    hall = make_hall()

    def send(_number: int):
        try:
            return hall.report(new_report(client_id="shaky-line"))
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as phones:
        receipts = list(phones.map(send, range(20)))
    assert len({receipt.service_request_id for receipt in receipts}) == 1
    assert [receipt.again for receipt in receipts].count(False) == 1
    assert ServiceRequest.objects.count() == Case.objects.count() == CaseSearch.objects.count() == 1
    assert_chain_is_whole(hall.city)


@pytest.mark.django_db(transaction=True)
def test_twenty_neighbours_reporting_at_once_are_all_kept_in_one_unbroken_chain():
    hall = make_hall()

    def send(number: int):
        try:
            return hall.report(new_report(client_id=f"phone-{number}"), now=later(seconds=number))
        finally:
            connection.close()

    with ThreadPoolExecutor(20) as phones:
        receipts = list(phones.map(send, range(20)))
    assert len({receipt.service_request_id for receipt in receipts}) == 20
    case = Case.objects.get()
    assert case.voices == 20
    assert_chain_is_whole(hall.city)

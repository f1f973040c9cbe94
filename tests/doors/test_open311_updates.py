"""FixMyStreet's `servicerequestupdates`: what happened to reports, and what another system says of them."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from saat.actions.cases import (
    Assignee,
    add_note,
    arrive,
    assign_case,
    close_case,
    close_without_fix,
    message_reporter,
    reopen_case,
    take_case,
)
from saat.actions.imports import import_reports
from saat.actions.joining import merge_cases, undo
from saat.actions.log import COMMAND
from saat.actions.reports import receive_report
from saat.records.models import Case, Event, Message, Note, PartnerUpdate, ServiceRequest
from saat.terms.case import Ending, State, Voice
from saat.terms.imports import ImportedReport
from tests.city import AT_HOSPITAL, AT_RIVER, MONDAY_MORNING, POLICY, make_city, new_report
from tests.doors.open311 import checked_json, checked_xml, errors_of, make_partner
from tests.hall import make_hall

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall():
    return make_hall()


@pytest.fixture
def partner(hall):
    return make_partner(hall.ground)


def later(**span) -> datetime:
    return MONDAY_MORNING + timedelta(**span)


def updates(partner, **arguments):
    """Return the updates of that Monday, after both formats were checked."""
    window = {"start_date": "2026-03-02T00:00:00Z", "end_date": "2026-03-03T00:00:00Z", "lang": "en", **arguments}
    root = checked_xml(partner.get("servicerequestupdates.xml", **window))
    told = checked_json(partner.get("servicerequestupdates.json", **window))
    assert [one.findtext("update_id") for one in root] == [one["update_id"] for one in told]
    return told


def say(partner, number, status, words="", *, update_id="1", said="2030-01-01T00:00:00Z", **fields):
    """Post an update and return the id by which it is known here."""
    response = partner.post(
        "servicerequestupdates.json", service_request_id=number, update_id=update_id, status=status, description=words,
        updated_datetime=said, **fields,
    )  # fmt: skip
    assert response.status_code == 200, response.content.decode()
    return checked_json(response)[0]["update_id"]


def test_each_step_of_a_case_is_an_update_of_its_report(hall, partner):
    receipt, duty = hall.report(new_report(point=AT_RIVER)), hall.by("duty")
    case = {"case_id": receipt.case_id, "by": duty}
    take_case(**case, now=later(minutes=1))
    assign_case(**case, to=Assignee(crew_id=hall.crews["City crew"].pk), now=later(minutes=2))
    arrive(**case, now=later(minutes=3))
    close_case(**case, now=later(minutes=4))
    reopen_case(**case, now=later(minutes=5))
    close_without_fix(**case, reason_code="private-land", now=later(minutes=6))
    told = updates(partner)
    assert [one["status"] for one in told] == [
        "INVESTIGATING", "ACTION_SCHEDULED", "IN_PROGRESS", "FIXED", "OPEN", "NO_FURTHER_ACTION",
    ]  # fmt: skip
    assert {one["service_request_id"] for one in told} == {str(receipt.service_request_id)}
    assert told[0]["updated_datetime"] == "2026-03-02T10:01:00+07:00"
    assert "There is no photo to prove it" in told[3]["description"]
    assert "It lies on private land" in told[5]["description"]
    assert len({one["update_id"] for one in told}) == len(told)


def test_what_came_in_from_another_system_is_told_as_it_stands(hall, partner):
    long_ago = MONDAY_MORNING - timedelta(days=30)
    brought = [
        ImportedReport(source_id="A1", service_code="pile", opened_at=long_ago, words="Bags", point=AT_RIVER),
        ImportedReport(
            source_id="A2", service_code="pile", opened_at=long_ago, closed_at=long_ago + timedelta(days=1),
            ending=Ending.NO_FIX, reason_code="private-land", words="Bags too", point=AT_HOSPITAL,
        ),
    ]  # fmt: skip
    import_reports(city=hall.city, source="old", reports=brought, now=MONDAY_MORNING, by=COMMAND)
    told = updates(partner)
    numbers = {str(row.pk): row.source_id for row in ServiceRequest.objects.filter(city=hall.city)}
    assert {numbers[one["service_request_id"]]: one["status"] for one in told} == {
        "A1": "OPEN", "A2": "NO_FURTHER_ACTION",
    }  # fmt: skip


def test_a_window_holds_only_what_happened_in_it(hall, partner):
    receipt = hall.report(new_report(point=AT_RIVER))
    take_case(case_id=receipt.case_id, now=later(minutes=10), by=hall.by("duty"))
    close_case(case_id=receipt.case_id, now=later(minutes=20), by=hall.by("duty"))
    first, second = updates(partner)
    assert updates(partner, end_date="2026-03-02T03:15:00Z") == [first]
    assert updates(partner, start_date="2026-03-02T03:15:00Z") == [second]
    assert updates(partner, page_size=1, page=2) == [second]
    assert updates(partner, start_date="2026-03-02T05:00:00Z") == []
    assert (
        "before start_date"
        in errors_of(
            partner.get("servicerequestupdates.xml", start_date="2026-03-02", end_date="2026-03-01", lang="en"), 400
        )[0]
    )


def test_an_act_that_was_undone_is_told_too(hall, partner):
    receipt = hall.report(new_report(point=AT_RIVER))
    close_case(case_id=receipt.case_id, now=later(minutes=1), by=hall.by("duty"))
    undo(event_id=Event.objects.get(kind="case_closed").pk, now=later(minutes=2), by=hall.by("duty"))
    assert [one["status"] for one in updates(partner)] == ["FIXED", "OPEN"]


def test_every_report_of_a_case_hears_of_it_from_its_own_time_on(hall, partner):
    first = hall.report(new_report(point=AT_RIVER))
    take_case(case_id=first.case_id, now=later(minutes=1), by=hall.by("duty"))
    second = hall.report(new_report(point=AT_RIVER), now=later(minutes=2))
    assert second.case_id == first.case_id
    close_case(case_id=first.case_id, now=later(minutes=3), by=hall.by("duty"))
    told = [(int(one["service_request_id"]), one["status"]) for one in updates(partner)]
    assert told == [
        (first.service_request_id, "INVESTIGATING"),
        (first.service_request_id, "FIXED"),
        (second.service_request_id, "FIXED"),
    ]


def test_a_merged_report_hears_where_it_stands_now_and_is_never_called_a_duplicate(hall, partner):
    kept, merged = hall.report(new_report(point=AT_RIVER)), hall.report(new_report(point=AT_HOSPITAL))
    take_case(case_id=kept.case_id, now=later(minutes=1), by=hall.by("duty"))
    merge_cases(case_id=merged.case_id, into_id=kept.case_id, now=later(minutes=2), by=hall.by("duty"))
    close_case(case_id=kept.case_id, now=later(minutes=3), by=hall.by("duty"))
    told = [one["status"] for one in updates(partner) if one["service_request_id"] == str(merged.service_request_id)]
    assert told[-1] == "FIXED"
    assert "DUPLICATE" not in told


def test_messages_go_to_whoever_brought_the_report_and_notes_to_nobody(hall, partner):
    brought, other = partner.bring(), hall.report(new_report(point=AT_HOSPITAL))
    case = Case.objects.get(service_requests__pk=brought)
    now = case.opened_at + timedelta(minutes=1)
    message_reporter(case_id=case.pk, text="Which gate is it?", asks=True, now=now, by=hall.by("duty"))
    message_reporter(case_id=other.case_id, text="For somebody else", now=now, by=hall.by("duty"))
    add_note(case_id=case.pk, text="The owner is known to us", now=now, by=hall.by("duty"))
    window = {"start_date": case.opened_at.isoformat(), "end_date": (now + timedelta(hours=1)).isoformat()}
    (told,) = checked_json(partner.get("servicerequestupdates.json", **window, api_key=partner.secret))
    assert (told["description"], told["status"], told["service_request_id"]) == (
        "Which gate is it?",
        "OPEN",
        str(brought),
    )
    assert checked_json(partner.get("servicerequestupdates.json", **window)) == []
    stranger = make_partner(hall.ground, name="Another")
    assert checked_json(stranger.get("servicerequestupdates.json", **window, api_key=stranger.secret)) == []


@pytest.mark.parametrize(
    ("state", "status", "becomes"),
    [
        ("open", "FIXED", "gone_said"),
        ("open", "OPEN", "reporter_answered"),
        ("open", "REOPEN", "still_there_said"),
        ("open", "CLOSED", "note_written"),
        ("open", "IN_PROGRESS", "note_written"),
        ("open", "DUPLICATE", "note_written"),
        ("open", "NOT_COUNCILS_RESPONSIBILITY", "note_written"),
        ("closed", "FIXED", "case_confirmed"),
        ("closed", "OPEN", "case_reopened"),
        ("closed", "REOPEN", "case_reopened"),
        ("closed", "CLOSED", "reporter_answered"),
        ("closed", "ACTION_SCHEDULED", "note_written"),
    ],
)
def test_anothers_word_counts_as_a_residents_or_as_a_note_and_moves_nothing_else(hall, partner, state, status, becomes):
    number = partner.bring()
    case = Case.objects.get(service_requests__pk=number)
    if state == "closed":
        close_case(case_id=case.pk, now=case.opened_at + timedelta(minutes=1), by=hall.by("duty"))
    update_id = say(partner, number, status.lower(), "What they say")
    event = Event.objects.order_by("-pk").filter(kind=becomes).first()
    assert event is not None, list(Event.objects.values_list("kind", flat=True))
    assert update_id == f"{event.pk}.{number}"
    assert event.actor == f"partner:{partner.key.pk}"
    case.refresh_from_db()
    reopened = becomes == "case_reopened"
    assert case.state == (State.OPEN if state == "open" or reopened else State.CLOSED)
    assert case.ending == {"case_confirmed": Ending.CONFIRMED}.get(
        becomes, "" if case.state == State.OPEN else "claimed"
    )
    if becomes == "note_written":
        note = Note.objects.get()
        assert (note.by_name, note.text) == ("FixMyStreet", f"{status.replace('_', ' ')}: What they say")
    elif becomes == "reporter_answered":
        assert (Message.objects.get().text, Message.objects.get().to_reporter) == ("What they say", False)
    else:
        assert ServiceRequest.objects.exclude(voice=Voice.REPORT).get().words == "What they say"
    if becomes in ("case_confirmed", "case_reopened"):
        window = {"start_date": case.opened_at.isoformat()}
        told = checked_json(partner.get("servicerequestupdates.json", **window))
        assert update_id in [one["update_id"] for one in told], "it meets its own update under the id it was given"


def test_an_update_said_twice_is_taken_in_once(hall, partner):
    number = partner.bring()
    first = say(partner, number, "FIXED", "gone", update_id="77")
    assert say(partner, number, "FIXED", "gone", update_id="77") == first
    assert PartnerUpdate.objects.count() == 1
    assert say(partner, number, "FIXED", "gone", update_id="78") != first
    another = make_partner(hall.ground, name="Another")
    assert say(another, number, "OPEN", "hello", update_id="77") != first, "ids of partners do not meet"


def test_what_was_said_before_the_closing_reopens_nothing(hall, partner):
    number = partner.bring()
    case = Case.objects.get(service_requests__pk=number)
    said = case.opened_at + timedelta(seconds=1)
    close_case(case_id=case.pk, now=case.opened_at + timedelta(minutes=1), by=hall.by("duty"))
    say(partner, number, "OPEN", "Please hurry", said=said.isoformat())
    case.refresh_from_db()
    assert case.state == State.CLOSED
    assert Message.objects.get().text == "Please hurry"


def test_after_a_merge_an_update_reaches_the_living_case(hall, partner):
    number, kept = partner.bring(), hall.report(new_report(point=AT_HOSPITAL))
    case = Case.objects.get(service_requests__pk=number)
    merge_cases(case_id=case.pk, into_id=kept.case_id, now=later(hours=1), by=hall.by("duty"))
    say(partner, number, "REOPEN", "Still there")
    assert Case.objects.get(pk=kept.case_id).voices == 3


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"service_request_id": ""}, 400, "service_request_id is missing"),
        ({"service_request_id": "999999"}, 404, "no service request “999999”"),
        ({"service_request_id": "x"}, 404, "no service request “x”"),
        ({"update_id": ""}, 400, "update_id is missing"),
        ({"status": "LOST"}, 400, "no status “LOST”"),
        ({"status": ""}, 400, "status is missing"),
        ({"updated_datetime": "today"}, 400, "updated_datetime must be a date"),
        ({"media_url": "ftp://a.b/c"}, 400, "media_url must be a web address"),
        ({"description": "x" * 4001}, 400, "at most 4000"),
        ({"api_key": ""}, 403, "api_key is missing"),
    ],
)
def test_an_update_that_cannot_be_taken_in_says_why(partner, changes, status, says):
    number = partner.bring()
    fields = {"service_request_id": number, "update_id": "1", "status": "OPEN", "description": "hello"} | changes
    assert says in errors_of(partner.post("servicerequestupdates.xml?lang=en", **fields), status)[0]
    assert not PartnerUpdate.objects.exists()


def test_an_update_of_another_citys_report_is_not_found(hall, partner):
    policy = POLICY.read_text(encoding="utf-8").replace("phnompenh.kh", "siemreap.kh")
    other = make_city(jurisdiction_id="siemreap.kh", policy_text=policy)
    foreign = receive_report(city=other.city, report=new_report(point=AT_RIVER), now=MONDAY_MORNING, by=COMMAND)
    response = partner.post(
        "servicerequestupdates.json", jurisdiction_id="phnompenh.kh", service_request_id=foreign.service_request_id,
        update_id="1", status="FIXED",
    )  # fmt: skip
    assert errors_of(response, 404)

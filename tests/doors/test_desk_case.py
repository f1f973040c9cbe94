"""The page of one case: what it shows to whom, and that every act works as a plain form."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.utils import timezone

from saat.actions.cases import Assignee, add_note, assign_case, close_case, message_reporter, take_case
from saat.actions.log import RESIDENT
from saat.actions.reports import receive_report
from saat.actions.texts import save_text
from saat.actions.voices import add_voice_by_code
from saat.records.models import Case, Event, Message, Note, ServiceRequest, SignedLink
from saat.terms.case import State, Urgency
from saat.terms.codes import spoken
from saat.terms.report import Contact, NewReport
from tests.city import AT_HOSPITAL, AT_MARKET, AT_RIVER, NEXT_TO_MARKET, new_report
from tests.doors.desk import act_on, now_case, page_of, reread, signed_in, text_of
from tests.hall import Hall, make_hall


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


@pytest.fixture
def officer(hall) -> Client:
    """The officer of the sangkat where the market is, signed in."""
    return signed_in(hall, "kandal")


def test_the_page_says_what_where_when_and_what_comes_next(hall, officer):
    case = now_case(hall)
    response = officer.get(page_of(case))
    said = text_of(response)
    assert response.status_code == 200
    for words in (
        "Rubbish piled up", spoken(case.code), "Phsar Kandal, Daun Penh", "Kandal Market",
        "Three bags beside the stairs", "Promised by", "Assign to North Clean", "Nobody is on duty for this area now",
    ):  # fmt: skip
        assert words in said, words
    assert response.content.decode().count('class="button primary" data-key') == 1


def test_two_clicks_lead_from_the_list_to_an_assigned_crew(hall, officer):
    case = now_case(hall)
    page = officer.get(page_of(case)).content.decode()
    to = re.search(r'name="to" value="([^"]+)"', page)[1]
    response = act_on(officer, case, "assign", to=to)
    assert reread(case).contractor == hall.contractors["north"]
    said = text_of(response)
    assert "The case was given to North Clean." in said
    assert re.search(rf'name="events" value="{Event.objects.get(kind="case_assigned").pk}"', response.content.decode())


def test_the_first_look_is_written_down_once(hall, officer):
    case = now_case(hall)
    signed_in(hall, "auditor").get(page_of(case))
    assert reread(case).seen_at is None
    officer.get(page_of(case))
    seen = reread(case).seen_at
    assert seen is not None
    officer.get(page_of(case))
    assert Event.objects.filter(kind="case_seen").count() == 1


@pytest.mark.parametrize("name", ["bassac", "north", "north crew", "south"])
def test_who_may_not_see_a_case_is_told_that_there_is_none(hall, name):
    case = now_case(hall)
    client = signed_in(hall, name)
    assert client.get(page_of(case)).status_code == 404
    assert client.post(f"{page_of(case)}/act/take").status_code == 404
    assert client.get(f"/desk/cases/{case.code}").status_code == 404
    assert client.get(f"{page_of(case)}/prove").status_code == 404


def test_a_stranger_is_asked_to_sign_in(hall):
    assert Client().get(page_of(now_case(hall))).status_code == 302


def test_a_code_leads_to_its_case_however_it_is_written(hall, officer):
    case = now_case(hall)
    for code in (case.code, spoken(case.code), case.code.lower()):
        assert officer.get(f"/desk/cases/{code}").url == page_of(case)
    assert officer.get("/desk/cases/00000000").status_code == 404


def test_every_voice_stands_there_with_its_own_time_and_why_it_joined(hall, officer):
    case = now_case(hall)
    joined = now_case(hall, new_report(point=NEXT_TO_MARKET, words="bags beside the stairs"))
    assert joined.pk == case.pk
    add_voice_by_code(city=hall.city, code=case.code, words="me too", now=timezone.now(), by=RESIDENT)
    said = text_of(officer.get(page_of(case)))
    assert "What 3 residents say" in said
    assert re.search(r"Joined .* after the first report: 16 m away, likeness 0\.\d\d", said)
    assert "sees it too" in said


def test_only_the_office_sees_who_reported(hall, officer):
    case = now_case(hall, new_report(contact=Contact(name="Sok Dara", phone="+85512345678")))
    assert "Sok Dara" in text_of(officer.get(page_of(case)))
    assign_case(
        case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=timezone.now(), by=hall.by("kandal")
    )
    add_note(case_id=case.pk, text="The contractor is slow", now=timezone.now(), by=hall.by("kandal"))
    message_reporter(case_id=case.pk, text="We are coming", now=timezone.now(), by=hall.by("kandal"))
    for name in ("auditor", "director", "north", "north crew"):
        said = text_of(signed_in(hall, name).get(page_of(case)))
        assert "Dara" not in said
        assert "12345678" not in said
        assert ("is slow" in said) == (name in ("auditor", "director"))
        assert ("We are coming" in said) == (name in ("auditor", "director"))


def test_a_page_offers_only_what_its_reader_may_do(hall):
    case = now_case(hall)
    offered = re.findall(r'/act/(\w+)"', signed_in(hall, "auditor").get(page_of(case)).content.decode())
    assert offered == []
    assign_case(
        case_id=case.pk, to=Assignee(contractor_id=hall.contractors["north"].pk), now=timezone.now(), by=hall.by("duty")
    )
    offered = re.findall(r'/act/(\w+)"', signed_in(hall, "north").get(page_of(case)).content.decode())
    assert set(offered) == {"arrive", "assign", "decline", "note"}


def test_a_dispatcher_is_offered_the_own_crews_alone(hall):
    case = now_case(hall)
    assign_case(
        case_id=case.pk, to=Assignee(contractor_id=hall.contractors["north"].pk), now=timezone.now(), by=hall.by("duty")
    )
    page = signed_in(hall, "north").get(page_of(case)).content.decode()
    assert "Assign to North 1" in page
    assert "South 1" not in page
    assert "City crew" not in page


ACTS = [
    ("take", {}, lambda case: case.state == State.TAKEN),
    ("arrive", {}, lambda case: case.state == State.ON_SITE),
    ("note", {"text": "Gate is locked"}, lambda case: Note.objects.get().text == "Gate is locked"),
    ("message", {"text": "{office} comes by {due}"}, lambda case: "City Hall comes by" in Message.objects.get().text),
    ("message", {"text": "Which gate?", "asks": "1"}, lambda case: Message.objects.get().asks),
    ("change", {"service_code": "dumping"}, lambda case: case.service_code == "dumping"),
    ("change", {"address": "back gate"}, lambda case: case.address == "back gate"),
    ("priority", {"urgency": "danger"}, lambda case: case.urgency == Urgency.DANGER),
    ("close", {"note": "done"}, lambda case: case.ending == "claimed"),
    ("close_no_fix", {"reason_code": "no-rubbish"}, lambda case: case.reason_code == "no-rubbish"),
]


@pytest.mark.parametrize(("name", "fields", "done"), ACTS)
def test_an_act_is_a_plain_form_and_ends_on_the_page_with_a_message(hall, officer, name, fields, done):
    case = now_case(hall)
    response = act_on(officer, case, name, **fields)
    assert response.redirect_chain == [(page_of(case), 302)]
    assert done(reread(case))
    assert spoken(case.code) + ":" in text_of(response)


def test_an_act_from_the_list_leads_back_to_the_list_but_nowhere_else(hall, officer):
    case = now_case(hall)
    response = officer.post(f"{page_of(case)}/act/take", {"next": "/desk/?group=mine"})
    assert response.url == "/desk/?group=mine"
    response = officer.post(f"{page_of(case)}/act/release", {"next": "https://elsewhere.example/"})
    assert response.url == page_of(case)


def test_a_form_without_the_token_against_forgery_is_refused(hall):
    case = now_case(hall)
    client = Client(enforce_csrf_checks=True)
    client.force_login(hall.people["kandal"])
    assert client.post(f"{page_of(case)}/act/take").status_code == 403
    page = client.get(page_of(case)).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    assert client.post(f"{page_of(case)}/act/take", {"csrfmiddlewaretoken": token}).status_code == 302


@pytest.mark.parametrize(
    ("name", "fields", "status", "why"),
    [
        ("assign", {"to": ""}, 422, "Please choose one person, crew or contractor."),
        ("assign", {"to": "crew:x"}, 422, "Please choose one person, crew or contractor."),
        ("assign", {"to": "crew:999999"}, 422, "This crew is not of this city any more."),
        ("close_no_fix", {"reason_code": "tired"}, 422, "Please choose one of the reasons."),
        ("change", {"lat": "north", "lon": "east"}, 422, "two numbers"),
        ("change", {"lat": "11.55", "lon": "104.95"}, 422, "outside the city"),
        ("change", {}, 422, "Nothing differs"),
        ("priority", {"urgency": "now!"}, 422, "Please choose how urgent it is."),
        ("message", {"text": "   "}, 422, "The message is empty."),
        ("merge", {"code": "nonsense"}, 422, "There is no case with this code"),
        ("split", {}, 422, "Choose some of the reports"),
        ("undo", {"event": "1"}, 422, "cannot be undone"),
        ("accept_proof", {}, 403, "Your role does not allow this."),
        ("reopen", {}, 409, "The case is “Open” by now and cannot become “Open”"),
    ],
)
def test_what_cannot_be_done_is_said_on_the_page_and_nothing_is_written(hall, officer, name, fields, status, why):
    case = now_case(hall)
    events = Event.objects.count()
    response = act_on(officer, case, name, **fields)
    assert response.status_code == status
    assert why in text_of(response)
    assert Event.objects.count() == events


def test_what_was_typed_is_still_there_after_a_refusal(hall, officer):
    case = now_case(hall)
    page = act_on(officer, case, "close_no_fix", reason_code="tired", note="fenced off").content.decode()
    assert re.search(r'<details class="act" name="act" id="act-close_no_fix" open', page)
    assert "fenced off</textarea>" in page


def test_whoever_assigns_reads_first_what_others_did_and_can_do_it_all_the_same(hall, officer):
    case = now_case(hall)
    read = Event.objects.filter(case_id=case.pk).latest("pk").pk
    take_case(case_id=case.pk, now=timezone.now(), by=hall.by("daun penh"))
    to = f"crew:{hall.crews['City crew'].pk}"
    response = officer.post(f"{page_of(case)}/act/assign", {"to": to, "read_up_to": read})
    assert response.status_code == 409
    assert "daun-penh: took the case" in text_of(response)
    assert reread(case).state == State.TAKEN
    form = re.search(r'id="failed".*?</form>', response.content.decode(), re.DOTALL)[0]
    fields = dict(re.findall(r'name="(\w+)" value="([^"]*)"', form))
    assert fields["to"] == to
    assert officer.post(f"{page_of(case)}/act/assign", fields).status_code == 302
    assert reread(case).crew == hall.crews["City crew"]


def test_two_cases_are_compared_before_they_are_merged_and_the_older_one_stays(hall, officer):
    older = now_case(hall)
    younger = now_case(hall, new_report(service_code="danger", point=NEXT_TO_MARKET, words="needles"))
    page = officer.get(page_of(younger)).content.decode()
    link = re.search(r'href="([^"]+/merge\?with=[^"]+)"', page)[1]
    preview = officer.get(link)
    assert f"Merge into {spoken(older.code)}" in text_of(preview)
    form = re.search(rf'action="/desk/cases/{younger.pk}/act/merge".*?</form>', preview.content.decode(), re.DOTALL)[0]
    fields = dict(re.findall(r'name="(into|read_up_to)" value="(\d+)"', form))
    response = officer.post(f"{page_of(younger)}/act/merge", fields)
    assert response.url == page_of(older)
    assert reread(younger).merged_into == older
    assert "merged into another one" in text_of(officer.get(page_of(younger)))


@pytest.mark.parametrize("code", ["", "00000000", "itself", "far away"])
def test_a_merge_with_a_case_that_is_not_there_is_refused(hall, officer, code):
    case = now_case(hall)
    far = now_case(hall, new_report(point=AT_RIVER))
    code = {"itself": case.code, "far away": far.code}.get(code, code)
    response = officer.get(f"{page_of(case)}/merge", {"with": code})
    assert response.status_code == 422
    assert "There is no other case with this code" in text_of(response)


def test_the_chosen_reports_are_split_off_with_a_plain_form(hall, officer):
    case = now_case(hall)
    now_case(hall, new_report(point=NEXT_TO_MARKET, words="bags beside the stairs"))
    second = ServiceRequest.objects.filter(case=case).latest("pk")
    response = act_on(officer, case, "split", reports=[second.pk])
    new = Case.objects.latest("pk")
    assert f"as case {spoken(new.code)}" in text_of(response)
    second.refresh_from_db()
    assert second.case == new


def test_the_history_tells_what_changed_from_what_to_what(hall, officer):
    case = now_case(hall)
    act_on(officer, case, "priority", urgency="high")
    act_on(officer, case, "change", service_code="dumping")
    said = text_of(officer.get(page_of(case)))
    assert "kandal changed the urgency Urgency: Normal → High" in said
    assert "Category: Rubbish piled up → Illegal dumping" in said


def test_a_step_is_undone_from_the_history(hall, officer):
    case = now_case(hall)
    act_on(officer, case, "take")
    response = act_on(officer, case, "undo", event=Event.objects.get(kind="case_taken").pk)
    assert reread(case).state == State.OPEN
    assert "undid the taking" in text_of(response)


def test_a_text_of_the_office_fills_the_message_in_the_reporters_language(hall, officer):
    case = now_case(hall)
    row = save_text(
        city_id=hall.city.pk, name="Coming", texts={"en": "{office} comes. Case {code}.", "km": "មក {code}"},
        now=timezone.now(), by=hall.by("duty"),
    )  # fmt: skip
    page = officer.get(f"{page_of(case)}?text={row.pk}").content.decode()
    assert f"Phnom Penh City Hall comes. Case {spoken(case.code)}.</textarea>" in page


def test_a_message_is_previewed_as_the_reporter_reads_it_and_not_sent(hall, officer):
    case = now_case(hall)
    response = act_on(officer, case, "message", text="Case {code}", asks="1", preview="1")
    page = response.content.decode()
    assert f"Case {spoken(case.code)}</blockquote>" in page
    assert "Case {code}</textarea>" in page
    assert re.search(r'name="asks" value="1" checked', page)
    assert not Message.objects.exists()


def test_a_new_link_for_the_contractor_is_shown_once(hall, officer):
    case = now_case(hall)
    act_on(officer, case, "assign", to=f"contractor:{hall.contractors['north'].pk}")
    response = act_on(officer, case, "link")
    address = re.search(r"http://testserver(/c/\w{26})", text_of(response))[1]
    assert "/c/" not in text_of(officer.get(page_of(case)))
    assert Client().get(address).status_code == 200
    assert SignedLink.objects.filter(revoked_at=None).count() == 1


def test_the_page_asks_the_database_as_often_for_forty_voices_as_for_one(hall, officer, django_assert_max_num_queries):
    quiet = now_case(hall, new_report(point=AT_HOSPITAL))
    busy = now_case(hall, new_report(point=AT_MARKET))
    for number in range(40):
        report = NewReport(
            service_code="pile", words=f"voice {number}", join_case_id=busy.pk, contact=Contact(name="x")
        )
        receive_report(city=hall.city, report=report, now=timezone.now(), by=RESIDENT)
    duty = signed_in(hall, "duty")
    for case in (quiet, busy):
        take_case(case_id=case.pk, now=timezone.now(), by=hall.by("duty"))
        duty.get(page_of(case))
    counts = []
    for case in (quiet, busy):
        with django_assert_max_num_queries(26) as asked:
            duty.get(page_of(case))
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_a_closed_case_says_what_it_claims_and_can_be_opened_again(hall, officer):
    case = now_case(hall)
    close_case(case_id=case.pk, now=timezone.now(), by=hall.by("kandal"))
    said = text_of(officer.get(page_of(case)))
    assert "said to be cleaned, without a photo" in said
    act_on(officer, case, "reopen", note="still there")
    assert reread(case).state == State.OPEN


def test_script_in_every_field_is_shown_as_text(hall, officer):
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'
    case = now_case(hall, new_report(words=evil, contact=Contact(name=evil)))
    act_on(officer, case, "note", text=evil)
    act_on(officer, case, "message", text=evil)
    act_on(officer, case, "change", address=evil)
    page = officer.get(page_of(case)).content.decode()
    assert "<script>alert" not in page
    assert "<img src=x" not in page


@pytest.mark.parametrize("language", ["km", "en"])
def test_the_page_is_written_in_the_readers_language(hall, officer, language):
    case = now_case(hall)
    page = officer.get(f"{page_of(case)}?lang={language}").content.decode()
    assert f'<html lang="{language}"' in page
    assert {"km": "គំនរសំរាម", "en": "Rubbish piled up"}[language] in page

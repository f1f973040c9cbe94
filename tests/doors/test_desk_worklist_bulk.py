"""One act for several cases: shown beforehand exactly, done once, case by case, and undone together."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from saat.actions.cases import Assignee, assign_case, close_case, take_case
from saat.records.models import BulkRun, Case, Event, Message, Outbox
from saat.terms.case import State, Urgency
from saat.terms.codes import spoken
from saat.terms.report import Contact
from tests.city import AT_HOSPITAL, AT_MARKET, AT_RIVER, new_report
from tests.doors.desk import now_case, reread, signed_in, text_of
from tests.hall import Hall, make_hall


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path
    return make_hall()


@pytest.fixture
def officer(hall) -> Client:
    """The duty officer, signed in."""
    return signed_in(hall, "duty")


@pytest.fixture
def three(hall) -> list[Case]:
    """A case that waits, one that is taken by somebody else, and one that is closed."""
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER, AT_HOSPITAL)]
    take_case(case_id=cases[1].pk, now=timezone.now(), by=hall.by("bassac"))
    close_case(case_id=cases[2].pk, now=timezone.now(), by=hall.by("duty"))
    return [reread(case) for case in cases]


def preview(client: Client, cases: list[Case], act: str, **fields: Any) -> Any:
    """Ask what an act would do to cases."""
    return client.post("/desk/bulk/preview", {"act": act, "case": [case.pk for case in cases], **fields})


def form_of(page: Any) -> dict[str, Any]:
    """Return what the form that does it would send."""
    form = re.search(r'<form method="post" action="/desk/bulk/apply">.*?</form>', page.content.decode(), re.DOTALL)[0]
    sent: dict[str, Any] = {}
    for name, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form):
        sent.setdefault(name, []).append(value)
    return sent


def state_of_everything() -> tuple[Any, ...]:
    """Return all that an act could write."""
    columns = Case.objects.order_by("pk").values_list("pk", "state", "owner", "contractor", "urgency", "updated_at")
    return list(columns), Event.objects.count(), Message.objects.count(), Outbox.objects.count()


def test_the_preview_says_what_would_change_and_why_not_and_changes_nothing(hall, officer, three):
    before = state_of_everything()
    page = preview(officer, three, "take")
    said = text_of(page)
    assert "1 case would change. Nothing has been changed yet." in said
    assert "Open → Taken" in said
    assert "The case is “Taken” by now. It can become:" in said
    assert "The case is “Closed” by now. It can become: Open." in said
    assert form_of(page)["case"] == [str(three[0].pk)]
    assert state_of_everything() == before


def test_each_case_is_changed_by_an_act_of_its_own_and_all_are_undone_together(hall, officer):
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER)]
    page = officer.post("/desk/bulk/apply", form_of(preview(officer, cases, "take")), follow=True)
    assert "2 cases were changed." in text_of(page)
    assert {reread(case).owner for case in cases} == {hall.people["duty"]}
    assert Event.objects.filter(kind="case_taken").count() == 2
    events = re.search(r'name="events" value="([\d,]+)"', page.content.decode())[1]
    page = officer.post("/desk/undo", {"events": events, "next": "/desk/?group=open"}, follow=True)
    assert "Undone." in text_of(page)
    assert {reread(case).state for case in cases} == {State.OPEN}


def test_sending_the_form_twice_is_sending_it_once(hall, officer):
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER)]
    sent = form_of(preview(officer, cases, "message", text="We come today."))
    first, again = officer.post("/desk/bulk/apply", sent), officer.post("/desk/bulk/apply", sent)
    assert first.headers["Location"] == again.headers["Location"]
    assert Message.objects.count() == 2
    assert BulkRun.objects.count() == 1


def test_a_run_that_was_broken_off_goes_on_where_it_stopped(hall, officer):
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER)]
    sent = form_of(preview(officer, cases, "take"))
    officer.post("/desk/bulk/apply", sent)
    run = BulkRun.objects.get()
    # As if the machine had stopped after the first case.
    del run.results[str(cases[1].pk)]
    run.save()
    page = officer.get(f"/desk/bulk/{run.key}")
    assert "This is still going on, or was broken off." in text_of(page)
    officer.post("/desk/bulk/apply", sent)
    assert set(BulkRun.objects.get().results) == {str(case.pk) for case in cases}


def test_what_changed_between_the_preview_and_the_act_is_told_case_by_case(hall, officer):
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER)]
    sent = form_of(preview(officer, cases, "take"))
    take_case(case_id=cases[0].pk, now=timezone.now(), by=hall.by("kandal"))
    page = officer.post("/desk/bulk/apply", sent, follow=True)
    said = text_of(page)
    assert "1 case was changed." in said
    assert "1 case stayed as it was" in said
    assert reread(cases[0]).owner == hall.people["kandal"]


def test_several_cases_are_handed_to_a_contractor_and_who_has_them_already_keeps_them(hall, officer, three):
    south = hall.contractors["south"]
    assign_case(case_id=three[1].pk, to=Assignee(contractor_id=south.pk), now=timezone.now(), by=hall.by("duty"))
    assert "To whom" in text_of(preview(officer, three, "assign"))
    page = preview(officer, three, "assign", to=f"contractor:{south.pk}", asked="1")
    said = text_of(page)
    assert "– → South Waste" in said
    assert "It is so already." in said
    officer.post("/desk/bulk/apply", form_of(page))
    assert reread(three[0]).contractor == south
    assert Event.objects.filter(kind="case_assigned").count() == 2


def test_an_urgency_moves_the_promise_as_the_preview_says(hall, officer, three):
    page = preview(officer, three[:2], "priority", urgency="danger", asked="1")
    assert text_of(page).count("Normal → Danger") == 2
    officer.post("/desk/bulk/apply", form_of(page))
    assert {reread(case).urgency for case in three[:2]} == {Urgency.DANGER}


def test_cases_are_closed_without_a_fix_for_a_reason_that_the_reporters_read(hall, officer):
    contact = Contact(email="sok@example.org")
    cases = [now_case(hall, new_report(point=point, contact=contact)) for point in (AT_MARKET, AT_RIVER)]
    reason = hall.city.policy_terms().closing_reasons[0].code
    page = preview(officer, cases, "close_no_fix", reason_code=reason, text="Both are the same fence.", asked="1")
    officer.post("/desk/bulk/apply", form_of(page))
    assert {(reread(case).ending, reread(case).reason_code) for case in cases} == {("no_fix", reason)}
    assert Outbox.objects.filter(kind="reporter.closed").count() == 2


def test_a_message_carries_each_cases_own_code_and_cannot_be_unsaid(hall, officer):
    cases = [now_case(hall, new_report(point=point)) for point in (AT_MARKET, AT_RIVER)]
    page = preview(officer, cases, "message", text="Case {code}: we come today.", asked="1")
    done = officer.post("/desk/bulk/apply", form_of(page), follow=True)
    assert {message.text for message in Message.objects.all()} == {
        f"Case {spoken(case.code)}: we come today." for case in cases
    }
    assert "Undo all of it" not in text_of(done)


@pytest.mark.parametrize("act", ["assign", "priority", "close_no_fix", "message"])
def test_what_an_act_needs_is_asked_for_before_anything_is_judged(hall, officer, three, act):
    page = preview(officer, three, act)
    assert page.status_code == 200
    assert "/desk/bulk/apply" not in page.content.decode()
    page = preview(officer, three, act, asked="1", to="contractor:x", urgency="soon")
    assert page.status_code == 422
    assert "Please fill in what this step needs." in text_of(page)


@pytest.mark.parametrize("name", ["auditor", "director", "north", "north crew"])
def test_who_may_not_change_several_cases_at_once_is_told_so(hall, name):
    case = now_case(hall)
    to = Assignee(crew_id=hall.crews["North 1"].pk)
    assign_case(case_id=case.pk, to=to, now=timezone.now(), by=hall.by("duty"))
    client = signed_in(hall, name)
    assert "bulk-form" not in client.get("/desk/?group=open").content.decode()
    page = client.post("/desk/bulk/preview", {"act": "take", "case": [case.pk]}, follow=True)
    assert "Your role does not allow changing several cases at once." in text_of(page)
    sent = {"act": "take", "case": [case.pk], "key": "k" * 26}
    page = client.post("/desk/bulk/apply", sent, follow=True)
    assert "Your role does not allow changing several cases at once." in text_of(page)
    assert not BulkRun.objects.exists()


def test_a_case_beyond_ones_area_is_left_out_without_telling_what_it_is(hall):
    mine, other = now_case(hall, new_report(point=AT_RIVER)), now_case(hall)
    page = preview(signed_in(hall, "bassac"), [mine, other], "take")
    assert form_of(page)["case"] == [str(mine.pk)]
    assert spoken(other.code) not in page.content.decode()


def test_nobody_sees_or_goes_on_with_the_run_of_another_person(hall, officer):
    case = now_case(hall)
    sent = form_of(preview(officer, [case], "take"))
    officer.post("/desk/bulk/apply", sent)
    other = signed_in(hall, "admin")
    assert other.get(f"/desk/bulk/{BulkRun.objects.get().key}").status_code == 404
    page = other.post("/desk/bulk/apply", sent, follow=True)
    assert "There is no such run for you." in text_of(page)


@pytest.mark.parametrize(
    "sent",
    [
        {},
        {"act": "take"},
        {"act": "dance", "case": ["1"]},
        {"act": "take", "case": ["x", "-1", "9" * 40]},
        {"act": "take", "case": [str(number) for number in range(1, 202)]},
    ],
)
def test_a_choice_that_is_none_leads_back_with_a_sentence(hall, officer, sent):
    for door in ("/desk/bulk/preview", "/desk/bulk/apply"):
        page = officer.post(door, {**sent, "key": "k" * 26}, follow=True)
        assert page.status_code == 200
        assert 'class="toast error"' in page.content.decode()

"""What officials, contractors and crews do with one case, step by step, and who may not."""

from __future__ import annotations

import pytest

from saat.actions.alerts import acknowledge_alert
from saat.actions.cases import (
    ActRefused,
    Assignee,
    ChangedMeanwhile,
    add_note,
    answer_office,
    arrive,
    assign_case,
    change_case,
    close_case,
    close_without_fix,
    mark_seen,
    message_reporter,
    release_case,
    reopen_case,
    set_urgency,
    take_case,
)
from saat.actions.log import COMMAND, RESIDENT, Actor, NotAllowed, NotFound
from saat.actions.voices import add_voice, add_voice_by_code
from saat.cases.moves import MoveNotAllowed
from saat.records.models import Alert, Case, Duty, EarlierText, Event, Message, Note, Outbox, ServiceRequest
from saat.records.search import matching
from saat.terms.case import Ending, State, Urgency, Voice
from saat.terms.report import Contact
from saat.triage.words import query_words
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_HOSPITAL, AT_RIVER, MONDAY_MORNING, OUTSIDE, new_report
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def kinds(case: Case) -> list[str]:
    return list(Event.objects.filter(case_id=case.pk).order_by("id").values_list("kind", flat=True))


def test_a_case_goes_from_report_to_closed_and_every_step_is_timed_and_logged(hall):
    case, officer = hall.case(), hall.by("kandal")
    mark_seen(case_id=case.pk, now=later(minutes=2), by=officer)
    take_case(case_id=case.pk, now=later(minutes=3), by=officer)
    assign_case(case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=later(minutes=5), by=officer)
    arrive(case_id=case.pk, now=later(minutes=40), by=hall.by("north crew"))
    case = close_case(case_id=case.pk, now=later(minutes=60), by=officer)
    assert (case.state, case.ending, case.owner) == (State.CLOSED, Ending.CLAIMED, hall.people["kandal"])
    assert (case.seen_at, case.taken_at, case.on_site_at, case.closed_at) == (
        later(minutes=2), later(minutes=3), later(minutes=40), later(minutes=60),
    )  # fmt: skip
    assert case.proved_at is None
    assert kinds(case) == [
        "case_opened",
        "case_seen",
        "case_taken",
        "case_assigned",
        "link_made",
        "case_on_site",
        "case_closed",
    ]
    assert_chain_is_whole(hall.city)


def test_only_the_first_look_of_somebody_who_could_take_it_counts_as_seen(hall):
    case = hall.case()
    for name in ("auditor", "director", "kandal", "daun penh"):
        mark_seen(case_id=case.pk, now=later(minutes=1), by=hall.by(name))
    assert kinds(case) == ["case_opened", "case_seen"]
    assert Event.objects.get(kind="case_seen").actor == f"user:{hall.people['kandal'].pk}"


def test_nothing_resets_the_clock(hall):
    case, officer = hall.case(), hall.by("kandal")
    promised, opened = case.due_at, case.opened_at
    take_case(case_id=case.pk, now=later(hours=1), by=officer)
    release_case(case_id=case.pk, now=later(hours=2), by=officer)
    assign_case(
        case_id=case.pk, to=Assignee(contractor_id=hall.contractors["north"].pk), now=later(hours=3), by=officer
    )
    change_case(case_id=case.pk, address="at the back gate", now=later(hours=4), by=officer)
    case.refresh_from_db()
    assert (case.due_at, case.opened_at) == (promised, opened)


def test_releasing_puts_a_case_back_into_the_queue_with_nobody_on_it(hall):
    case, officer = hall.case(), hall.by("kandal")
    assign_case(case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=later(minutes=5), by=officer)
    case = release_case(case_id=case.pk, now=later(minutes=9), by=officer)
    assert (case.state, case.owner, case.crew, case.contractor) == (State.OPEN, None, None, None)
    assert case.waiting_since == later(minutes=9)


def test_taking_a_case_back_takes_it_from_whom_it_was_handed_to(hall):
    case, officer = hall.case(), hall.by("kandal")
    assign_case(
        case_id=case.pk, to=Assignee(contractor_id=hall.contractors["north"].pk), now=later(minutes=5), by=officer
    )
    case = take_case(case_id=case.pk, now=later(minutes=9), by=officer)
    assert (case.state, case.contractor) == (State.TAKEN, None)
    with pytest.raises(NotFound):
        arrive(case_id=case.pk, now=later(minutes=10), by=hall.by("north"))


def test_assigning_queues_the_message_that_tells_the_crew(hall):
    case = hall.case()
    assign_case(
        case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=later(minutes=5), by=hall.by("duty")
    )
    row = Outbox.objects.get(kind="worker.assigned")
    assert (row.facts["case"], row.facts["crew"]) == (case.pk, hall.crews["North 1"].pk)
    case.refresh_from_db()
    assert case.contractor == hall.contractors["north"]


def test_handing_a_case_to_a_colleague_takes_it_from_the_contractor(hall):
    case, duty = hall.case(), hall.by("duty")
    assign_case(case_id=case.pk, to=Assignee(contractor_id=hall.contractors["north"].pk), now=later(minutes=5), by=duty)
    case = assign_case(case_id=case.pk, to=Assignee(user_id=hall.people["kandal"].pk), now=later(minutes=6), by=duty)
    assert (case.owner, case.contractor, case.crew) == (hall.people["kandal"], None, None)


@pytest.mark.parametrize("name", ["bassac", "auditor", "director", "north"])
def test_a_case_is_handed_only_to_people_who_can_work_on_it(hall, name):
    case = hall.case()
    with pytest.raises(ActRefused, match="does not work in the area"):
        assign_case(
            case_id=case.pk, to=Assignee(user_id=hall.people[name].pk), now=later(minutes=5), by=hall.by("duty")
        )


@pytest.mark.parametrize("to", [Assignee(), Assignee(crew_id=1, contractor_id=1)])
def test_a_case_is_handed_to_exactly_one(hall, to):
    case = hall.case()
    with pytest.raises(ActRefused, match="choose one"):
        assign_case(case_id=case.pk, to=to, now=later(minutes=5), by=hall.by("duty"))


def test_a_dispatcher_hands_cases_to_the_own_crews_only(hall):
    case = hall.case()
    assign_case(
        case_id=case.pk,
        to=Assignee(contractor_id=hall.contractors["north"].pk),
        now=later(minutes=5),
        by=hall.by("duty"),
    )
    for other in (Assignee(crew_id=hall.crews["South 1"].pk), Assignee(contractor_id=hall.contractors["south"].pk)):
        with pytest.raises(NotAllowed):
            assign_case(case_id=case.pk, to=other, now=later(minutes=6), by=hall.by("north"))
    assign_case(
        case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=later(minutes=7), by=hall.by("north")
    )


def test_an_officer_of_another_sangkat_is_not_told_that_the_case_exists(hall):
    case = hall.case()
    with pytest.raises(NotFound):
        take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("bassac"))
    with pytest.raises(NotFound):
        take_case(case_id=case.pk + 1000, now=later(minutes=1), by=hall.by("bassac"))


@pytest.mark.parametrize("name", ["auditor", "director"])
def test_who_only_looks_cannot_write(hall, name):
    case, by = hall.case(), hall.by(name)
    acts = [
        lambda: take_case(case_id=case.pk, now=later(minutes=1), by=by),
        lambda: assign_case(case_id=case.pk, to=Assignee(crew_id=1), now=later(minutes=1), by=by),
        lambda: change_case(case_id=case.pk, address="x", now=later(minutes=1), by=by),
        lambda: set_urgency(case_id=case.pk, urgency=Urgency.LOW, now=later(minutes=1), by=by),
        lambda: close_case(case_id=case.pk, now=later(minutes=1), by=by),
        lambda: close_without_fix(case_id=case.pk, reason_code="no-rubbish", now=later(minutes=1), by=by),
        lambda: add_note(case_id=case.pk, text="x", now=later(minutes=1), by=by),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    assert kinds(case) == ["case_opened"]


def test_a_contractor_cannot_close_take_or_change(hall):
    case = hall.case()
    assign_case(
        case_id=case.pk,
        to=Assignee(contractor_id=hall.contractors["north"].pk),
        now=later(minutes=5),
        by=hall.by("duty"),
    )
    north = hall.by("north")
    with pytest.raises(NotAllowed):
        close_case(case_id=case.pk, now=later(minutes=6), by=north)
    with pytest.raises(NotAllowed):
        take_case(case_id=case.pk, now=later(minutes=6), by=north)
    add_note(case_id=case.pk, text="The gate is locked", now=later(minutes=7), by=north)
    arrive(case_id=case.pk, now=later(minutes=8), by=north)


def test_somebody_whose_account_was_closed_can_do_nothing(hall):
    case, person = hall.case(), hall.people["kandal"]
    person.is_active = False
    person.save()
    with pytest.raises(NotFound):
        take_case(case_id=case.pk, now=later(minutes=1), by=Actor.of(person))


def test_a_move_outside_the_table_is_refused_and_nothing_is_written(hall):
    case, officer = hall.case(), hall.by("kandal")
    close_case(case_id=case.pk, now=later(minutes=5), by=officer)
    with pytest.raises(MoveNotAllowed, match="cannot become taken"):
        take_case(case_id=case.pk, now=later(minutes=6), by=officer)
    assert kinds(case) == ["case_opened", "case_closed"]


def test_whoever_assigns_is_told_what_others_did_since_the_page_was_read(hall):
    case = hall.case()
    read = Event.objects.get(case_id=case.pk).pk
    take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("daun penh"))
    to = Assignee(crew_id=hall.crews["City crew"].pk)
    with pytest.raises(ChangedMeanwhile) as changed:
        assign_case(case_id=case.pk, to=to, now=later(minutes=2), by=hall.by("kandal"), read_up_to=read)
    assert [event.kind for event in changed.value.events] == ["case_taken"]
    assign_case(
        case_id=case.pk, to=to, now=later(minutes=2), by=hall.by("kandal"), read_up_to=changed.value.events[-1].pk
    )


def test_what_does_not_matter_and_what_one_did_oneself_do_not_stand_in_the_way(hall):
    case, officer = hall.case(), hall.by("kandal")
    read = Event.objects.get(case_id=case.pk).pk
    mark_seen(case_id=case.pk, now=later(minutes=1), by=hall.by("daun penh"))
    add_note(case_id=case.pk, text="seen from the car", now=later(minutes=1), by=hall.by("daun penh"))
    take_case(case_id=case.pk, now=later(minutes=1), by=officer)
    close_case(case_id=case.pk, now=later(minutes=2), by=officer, read_up_to=read)


def test_a_resident_who_sees_it_too_stands_in_the_way_of_closing_unread(hall):
    case = hall.case()
    read = Event.objects.get(case_id=case.pk).pk
    add_voice_by_code(city=hall.city, code=case.code, words="still growing", now=later(minutes=3), by=RESIDENT)
    with pytest.raises(ChangedMeanwhile):
        close_without_fix(
            case_id=case.pk, reason_code="nothing-found", now=later(minutes=4), by=hall.by("kandal"), read_up_to=read
        )


def test_changing_the_category_recomputes_the_promise_from_the_first_report(hall):
    case = hall.case(new_report(point=AT_RIVER))
    case = change_case(case_id=case.pk, service_code="danger", now=later(hours=1), by=hall.by("bassac"))
    assert case.service_code == "danger"
    assert (case.due_at - MONDAY_MORNING).total_seconds() == 3 * 3600


def test_changing_the_place_moves_the_case_to_the_other_sangkat_and_out_of_the_officers_sight(hall):
    case = hall.case()
    case = change_case(case_id=case.pk, point=AT_HOSPITAL, now=later(minutes=4), by=hall.by("kandal"))
    assert case.area_id == hall.ground.sangkats["Wat Phnom"].pk
    assert case.place_id == hall.ground.places["Calmette Hospital"].pk
    with pytest.raises(NotFound):
        take_case(case_id=case.pk, now=later(minutes=5), by=hall.by("kandal"))
    assert [c.pk for c in matching(Case.objects.all(), query_words("Wat Phnom"))] == [case.pk]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"service_code": "ufo"}, "service_code"),
        ({"point": OUTSIDE}, "place"),
        ({"area_id": 999_999}, "area"),
        ({}, ""),
    ],
)
def test_a_change_that_cannot_be_is_refused(hall, change, field):
    case = hall.case()
    with pytest.raises(ActRefused) as refused:
        change_case(case_id=case.pk, now=later(minutes=4), by=hall.by("kandal"), **change)
    assert refused.value.field == field


def test_what_an_address_said_before_is_kept_beside_the_log_and_not_in_it(hall):
    case = hall.case(new_report(words=""))
    change_case(case_id=case.pk, address="House 12, Mrs Sopheap", now=later(minutes=4), by=hall.by("kandal"))
    change_case(case_id=case.pk, address="at the market stairs", now=later(minutes=5), by=hall.by("kandal"))
    assert sorted(EarlierText.objects.values_list("text", flat=True)) == ["", "House 12, Mrs Sopheap"]
    assert "Sopheap" not in " ".join(Event.objects.values_list("facts_json", flat=True))


def test_closing_without_a_fix_needs_one_of_the_citys_reasons_and_tells_the_reporter(hall):
    case = hall.case(new_report(contact=Contact(email="dara@example.org")))
    with pytest.raises(ActRefused) as refused:
        close_without_fix(case_id=case.pk, reason_code="tired", now=later(minutes=4), by=hall.by("kandal"))
    assert refused.value.field == "reason_code"
    case = close_without_fix(
        case_id=case.pk, reason_code="private-land", now=later(minutes=5), by=hall.by("kandal"), note="fenced"
    )
    assert (case.ending, case.reason_code, case.proved_at) == (Ending.NO_FIX, "private-land", None)
    assert Note.objects.get().text == "fenced"
    assert Outbox.objects.filter(kind="reporter.closed").count() == 1


def test_reopening_by_an_official_starts_a_new_wait_under_the_old_promise(hall):
    case, officer = hall.case(), hall.by("kandal")
    close_case(case_id=case.pk, now=later(minutes=5), by=officer)
    again = reopen_case(case_id=case.pk, now=later(hours=1), by=officer, note="seen again")
    assert (again.state, again.ending, again.closed_at, again.reopened) == (State.OPEN, "", None, 1)
    assert again.due_at == case.due_at
    assert again.waiting_since == later(hours=1)


def test_a_resident_who_says_still_there_reopens_the_case_and_whoever_is_on_duty_hears_it(hall):
    receipt = hall.report()
    Duty.objects.create(city=hall.city, user=hall.people["duty"], starts_at=later(hours=-1), ends_at=later(hours=12))
    close_case(case_id=receipt.case_id, now=later(minutes=5), by=hall.by("kandal"))
    add_voice(token=receipt.token, voice=Voice.STILL_THERE, words="look", now=later(minutes=9), by=RESIDENT)
    case = Case.objects.get(pk=receipt.case_id)
    assert (case.state, case.reopened, case.voices) == (State.OPEN, 1, 2)
    alert = Alert.objects.get(case=case, why="reopened")
    acknowledge_alert(alert_id=alert.pk, now=later(minutes=10), by=hall.by("duty"))
    with pytest.raises(NotFound):
        acknowledge_alert(alert_id=alert.pk, now=later(minutes=10), by=hall.by("kandal"))


def test_a_resident_who_says_gone_confirms_a_claim_but_not_a_refusal(hall):
    fixed, refused = hall.report(), hall.report(new_report(point=AT_RIVER))
    close_case(case_id=fixed.case_id, now=later(minutes=5), by=hall.by("duty"))
    close_without_fix(case_id=refused.case_id, reason_code="no-rubbish", now=later(minutes=5), by=hall.by("duty"))
    for receipt in (fixed, refused):
        add_voice(token=receipt.token, voice=Voice.GONE, words="", now=later(minutes=9), by=RESIDENT)
    assert Case.objects.get(pk=fixed.case_id).ending == Ending.CONFIRMED
    assert Case.objects.get(pk=refused.case_id).ending == Ending.NO_FIX


def test_saying_it_again_with_the_same_client_id_adds_no_second_voice(hall):
    receipt = hall.report()
    for _ in range(2):
        add_voice(
            token=receipt.token, voice=Voice.ME_TOO, words="", now=later(minutes=9), by=RESIDENT, client_id="tap-1"
        )
    assert ServiceRequest.objects.filter(voice=Voice.ME_TOO).count() == 1
    assert Case.objects.get().voices == 2


def test_a_message_to_one_reporter_is_sent_to_that_one_alone(hall):
    first = hall.report(new_report(contact=Contact(email="a@example.org")))
    second = hall.report(new_report(contact=Contact(email="b@example.org")), now=later(minutes=1))
    assert first.case_id == second.case_id
    Outbox.objects.all().delete()
    message_reporter(
        case_id=first.case_id, text="Which gate?", asks=True, service_request_id=second.service_request_id,
        now=later(minutes=2), by=hall.by("kandal"),
    )  # fmt: skip
    assert [row.facts["service_request"] for row in Outbox.objects.all()] == [second.service_request_id]
    message_reporter(case_id=first.case_id, text="We are coming.", now=later(minutes=3), by=hall.by("kandal"))
    assert Outbox.objects.count() == 3


def test_a_message_to_a_report_of_another_case_is_refused(hall):
    case, other = hall.case(), hall.report(new_report(point=AT_RIVER))
    with pytest.raises(ActRefused) as refused:
        message_reporter(
            case_id=case.pk, text="Hello", service_request_id=other.service_request_id,
            now=later(minutes=2), by=hall.by("duty"),
        )  # fmt: skip
    assert refused.value.field == "to"


def test_a_reporter_answers_through_the_own_link(hall):
    receipt = hall.report()
    answer_office(token=receipt.token, text="The blue gate", now=later(minutes=4), by=RESIDENT)
    message = Message.objects.get()
    assert (message.to_reporter, message.text, message.case_id) == (False, "The blue gate", receipt.case_id)
    with pytest.raises(NotFound):
        answer_office(token="0" * 26, text="x", now=later(minutes=4), by=RESIDENT)
    with pytest.raises(ActRefused):
        answer_office(token=receipt.token, text="  ", now=later(minutes=4), by=RESIDENT)


def test_an_operator_at_the_machine_may_act_on_every_case(hall):
    case = hall.case()
    assert close_case(case_id=case.pk, now=later(minutes=4), by=COMMAND).state == State.CLOSED

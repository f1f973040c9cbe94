"""Two cases become one, one becomes two, and what was done is undone: never at the cost of what others did since."""

from __future__ import annotations

import pytest

from saat.actions.cases import (
    ActRefused,
    Assignee,
    arrive,
    assign_case,
    change_case,
    close_case,
    release_case,
    reopen_case,
    set_urgency,
    take_case,
)
from saat.actions.joining import merge_cases, split_case, undo
from saat.actions.log import RESIDENT, NotAllowed, NotFound
from saat.actions.voices import add_voice, add_voice_by_code
from saat.cases.moves import MoveNotAllowed
from saat.records.models import Case, Event, Outbox, ServiceRequest
from saat.records.search import matching
from saat.terms.case import State, Urgency, Voice
from saat.terms.report import Contact, NewReport
from saat.triage.words import query_words
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_HOSPITAL, AT_RIVER, NEXT_TO_MARKET, new_report
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def two(hall) -> tuple[Case, Case]:
    """The heap at the market, and what was reported next to it as something else ten minutes later."""
    first = hall.case()
    second = hall.case(
        new_report(service_code="danger", point=NEXT_TO_MARKET, words="needles in the bags"), now=later(minutes=10)
    )
    assert first.pk != second.pk
    return first, second


def last(kind: str) -> int:
    """The id of the latest event of a kind."""
    return Event.objects.filter(kind=kind).order_by("-id").values_list("pk", flat=True)[0]


def reread(case: Case) -> Case:
    return Case.objects.get(pk=case.pk)


def state_of(case: Case) -> dict:
    ignored = ("updated_at", "_state")
    return {name: value for name, value in vars(reread(case)).items() if name not in ignored}


def test_a_merged_case_hands_over_its_reports_its_danger_and_the_earlier_promise(hall, two):
    first, second = two
    goal = merge_cases(case_id=second.pk, into_id=first.pk, now=later(minutes=20), by=hall.by("kandal"))
    assert (goal.voices, goal.urgency, goal.opened_at) == (2, Urgency.DANGER, first.opened_at)
    assert goal.due_at == min(first.due_at, second.due_at)
    merged = reread(second)
    assert (merged.state, merged.merged_into, merged.voices) == (State.MERGED, goal, 1)
    assert list(
        ServiceRequest.objects.filter(case=goal).order_by("requested_at").values_list("requested_at", flat=True)
    ) == [later(), later(minutes=10)]
    assert [c.pk for c in matching(Case.objects.all(), query_words("needles")).exclude(state="merged")] == [goal.pk]


def test_undoing_a_merge_leaves_both_as_they_were(hall, two):
    first, second = two
    before = state_of(first), state_of(second)
    merge_cases(case_id=second.pk, into_id=first.pk, now=later(minutes=20), by=hall.by("kandal"))
    undo(event_id=last("case_merged"), now=later(minutes=21), by=hall.by("kandal"))
    assert (state_of(first), state_of(second)) == before
    assert ServiceRequest.objects.filter(case=second).count() == 1
    assert_chain_is_whole(hall.city)


def test_what_came_after_a_merge_stays_when_the_merge_is_undone(hall, two):
    first, second = two
    merge_cases(case_id=second.pk, into_id=first.pk, now=later(minutes=20), by=hall.by("kandal"))
    add_voice_by_code(city=hall.city, code=first.code, words="me too", now=later(minutes=25), by=RESIDENT)
    set_urgency(case_id=first.pk, urgency=Urgency.HIGH, now=later(minutes=26), by=hall.by("kandal"))
    undo(event_id=last("case_merged"), now=later(minutes=30), by=hall.by("kandal"))
    assert (reread(first).voices, reread(second).voices) == (2, 1)
    assert reread(first).urgency == Urgency.HIGH


def test_a_voice_for_a_merged_case_is_heard_in_the_one_that_lives_on(hall, two):
    first, second = two
    merge_cases(case_id=second.pk, into_id=first.pk, now=later(minutes=20), by=hall.by("kandal"))
    receipt = add_voice_by_code(city=hall.city, code=second.code, words="", now=later(minutes=25), by=RESIDENT)
    assert receipt.case_id == first.pk


def test_merges_that_were_stacked_are_undone_from_the_top(hall, two):
    first, second = two
    third = hall.case(new_report(point=AT_HOSPITAL))
    duty = hall.by("duty")
    merge_cases(case_id=second.pk, into_id=first.pk, now=later(minutes=20), by=duty)
    lower = last("case_merged")
    merge_cases(case_id=first.pk, into_id=third.pk, now=later(minutes=21), by=duty)
    upper = last("case_merged")
    assert reread(third).voices == 3
    with pytest.raises(ActRefused, match="undo that merge first"):
        undo(event_id=lower, now=later(minutes=22), by=duty)
    undo(event_id=upper, now=later(minutes=23), by=duty)
    undo(event_id=lower, now=later(minutes=24), by=duty)
    assert [reread(case).voices for case in (first, second, third)] == [1, 1, 1]
    assert {reread(case).state for case in (first, second, third)} == {State.OPEN}


def test_cases_that_cannot_be_merged_are_refused(hall, two):
    first, second = two
    duty = hall.by("duty")
    with pytest.raises(ActRefused, match="itself"):
        merge_cases(case_id=first.pk, into_id=first.pk, now=later(minutes=20), by=duty)
    close_case(case_id=second.pk, now=later(minutes=20), by=duty)
    with pytest.raises(ActRefused, match="reopen"):
        merge_cases(case_id=first.pk, into_id=second.pk, now=later(minutes=21), by=duty)
    with pytest.raises(ActRefused, match="reopen"):
        merge_cases(case_id=second.pk, into_id=first.pk, now=later(minutes=21), by=duty)


def test_a_case_is_merged_only_into_one_that_the_officer_sees(hall, two):
    first, _ = two
    far = hall.case(new_report(point=AT_RIVER))
    with pytest.raises(NotFound):
        merge_cases(case_id=first.pk, into_id=far.pk, now=later(minutes=20), by=hall.by("kandal"))


def test_nothing_more_is_done_to_a_case_that_was_merged(hall, two):
    first, second = two
    duty = hall.by("duty")
    merge_cases(case_id=second.pk, into_id=first.pk, now=later(minutes=20), by=duty)
    for act in (
        lambda: take_case(case_id=second.pk, now=later(minutes=21), by=duty),
        lambda: reopen_case(case_id=second.pk, now=later(minutes=21), by=duty),
        lambda: change_case(case_id=second.pk, address="x", now=later(minutes=21), by=duty),
        lambda: set_urgency(case_id=second.pk, urgency=Urgency.LOW, now=later(minutes=21), by=duty),
    ):
        with pytest.raises(ActRefused, match="merged into another"):
            act()


@pytest.fixture
def three_voices(hall) -> Case:
    """One case with three reports, at ten, eleven and twelve o'clock."""
    case = hall.case()
    for hours in (1, 2):
        joined = NewReport(service_code="full-bin", words=f"hour {hours}", point=NEXT_TO_MARKET, join_case_id=case.pk)
        assert hall.report(joined, now=later(hours=hours)).case_id == case.pk
    return case


def requests_of(case: Case) -> list[int]:
    return list(ServiceRequest.objects.filter(case=case).order_by("requested_at").values_list("pk", flat=True))


def test_a_split_makes_a_case_with_the_clock_of_its_own_reports(hall, three_voices):
    first, second, third = requests_of(three_voices)
    new = split_case(
        case_id=three_voices.pk, service_request_ids=[third, second], now=later(hours=3), by=hall.by("kandal")
    )
    assert (new.opened_at, new.voices, new.service_code) == (later(hours=1), 2, "full-bin")
    assert requests_of(new) == [second, third]
    assert requests_of(three_voices) == [first]
    assert reread(three_voices).voices == 1
    assert new.code != three_voices.code
    kinds = Event.objects.filter(case_id=new.pk).values_list("kind", flat=True)
    assert list(kinds) == ["case_opened"]


def test_undoing_a_split_brings_all_reports_home_with_those_that_came_since(hall, three_voices):
    _, second, third = requests_of(three_voices)
    new = split_case(case_id=three_voices.pk, service_request_ids=[second], now=later(hours=3), by=hall.by("kandal"))
    add_voice_by_code(city=hall.city, code=new.code, words="", now=later(hours=3, minutes=1), by=RESIDENT)
    undo(event_id=last("case_split"), now=later(hours=3, minutes=5), by=hall.by("kandal"))
    assert len(requests_of(three_voices)) == 4
    assert reread(three_voices).voices == 4
    assert (reread(new).state, reread(new).merged_into_id) == (State.MERGED, three_voices.pk)
    assert third in requests_of(three_voices)


def test_a_split_is_not_undone_once_somebody_took_the_new_case(hall, three_voices):
    _, second, _ = requests_of(three_voices)
    new = split_case(case_id=three_voices.pk, service_request_ids=[second], now=later(hours=3), by=hall.by("kandal"))
    take_case(case_id=new.pk, now=later(hours=3), by=hall.by("daun penh"))
    with pytest.raises(ActRefused, match="worked on since"):
        undo(event_id=last("case_split"), now=later(hours=4), by=hall.by("kandal"))


@pytest.mark.parametrize("chosen", [[], "all", [10**9]])
def test_some_of_the_reports_are_split_off_never_none_or_all(hall, three_voices, chosen):
    chosen = requests_of(three_voices) if chosen == "all" else chosen
    with pytest.raises(ActRefused) as refused:
        split_case(case_id=three_voices.pk, service_request_ids=chosen, now=later(hours=3), by=hall.by("kandal"))
    assert refused.value.field == "reports"


def test_a_closed_case_is_not_split(hall, three_voices):
    close_case(case_id=three_voices.pk, now=later(hours=3), by=hall.by("kandal"))
    with pytest.raises(ActRefused, match="reopen"):
        split_case(
            case_id=three_voices.pk, service_request_ids=requests_of(three_voices)[:1], now=later(hours=4),
            by=hall.by("kandal"),
        )  # fmt: skip


ACTS = {
    "case_taken": lambda case, hall: take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal")),
    "case_assigned": lambda case, hall: assign_case(
        case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=later(minutes=1), by=hall.by("kandal")
    ),
    "case_on_site": lambda case, hall: arrive(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal")),
    "case_changed": lambda case, hall: change_case(
        case_id=case.pk,
        point=AT_HOSPITAL,
        address="gate",
        service_code="dumping",
        now=later(minutes=1),
        by=hall.by("duty"),
    ),
    "urgency_set": lambda case, hall: set_urgency(
        case_id=case.pk, urgency=Urgency.DANGER, now=later(minutes=1), by=hall.by("kandal")
    ),
    "case_closed": lambda case, hall: close_case(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal")),
}


@pytest.mark.parametrize("kind", ACTS)
def test_undoing_an_act_leaves_the_case_as_it_was(hall, kind):
    case = hall.case(new_report(words="sofa"))
    before = state_of(case)
    ACTS[kind](case, hall)
    assert state_of(case) != before
    undo(event_id=last(kind), now=later(minutes=2), by=hall.by("duty"))
    after = state_of(case)
    # When it was first seen is a fact, and stays.
    assert {**after, "seen_at": None} == {**before, "seen_at": None}
    assert [c.pk for c in matching(Case.objects.all(), query_words("sofa Kandal"))] == [case.pk]
    assert_chain_is_whole(hall.city)


def test_a_chain_of_acts_is_undone_from_the_last_to_the_first(hall):
    case, officer = hall.case(), hall.by("kandal")
    before = state_of(case)
    take_case(case_id=case.pk, now=later(minutes=1), by=officer)
    assign_case(case_id=case.pk, to=Assignee(crew_id=hall.crews["North 1"].pk), now=later(minutes=2), by=officer)
    release_case(case_id=case.pk, now=later(minutes=3), by=officer)
    taken, assigned, released = last("case_taken"), last("case_assigned"), last("case_released")
    with pytest.raises(ActRefused, match="changed since"):
        undo(event_id=assigned, now=later(minutes=4), by=officer)
    for event_id in (released, assigned, taken):
        undo(event_id=event_id, now=later(minutes=5), by=officer)
    assert {**state_of(case), "seen_at": None} == before
    with pytest.raises(ActRefused, match="undone already"):
        undo(event_id=taken, now=later(minutes=6), by=officer)


def test_an_act_is_not_undone_over_what_somebody_else_did_since(hall):
    case = hall.case()
    take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal"))
    taken = last("case_taken")
    assign_case(
        case_id=case.pk, to=Assignee(user_id=hall.people["daun penh"].pk), now=later(minutes=2), by=hall.by("daun penh")
    )
    with pytest.raises(ActRefused, match="changed since"):
        undo(event_id=taken, now=later(minutes=3), by=hall.by("kandal"))


def test_an_act_on_one_thing_is_undone_although_another_was_changed_since(hall):
    case, officer = hall.case(), hall.by("kandal")
    set_urgency(case_id=case.pk, urgency=Urgency.HIGH, now=later(minutes=1), by=officer)
    take_case(case_id=case.pk, now=later(minutes=2), by=officer)
    undo(event_id=last("urgency_set"), now=later(minutes=3), by=officer)
    assert (reread(case).urgency, reread(case).state) == (Urgency.NORMAL, State.TAKEN)


def test_who_may_not_do_an_act_may_not_undo_it(hall):
    case = hall.case()
    take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal"))
    for name, error in (("auditor", NotAllowed), ("bassac", NotFound), ("north", NotFound)):
        with pytest.raises(error):
            undo(event_id=last("case_taken"), now=later(minutes=2), by=hall.by(name))


def test_what_a_resident_said_is_not_undone(hall):
    receipt = hall.report()
    close_case(case_id=receipt.case_id, now=later(minutes=1), by=hall.by("kandal"))
    add_voice(token=receipt.token, voice=Voice.STILL_THERE, words="", now=later(minutes=2), by=RESIDENT)
    for kind in ("case_reopened", "case_opened"):
        with pytest.raises(ActRefused, match="cannot be undone"):
            undo(event_id=last(kind), now=later(minutes=3), by=hall.by("kandal"))


def test_undoing_a_closing_takes_back_the_letter_that_was_not_sent_yet(hall):
    case = hall.case(new_report(contact=Contact(email="dara@example.org")))
    close_case(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal"))
    assert Outbox.objects.filter(kind="reporter.closed").exists()
    undo(event_id=last("case_closed"), now=later(minutes=2), by=hall.by("kandal"))
    assert not Outbox.objects.filter(kind="reporter.closed").exists()
    assert Outbox.objects.filter(kind="reporter.received").exists()


def test_a_reopening_by_an_official_is_undone_into_the_closed_case_that_it_was(hall):
    case, officer = hall.case(), hall.by("kandal")
    close_case(case_id=case.pk, now=later(minutes=1), by=officer)
    before = state_of(case)
    reopen_case(case_id=case.pk, now=later(minutes=2), by=officer)
    undo(event_id=last("case_reopened"), now=later(minutes=3), by=officer)
    assert state_of(case) == before
    with pytest.raises(MoveNotAllowed):
        close_case(case_id=case.pk, now=later(minutes=4), by=officer)

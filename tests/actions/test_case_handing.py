"""Handing work over and back: links without an account, "cannot do", turns of duty, the office's texts."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saat.actions.alerts import raise_alert
from saat.actions.cases import ActRefused, Assignee, arrive, assign_case, close_case, release_case, take_case
from saat.actions.declining import decline_case
from saat.actions.duty import end_duty, hand_over, plan_duty
from saat.actions.joining import undo
from saat.actions.links import LIFE, LinkClosed, answer_url, link_of, renew_link
from saat.actions.log import CLOCK, NotAllowed, NotFound, writing
from saat.actions.reports import receive_report
from saat.actions.texts import delete_text, filled, save_text
from saat.records.models import Alert, Case, Duty, Event, Note, SignedLink, Template
from saat.terms.case import Declined, State
from tests.actions.chain import assert_chain_is_whole
from tests.city import AT_HOSPITAL, AT_RIVER, new_report
from tests.hall import Hall, later, make_hall


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def handed(hall) -> Case:
    """A case that was given to the contractor of the north at 10:05."""
    case = hall.case()
    to = Assignee(contractor_id=hall.contractors["north"].pk)
    return assign_case(case_id=case.pk, to=to, now=later(minutes=5), by=hall.by("kandal"))


def token_for(hall: Hall, case: Case, *, minutes: int = 6) -> str:
    url = answer_url(
        case_id=case.pk, contractor_id=hall.contractors["north"].pk, now=later(minutes=minutes), url="http://saat"
    )
    return url.rsplit("/", 1)[1]


def test_a_contractor_gets_a_link_that_opens_the_one_case_and_nothing_else(hall, handed):
    link, actor = link_of(token=token_for(hall, handed), now=later(minutes=7))
    assert (link.case_id, str(actor)) == (handed.pk, f"link:{link.pk}")
    arrive(case_id=handed.pk, now=later(minutes=30), by=actor)
    other = hall.case(new_report(point=AT_HOSPITAL))
    assign_case(
        case_id=other.pk,
        to=Assignee(contractor_id=hall.contractors["north"].pk),
        now=later(minutes=8),
        by=hall.by("duty"),
    )
    with pytest.raises(NotFound):
        arrive(case_id=other.pk, now=later(minutes=31), by=actor)
    with pytest.raises(NotAllowed):
        close_case(case_id=handed.pk, now=later(minutes=31), by=actor)


def test_the_database_holds_no_token(hall, handed):
    token = token_for(hall, handed)
    assert len(token) == 26
    assert token not in str(SignedLink.objects.values().get())
    assert token not in " ".join(Event.objects.values_list("facts_json", flat=True))


@pytest.mark.parametrize("token", ["", "abc", "0" * 26, "ស្អាត", "x" * 5000])
def test_a_forged_link_opens_nothing(hall, handed, token):
    with pytest.raises(LinkClosed) as closed:
        link_of(token=token, now=later(minutes=7))
    assert closed.value.code == "unknown"


def test_a_link_expires(hall, handed):
    token = token_for(hall, handed)
    with pytest.raises(LinkClosed) as closed:
        link_of(token=token, now=later(minutes=5) + LIFE)
    assert closed.value.code == "expired"
    assert answer_url(
        case_id=handed.pk, contractor_id=hall.contractors["north"].pk, now=later(minutes=5) + LIFE, url="http://saat"
    ).endswith(f"/desk/cases/{handed.pk}")


def test_a_link_ends_when_the_case_goes_to_somebody_else_or_back_into_the_queue(hall, handed):
    token = token_for(hall, handed)
    _link, actor = link_of(token=token, now=later(minutes=7))
    release_case(case_id=handed.pk, now=later(minutes=8), by=hall.by("kandal"))
    with pytest.raises(LinkClosed) as closed:
        link_of(token=token, now=later(minutes=9))
    assert closed.value.code == "withdrawn"
    with pytest.raises(NotFound):
        arrive(case_id=handed.pk, now=later(minutes=9), by=actor)


def test_a_fresh_link_ends_the_one_before_and_opens_the_case(hall, handed):
    old = token_for(hall, handed)
    new = renew_link(case_id=handed.pk, now=later(minutes=9), by=hall.by("kandal"))
    assert link_of(token=new, now=later(minutes=10))[0].case_id == handed.pk
    with pytest.raises(LinkClosed):
        link_of(token=old, now=later(minutes=10))
    with pytest.raises(NotFound):
        renew_link(case_id=handed.pk, now=later(minutes=11), by=hall.by("bassac"))


def test_a_crew_of_the_city_gets_a_link_too(hall):
    case = hall.case()
    assign_case(
        case_id=case.pk, to=Assignee(crew_id=hall.crews["City crew"].pk), now=later(minutes=5), by=hall.by("kandal")
    )
    token = renew_link(case_id=case.pk, now=later(minutes=6), by=hall.by("kandal"))
    link, actor = link_of(token=token, now=later(minutes=7))
    assert link.crew == hall.crews["City crew"]
    arrive(case_id=case.pk, now=later(minutes=8), by=actor)


def test_a_case_that_nobody_holds_has_no_link(hall):
    case = hall.case()
    with pytest.raises(NotFound):
        renew_link(case_id=case.pk, now=later(minutes=6), by=hall.by("kandal"))


def test_who_cannot_do_it_gives_it_back_to_whoever_answers_for_it(hall):
    case = hall.case()
    Duty.objects.create(city=hall.city, user=hall.people["duty"], starts_at=later(), ends_at=later(hours=9))
    take_case(case_id=case.pk, now=later(minutes=2), by=hall.by("kandal"))
    assign_case(
        case_id=case.pk,
        to=Assignee(contractor_id=hall.contractors["north"].pk),
        now=later(minutes=5),
        by=hall.by("kandal"),
    )
    _, actor = link_of(token=token_for(hall, case), now=later(minutes=7))
    back = decline_case(
        case_id=case.pk, reason=Declined.NO_ACCESS, text="The gate is locked", by_name="North Clean",
        now=later(minutes=9), by=actor,
    )  # fmt: skip
    assert (back.state, back.owner, back.contractor) == (State.TAKEN, hall.people["kandal"], None)
    assert (Note.objects.get().text, Note.objects.get().by_name) == ("The gate is locked", "North Clean")
    event = Event.objects.get(kind="case_declined")
    assert event.facts["reason"] == "no_access"
    assert "gate" not in event.facts_json
    assert Alert.objects.get(case=case).why == "declined"
    with pytest.raises(NotFound):
        decline_case(case_id=case.pk, reason=Declined.OTHER, now=later(minutes=10), by=actor)
    assert_chain_is_whole(hall.city)


def test_a_declined_case_without_an_owner_waits_in_the_queue_again(hall, handed):
    back = decline_case(case_id=handed.pk, reason=Declined.TOO_MUCH, now=later(minutes=9), by=hall.by("north"))
    assert (back.state, back.waiting_since) == (State.OPEN, later(minutes=9))
    with pytest.raises(ActRefused):
        decline_case(case_id=handed.pk, reason=Declined.OTHER, now=later(minutes=9), by=hall.by("kandal"))


def test_undoing_the_hand_over_ends_the_link(hall, handed):
    token = token_for(hall, handed)
    undo(event_id=Event.objects.get(kind="case_assigned").pk, now=later(minutes=8), by=hall.by("kandal"))
    with pytest.raises(LinkClosed):
        link_of(token=token, now=later(minutes=9))


def plan(hall: Hall, who: str, *, by: str = "duty", area=None, start_h: float = 0, end_h: float = 8, **facts) -> Duty:
    return plan_duty(
        city_id=hall.city.pk, user_id=hall.people[who].pk, area_id=area.pk if area else None,
        starts_at=later(hours=start_h), ends_at=later(hours=end_h), now=later(), by=hall.by(by), **facts,
    )  # fmt: skip


def test_a_khan_officer_plans_for_the_own_khan_and_no_further(hall):
    khans, sangkats = hall.ground.khans, hall.ground.sangkats
    plan(hall, "kandal", by="daun penh", area=sangkats["Phsar Kandal"])
    plan(hall, "daun penh", by="daun penh", area=khans["Daun Penh"])
    for area in (khans["Chamkar Mon"], sangkats["Tonle Bassac"], None):
        with pytest.raises(NotAllowed):
            plan(hall, "duty", by="daun penh", area=area)
    with pytest.raises(NotAllowed):
        plan(hall, "kandal", by="kandal", area=sangkats["Phsar Kandal"])
    assert Event.objects.filter(kind="duty_planned").count() == 2


@pytest.mark.parametrize(
    ("facts", "field"),
    [
        ({"start_h": 5, "end_h": 5}, "ends_at"),
        ({"start_h": -9, "end_h": -1}, "ends_at"),
        ({"end_h": 24 * 32}, "ends_at"),
        ({"rank": 0}, "rank"),
    ],
)
def test_a_turn_that_cannot_be_is_refused(hall, facts, field):
    with pytest.raises(ActRefused) as refused:
        plan(hall, "duty", **facts)
    assert refused.value.field == field


def test_nobody_is_on_duty_where_they_cannot_act_or_twice_at_once(hall):
    for who in ("auditor", "director", "north", "bassac"):
        with pytest.raises(ActRefused) as refused:
            plan(hall, who, area=hall.ground.sangkats["Phsar Kandal"])
        assert refused.value.field == "user"
    plan(hall, "duty")
    with pytest.raises(ActRefused, match="already"):
        plan(hall, "duty", start_h=7, end_h=12)
    plan(hall, "duty", start_h=8, end_h=12)


def test_handing_over_passes_the_rest_of_the_turn_the_note_and_the_open_alerts(hall):
    khan = hall.ground.khans["Daun Penh"]
    turn = plan(hall, "daun penh", area=khan)
    receive_report(
        city=hall.city, report=new_report(service_code="danger", point=AT_HOSPITAL), now=later(minutes=1),
        by=hall.by("duty"),
    )  # fmt: skip
    alert = Alert.objects.get()
    assert alert.user == hall.people["daun penh"]
    following = hand_over(
        duty_id=turn.pk, to_user_id=hall.people["duty"].pk, note="Needles at the hospital", now=later(hours=1),
        by=hall.by("daun penh"),
    )  # fmt: skip
    turn.refresh_from_db()
    assert (turn.ends_at, following.starts_at, following.ends_at) == (later(hours=1), later(hours=1), later(hours=8))
    assert (turn.handed_over_to, turn.handover_note) == (following, "Needles at the hospital")
    alert.refresh_from_db()
    assert alert.passed_on_at == later(hours=1)
    assert Alert.objects.get(acknowledged_at=None, passed_on_at=None).user == hall.people["duty"]
    assert "hospital" not in " ".join(Event.objects.values_list("facts_json", flat=True))


def test_only_the_holder_or_a_planner_hands_a_turn_over(hall):
    turn = plan(hall, "daun penh", area=hall.ground.khans["Daun Penh"])
    for name in ("kandal", "auditor"):
        with pytest.raises(NotAllowed):
            hand_over(duty_id=turn.pk, to_user_id=hall.people["duty"].pk, note="", now=later(hours=1), by=hall.by(name))
    with pytest.raises(ActRefused):
        hand_over(
            duty_id=turn.pk, to_user_id=hall.people["daun penh"].pk, note="", now=later(hours=1), by=hall.by("duty")
        )
    with pytest.raises(NotFound):
        hand_over(duty_id=turn.pk, to_user_id=hall.people["duty"].pk, note="", now=later(hours=9), by=hall.by("duty"))


def test_a_turn_is_ended_early_or_taken_out_of_the_plan(hall):
    running, planned = plan(hall, "duty"), plan(hall, "admin", start_h=8, end_h=16)
    with pytest.raises(NotAllowed):
        end_duty(duty_id=running.pk, now=later(hours=1), by=hall.by("daun penh"))
    end_duty(duty_id=running.pk, now=later(hours=1), by=hall.by("duty"))
    end_duty(duty_id=planned.pk, now=later(hours=1), by=hall.by("duty"))
    assert list(Duty.objects.values_list("ends_at", flat=True)) == [later(hours=1)]
    with pytest.raises(NotFound):
        end_duty(duty_id=running.pk, now=later(hours=2), by=hall.by("duty"))


def test_an_alert_nobody_answered_yesterday_does_not_pass_over_that_person_today(hall):
    Duty.objects.create(city=hall.city, user=hall.people["duty"], starts_at=later(), ends_at=later(days=3))
    case = hall.case(new_report(service_code="danger", point=AT_RIVER))
    first = Alert.objects.get()
    Alert.objects.filter(pk=first.pk).update(passed_on_at=later(minutes=10))
    close_case(case_id=case.pk, now=later(hours=1), by=hall.by("duty"))
    Case.objects.filter(pk=case.pk).update(waiting_since=later(days=1))
    with writing(hall.city.pk, now=later(days=1), by=CLOCK) as log:
        again = raise_alert(log, case=Case.objects.get(), why="danger", policy=hall.city.policy_terms())
    assert again is not None
    assert again.user == hall.people["duty"]
    assert again.answer_by == later(days=1) + timedelta(minutes=10)


def test_a_text_is_written_changed_and_deleted_by_supervisors(hall):
    city_id = hall.city.pk
    row = save_text(
        city_id=city_id, name="We are coming", texts={"en": "{office} comes by {due}", "km": ""}, now=later(),
        by=hall.by("daun penh"),
    )  # fmt: skip
    assert row.texts == {"en": "{office} comes by {due}"}
    save_text(city_id=city_id, name="On the way", texts={"en": "Soon"}, text_id=row.pk, now=later(), by=hall.by("duty"))
    assert Template.objects.get().name == "On the way"
    with pytest.raises(NotAllowed):
        save_text(city_id=city_id, name="x", texts={"en": "y"}, now=later(), by=hall.by("kandal"))
    with pytest.raises(NotAllowed):
        delete_text(city_id=city_id, text_id=row.pk, now=later(), by=hall.by("auditor"))
    delete_text(city_id=city_id, text_id=row.pk, now=later(), by=hall.by("duty"))
    delete_text(city_id=city_id, text_id=row.pk, now=later(), by=hall.by("duty"))
    assert list(Event.objects.values_list("kind", flat=True)) == ["text_saved", "text_saved", "text_deleted"]


@pytest.mark.parametrize(
    ("name", "texts", "field"),
    [
        (" ", {"en": "x"}, "name"),
        ("x", {"en": " "}, "texts"),
        ("x", {"en": "Dear {name}"}, "text_en"),
        ("taken", {"en": "x"}, "name"),
    ],
)
def test_a_text_that_cannot_be_used_is_refused(hall, name, texts, field):
    save_text(city_id=hall.city.pk, name="taken", texts={"en": "x"}, now=later(), by=hall.by("duty"))
    with pytest.raises(ActRefused) as refused:
        save_text(city_id=hall.city.pk, name=name, texts=texts, now=later(), by=hall.by("duty"))
    assert refused.value.field == field


def test_placeholders_are_filled_with_the_cases_own_and_nothing_else_is_touched(hall):
    case = hall.case()
    text = filled("{code} {unknown} {office}", case=case, policy=hall.city.policy_terms(), language="en")
    assert text == f"{case.code[:4]}-{case.code[4:]} {{unknown}} Phnom Penh City Hall"

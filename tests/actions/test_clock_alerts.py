"""An alert that nobody answers goes on: to the next on duty, then up, and at last into the log."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection

from saat.actions.alerts import acknowledge_alert, duties_at
from saat.actions.cases import close_case, release_case, take_case
from saat.actions.clock import pass_on_alerts
from saat.actions.log import RESIDENT
from saat.actions.voices import add_voice
from saat.records.models import Alert, Case, Duty, Event, Membership, Outbox
from saat.terms.case import Role, Voice
from tests.actions.chain import assert_chain_is_whole
from tests.city import make_city, make_user, new_report
from tests.hall import Hall, later, make_hall

WAIT = timedelta(minutes=10)  # Phnom Penh's `ack_min`


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def on_duty(hall: Hall, who: str, *, area: str | None = None, rank: int = 1, starts=0, hours: int = 24 * 60) -> Duty:
    places = {**hall.ground.khans, **hall.ground.sangkats}
    return Duty.objects.create(
        city=hall.city,
        user=hall.people[who],
        area=places[area] if area else None,
        rank=rank,
        starts_at=later(hours=starts - 1),
        ends_at=later(hours=starts + hours),
    )


def danger(hall: Hall) -> Case:
    return hall.case(new_report(service_code="danger"))


def asked(case: Case) -> list[str]:
    rows = Alert.objects.filter(case=case).order_by("pk").select_related("user")
    return [row.user.username for row in rows]


def unheard(case: Case) -> list[dict]:
    return [event.facts for event in Event.objects.filter(case_id=case.pk, kind="alert_unheard")]


def test_danger_is_put_before_whoever_is_on_duty_and_a_letter_is_queued(hall):
    on_duty(hall, "kandal", area="Phsar Kandal")
    case = danger(hall)
    alert = Alert.objects.get(case=case)
    assert (alert.user, alert.why, alert.answer_by) == (hall.people["kandal"], "danger", later(minutes=10))
    assert Outbox.objects.get(kind="official.alert").facts == {"alert": alert.pk}


def test_an_answered_alert_stays_where_it_is(hall):
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "duty")
    case = danger(hall)
    acknowledge_alert(alert_id=Alert.objects.get().pk, now=later(minutes=9), by=hall.by("kandal"))
    assert pass_on_alerts(now=later(days=1)) == 0
    assert asked(case) == ["kandal"]


def test_an_alert_goes_to_the_second_in_rank_then_to_the_khan_then_to_the_city_and_then_into_the_log(hall):
    second = make_user(hall.city, Role.SANGKAT_OFFICER, area=hall.ground.sangkats["Phsar Kandal"], username="second")
    hall.people["second"] = second
    on_duty(hall, "duty")
    on_duty(hall, "daun penh", area="Daun Penh")
    on_duty(hall, "second", area="Phsar Kandal", rank=2)
    on_duty(hall, "kandal", area="Phsar Kandal", rank=1)
    case = danger(hall)
    assert pass_on_alerts(now=later(minutes=9)) == 0
    for minutes in (10, 20, 30):
        assert pass_on_alerts(now=later(minutes=minutes)) == 1
    assert asked(case) == ["kandal", "second", "daun-penh", "duty"]
    assert unheard(case) == []
    assert pass_on_alerts(now=later(minutes=40)) == 1
    assert asked(case) == ["kandal", "second", "daun-penh", "duty"]
    (facts,) = unheard(case)
    assert facts["why"] == "danger"
    assert len(facts["tried"]) == 4
    assert pass_on_alerts(now=later(days=1)) == 0
    assert Outbox.objects.filter(kind="official.alert").count() == 4
    assert_chain_is_whole(hall.city)


def test_an_alert_is_put_before_nobody_whose_turn_is_over_or_has_not_begun(hall):
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "daun penh", area="Daun Penh", starts=-5, hours=5)  # until the very moment
    on_duty(hall, "duty", starts=5)
    case = danger(hall)
    pass_on_alerts(now=later(minutes=10))
    assert asked(case) == ["kandal"]
    assert len(unheard(case)) == 1


@pytest.mark.parametrize("gone", ["account closed", "role taken", "another area", "no power to act"])
def test_nobody_is_alerted_who_could_not_open_the_case(hall, gone):
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "duty")
    person = hall.people["kandal"]
    roles = Membership.objects.filter(user=person)
    if gone == "account closed":
        person.is_active = False
        person.save()
    elif gone == "role taken":
        roles.delete()
    elif gone == "another area":
        roles.update(area=hall.ground.sangkats["Tonle Bassac"])
    else:
        roles.update(role=Role.AUDITOR, area=None)
    assert asked(danger(hall)) == ["duty"]


def test_turns_of_duty_are_read_once_each_however_many_roles_somebody_has(hall, django_assert_num_queries):
    Membership.objects.create(city=hall.city, user=hall.people["kandal"], role=Role.DIRECTOR)
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "kandal")
    with django_assert_num_queries(1):
        terms = duties_at(city_id=hall.city.pk, now=later())
    assert sorted(term.area_id or 0 for term in terms) == [0, hall.ground.sangkats["Phsar Kandal"].pk]


def test_an_alert_goes_no_further_when_the_case_is_closed(hall):
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "duty")
    case = danger(hall)
    close_case(case_id=case.pk, now=later(minutes=5), by=hall.by("daun penh"))
    assert pass_on_alerts(now=later(minutes=10)) == 1
    assert asked(case) == ["kandal"]
    assert unheard(case) == []


def test_an_alert_that_asks_for_a_taker_goes_no_further_when_there_is_one(hall):
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "duty")
    case = danger(hall)
    take_case(case_id=case.pk, now=later(minutes=5), by=hall.by("daun penh"))
    pass_on_alerts(now=later(minutes=10))
    assert asked(case) == ["kandal"]


def test_an_alert_that_the_promise_is_over_goes_on_though_somebody_has_the_case(hall):
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "duty")
    case = hall.case()
    take_case(case_id=case.pk, now=later(minutes=5), by=hall.by("kandal"))
    Alert.objects.create(
        city=hall.city, case=case, user=hall.people["kandal"], why="overdue", raised_at=later(hours=5),
        answer_by=later(hours=5) + WAIT,
    )  # fmt: skip
    pass_on_alerts(now=later(hours=6))
    assert asked(case) == ["kandal", "duty"]


def test_in_a_new_wait_those_are_asked_again_who_did_not_answer_in_the_last(hall):
    on_duty(hall, "kandal", area="Phsar Kandal")
    case = hall.case()
    token = case.service_requests.get().token
    for week in range(2):
        close_case(case_id=case.pk, now=later(days=7 * week, hours=1), by=hall.by("kandal"))
        add_voice(token=token, voice=Voice.STILL_THERE, words="", now=later(days=7 * week, hours=2), by=RESIDENT)
        pass_on_alerts(now=later(days=7 * week, hours=3))
    assert asked(case) == ["kandal", "kandal"]
    take_case(case_id=case.pk, now=later(days=9), by=hall.by("kandal"))
    release_case(case_id=case.pk, now=later(days=9, hours=1), by=hall.by("kandal"))
    assert len(unheard(case)) == 2


def test_an_alert_that_cannot_be_handed_on_holds_up_no_other(hall, caplog):
    on_duty(hall, "kandal", area="Phsar Kandal")
    on_duty(hall, "duty")
    broken = make_hall_elsewhere()
    lost = Alert.objects.create(
        city=broken.city, case=broken.case(), user=broken.people["duty"], why="danger", raised_at=later(),
        answer_by=later(minutes=1),
    )  # fmt: skip
    type(broken.city).objects.filter(pk=broken.city.pk).update(policy_text="this is no policy")
    case = danger(hall)
    assert pass_on_alerts(now=later(minutes=10)) == 1
    assert asked(case) == ["kandal", "duty"]
    assert f"Alert {lost.pk} could not be handed on" in caplog.text


def make_hall_elsewhere() -> Hall:
    ground = make_city(jurisdiction_id="elsewhere.kh")
    duty = make_user(ground.city, Role.CITY_DUTY)
    return Hall(ground=ground, people={"duty": duty}, contractors={}, crews={})


@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_hand_an_alert_on_once():
    hall = make_hall()
    for who, area in (("kandal", "Phsar Kandal"), ("daun penh", "Daun Penh"), ("duty", None)):
        on_duty(hall, who, area=area)
    case = danger(hall)

    def run() -> int:
        try:
            return pass_on_alerts(now=later(minutes=10))
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        passed = [one.result() for one in [pool.submit(run) for _ in range(3)]]
    assert sum(passed) == 1
    assert asked(case) == ["kandal", "daun-penh"]
    assert_chain_is_whole(hall.city)

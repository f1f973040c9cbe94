"""Who is told when a case waits too long: every rung once, whoever sleeps."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.cases.escalation import Escalation, next_escalation, steps_after_return
from saat.terms.case import Role
from saat.terms.policy import EscalationStep, example_policy, read_policy

PHNOM_PENH = read_policy((Path(__file__).parents[2] / "cities" / "phnom-penh.toml").read_text(encoding="utf-8"))
NINE = datetime(2026, 3, 2, 2, tzinfo=UTC)  # nine in the morning in Phnom Penh
DUE = NINE + timedelta(hours=8)


def minutes_after(moment, count):
    return moment + timedelta(minutes=count)


def following(*, taken=False, steps_done=frozenset(), policy=PHNOM_PENH, waiting_since=NINE, due_at=DUE):
    return next_escalation(
        policy=policy, waiting_since=waiting_since, due_at=due_at, taken=taken, steps_done=frozenset(steps_done)
    )


@pytest.mark.parametrize(
    ("taken", "steps_done", "reached"),
    [
        (False, {}, Escalation(at=minutes_after(NINE, 30), step=0, role=Role.KHAN_OFFICER)),
        (False, {0}, Escalation(at=minutes_after(NINE, 90), step=1, role=Role.CITY_DUTY)),
        (False, {0, 1}, Escalation(at=DUE, step=2, role=Role.KHAN_OFFICER)),  # untaken and late: both ladders
        (False, {0, 1, 2}, Escalation(at=minutes_after(DUE, 240), step=3, role=Role.CITY_DUTY)),
        (False, {0, 1, 2, 3}, Escalation(at=minutes_after(DUE, 1440), step=4, role=Role.DIRECTOR)),
        (False, {0, 1, 2, 3, 4}, None),
        (True, {}, Escalation(at=DUE, step=2, role=Role.KHAN_OFFICER)),  # somebody answers for it
        (True, {0}, Escalation(at=DUE, step=2, role=Role.KHAN_OFFICER)),
        (True, {2, 3, 4}, None),
        (False, {1, 2, 3, 4}, Escalation(at=minutes_after(NINE, 30), step=0, role=Role.KHAN_OFFICER)),
    ],
)
def test_the_ladder_of_phnom_penh(taken, steps_done, reached):
    assert following(taken=taken, steps_done=steps_done) == reached


def test_a_case_that_nobody_has_taken_climbs_at_night_and_on_a_sunday_too():
    sunday_night = datetime(2026, 3, 1, 17, tzinfo=UTC)  # midnight in Phnom Penh
    monday = datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert following(waiting_since=sunday_night, due_at=monday).at == minutes_after(sunday_night, 30)


def test_a_danger_due_before_the_first_rung_reaches_the_overdue_rung_first():
    due_at = minutes_after(NINE, 20)
    assert following(due_at=due_at) == Escalation(at=due_at, step=2, role=Role.KHAN_OFFICER)


def test_rungs_of_the_same_moment_come_in_the_order_of_the_policy():
    both = replace(
        example_policy(),
        escalation=(
            EscalationStep(when="overdue", after_min=0, role=Role.DIRECTOR),
            EscalationStep(when="overdue", after_min=0, role=Role.KHAN_OFFICER),
        ),
    )
    assert [following(policy=both).role, following(policy=both, steps_done={0}).role] == [
        Role.DIRECTOR,
        Role.KHAN_OFFICER,
    ]


def test_a_city_without_a_ladder_escalates_nothing():
    assert following(policy=replace(example_policy(), escalation=())) is None


def test_a_case_that_returns_to_the_queue_waits_anew_but_keeps_its_broken_promise():
    back_at = minutes_after(DUE, 60)
    left = steps_after_return(policy=PHNOM_PENH, steps_done=frozenset({0, 1, 2}))
    assert left == {2}
    assert following(waiting_since=back_at, steps_done=left) == Escalation(
        at=minutes_after(back_at, 30), step=0, role=Role.KHAN_OFFICER
    )


def test_rungs_that_the_city_has_taken_off_its_ladder_are_forgotten():
    assert steps_after_return(policy=example_policy(), steps_done=frozenset({0, 1, 4})) == {1}


LADDERS = st.lists(
    st.builds(
        EscalationStep,
        when=st.sampled_from(["untaken", "overdue"]),
        after_min=st.integers(0, 3000),
        role=st.sampled_from(Role),
    ),
    max_size=8,
).map(lambda steps: replace(example_policy(), escalation=tuple(steps)))


def climb(policy, *, now, due_at, taken, steps_done):
    """Climb every rung that was reached by now, as the deadline clock does; return the rungs and what is done."""
    climbed = []
    while (rung := following(policy=policy, due_at=due_at, taken=taken, steps_done=steps_done)) and rung.at <= now:
        climbed.append(rung)
        steps_done = steps_done | {rung.step}
    return climbed, steps_done


@given(LADDERS, st.lists(st.integers(0, 2000), min_size=1, max_size=12), st.integers(1, 3000), st.booleans())
def test_however_often_the_clock_looks_each_rung_comes_once_in_time_and_in_order(policy, naps_min, due_min, taken):
    now, due_at, steps_done, climbed = NINE, minutes_after(NINE, due_min), frozenset(), []
    for nap_min in naps_min:
        now = minutes_after(now, nap_min)
        new, steps_done = climb(policy, now=now, due_at=due_at, taken=taken, steps_done=steps_done)
        climbed += new
    assert len({rung.step for rung in climbed}) == len(climbed)
    assert climbed == sorted(climbed, key=lambda rung: (rung.at, rung.step))
    assert all(rung.at <= now for rung in climbed)
    one_look, _ = climb(policy, now=now, due_at=due_at, taken=taken, steps_done=frozenset())
    assert climbed == one_look  # a clock that stood still all the time catches up to the same


@given(LADDERS, st.integers(1, 3000))
def test_in_the_end_the_whole_ladder_is_climbed_and_a_taken_case_climbs_the_overdue_part(policy, due_min):
    due_at = minutes_after(NINE, due_min)
    for taken in (False, True):
        climbed, _ = climb(policy, now=due_at + timedelta(days=30), due_at=due_at, taken=taken, steps_done=frozenset())
        wanted = {i for i, step in enumerate(policy.escalation) if step.when == "overdue" or not taken}
        assert {rung.step for rung in climbed} == wanted
        assert [rung.role for rung in climbed] == [policy.escalation[rung.step].role for rung in climbed]


@given(LADDERS, st.lists(st.tuples(st.booleans(), st.integers(1, 900)), max_size=12))
def test_taking_and_returning_a_case_never_climbs_an_overdue_rung_twice(policy, spells):
    """An official who takes and returns a case cannot stop the ladder of its promise, nor make it ring again."""
    now, due_at, waiting_since, steps_done, overdue = NINE, minutes_after(NINE, 480), NINE, frozenset(), []
    taken = False
    for take, lasting_min in spells:
        if taken and not take:
            waiting_since, steps_done = now, steps_after_return(policy=policy, steps_done=steps_done)
        taken, now = take, minutes_after(now, lasting_min)
        while rung := next_escalation(
            policy=policy, waiting_since=waiting_since, due_at=due_at, taken=taken, steps_done=steps_done
        ):
            if rung.at > now:
                break
            steps_done |= {rung.step}
            if policy.escalation[rung.step].when == "overdue":
                overdue.append(rung.step)
    reached = {
        i
        for i, step in enumerate(policy.escalation)
        if step.when == "overdue" and minutes_after(due_at, step.after_min) <= now
    }
    assert sorted(overdue) == sorted(reached)

"""Who on duty is alerted next."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.cases.alerts import DutyTerm, next_on_call

NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)
CITY, KHAN, SANGKAT, OTHER_SANGKAT = 1, 5, 23, 24
AT_THE_MARKET = (CITY, KHAN, SANGKAT)
SOPHEA, DARA, BOPHA, VEASNA = 11, 12, 13, 14


def duty(user_id, area_id, *, rank=1, starts_h=-1, ends_h=8):
    return DutyTerm(
        user_id=user_id,
        area_id=area_id,
        starts_at=NOW + timedelta(hours=starts_h),
        ends_at=NOW + timedelta(hours=ends_h),
        rank=rank,
    )


ROSTER = (duty(VEASNA, None), duty(BOPHA, KHAN), duty(DARA, SANGKAT, rank=2), duty(SOPHEA, SANGKAT, rank=1))


def called(duties=ROSTER, *, area_path=AT_THE_MARKET, now=NOW, tried=()):
    return next_on_call(duties=duties, area_path=area_path, now=now, tried=frozenset(tried))


def everybody_called(duties, area_path):
    order = []
    while (user_id := called(duties, area_path=area_path, tried=order)) is not None:
        order.append(user_id)
    return order


def test_an_alert_goes_through_the_area_by_rank_then_up_the_tree_then_to_the_city():
    assert everybody_called(ROSTER, AT_THE_MARKET) == [SOPHEA, DARA, BOPHA, VEASNA]


@pytest.mark.parametrize(
    ("area_path", "order"),
    [
        ((CITY, KHAN, OTHER_SANGKAT), [BOPHA, VEASNA]),
        ((CITY, 6, 30), [VEASNA]),
        ((), [VEASNA]),  # a case whose place nobody knows
    ],
)
def test_nobody_is_alerted_about_an_area_of_somebody_else(area_path, order):
    assert everybody_called(ROSTER, area_path) == order


@pytest.mark.parametrize(
    ("starts_h", "ends_h", "on_call"),
    [(-8, 0, None), (0, 8, SOPHEA), (1, 9, None), (-8, -1, None), (-8, 0.001, SOPHEA)],
)
def test_duty_begins_at_its_first_moment_and_is_over_at_its_last(starts_h, ends_h, on_call):
    assert called([duty(SOPHEA, SANGKAT, starts_h=starts_h, ends_h=ends_h)]) == on_call


def test_at_the_hand_over_exactly_one_of_two_turns_is_called():
    turns = [duty(SOPHEA, SANGKAT, starts_h=-8, ends_h=0), duty(DARA, SANGKAT, starts_h=0, ends_h=8)]
    assert everybody_called(turns, AT_THE_MARKET) == [DARA]


def test_somebody_with_two_turns_is_called_once():
    assert everybody_called([duty(SOPHEA, SANGKAT), duty(SOPHEA, None)], AT_THE_MARKET) == [SOPHEA]


def test_when_nobody_is_on_duty_nobody_is_called():
    assert called([]) is None
    assert called(tried=(SOPHEA, DARA, BOPHA, VEASNA)) is None


DUTIES = st.lists(
    st.builds(
        duty,
        st.integers(1, 6),
        st.sampled_from([None, CITY, KHAN, SANGKAT, OTHER_SANGKAT]),
        rank=st.integers(1, 3),
        starts_h=st.integers(-3, 3),
        ends_h=st.integers(4, 6),
    ),
    max_size=8,
)


@given(DUTIES, st.randoms())
def test_everybody_on_duty_above_the_case_is_called_once_whatever_order_the_turns_come_in(duties, random):
    order = everybody_called(duties, AT_THE_MARKET)
    assert sorted(order) == sorted(
        {
            turn.user_id
            for turn in duties
            if turn.area_id in (None, *AT_THE_MARKET) and turn.starts_at <= NOW < turn.ends_at
        }
    )
    shuffled = list(duties)
    random.shuffle(shuffled)
    assert everybody_called(shuffled, AT_THE_MARKET) == order

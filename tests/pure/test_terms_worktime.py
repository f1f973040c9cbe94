"""The city's own clock: only the hours in which its offices work count."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.worktime import WorkingHours

ZONE = ZoneInfo("Asia/Phnom_Penh")
DAY = ((time(7, 30), time(11, 30)), (time(14), time(17, 30)))  # 7.5 hours
CITY = WorkingHours(
    zone="Asia/Phnom_Penh",
    days=dict.fromkeys(range(5), DAY),
    holidays=frozenset({date(2026, 4, 14), date(2026, 4, 15), date(2026, 4, 16)}),
)
BERLIN = WorkingHours(zone="Europe/Berlin", days=dict.fromkeys(range(7), ((time(0), time(6)),)))


def at(text, zone=ZONE):
    """Return a local moment, as in "2026-03-02 08:00"; that day is a Monday."""
    return datetime.fromisoformat(text).replace(tzinfo=zone)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        ("2026-03-02 08:00", 1, "2026-03-02 09:00"),
        ("2026-03-02 08:00", 3.5, "2026-03-02 11:30"),
        ("2026-03-02 08:00", 4, "2026-03-02 14:30"),  # over lunch
        ("2026-03-02 11:30", 1, "2026-03-02 15:00"),
        ("2026-03-02 05:00", 1, "2026-03-02 08:30"),  # before the office opens
        ("2026-03-02 20:00", 1, "2026-03-03 08:30"),  # after it closed
        ("2026-03-06 17:00", 8, "2026-03-09 17:30"),  # over the weekend
        ("2026-03-07 12:00", 1, "2026-03-09 08:30"),  # on it
        ("2026-04-13 17:00", 1, "2026-04-17 08:00"),  # over Khmer New Year
        ("2026-03-02 08:00", 37.5, "2026-03-09 08:00"),  # a whole week of work
        ("2026-03-02 12:34", 0, "2026-03-02 12:34"),  # nothing to do takes no time, at any hour
    ],
)
def test_adds_working_time(start, hours, end):
    done = CITY.add(at(start), timedelta(hours=hours))
    assert done == at(end)
    assert done.tzinfo is UTC


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-03-02 08:00", "2026-03-02 09:00", 1),
        ("2026-03-02 11:00", "2026-03-02 14:30", 1),
        ("2026-03-06 17:00", "2026-03-09 08:00", 1),
        ("2026-03-07 00:00", "2026-03-08 23:00", 0),
        ("2026-04-13 00:00", "2026-04-18 00:00", 15),
        ("2026-03-02 09:00", "2026-03-02 09:00", 0),
        ("2026-03-02 09:00", "2026-03-02 08:00", 0),
        ("2026-03-02 00:00", "2026-03-09 00:00", 37.5),
    ],
)
def test_measures_working_time(start, end, hours):
    assert CITY.between(at(start), at(end)) == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2026-03-02 07:29", False),
        ("2026-03-02 07:30", True),
        ("2026-03-02 11:29", True),
        ("2026-03-02 11:30", False),  # the end of a span is closed
        ("2026-03-02 14:00", True),
        ("2026-03-07 09:00", False),
        ("2026-04-14 09:00", False),
    ],
)
def test_says_whether_the_city_works(moment, is_open):
    assert CITY.is_open(at(moment)) is is_open


def test_the_local_day_decides_not_the_day_in_utc():
    # Sunday evening in UTC is Monday morning in Phnom Penh.
    assert CITY.is_open(datetime(2026, 3, 2, 1, tzinfo=UTC))
    assert not CITY.is_open(datetime(2026, 3, 6, 23, tzinfo=UTC))


@pytest.mark.parametrize(
    ("night", "hours"), [("2026-03-28", 6), ("2026-03-29", 5), ("2026-10-25", 7)], ids=["usual", "spring", "autumn"]
)
def test_the_hour_that_a_summer_time_takes_or_gives_is_counted_as_it_passes(night, hours):
    zone = ZoneInfo("Europe/Berlin")
    assert BERLIN.between(at(f"{night} 00:00", zone), at(f"{night} 06:00", zone)) == timedelta(hours=hours)
    assert BERLIN.add(at(f"{night} 00:00", zone), timedelta(hours=hours)) == at(f"{night} 06:00", zone)


def test_a_negative_span_is_refused():
    with pytest.raises(ValueError, match="cannot be negative"):
        CITY.add(at("2026-03-02 08:00"), timedelta(seconds=-1))


def test_a_city_that_never_works_is_named_and_not_waited_for():
    never = replace(CITY, days={})
    with pytest.raises(ValueError, match="mend its policy"):
        never.add(at("2026-03-02 08:00"), timedelta(hours=1))
    assert never.between(at("2026-03-02 08:00"), at("2026-04-02 08:00")) == timedelta(0)
    assert not never.is_open(at("2026-03-02 08:00"))


MOMENTS = st.integers(0, 364 * 24 * 60).map(lambda minutes: at("2026-01-01 00:00") + timedelta(minutes=minutes))
WORK = st.integers(0, 6000).map(lambda minutes: timedelta(minutes=minutes))


@given(MOMENTS, WORK)
def test_what_was_added_is_what_has_passed(start, work):
    for city in (CITY, BERLIN):
        done = city.add(start, work)
        assert done >= start
        assert city.between(start, done) == work


@given(MOMENTS, WORK, WORK)
def test_work_added_in_two_parts_ends_at_the_same_moment(start, first, second):
    # At the end of a span the next one has not begun: nothing to do stays where it is.
    assert CITY.add(CITY.add(start, first), second) == CITY.add(start, first + second) or not second


@given(MOMENTS, MOMENTS, MOMENTS)
def test_time_passed_adds_up(a, b, c):
    first, middle, last = sorted([a, b, c])
    assert CITY.between(first, middle) + CITY.between(middle, last) == CITY.between(first, last)

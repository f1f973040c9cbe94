"""On which dates a round runs."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.plan import HolidayRule, ServiceDays, Stream
from saat.terms.servicedays import ServiceDay, midnight_s, seconds_of, service_day, service_days, streams_on

MONDAY = date(2026, 11, 2)
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def on(*weekdays: int, **more: object) -> ServiceDays:
    return ServiceDays(weekdays=frozenset(weekdays), **more)  # type: ignore[arg-type]


def dates(rule: ServiceDays, *, weeks: int = 1, holidays: tuple[date, ...] = (), first: date = MONDAY) -> list[str]:
    found = service_days(rule, first=first, last=first + timedelta(days=7 * weeks - 1), holidays=set(holidays))
    return [f"{day.day:%a %d}" for day in found]


def day(number: int) -> date:
    return date(2026, 11, number)


@pytest.mark.parametrize(
    ("rule", "weeks", "wanted"),
    [
        pytest.param(on(MON, THU), 1, ["Mon 02", "Thu 05"], id="weekdays"),
        pytest.param(on(WED, nth=frozenset({1, 3})), 4, ["Wed 04", "Wed 18"], id="first and third Wednesday"),
        pytest.param(on(FRI, nth=frozenset({-1})), 4, ["Fri 27"], id="last Friday"),
        pytest.param(on(MON, nth=frozenset({5})), 4, [], id="a fifth Monday that November begins too late for"),
        pytest.param(on(TUE, every_weeks=2, counted_from=day(3)), 4, ["Tue 03", "Tue 17"], id="every other week"),
        pytest.param(on(TUE, every_weeks=2, counted_from=day(15)), 4, ["Tue 10", "Tue 24"], id="counted by its week"),
        pytest.param(on(TUE, every_weeks=2, counted_from=day(24)), 4, ["Tue 10", "Tue 24"], id="counted backwards"),
        pytest.param(on(TUE, every_weeks=3, first=day(3)), 4, ["Tue 03", "Tue 24"], id="counted from its first day"),
        pytest.param(on(MON, added=frozenset({day(7)})), 1, ["Mon 02", "Sat 07"], id="a date added"),
        pytest.param(on(MON, THU, removed=frozenset({day(5)})), 1, ["Mon 02"], id="a date removed"),
        pytest.param(on(MON, TUE, first=day(3), last=day(9)), 2, ["Tue 03", "Mon 09"], id="a span, both ends included"),
        pytest.param(on(), 2, [], id="no days"),
    ],
)
def test_a_rule_names_its_dates(rule, weeks, wanted):
    assert dates(rule, weeks=weeks) == wanted


@pytest.mark.parametrize(
    ("weekdays", "holidays", "wanted"),
    [
        ((MON, WED, FRI), (2,), ["Tue 03", "Thu 05", "Sat 07", "Mon 09", "Wed 11", "Fri 13"]),
        ((MON, WED, FRI), (4,), ["Mon 02", "Thu 05", "Sat 07", "Mon 09", "Wed 11", "Fri 13"]),
        ((TUE, THU), (2,), ["Wed 04", "Fri 06", "Tue 10", "Thu 12"]),  # a holiday on which this round does not run
        ((MON, TUE, WED), (2, 3), ["Wed 04", "Thu 05", "Fri 06", "Mon 09", "Tue 10", "Wed 11"]),
        ((MON, WED), (2, 4), ["Tue 03", "Fri 06", "Mon 09", "Wed 11"]),
        ((SAT, MON), (7,), ["Mon 02", "Sun 08", "Mon 09", "Sat 14"]),
        ((MON, SAT), (8,), ["Mon 02", "Sat 07", "Mon 09", "Sat 14"]),  # Sunday: the week is over
        ((SUN,), (8,), ["Mon 09", "Sun 15"]),
        ((SAT,), (6, 7, 8, 9), ["Wed 11", "Sun 15"]),  # over the week's end, onto another holiday, which counts as well
    ],
)
def test_a_holiday_shifts_itself_and_the_rest_of_its_week(weekdays, holidays, wanted):
    rule = on(*weekdays, holidays=HolidayRule.SHIFT)
    found = dates(rule, weeks=2, holidays=tuple(day(n) for n in holidays))
    assert found == wanted


def test_other_cities_collect_on_a_holiday_or_skip_it():
    assert dates(on(MON, TUE), holidays=(MONDAY,)) == ["Mon 02", "Tue 03"]
    assert dates(on(MON, TUE, holidays=HolidayRule.SKIP), holidays=(MONDAY,)) == ["Tue 03"]


def test_single_dates_win_over_holidays():
    worked = on(MON, holidays=HolidayRule.SKIP, added=frozenset({MONDAY}))
    assert dates(worked, holidays=(MONDAY,)) == ["Mon 02"]
    called_off = on(MON, holidays=HolidayRule.SHIFT, removed=frozenset({day(3)}))
    assert dates(called_off, holidays=(MONDAY,)) == []
    not_at_all = on(MON, holidays=HolidayRule.SHIFT, removed=frozenset({MONDAY}))
    assert dates(not_at_all, holidays=(MONDAY,)) == []


def test_a_shifted_collection_that_meets_a_usual_one_is_one_collection_for_both():
    rule = on(SUN, MON, holidays=HolidayRule.SHIFT)
    met = service_day(rule, day(9), holidays={day(8)})
    assert met == ServiceDay(day=day(9), instead_of=(day(8), day(9)))
    assert met.shifted


def test_a_shift_is_seen_from_the_day_on_which_it_lands():
    rule = on(FRI, holidays=HolidayRule.SHIFT)
    assert service_day(rule, day(6), holidays={day(4)}) is None
    assert service_day(rule, day(7), holidays={day(4)}) == ServiceDay(day=day(7), instead_of=(day(6),))


def test_streams_keep_their_weekday_when_a_holiday_moves_them():
    streams = {Stream.REFUSE: None, Stream.RECYCLING: frozenset({WED})}
    wednesday_on_thursday = ServiceDay(day=day(5), instead_of=(day(4),))
    thursday = ServiceDay(day=day(5), instead_of=(day(5),))
    assert streams_on(streams, wednesday_on_thursday) == {Stream.REFUSE, Stream.RECYCLING}
    assert streams_on(streams, thursday) == {Stream.REFUSE}
    assert streams_on({Stream.RECYCLING: frozenset({WED})}, thursday) == frozenset()
    assert streams_on(streams, ServiceDay(day=day(8))) == {Stream.REFUSE, Stream.RECYCLING}, "a date added by hand"


def test_weeks_that_are_counted_from_nowhere_are_refused():
    with pytest.raises(ValueError, match="from which the weeks are counted"):
        dates(on(MON, every_weeks=2))


@given(
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    holidays=st.frozensets(st.dates(date(2026, 1, 1), date(2026, 12, 31)), max_size=40),
    at=st.dates(date(2026, 2, 1), date(2026, 11, 30)),
)
def test_asking_for_one_day_says_what_asking_for_the_month_says(weekdays, holidays, at):
    rule = ServiceDays(weekdays=weekdays, holidays=HolidayRule.SHIFT)
    month = service_days(rule, first=at - timedelta(days=15), last=at + timedelta(days=15), holidays=holidays)
    assert service_day(rule, at, holidays=holidays) == next((found for found in month if found.day == at), None)


@pytest.mark.parametrize(
    ("zone", "on_day", "at", "wall"),
    [
        ("Asia/Phnom_Penh", date(2026, 3, 29), "20:00", datetime(2026, 3, 29, 13, 0, tzinfo=UTC)),
        ("Europe/Berlin", date(2026, 3, 29), "08:00", datetime(2026, 3, 29, 6, 0, tzinfo=UTC)),  # clocks go forward
        ("Europe/Berlin", date(2026, 10, 25), "08:00", datetime(2026, 10, 25, 7, 0, tzinfo=UTC)),  # and back
        ("America/Asuncion", date(2023, 10, 1), "06:00", datetime(2023, 10, 1, 9, 0, tzinfo=UTC)),  # no midnight
        ("Asia/Kolkata", date(2026, 5, 5), "00:00", datetime(2026, 5, 4, 18, 30, tzinfo=UTC)),
    ],
)
def test_times_of_a_service_day_are_those_on_the_wall(zone, on_day, at, wall):
    assert midnight_s(on_day, zone) + seconds_of(at) == wall.timestamp()


@pytest.mark.parametrize("wrong", ["", "8", "8h", "08:60", "48:01", "-1:00", "08:00:75", "eight", "1:2:3:4"])
def test_what_is_no_time_is_refused(wrong):
    with pytest.raises(ValueError, match="A time must"):
        seconds_of(wrong)

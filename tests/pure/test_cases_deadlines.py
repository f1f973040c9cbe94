"""By when a case is promised, and that no edit starts the clock again."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saat.cases.deadlines import due_after_change, due_at
from saat.terms.case import ServiceLevel, Urgency
from saat.terms.policy import example_policy, read_policy
from saat.terms.worktime import WorkingHours

KHMER_NEW_YEAR = frozenset({date(2026, 4, 14), date(2026, 4, 15), date(2026, 4, 16)})
PHNOM_PENH = read_policy(
    (Path(__file__).parents[2] / "cities" / "phnom-penh.toml").read_text(encoding="utf-8"), holidays=KHMER_NEW_YEAR
)
OFFICE_DAY = ((time(9), time(17)),)
LONDON = replace(
    example_policy(),
    jurisdiction_id="london.test",
    hours=WorkingHours(zone="Europe/London", days=dict.fromkeys(range(5), OFFICE_DAY)),
)


def phnom_penh(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Asia/Phnom_Penh"))


def london(text):
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo("Europe/London"))


def promised(opened_at, service_code="pile", *, policy=PHNOM_PENH, level=ServiceLevel.USUAL, urgency=Urgency.NORMAL):
    return due_at(policy=policy, service_code=service_code, opened_at=opened_at, service_level=level, urgency=urgency)


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-03-02T07:30", "2026-03-03T08:00"),  # a Monday morning: seven and a half hours today, the rest tomorrow
        ("2026-03-02T03:00", "2026-03-03T08:00"),  # at night: counted from the opening of the offices
        ("2026-03-02T11:30", "2026-03-03T14:30"),  # the lunch break does not count
        ("2026-03-02T12:45", "2026-03-03T14:30"),
        ("2026-03-06T17:00", "2026-03-09T17:30"),  # a Friday evening: half an hour, then the weekend
        ("2026-03-07T10:00", "2026-03-10T08:00"),  # a Saturday counts from Monday
        ("2026-04-13T17:00", "2026-04-17T17:30"),  # Khmer New Year, Tuesday to Thursday
        ("2026-04-14T09:00", "2026-04-20T08:00"),  # on the holiday itself: Friday, and half an hour of Monday
    ],
)
def test_a_promise_of_eight_hours_is_counted_in_the_hours_in_which_the_offices_work(opened, due):
    assert promised(phnom_penh(opened)) == phnom_penh(due)


@pytest.mark.parametrize(
    ("level", "due"),
    [
        (ServiceLevel.USUAL, "2026-03-03T08:00"),
        (ServiceLevel.RAISED, "2026-03-02T11:30"),
        (ServiceLevel.HIGHEST, "2026-03-02T09:30"),
    ],
)
def test_a_market_and_a_hospital_are_given_a_share_of_the_promised_time(level, due):
    assert promised(phnom_penh("2026-03-02T07:30"), level=level) == phnom_penh(due)


def test_a_level_that_the_policy_does_not_name_is_given_all_of_the_time():
    bare = replace(PHNOM_PENH, service_levels={})
    opened_at = phnom_penh("2026-03-02T07:30")
    assert promised(opened_at, policy=bare, level=ServiceLevel.HIGHEST) == promised(opened_at)


@pytest.mark.parametrize(
    ("service_code", "urgency", "hours"),
    [
        ("danger", Urgency.NORMAL, 3),  # a category that counts every hour
        ("blocked-drain", Urgency.LOW, 6),
        ("pile", Urgency.DANGER, 8),  # people are in danger, whatever the category
    ],
)
def test_danger_and_round_the_clock_categories_count_every_hour_even_in_the_new_year_night(
    service_code, urgency, hours
):
    opened_at = phnom_penh("2026-04-14T23:00")
    assert promised(opened_at, service_code, urgency=urgency) == opened_at + timedelta(hours=hours)


@pytest.mark.parametrize("urgency", [Urgency.LOW, Urgency.NORMAL, Urgency.HIGH])
def test_urgency_short_of_danger_changes_the_order_of_work_and_not_the_promise(urgency):
    opened_at = phnom_penh("2026-03-06T17:00")
    assert promised(opened_at, urgency=urgency) == promised(opened_at)


@pytest.mark.parametrize(
    ("opened", "due"),
    [
        ("2026-03-27T16:00", "2026-03-30T16:00"),  # the clocks go forward between Friday and Monday
        ("2026-10-23T16:00", "2026-10-26T16:00"),  # and back
        ("2026-06-05T16:00", "2026-06-08T16:00"),
    ],
)
def test_a_city_that_changes_its_clocks_keeps_its_office_hours(opened, due):
    assert promised(london(opened), policy=LONDON) == london(due)


@pytest.mark.parametrize(
    ("day", "elapsed_h"),
    [("2026-03-29", 3), ("2026-10-25", 5), ("2026-06-07", 4)],  # a night that is short, long, and as usual
)
def test_hours_that_a_change_of_clocks_swallows_or_repeats_are_counted_as_they_really_pass(day, elapsed_h):
    nights = replace(LONDON, hours=WorkingHours(zone="Europe/London", days={6: ((time(0), time(4)),)}))
    assert nights.hours.between(london(f"{day}T00:00"), london(f"{day}T04:00")) == timedelta(hours=elapsed_h)
    due = promised(london(f"{day}T00:00"), policy=nights)
    assert nights.hours.between(london(f"{day}T00:00"), due) == timedelta(hours=8)
    assert nights.hours.is_open(due - timedelta(seconds=1))


def test_a_danger_over_the_change_of_clocks_is_promised_in_real_hours():
    opened_at = london("2026-03-28T23:00").astimezone(UTC)
    due = promised(opened_at, policy=LONDON, urgency=Urgency.DANGER)
    assert due - opened_at == timedelta(hours=8)


def test_a_category_that_the_city_does_not_have_is_named():
    with pytest.raises(KeyError, match="lost-cat"):
        promised(phnom_penh("2026-03-02T07:30"), "lost-cat")


def test_a_promise_longer_than_ten_years_of_working_time_asks_for_the_policy_to_be_mended():
    seldom = replace(LONDON, hours=WorkingHours(zone="Europe/London", days={6: ((time(0), time(0, 0, 1)),)}))
    with pytest.raises(ValueError, match="mend its policy"):
        promised(london("2026-03-02T09:00"), policy=seldom)


OPENED = phnom_penh("2026-03-02T07:30")
USUAL_DUE = phnom_penh("2026-03-03T08:00")


def changed(
    *,
    promised_at=USUAL_DUE,
    now,
    service_code="pile",
    urgency=Urgency.NORMAL,
    level=ServiceLevel.USUAL,
    policy=PHNOM_PENH,
    opened_at=OPENED,
):
    return due_after_change(
        policy=policy,
        service_code=service_code,
        opened_at=opened_at,
        service_level=level,
        urgency=urgency,
        promised_at=promised_at,
        now=now,
    )


@pytest.mark.parametrize(
    ("change", "now", "due"),
    [
        ({}, "2026-03-02T10:00", "2026-03-03T08:00"),  # nothing changed
        ({"service_code": "dumping"}, "2026-03-02T10:00", "2026-03-04T08:30"),  # sixteen hours, from the start
        ({"service_code": "danger"}, "2026-03-02T10:00", "2026-03-02T10:30"),
        ({"service_code": "danger"}, "2026-03-02T15:00", "2026-03-02T10:30"),  # late at once
        ({"urgency": Urgency.DANGER}, "2026-03-02T10:00", "2026-03-02T15:30"),
        ({"urgency": Urgency.HIGH}, "2026-03-02T10:00", "2026-03-03T08:00"),
        ({"level": ServiceLevel.RAISED}, "2026-03-02T10:00", "2026-03-02T11:30"),
        # The promise has passed: a longer one comes too late, a shorter one shows that it was later still.
        ({"service_code": "dumping"}, "2026-03-03T08:00", "2026-03-03T08:00"),
        ({"service_code": "other"}, "2026-03-03T12:00", "2026-03-03T08:00"),
        ({"service_code": "danger"}, "2026-03-03T12:00", "2026-03-02T10:30"),
    ],
)
def test_a_change_gives_the_promise_that_was_due_from_the_start(change, now, due):
    assert changed(now=phnom_penh(now), **change) == phnom_penh(due)


def test_a_report_wrongly_filed_as_danger_gets_its_usual_time_back_while_the_promise_stands():
    filed_as_danger = OPENED + timedelta(hours=3)
    assert changed(promised_at=filed_as_danger, now=OPENED + timedelta(hours=2, minutes=59)) == USUAL_DUE
    assert changed(promised_at=filed_as_danger, now=OPENED + timedelta(hours=3)) == filed_as_danger


MOMENTS = st.integers(0, 15 * 365 * 86400).map(
    lambda later_s: datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=later_s)
)
LEVELS = st.sampled_from(ServiceLevel)
URGENCIES = st.sampled_from(Urgency)


@st.composite
def working_hours(draw):
    """Return hours of any city: one to seven days of one or two spans, with holidays among them."""
    quarters = st.integers(min_value=0, max_value=95)
    days = {}
    for weekday in draw(st.sets(st.integers(0, 6), min_size=1)):
        cuts = sorted(draw(st.sets(quarters, min_size=2, max_size=4)))
        cuts = cuts[: len(cuts) // 2 * 2]
        clock = [time(cut // 4, cut % 4 * 15) for cut in cuts]
        days[weekday] = tuple(zip(clock[::2], clock[1::2], strict=True))
    zone = draw(
        st.sampled_from(
            ["Asia/Phnom_Penh", "Europe/London", "America/Santiago", "Asia/Kathmandu", "Australia/Lord_Howe"]
        )
    )
    holidays = draw(st.frozensets(st.dates(date(2020, 1, 1), date(2036, 12, 31)), max_size=12))
    return WorkingHours(zone=zone, days=days, holidays=holidays)


@st.composite
def policies(draw):
    bare = example_policy()
    due_h = st.floats(min_value=0.1, max_value=60)
    categories = tuple(
        replace(bare.categories[0], service_code=code, due_h=draw(due_h), round_the_clock=draw(st.booleans()))
        for code in ("pile", "missed")
    )
    levels = dict(zip(ServiceLevel, (1.0, draw(st.floats(0.1, 1)), draw(st.floats(0.1, 1))), strict=True))
    return replace(bare, hours=draw(working_hours()), categories=categories, service_levels=levels)


@given(policies(), MOMENTS, LEVELS, URGENCIES)
def test_a_promise_lies_after_the_report_and_holds_exactly_the_promised_time(policy, opened_at, level, urgency):
    due = promised(opened_at, policy=policy, level=level, urgency=urgency)
    span = timedelta(hours=policy.category("pile").due_h * policy.service_levels[level])
    assert due > opened_at
    if policy.category("pile").round_the_clock or urgency == Urgency.DANGER:
        assert due - opened_at == span
    else:
        assert policy.hours.between(opened_at, due) == span


@given(policies(), MOMENTS, MOMENTS, LEVELS, URGENCIES)
def test_who_reports_earlier_is_never_promised_later(policy, one, other, level, urgency):
    first, second = sorted((one, other))
    assert promised(first, policy=policy, level=level, urgency=urgency) <= promised(
        second, policy=policy, level=level, urgency=urgency
    )


@given(policies(), MOMENTS, LEVELS, URGENCIES)
def test_danger_never_lengthens_a_promise(policy, opened_at, level, urgency):
    assert promised(opened_at, policy=policy, level=level, urgency=Urgency.DANGER) <= promised(
        opened_at, policy=policy, level=level, urgency=urgency
    )


EDITS = st.lists(
    st.tuples(st.sampled_from(["pile", "missed"]), LEVELS, URGENCIES, st.floats(min_value=0, max_value=200)),
    max_size=6,
)


@given(policies(), MOMENTS, EDITS)
def test_no_chain_of_edits_gives_a_broken_promise_more_time_or_resets_the_clock(policy, opened_at, edits):
    """However often category, place and urgency change, the answer is one of the promises made from the start."""
    everything = {
        promised(opened_at, code, policy=policy, level=level, urgency=urgency)
        for code in ("pile", "missed")
        for level in ServiceLevel
        for urgency in Urgency
    }
    due, now = promised(opened_at, policy=policy), opened_at
    for code, level, urgency, later_h in edits:
        now += timedelta(hours=later_h)
        new_due = changed(
            policy=policy,
            opened_at=opened_at,
            promised_at=due,
            now=now,
            service_code=code,
            level=level,
            urgency=urgency,
        )
        assert new_due in everything
        assert new_due <= due or now < due
        due = new_due


@given(policies(), MOMENTS, LEVELS, URGENCIES, st.floats(min_value=0, max_value=0.999))
def test_while_the_promise_stands_the_moment_of_the_edit_does_not_matter(policy, opened_at, level, urgency, share):
    due = promised(opened_at, policy=policy)
    now = opened_at + (due - opened_at) * share
    assume(now < due)
    assert changed(
        policy=policy, opened_at=opened_at, promised_at=due, now=now, level=level, urgency=urgency
    ) == promised(opened_at, policy=policy, level=level, urgency=urgency)

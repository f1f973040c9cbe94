"""How long it took to act."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.cases.acting import TimesToAct, times_to_act

REQUESTED = datetime(2026, 3, 2, 2, tzinfo=UTC)
STEPS = ("seen_at", "taken_at", "on_site_at", "proved_at")


def measured(*minutes):
    """Return the minutes to each step, from the minutes at which each was recorded; None where it was not."""
    moments = [None if minute is None else REQUESTED + timedelta(minutes=minute) for minute in minutes]
    times = times_to_act(requested_at=REQUESTED, **dict(zip(STEPS, moments, strict=True)))
    return tuple(
        None if seconds is None else seconds / 60
        for seconds in (times.seen_s, times.taken_s, times.on_site_s, times.proved_s)
    )


@pytest.mark.parametrize(
    ("recorded", "expected"),
    [
        ((1, 5, 60, 90), (1, 5, 60, 90)),
        ((None, None, None, None), (None, None, None, None)),
        ((1, None, None, None), (1, None, None, None)),
        ((1, 5, None, None), (1, 5, None, None)),
        # Who takes a case, is there or proves it has seen it.
        ((None, 5, None, None), (5, 5, None, None)),
        ((None, None, 60, None), (60, 60, 60, None)),
        ((None, None, None, 90), (90, 90, None, 90)),
        ((1, None, None, 90), (1, 90, None, 90)),
        # Recorded in the wrong order: the earlier moment counts for both.
        ((9, 5, 60, 90), (5, 5, 60, 90)),
        ((1, 5, 95, 90), (1, 5, 90, 90)),
        ((1, 70, 60, None), (1, 60, 60, None)),
        # Before the report: no time at all.
        ((-3, -1, 60, 90), (0, 0, 60, 90)),
        ((1, 5, 60, -90), (0, 0, 0, 0)),
    ],
)
def test_times_to_act(recorded, expected):
    assert measured(*recorded) == expected


def test_times_are_seconds():
    assert times_to_act(
        requested_at=REQUESTED,
        seen_at=REQUESTED + timedelta(seconds=0.8),
        taken_at=None,
        on_site_at=None,
        proved_at=None,
    ) == TimesToAct(seen_s=0.8, taken_s=None, on_site_s=None, proved_s=None)


MINUTES = st.none() | st.integers(-500, 5000)


@given(MINUTES, MINUTES, MINUTES, MINUTES)
def test_times_are_never_negative_never_fall_and_nobody_is_said_to_have_been_there_who_was_not(
    seen, taken, on_site, proved
):
    times = measured(seen, taken, on_site, proved)
    known = [time for time in times if time is not None]
    assert known == sorted(known)
    assert all(time >= 0 for time in known)
    assert (times[2] is None) == (on_site is None)
    assert (times[3] is None) == (proved is None)

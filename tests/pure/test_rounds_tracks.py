"""A track is the same however its positions came; what cannot be true does not count."""

from __future__ import annotations

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saat.rounds.cleaning import clock_offset, refuse
from saat.rounds.tracks import Track
from saat.terms.position import Flag, Position
from tests.pure.roundsmade import EVENING, drive, fix

EASTWARD = drive((0, 0), (700, 0), stands={300: 40.0})


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"lat": 0.0, "lon": 0.0}, "place"),
        ({"lat": math.nan}, "place"),
        ({"lat": 104.92, "lon": 11.55}, "place"),
        ({"fixed_s": 12.0}, "clock"),
        ({"fixed_s": 4_080_000_000.0}, "clock"),
        ({"fixed_s": math.nan}, "clock"),
        ({"flags": int(Flag.MOCK)}, "mock"),
        ({"flags": int(Flag.UNPROVED)}, "unproved"),
        ({"flags": int(Flag.NO_FIX)}, "no place"),
        ({"accuracy_m": 2000.0}, "no place"),
        ({"accuracy_m": 30.0}, ""),
    ],
)
def test_what_cannot_be_true_is_refused(wrong, why):
    assert refuse(fix(0, 0, 0)._replace(**wrong)) == why


def test_a_refused_position_leaves_the_track_as_it_was():
    track = Track.of(1, EASTWARD)
    for wrong in ({"lat": 0.0, "lon": 0.0}, {"fixed_s": 12.0}, {"fixed_s": 4_080_000_000.0}, {"lat": math.nan}):
        assert track.add(EASTWARD[-1]._replace(**wrong))
    assert track.faults == {"place": 2, "clock": 2}
    assert track.visits == Track.of(1, EASTWARD).visits


def test_a_place_far_away_is_an_outlier_unless_the_next_one_agrees():
    middle = len(EASTWARD) // 2
    wild = [*EASTWARD]
    wild[middle] = fix(9000, 9000, EASTWARD[middle].fixed_s - EVENING)
    track = Track.of(1, wild)
    assert track.jumps == 1
    assert [round(visit.x_m - track.visits[0].x_m) for visit in track.visits if visit.fixes] == [0]
    last = EASTWARD[-1].fixed_s - EVENING
    gone = [*EASTWARD, *(fix(9000 + 50 * i, 0, last + 10 * i) for i in range(1, 4))]
    assert Track.of(1, gone).jumps == 1
    assert Track.of(1, gone).x > Track.of(1, EASTWARD).x + 8000


def test_a_stand_is_a_visit_with_its_seconds():
    track = Track.of(1, EASTWARD)
    (stand,) = [visit for visit in track.visits if visit.fixes]
    assert stand.stood_s == pytest.approx(45, abs=10)
    assert track.latlon(stand.x_m, stand.y_m)[1] == pytest.approx(fix(300, 0, 0).lon, abs=1e-4)


def test_silence_is_a_gap():
    silent = [p for p in EASTWARD if not 40 < p.fixed_s - EVENING < 130]
    ((start, end),) = Track.of(1, silent).gaps()
    assert (start, end) == pytest.approx((EVENING + 40, EVENING + 130), abs=10)


def test_a_parked_vehicle_that_says_so_now_and_then_leaves_no_gap():
    beats = [fix(0, 0, 300 * i, speed=0.0, flags=int(Flag.HEARTBEAT)) for i in range(6)]
    assert Track.of(1, beats).gaps() == ()


@pytest.mark.parametrize("wrong_s", [-2700.0, -25_200.0, 3600.0, 620_000_000.0])
def test_a_clock_that_is_wrong_by_one_and_the_same_amount_is_mended(wrong_s):
    told = [p._replace(fixed_s=p.fixed_s + wrong_s) for p in EASTWARD]
    track = Track.of(1, told)
    assert track.offsets[1] == pytest.approx(-wrong_s, abs=20)
    assert track.seen_s == pytest.approx(EASTWARD[-1].fixed_s, abs=20)


def test_a_buffer_that_is_sent_late_is_no_wrong_clock():
    sent = EASTWARD[-1].received_s + 3000.0
    assert Track.of(1, [p._replace(received_s=sent) for p in EASTWARD]).offsets == {1: 0.0}
    assert clock_offset(dict.fromkeys(range(20, 200), 1)) == 0.0


def test_a_second_device_of_a_vehicle_does_not_tear_the_track():
    phone = [p._replace(device_id=2, lat=p.lat + 0.0003, fixed_s=p.fixed_s + 3.0) for p in EASTWARD]
    both = Track.of(1, [*EASTWARD, *phone])
    assert both.visits == Track.of(1, EASTWARD).visits


def test_a_position_that_is_little_late_is_folded_in_place_and_one_that_is_much_too_late_is_not():
    long = [fix(7.0 * i, 0, 10.0 * i, speed=0.7 if i % 9 < 3 else 6.0) for i in range(120)]
    track = Track.of(1, [p for i, p in enumerate(long) if i not in (4, 110)])
    assert track.add(long[110])
    assert track.revision == 1
    assert not track.add(long[4])
    assert Track.of(1, long) == Track.of(1, reversed(long))


walks = st.lists(
    st.tuples(st.floats(-80, 80), st.floats(-80, 80), st.floats(0.5, 90), st.sampled_from([None, 0.0, 0.6, 4.0, 8.0])),
    min_size=3,
    max_size=70,
)


@settings(max_examples=80, deadline=None)
@given(walks, st.randoms(use_true_random=False), st.integers(1, 3))
def test_a_track_does_not_depend_on_the_order_in_which_positions_came(steps, random, devices):
    made: list[Position] = []
    x = y = t = 0.0
    for i, (dx, dy, dt, speed) in enumerate(steps):
        x, y, t = x + dx, y + dy, t + dt
        made.append(fix(x, y, t, speed=speed, device=1 + i % devices))
    whole = Track.of(7, made)
    shuffled = list(made)
    random.shuffle(shuffled)
    assert Track.of(7, [*shuffled, *made[:5]]) == whole
    # As they trickle in, some a little late: folded in place where that goes, else built anew.
    late = sorted(range(len(made)), key=lambda i: i + random.uniform(0, 12))
    track, heard = Track(7), []
    for i in late:
        heard.append(made[i])
        if not track.add(made[i]):
            track = Track.of(7, heard)
    assert track == whole

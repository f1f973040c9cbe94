"""What is said of each stop of a run, on drives made by hand: served, left out, unseen, and never missed in silence."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saat.rounds.assigning import assign
from saat.rounds.following import RunFollower
from saat.rounds.tracks import Track
from saat.terms.plan import StopKind
from saat.terms.position import Flag
from saat.terms.run import CrewReason, CrewWord, Outcome, ResidentWord, VehicleState
from tests.pure.roundsmade import EVENING, drive, fix, place, plan_of, stop, street, street_drive

PLAN = plan_of(street())
NIGHT_OVER = EVENING + 4 * 3600.0


def see(positions, *, plan=PLAN, now_s=None, vehicle=1, follower=None, **more):
    track = Track.of(vehicle, positions)
    now_s = max((p.fixed_s for p in positions), default=EVENING) + 5.0 if now_s is None else now_s
    return (follower or RunFollower(plan)).see({vehicle: track}, now_s=now_s, vehicles=((vehicle, False),), **more)


def outcomes(view):
    return "".join(
        {"collected": "c", "late": "l", "missed": "m", "unknown": "u", "expected": "e", "partial": "p",
         "skipped": "s", "not_presented": "n"}[one.outcome.value] for one in view.stops
    )  # fmt: skip


@pytest.mark.parametrize("doppler", [True, False])
@pytest.mark.parametrize("every_s", [5.0, 10.0])
@pytest.mark.parametrize(
    ("without", "said"),
    [
        ((), "cccccccccc"),
        ((4,), "ccccmccccc"),
        ((0,), "mccccccccc"),
        ((3, 4, 5), "cccmmmcccc"),
        ((2, 6), "ccmcccmccc"),
    ],
)
def test_stops_that_were_driven_past_are_missed_once_the_truck_has_gone_on(without, said, every_s, doppler):
    view = see(street_drive(without=without, every_s=every_s, doppler=doppler), now_s=NIGHT_OVER)
    assert outcomes(view) == said


def test_a_stop_just_driven_past_is_not_missed_yet():
    whole = street_drive(without=(4,))
    said = [outcomes(see(whole[:n]))[4] for n in range(1, len(whole))]
    assert "m" in said
    first = said.index("m")
    served_after = outcomes(see(whole[: first + 1]))[5:].count("c")
    assert served_after >= 3
    assert set(said[:first]) <= {"e", "u"}


def test_a_round_driven_backwards_is_a_round():
    ahead = street_drive(without=(4,))
    length = 200.0 + 120.0 * 10 + 1500.0
    stands = {length - (200.0 + 120.0 * i): 30.0 for i in range(10) if i != 4}
    view = see(drive((length, 0), (0, 0), stands=stands), now_s=NIGHT_OVER)
    assert view.reverse
    assert outcomes(view) == outcomes(see(ahead, now_s=NIGHT_OVER)) == "ccccmccccc"


def test_blocks_in_another_order_are_served_all_the_same():
    far = [stop(i, 200.0 + 120.0 * (i - 5), 900.0, planned_s=60.0 + 60.0 * i) for i in range(5, 10)]
    plan = plan_of([*street(5), *far])
    stands = [200.0 + 120.0 * i for i in range(5)]
    second = [1000.0 + 900.0 + 1000.0 + at for at in stands]
    way = ((0, 900), (1000, 900), (1000, 0), (0, 0), (1000, 0))
    positions = drive(*way, stands=dict.fromkeys([*stands, *second], 30.0))
    view = see(positions, plan=plan, now_s=NIGHT_OVER)
    assert outcomes(view) == "cccccccccc"


def test_no_stop_is_missed_inside_a_gap_and_the_blind_span_is_said():
    whole = street_drive(without=(4,))
    dwell_s = 30.0 + 120.0 / 7.0
    silent = [p for p in whole if not 3 * dwell_s < p.fixed_s - EVENING - 200 / 7.0 < 6 * dwell_s]
    view = see(silent, now_s=NIGHT_OVER)
    assert outcomes(view)[3:6].count("m") == 0
    assert outcomes(view)[4] == "u"
    assert view.stops[4].blind
    assert view.stops[4].blind_to_s - view.stops[4].blind_from_s > 120
    assert view.stops[4].settle_by


def test_what_a_tracker_did_before_its_first_word_is_not_known():
    whole = street_drive()
    view = see([p for p in whole if p.fixed_s - EVENING > 200], now_s=NIGHT_OVER)
    assert "m" not in outcomes(view)
    assert outcomes(view).startswith("uuu")


def test_time_alone_never_makes_a_stop_missed():
    whole = street_drive()[:20]
    for hours in range(12):
        view = see(whole, now_s=whole[-1].fixed_s + 3600.0 * hours)
        assert "m" not in outcomes(view)
    assert outcomes(view).endswith("uuuu")
    assert view.vehicles[0].state is VehicleState.SILENT


def test_nothing_new_is_called_missed_while_the_truck_is_silent():
    aside = stop(5, 800.0, 154.0, planned_s=360.0)
    plan = plan_of([*street()[:5], aside, *street()[6:]])
    whole = street_drive(without=(5,))
    last_s, closes_s = whole[-1].fixed_s, EVENING + 360.0 + 2700.0 + plan.grace_s
    beats = [fix(3200.0, 0.0, last_s - EVENING + 60.0 * n, speed=0.0) for n in range(1, 200)]
    heard = see([*whole, *[p for p in beats if p.fixed_s < closes_s + 700]], plan=plan, now_s=closes_s + 600)
    silent = [outcomes(see(whole, plan=plan, now_s=closes_s + later_s))[5] for later_s in (60.0, 600.0, 3600.0)]
    assert outcomes(heard)[5] == "m"
    assert "m" not in silent
    assert outcomes(see(whole, plan=plan, now_s=NIGHT_OVER))[5] == "m"


def test_a_truck_never_heard_of_leaves_all_unknown_when_they_are_due():
    follower = RunFollower(PLAN)
    early = follower.see({}, now_s=EVENING, vehicles=((1, False),))
    late = follower.see({}, now_s=NIGHT_OVER, vehicles=((1, False),))
    assert outcomes(early) == "e" * 10
    assert outcomes(late) == "u" * 10
    assert late.vehicles[0].state is VehicleState.UNSEEN


def test_a_truck_that_is_seen_to_stay_at_its_depot_misses_its_round():
    beats = [fix(0, -1500, 300 * i, speed=0.0, flags=int(Flag.HEARTBEAT)) for i in range(-5, 60)]
    view = see(beats)
    assert outcomes(view) == "m" * 10
    assert view.vehicles[0].state is VehicleState.AT_DEPOT


def test_positions_that_come_late_turn_unknown_into_served():
    whole = street_drive()
    silent = [p for p in whole if not 150 < p.fixed_s - EVENING < 400]
    before = see(silent, now_s=NIGHT_OVER)
    after = see(whole, now_s=NIGHT_OVER)
    assert "u" in outcomes(before)
    assert "m" not in outcomes(before)
    assert outcomes(after) == "c" * 10


def test_two_trucks_that_share_a_round_serve_it_together():
    first, second = street_drive(without=range(5, 10)), street_drive(without=range(5), device=2)
    tracks = {1: Track.of(1, first), 2: Track.of(2, second)}
    found = assign([PLAN], tracks, now_s=NIGHT_OVER)
    assert found == {1: ((1, False), (2, True))}
    view = RunFollower(PLAN).see(tracks, now_s=NIGHT_OVER, vehicles=found[1])
    assert outcomes(view) == "c" * 10
    assert [one.by_vehicle_id for one in view.stops] == [1] * 5 + [2] * 5


def test_a_substitute_is_seen_by_the_stops_that_it_serves_and_a_passer_by_is_not():
    tracks = {7: Track.of(7, street_drive()), 8: Track.of(8, drive((0, 0), (3000, 0)))}
    assert assign([PLAN], tracks, now_s=NIGHT_OVER)[1] == ((1, False), (7, True))
    view = RunFollower(PLAN).see(tracks, now_s=NIGHT_OVER, vehicles=((1, False), (7, True)))
    assert outcomes(view) == "c" * 10


def test_a_vehicle_of_another_contractor_is_no_substitute():
    other = plan_of([stop(50, 9000, 9000, planned_s=0)], vehicles=(7,), run_id=2, contractor_id=2)
    found = assign([PLAN, other], {7: Track.of(7, street_drive())}, now_s=NIGHT_OVER)
    assert found == {1: ((1, False),), 2: ((7, False),)}


def kerb_plan():
    line = tuple(place(x, 0.0) for x in range(500, 801, 50))
    after = [stop(i, 700.0 + 120 * i, 4, planned_s=300.0 + 60 * i) for i in range(3, 7)]
    return plan_of([*street(2), stop(2, 650, 0, planned_s=300, kind=StopKind.KERB, line=line), *after])


@pytest.mark.parametrize(
    ("crawls", "said", "share"), [((500, 800), "c", 1.0), ((500, 640), "p", 0.45), (None, "m", 0.0)]
)
def test_a_kerb_is_judged_by_the_share_of_its_line_covered_at_collecting_speed(crawls, said, share):
    stands = {700.0 + 120 * i: 30.0 for i in range(3, 7)}
    here = crawls[0] if crawls else 0.0
    positions = drive((0, 0), (here or 3000, 0), stands={200: 30.0, 320: 30.0} | ({} if crawls else stands))
    t = positions[-1].fixed_s - EVENING
    if crawls:
        slow = drive((crawls[0], 0), (crawls[1], 0), mps=1.4, starts_s=t)
        ahead = {at - crawls[1]: lasts for at, lasts in stands.items()}
        rest = drive((crawls[1], 0), (3000, 0), stands=ahead, starts_s=slow[-1].fixed_s - EVENING + 5)
        positions += [*slow, *rest]
    view = see(positions, plan=kerb_plan(), now_s=NIGHT_OVER)
    assert outcomes(view)[2] == said
    assert view.stops[2].share == pytest.approx(share, abs=0.15)


def test_a_lane_is_served_where_its_rubbish_is_met():
    meeting = stop(3, 560.0, 4.0, planned_s=240.0, kind=StopKind.TRANSFER)
    lane = stop(4, 560.0, 80.0, planned_s=240.0, kind=StopKind.TRANSFER, served_by=meeting.stop_id)
    plan = plan_of([*street(3), meeting, lane, *[stop(i, 320.0 + 120 * i, 4, planned_s=60.0 * i) for i in range(5, 9)]])
    stands = {200.0 + 120 * i: 30.0 for i in range(3)} | {320.0 + 120 * i: 30.0 for i in range(5, 9)}
    served = see(drive((0, 0), (3500, 0), stands=stands | {560.0: 200.0}), plan=plan, now_s=NIGHT_OVER)
    assert outcomes(served)[3:5] == "cc"
    passed = see(drive((0, 0), (3500, 0), stands=stands), plan=plan, now_s=NIGHT_OVER)
    assert outcomes(passed)[3:5] == "mm"


WORDS = [
    ([CrewWord(reason=CrewReason.BLOCKED, said_s=EVENING, stop_id=104)], [], "s"),
    ([CrewWord(reason=CrewReason.NOT_PRESENTED, said_s=EVENING, stop_id=104)], [], "n"),
    # The truck was seen to drive past and the crew says that it collected: nobody can tell yet.
    ([CrewWord(reason=CrewReason.DONE, said_s=EVENING, stop_id=104, has_photo=True)], [], "u"),
    ([], [ResidentWord(said_s=EVENING, stop_id=104, collected=False)], "m"),
]


@pytest.mark.parametrize(("crew", "residents", "said"), WORDS)
def test_words_of_crews_and_residents_move_what_is_said_of_a_stop(crew, residents, said):
    whole = street_drive(without=(4,))
    view = see(whole, now_s=NIGHT_OVER, crew=crew, residents=residents)
    assert outcomes(view)[4] == said


def test_a_crew_that_says_done_settles_what_nobody_saw():
    silent = [p for p in street_drive() if not 150 < p.fixed_s - EVENING < 400]
    unknown = [one.stop_id for one in see(silent, now_s=NIGHT_OVER).stops if one.outcome is Outcome.UNKNOWN]
    crew = [CrewWord(reason=CrewReason.DONE, said_s=EVENING, stop_id=stop_id) for stop_id in unknown]
    assert len(unknown) >= 3
    assert outcomes(see(silent, now_s=NIGHT_OVER, crew=crew)) == "c" * 10


def test_a_resident_who_says_that_nothing_came_lowers_the_probability():
    whole = street_drive()
    before = see(whole, now_s=NIGHT_OVER).stops[4]
    word = ResidentWord(said_s=EVENING, stop_id=104, collected=False)
    after = see(whole, now_s=NIGHT_OVER, residents=[word, word]).stops[4]
    assert after.p_served < before.p_served
    assert "resident" in {one.kind for one in after.evidence}


def test_the_evidence_of_a_served_stop_names_its_stand():
    one = see(street_drive(), now_s=NIGHT_OVER).stops[4]
    assert {"dwell", "position"} <= {piece.kind for piece in one.evidence}
    assert one.arrived_s < one.left_s


def test_the_state_of_a_truck_follows_it():
    whole = street_drive()
    view = see(whole[:12])
    assert view.vehicles[0].state is VehicleState.COLLECTING
    assert see(drive((0, 0), (200, 0))).vehicles[0].state is VehicleState.DRIVING
    broken = [*whole[:12], *(fix(300, 2, 120 + 10 * i, speed=0.0) for i in range(60))]
    stalled = see(broken).vehicles[0]
    assert stalled.state is VehicleState.STANDING
    assert stalled.progress_s < EVENING + 200


@settings(max_examples=25, deadline=None)
@given(
    st.sets(st.integers(0, 9), max_size=5),
    st.lists(st.integers(1, 12), min_size=1, max_size=30),
    st.randoms(use_true_random=False),
)
def test_what_is_said_does_not_depend_on_when_one_looked_or_restarted(without, batches, random):
    whole = street_drive(without=without)
    heard = sorted(whole, key=lambda p: p.fixed_s + random.choice([0, 0, 0, 25]))
    track, follower, seen, at = Track(1), RunFollower(PLAN), [], 0
    for size in batches:
        for position in heard[at : at + size]:
            seen.append(position)
            if not track.add(position):
                track = Track.of(1, seen)
        at += size
        if not seen:
            continue
        now_s = max(p.fixed_s for p in seen) + 3.0
        live = follower.see({1: track}, now_s=now_s, vehicles=((1, False),))
        assert live == see(list(reversed(seen)), now_s=now_s)

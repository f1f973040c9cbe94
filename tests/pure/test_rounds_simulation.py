"""A simulated night: the same seed gives the same, the truth holds, and each trouble shows in the positions."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from saat.rounds.simulation import How, Night, Streets, Trouble, Troubles, drive, make_city
from saat.rounds.simulation.scripting import street_groups
from saat.terms.plan import RunPlan, StopKind
from saat.terms.position import Flag, Position

STREETS = Streets.grid()
PLANS = make_city(11, streets=STREETS, rounds=3, stops=24, contractors=(1,))
CALM = Troubles(late_start_s=0.0)


def night_of(
    troubles: Troubles, *, plans: tuple[RunPlan, ...] = PLANS, interval_s: float = 10.0, seed: int = 5
) -> Night:
    return drive(plans, seed, troubles, interval_s, streets=STREETS)


CALM_NIGHT = night_of(CALM)


def of_run(night: Night, plan: RunPlan) -> list[Position]:
    devices = {night.device_of_vehicle[vehicle] for vehicle in night.runs[plan.run_id].vehicles}
    return sorted((one for one in night.positions if one.device_id in devices), key=lambda one: one.fixed_s)


def away_m(a: Position, lat: float, lon: float) -> float:
    return math.hypot(*np.subtract(STREETS.plane.xy(a.lat, a.lon), STREETS.plane.xy(lat, lon)))


def test_the_same_seed_gives_the_same_night_and_another_seed_another():
    again = drive(make_city(11, streets=STREETS, rounds=3, stops=24, contractors=(1,)), 5, CALM, 10, streets=STREETS)
    assert again.positions == CALM_NIGHT.positions
    assert again.truth == CALM_NIGHT.truth
    assert night_of(CALM, seed=6).truth != CALM_NIGHT.truth


@pytest.mark.parametrize("interval_s", [5.0, 30.0, 60.0])
def test_what_happens_does_not_depend_on_how_often_trackers_tell_of_it(interval_s):
    mixed = Troubles.mixed()
    assert night_of(mixed, interval_s=interval_s).truth == night_of(mixed).truth


def test_one_trouble_does_not_change_another():
    alone = night_of(Troubles.only(Trouble.BLOCK))
    beside = night_of(Troubles.only(Trouble.BLOCK, Trouble.GAPS, Trouble.DRIFT))
    assert alone.truth == beside.truth


def test_everything_is_labelled_simulated():
    assert all(plan.simulated for plan in PLANS)
    assert all(one.flags & Flag.SIMULATED for one in CALM_NIGHT.positions)


def test_a_plan_is_ordered_in_time_and_each_stop_lies_in_its_window():
    for plan in PLANS:
        times = [stop.planned_s for stop in plan.stops]
        assert times == sorted(times)
        assert all(stop.opens_s < stop.planned_s < stop.closes_s for stop in plan.stops)
        assert plan.starts_s < times[0] <= times[-1] < plan.ends_s
        lanes = [stop for stop in plan.stops if stop.served_by]
        assert all(stop.kind is StopKind.TRANSFER for stop in lanes)


def test_rounds_keep_their_stops_from_day_to_day():
    first, second = make_city(11, streets=STREETS, rounds=1, stops=12, days=2)
    assert first.stops == second.stops
    assert (second.run_id, second.midnight_s - first.midnight_s) == (first.run_id + 1, 86_400.0)


def test_on_a_calm_night_every_stop_is_served_in_order_and_the_truck_is_seen_there():
    for plan in PLANS:
        seen = of_run(CALM_NIGHT, plan)
        truths = [CALM_NIGHT.truth[plan.run_id, stop.stop_id] for stop in plan.stops]
        assert all(one.served for one in truths)
        arrivals = [one.arrived_s for one in truths]
        assert arrivals == sorted(arrivals)
        for stop, one in zip(plan.stops, truths, strict=True):
            if stop.kind is StopKind.POINT and one.left_s - one.arrived_s > 25:
                there = [fix for fix in seen if one.arrived_s <= fix.fixed_s <= one.left_s]
                assert there
                assert min(away_m(fix, stop.lat, stop.lon) for fix in there) < 45


def test_a_lane_shares_the_fate_of_its_meeting_point():
    night = night_of(Troubles.mixed())
    for plan in PLANS:
        for stop in plan.stops:
            if stop.served_by:
                assert night.truth[plan.run_id, stop.stop_id] == night.truth[plan.run_id, stop.served_by]


def test_dwell_is_about_half_a_minute_and_trucks_keep_to_their_speed():
    stays = [
        one.left_s - one.arrived_s
        for plan in PLANS for stop in plan.stops
        if stop.kind is StopKind.POINT and (one := CALM_NIGHT.truth[plan.run_id, stop.stop_id]).served
    ]  # fmt: skip
    assert 20 < np.median(stays) < 38
    assert max(one.speed_mps for one in CALM_NIGHT.positions) < 15


def test_stops_left_out_are_driven_past_or_bypassed_and_say_why():
    night = night_of(Troubles(shares={Trouble.SKIPPED: 0.3}))
    left = [one for one in night.truth.values() if not one.served and one.how is not How.PARTIAL]
    assert {one.how for one in left} == {How.PASSED, How.BYPASSED}
    assert all(one.why is Trouble.SKIPPED and one.arrived_s is None for one in left)


@pytest.mark.parametrize("trouble", [Trouble.BLOCK, Trouble.STREET])
def test_a_block_or_a_street_is_left_out_in_one_piece(trouble):
    night = night_of(Troubles.only(trouble))
    for plan in PLANS:
        at = [i for i, stop in enumerate(plan.stops) if night.truth[plan.run_id, stop.stop_id].why is trouble]
        assert len(at) >= 3
        assert at == list(range(at[0], at[-1] + 1))


def test_streets_are_found_where_three_stops_lie_in_a_line():
    stops = [stop for stop in PLANS[1].stops if not stop.served_by]
    groups = street_groups(stops)
    assert groups
    assert all(len(group) >= 3 for group in groups)


def test_a_breakdown_leaves_the_truck_standing_and_the_rest_unserved():
    night = night_of(Troubles.only(Trouble.BREAKDOWN))
    for plan in PLANS:
        run = night.runs[plan.run_id]
        still = [one for one in of_run(night, plan) if run.broke_s + 5 < one.fixed_s < run.resumed_s - 5]
        assert still
        assert max(away_m(one, still[0].lat, still[0].lon) for one in still) < 60
        after = [one for one in night.truth.values() if one.why is Trouble.BREAKDOWN]
        assert all(one.how in (How.PASSED, How.BYPASSED) for one in after)


def test_a_flood_closes_streets_to_the_truck():
    night = night_of(Troubles.only(Trouble.FLOOD))
    for plan in PLANS:
        lat, lon, radius = night.runs[plan.run_id].flood
        inside = [one for one in of_run(night, plan) if away_m(one, lat, lon) < radius - 50]
        calm = [one for one in of_run(CALM_NIGHT, plan) if away_m(one, lat, lon) < radius - 50]
        assert len(inside) < len(calm) / 3
        assert any(one.why is Trouble.FLOOD for (run_id, _), one in night.truth.items() if run_id == plan.run_id)


def test_nobody_comes_and_the_truck_stays_at_the_depot():
    night = night_of(Troubles.only(Trouble.NO_SHOW))
    assert all(one.how is How.BYPASSED for one in night.truth.values())
    depot = PLANS[0].sites[0]
    assert max(away_m(one, depot.lat, depot.lon) for one in night.positions) < 60


def test_another_truck_drives_the_round_and_the_assigned_one_stays():
    night = night_of(Troubles.only(Trouble.SUBSTITUTE))
    for plan in PLANS:
        assert set(night.runs[plan.run_id].vehicles).isdisjoint(plan.vehicle_ids)
        assert set(plan.vehicle_ids) <= set(night.device_of_vehicle)


def test_two_trucks_share_a_round():
    night = night_of(Troubles.only(Trouble.SHARED))
    for plan in PLANS:
        by = {night.truth[plan.run_id, stop.stop_id].vehicle_id for stop in plan.stops}
        assert by == set(night.runs[plan.run_id].vehicles)
        assert len(by) == 2


def test_a_reversed_round_begins_at_its_end():
    night = night_of(Troubles.only(Trouble.REVERSED))
    for plan in PLANS:
        ends = [night.truth[plan.run_id, stop.stop_id].arrived_s for stop in (plan.stops[0], plan.stops[-1])]
        assert ends[0] > ends[1]


def longest_gap_s(night: Night, plan: RunPlan) -> float:
    run = night.runs[plan.run_id]
    times = [one.fixed_s for one in of_run(night, plan) if run.started_s < one.fixed_s < run.finished_s]
    return max(np.diff(times))


def test_gaps_last_up_to_a_quarter_of_an_hour():
    night = night_of(Troubles.only(Trouble.GAPS))
    gaps = [longest_gap_s(night, plan) for plan in PLANS]
    assert max(gaps) > 60
    assert max(gaps) < 2 * 900
    assert max(longest_gap_s(CALM_NIGHT, plan) for plan in PLANS) < 20


def test_drift_moves_the_places_and_not_the_truck():
    drifted = night_of(Troubles.only(Trouble.DRIFT))
    assert {key: one.how for key, one in drifted.truth.items()} == {
        key: one.how for key, one in night_of(Troubles()).truth.items()
    }
    errors = [
        math.dist(STREETS.plane.xy(a.lat, a.lon), STREETS.plane.xy(b.lat, b.lon))
        for a, b in zip(
            sorted(drifted.positions, key=lambda one: (one.device_id, one.fixed_s)),
            sorted(night_of(Troubles()).positions, key=lambda one: (one.device_id, one.fixed_s)),
            strict=True,
        )
    ]
    assert max(errors) > 25


def test_an_outage_silences_every_truck_of_a_contractor():
    night = night_of(Troubles.only(Trouble.OUTAGE))
    for start, end in night.outages[1]:
        assert not [one for one in night.positions if start < one.received_s < end and one.fixed_s > start]


def test_late_positions_come_after_the_silence():
    night = night_of(Troubles.only(Trouble.LATE))
    delays = [one.received_s - one.fixed_s for one in night.positions]
    assert max(delays) > 900
    assert [one.received_s for one in night.positions] == sorted(one.received_s for one in night.positions)


def test_a_wrong_clock_is_wrong_by_the_same_for_every_position():
    night = night_of(Troubles.only(Trouble.CLOCK))
    for plan in PLANS:
        off = [one.received_s - one.fixed_s for one in of_run(night, plan)]
        assert abs(np.median(off)) > 100
        assert np.ptp(off) < 40


def test_duplicates_are_equal_but_for_their_arrival():
    night = night_of(Troubles.only(Trouble.DUPLICATES))
    keys = [(one.device_id, one.fixed_s) for one in night.positions]
    assert len(keys) > len(set(keys))
    assert len({replaced(one) for one in night.positions}) == len(set(keys))


def replaced(one: Position) -> Position:
    return one._replace(received_s=0.0)


def test_jumps_are_single_and_far():
    steps = [
        away_m(a, b.lat, b.lon)
        for plan in PLANS
        for a, b in zip(
            *(lambda fixes: (fixes, fixes[1:]))(of_run(night_of(Troubles.only(Trouble.JUMPS)), plan)), strict=False
        )
    ]
    assert max(steps) > 400


def test_a_device_without_doppler_tells_no_speed():
    assert all(one.speed_mps is None for one in night_of(Troubles.only(Trouble.NO_DOPPLER)).positions)


def test_a_forced_trouble_befalls_its_run_and_no_other():
    night = night_of(CALM.with_forced(PLANS[1].run_id, Trouble.BREAKDOWN))
    assert [plan.run_id for plan in PLANS if night.runs[plan.run_id].broke_s] == [PLANS[1].run_id]


def test_a_plan_without_streets_is_driven_on_drawn_ones():
    bare = replace(PLANS[0], sites=())
    night = drive([bare], 5, CALM, 10)
    assert all(night.truth[bare.run_id, stop.stop_id].served for stop in bare.stops)


def test_a_plan_that_already_has_devices_keeps_them():
    night = drive(PLANS[:1], 5, CALM, 10, streets=STREETS, device_of_vehicle={1: 77})
    assert {one.device_id for one in night.positions} == {77}


def test_a_file_of_roads_is_read_and_another_file_is_refused(tmp_path):
    good = tmp_path / "roads.json"
    good.write_text(json.dumps({"roads": [{"c": 1, "p": [0, 0, 100, 0]}, {"c": 0, "p": [100, 0, 100, -50]}]}))
    streets = Streets.read(good)
    assert streets.xy[:, 1].max() == 50
    bad = tmp_path / "bad.json"
    bad.write_text("[]")
    with pytest.raises(ValueError, match="is no file of roads"):
        Streets.read(bad)


def test_too_few_streets_for_the_rounds_are_refused():
    with pytest.raises(ValueError, match="too few streets"):
        make_city(1, streets=Streets.grid(columns=3, rows=3), rounds=12)

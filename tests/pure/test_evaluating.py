"""The scores of an evaluation, on runs small enough to count by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from saat.config.evaluating import baselines
from saat.config.evaluating.labels import label_scores, read_tracks
from saat.config.evaluating.page import write_page
from saat.config.evaluating.records import THRESHOLDS, Raised, RunRecord, Said, Truth, truth_of
from saat.config.evaluating.replaying import OURS, Tracks, learn_nights, replay
from saat.config.evaluating.report import ALARMS, METHODS, minutes
from saat.config.evaluating.running import Amount, by_interval, run_nights
from saat.config.evaluating.scores import (
    breakdowns_seen_s,
    false_alarms,
    finding_scores,
    missed_score,
    prediction_score,
)
from saat.rounds.simulation import Night, Streets, Trouble, Troubles, drive, make_city
from saat.rounds.tracks import Track
from saat.terms.plan import PlannedStop, RunPlan, StopKind
from saat.terms.roundrule import RoundRule
from saat.terms.run import FindingKind

STREETS = Streets.grid()
PLANS = make_city(11, streets=STREETS, rounds=2, stops=16, contractors=(1,))
CALM = drive(PLANS, 5, Troubles(late_start_s=0.0), 10.0, streets=STREETS)


def truth(served: str, *, arrived: dict[int, float] | None = None, due_s: float = 1000.0) -> Truth:
    """Return the truth of stops written as "s" for served and "-" for not; served ones at 500 unless said."""
    n = len(served)
    is_served = np.array([one == "s" for one in served])
    arrived_s = np.where(is_served, 500.0, np.nan)
    for i, moment in (arrived or {}).items():
        arrived_s[i] = moment
    return Truth(
        served=is_served, partial=np.zeros(n, dtype=bool), arrived_s=arrived_s, due_s=np.full(n, due_s),
        planned_s=np.full(n, 500.0), spacing=np.full(n, 2), group=np.where(is_served, -1, 0),
        heard=np.ones(n, dtype=bool),
    )  # fmt: skip


def said(
    missed: str, *, forecasts: list[tuple[float, ...]] | None = None, alerts: dict[int, float] | None = None
) -> Said:
    """Return what was said of stops, "m" for missed, "u" for unknown, "s" for served."""
    n = len(missed)
    is_missed = np.array([one == "m" for one in missed])
    alert_s = np.full((n, len(THRESHOLDS)), np.nan)
    for i, moment in (alerts or {}).items():
        alert_s[i] = moment
    return Said(
        missed=is_missed, unknown=np.array([one == "u" for one in missed]),
        served=np.array([one == "s" for one in missed]), evening=is_missed, ever_missed=is_missed,
        changes=np.zeros(n, dtype=np.int64), alert_s=alert_s, forecasts=np.array(forecasts or []).reshape(-1, 6),
        partial=np.zeros(n, dtype=bool), asked=np.zeros(n, dtype=bool),
    )  # fmt: skip


def record(of: Truth, claim: Said, **more: object) -> RunRecord:
    usual: dict[str, object] = {
        "run_id": 1, "interval_s": 10.0, "night": 0, "contractor_id": 1, "troubles": frozenset(), "vehicles": 1,
        "broke_s": None, "resumed_s": None, "started_s": 100.0, "starts_s": 0.0, "truth": of, "said": {OURS: claim},
    }  # fmt: skip
    return RunRecord(**usual | more)  # type: ignore[arg-type]


def test_missed_stops_are_counted_as_found_false_and_unknown():
    score = missed_score([record(truth("ss--s"), said("smmus"))], OURS)
    assert (score.stops, score.unserved) == (5, 2)
    assert score.precision.value == 0.5
    assert score.recall["single"].value == 0.5
    assert score.recall["single > 100 m"].whole == 2
    assert 1000 * score.false_claimed.value == 200
    assert score.unknown.value == 0.2


def test_a_kerb_of_which_some_was_collected_is_neither_served_nor_missed():
    of = truth("s-")
    of.partial = np.array([False, True])
    score = missed_score([record(of, said("sm"))], OURS)
    assert score.unserved == 0
    assert score.precision.value == 1.0


def test_predictions_are_scored_by_what_came_and_not_after_it_came():
    rows = [(0.0, 100.0, 400.0, 450.0, 600.0, 0.1), (0.0, 600.0, 0.0, 0.0, 0.0, 1.0), (1.0, 100.0, 1.0, 2.0, 3.0, 0.8)]
    score = prediction_score([record(truth("s-"), said("ss", forecasts=rows))], OURS)
    assert score.forecasts == 2
    assert score.brier == pytest.approx((0.1**2 + 0.2**2) / 2)
    assert (score.coverage, score.error_s) == (1.0, 50.0)
    assert score.brier_base == 0.25


def test_served_after_it_was_due_is_too_late():
    assert truth("ss-", arrived={1: 1500.0}).too_late.tolist() == [False, True, True]


def test_lead_time_counts_from_the_first_alert_to_when_it_was_due():
    score = prediction_score(
        [record(truth("s--"), said("sss", forecasts=[(0, 0, 1, 2, 3, 0)], alerts={1: 400.0}))], OURS
    )
    assert (score.precision, score.recall, score.lead_s[1]) == (1.0, 0.5, 600.0)
    assert score.in_time == 0.0


def test_without_a_threshold_that_is_right_often_enough_there_is_no_lead_time():
    claim = said("ss", forecasts=[(0, 0, 1, 2, 3, 0)], alerts={0: 10.0, 1: 10.0})
    score = prediction_score([record(truth("s-"), claim)], OURS)
    assert np.isnan(score.threshold)
    assert np.isnan(score.in_time)


def raised(kind: FindingKind, opened_s: float, *stops: int) -> Raised:
    return Raised(kind, opened_s, float("nan"), stops)


def test_findings_are_true_or_false_alarms():
    one = record(
        truth("s--s"), said("ssss"), broke_s=600.0, resumed_s=None,
        raised=[
            raised(FindingKind.NOT_STARTED, 50.0), raised(FindingKind.NOT_STARTED, 200.0),
            raised(FindingKind.STALLED, 300.0), raised(FindingKind.STALLED, 840.0),
            raised(FindingKind.MISSED, 900.0, 1, 2), raised(FindingKind.WILL_MISS, 900.0, 0, 3),
            raised(FindingKind.UNKNOWN, 900.0, 0),
        ],
    )  # fmt: skip
    assert {score.kind: (score.raised, score.true) for score in finding_scores([one])} == {
        FindingKind.NOT_STARTED: (2, 1), FindingKind.STALLED: (2, 1), FindingKind.MISSED: (1, 1),
        FindingKind.WILL_MISS: (1, 0), FindingKind.UNKNOWN: (1, 0),
    }  # fmt: skip
    assert false_alarms([one, record(truth("s"), said("s"))], ALARMS) == 1.5
    assert breakdowns_seen_s([one]).tolist() == [0.0]


def test_a_breakdown_that_nobody_saw_is_never_seen():
    assert minutes(float(breakdowns_seen_s([record(truth("s"), said("s"), broke_s=600.0)])[0])) == "never"


def stop(number: int, east_m: float) -> PlannedStop:
    return PlannedStop(
        stop_id=number, number=str(number), sequence=number, kind=StopKind.POINT, lat=11.56,
        lon=104.9 + east_m / 109_060, planned_s=60.0 * number, opens_s=0.0, closes_s=3600.0,
    )  # fmt: skip


def line_of(*east_m: float) -> RunPlan:
    stops = tuple(stop(i + 1, east) for i, east in enumerate(east_m))
    return RunPlan(
        run_id=1, round_id=1, city_id=1, contractor_id=1, service_day=date(2026, 1, 5), midnight_s=0.0, starts_s=0.0,
        ends_s=3600.0, stops=stops, vehicle_ids=(1,),
    )  # fmt: skip


def test_stops_are_classed_by_their_nearest_neighbour_and_by_the_row_that_was_left_out():
    plan = line_of(0, 30, 200, 280, 500, 900)
    night = drive([plan], 5, Troubles(late_start_s=0.0), 10.0)
    gone = [False, True, False, True, True, True]
    told = {
        key: replace(one, how="bypassed") if left else one
        for (key, one), left in zip(night.truth.items(), gone, strict=True)
    }
    of = truth_of(plan, Night(**{name: getattr(night, name) for name in Night.__slots__} | {"truth": told}))
    assert of.spacing.tolist() == [0, 0, 1, 1, 2, 2]
    assert of.group.tolist() == [-1, 0, -1, 2, 2, 2]


def devices_of(plan: RunPlan) -> list:
    device = CALM.device_of_vehicle[plan.vehicle_ids[0]]
    return [one for one in CALM.positions if one.device_id == device]


def test_a_geofence_sees_every_stop_of_a_calm_night():
    end_s = CALM.positions[-1].received_s
    for plan in PLANS:
        claim = baselines.geofence(plan, devices_of(plan), evening_s=end_s, end_s=end_s)
        points = [stop.served_by is None for stop in plan.stops]
        assert not claim.missed[points].any()


def test_a_timetable_with_delay_expects_every_stop_by_what_the_truck_did_last():
    plan = PLANS[0]
    looks = np.arange(plan.midnight_s + plan.starts_s, plan.midnight_s + plan.ends_s, 60.0)
    claim = baselines.schedule(plan, devices_of(plan), looks.tolist(), end_s=CALM.positions[-1].received_s)
    assert len(claim.forecasts)
    assert not claim.missed[:-1].any()
    arrived = np.array([CALM.truth[plan.run_id, stop.stop_id].arrived_s for stop in plan.stops])
    ahead = claim.forecasts[claim.forecasts[:, 1] < arrived[claim.forecasts[:, 0].astype(int)]]
    assert np.median(np.abs(ahead[:, 3] - arrived[ahead[:, 0].astype(int)])) < 900


def test_positions_in_order_of_arrival_make_the_same_tracks_as_all_at_once():
    late = drive(PLANS, 5, Troubles.only(Trouble.LATE, Trouble.DUPLICATES), 10.0, streets=STREETS)
    tracks = Tracks(late.vehicle_of_device)
    for position in late.positions:
        vehicle = tracks.take(position)
        if vehicle is not None:
            tracks.rebuild({vehicle})
    for vehicle, device in late.device_of_vehicle.items():
        assert tracks.tracks[vehicle] == Track.of(vehicle, [one for one in late.positions if one.device_id == device])


def test_a_calm_night_replayed_minute_by_minute_has_no_missed_stop_at_any_moment():
    histories = learn_nights([(PLANS, CALM)])
    records = replay(PLANS, CALM, histories, rule=RoundRule(), number=0)
    assert [one.said[OURS].ever_missed.any() for one in records] == [False, False]
    assert all(one.said[OURS].served.mean() > 0.9 for one in records)
    assert set(records[0].said) == set(METHODS)


def test_an_evaluation_writes_its_page_and_plots_from_a_few_runs(tmp_path):
    amount = Amount(rounds=2, stops=10, past=1, nights={30.0: 1})
    told: list[int] = []
    records = run_nights(amount, seed=3, roads=None, jobs=1, tell=told.append)
    assert (len(told), len(records)) == (1, 2)
    assert [interval for interval, _ in by_interval(records)] == [30.0]
    page = write_page(tmp_path, records, None, amount=amount, seed=3, streets="a drawn grid")
    text = page.read_text(encoding="utf-8")
    assert all(method in text for method in METHODS)
    assert "**simulated**" in text
    plots = sorted((tmp_path / "evaluation").glob("*.svg"))
    assert [f"evaluation/{one.name}" in text for one in plots] == [True] * 6
    assert all(ET.parse(one).getroot().tag.endswith("svg") for one in plots)
    again = run_nights(amount, seed=3, roads=None, jobs=1, tell=told.append)
    write_page(tmp_path / "again", again, None, amount=amount, seed=3, streets="a drawn grid")
    assert (tmp_path / "again" / "evaluation" / "false.svg").read_bytes() == (
        tmp_path / "evaluation" / "false.svg"
    ).read_bytes()


def test_labelled_tracks_are_read_and_scored(tmp_path):
    folder = tmp_path / "trajectories"
    folder.mkdir()
    for name, phase in (("a", 0), ("b", 1)):
        rows, x = ["timestamp,x,y,groundtruth"], 0.0
        for i in range(72):
            drives = (i // 12) % 2 == phase
            x += 50.0 if drives else 0.5
            rows.append(
                f"1964-01-12 00:{i * 5 // 60:02d}:{i * 5 % 60:02d}.000,{x},0,{'Driving' if drives else 'OnFoot'}"
            )
        (folder / f"{name}.csv").write_text("\n".join(rows) + "\n", encoding="utf-8")
    scores, tracks, fixes = label_scores(read_tracks(tmp_path), interval_s=5.0)
    assert (tracks, fixes) == (1, 72)
    assert {one.method: one.recall for one in scores}["the follower's visits"] == 1.0
    assert scores[-1].accuracy > 0.9
    with pytest.raises(ValueError, match="holds no trajectories"):
        read_tracks(folder)

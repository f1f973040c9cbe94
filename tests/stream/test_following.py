"""The follower in its place: positions in the log become outcomes and findings, whatever happens to it."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from saat.actions.crewnotes import take_note
from saat.actions.devices import bind_device
from saat.actions.log import COMMAND
from saat.records.models import (
    Contractor,
    Device,
    DeviceBinding,
    FindingRow,
    FollowerMark,
    Run,
    StopRun,
    StopRunRevision,
)
from saat.records.position_log import PositionLog
from saat.records.queries_following import Part
from saat.rounds.simulation import Trouble, Troubles
from saat.terms.run import CrewReason, FindingKind, Outcome
from tests.following import MONDAY, Evening, make_evening, same, settle

pytestmark = pytest.mark.django_db


@pytest.fixture
def evening(tmp_path) -> Evening:
    return make_evening(tmp_path, troubles=Troubles(shares={Trouble.GAPS: 1.0}))


def midway(evening: Evening) -> float:
    plan = evening.plans[0]
    return plan.midnight_s + (plan.starts_s + plan.ends_s) / 2


def nothing_written(evening: Evening) -> None:
    """Forget what the follower wrote; the log stays."""
    FollowerMark.objects.all().delete()
    FindingRow.objects.all().delete()
    StopRunRevision.objects.all().delete()
    StopRun.objects.all().delete()
    Run.objects.update(view={}, state="planned", started_at=None, followed_at=None)


def test_a_round_that_is_driven_is_written_down_as_collected_and_closed(tmp_path):
    evening = make_evening(tmp_path)
    follower = evening.follower()
    evening.pass_until(midway(evening), follower)
    half = evening.outcomes()
    assert 0 < len(half) < sum(len(plan.stops) for plan in evening.plans)
    assert Run.objects.filter(state="running").exists()
    evening.pass_until(evening.ends_s, follower)
    told = [outcome for outcome, _ in evening.outcomes().values()]
    assert told.count(Outcome.COLLECTED) >= 0.85 * len(told)
    assert evening.findings().keys() <= {f"{FindingKind.UNKNOWN}:run:{plan.run_id}" for plan in evening.plans}
    evening.pass_until(evening.ends_s + 2 * 3600, follower)
    assert set(Run.objects.filter(service_day=MONDAY).values_list("state", flat=True)) == {"done"}
    assert follower.watched.keys() == set(), "what is closed is not followed any more"
    assert follower.tracking.tracks == {}, "nor are its trucks"


def test_a_follower_that_begins_anew_again_and_again_ends_in_the_same(evening):
    evening.pass_until(evening.ends_s, evening.follower())
    whole = evening.outcomes(), evening.findings()
    nothing_written(evening)
    evening.now_s = midway(evening) - 3000
    while evening.now_s < evening.ends_s:
        evening.pass_until(evening.now_s + 2400, evening.follower())
    assert evening.findings() == whole[1]
    assert same(evening.outcomes(), whole[0])


def test_positions_that_come_in_any_order_and_batches_end_in_the_same(evening, tmp_path):
    evening.pass_until(evening.ends_s, evening.follower())
    whole = evening.outcomes(), evening.findings()
    nothing_written(evening)
    evening.log = PositionLog(tmp_path / "another")
    follower = evening.follower()
    chance = random.Random(3)
    shuffled = chance.sample(evening.night.positions[: evening.said], evening.said)
    while shuffled:
        evening.log.append([shuffled.pop() for _ in range(min(len(shuffled), chance.randint(1, 600)))])
        evening.now_s += 1
        settle(follower, evening.now)
    evening.now_s += 120
    settle(follower, evening.now)
    assert evening.findings() == whole[1]
    assert same(evening.outcomes(), whole[0])


def test_a_tracker_that_falls_silent_is_noticed_by_the_clock_and_nothing_is_called_missed(evening):
    follower = evening.follower()
    evening.pass_until(midway(evening), follower)
    evening.held = set(evening.devices.values())
    evening.pass_until(evening.now_s + 1800, follower)
    kinds = set(FindingRow.objects.filter(closed_at__isnull=True).values_list("kind", flat=True))
    assert FindingKind.UNKNOWN in kinds
    assert not StopRun.objects.filter(outcome=Outcome.MISSED).exists()
    evening.pass_until(evening.ends_s + 2 * 3600, follower)
    assert not StopRun.objects.filter(outcome=Outcome.MISSED).exists(), "blind is not missed, however long"


def test_what_a_tracker_says_hours_late_corrects_what_was_written_with_a_revision(tmp_path):
    evening = make_evening(tmp_path)
    follower = evening.follower()
    plan = evening.plans[0]
    held = evening.devices[plan.vehicle_ids[0]]
    evening.held = {held}
    evening.pass_until(evening.ends_s + 2 * 3600, follower)
    before = StopRun.objects.filter(run_id=plan.run_id)
    assert set(before.values_list("outcome", flat=True)) == {Outcome.UNKNOWN}
    late = [one._replace(received_s=evening.now_s) for one in evening.night.positions if one.device_id == held]
    evening.log.append(late)
    evening.now_s += 60
    settle(follower, evening.now)
    evening.now_s += 60
    settle(follower, evening.now)
    told = list(StopRun.objects.filter(run_id=plan.run_id).values_list("outcome", flat=True))
    assert told.count(Outcome.COLLECTED) >= 0.8 * len(told)
    assert StopRunRevision.objects.filter(stop_run__run_id=plan.run_id, before=Outcome.UNKNOWN).exists()


def test_what_a_device_sent_before_it_was_bound_counts_from_then_on(evening):
    plan = evening.plans[0]
    vehicle_id = plan.vehicle_ids[0]
    device_id = evening.devices[vehicle_id]
    DeviceBinding.objects.filter(device_id=device_id).delete()
    follower = evening.follower()
    evening.pass_until(midway(evening), follower)
    assert not StopRun.objects.filter(run_id=plan.run_id, outcome=Outcome.COLLECTED).exists()
    bind_device(
        device_id=device_id,
        vehicle_id=vehicle_id,
        from_at=evening.now - timedelta(hours=6),
        now=evening.now,
        by=COMMAND,
    )
    evening.pass_until(evening.now_s + 180, follower)
    assert StopRun.objects.filter(run_id=plan.run_id, outcome=Outcome.COLLECTED).exists()


def test_a_device_that_is_bound_when_its_round_is_over_still_tells_of_it(tmp_path):
    evening = make_evening(tmp_path)
    plan = evening.plans[0]
    vehicle_id = plan.vehicle_ids[0]
    device_id = evening.devices[vehicle_id]
    DeviceBinding.objects.filter(device_id=device_id).delete()
    follower = evening.follower()
    evening.pass_until(evening.ends_s + 2 * 3600, follower)
    assert Run.objects.get(pk=plan.run_id).state == "done"
    since = evening.now - timedelta(hours=12)
    bind_device(device_id=device_id, vehicle_id=vehicle_id, from_at=since, now=evening.now, by=COMMAND)
    evening.pass_until(evening.now_s + 180, follower)
    assert StopRun.objects.filter(run_id=plan.run_id, outcome=Outcome.COLLECTED).exists()


def test_positions_of_a_device_that_nobody_claimed_count_for_nothing(evening):
    Device.objects.update(state="quarantined", city=None)
    follower = evening.follower()
    evening.pass_until(midway(evening), follower)
    assert follower.tracking.tracks == {}
    assert not StopRun.objects.exclude(outcome=Outcome.UNKNOWN).exists()


def test_followers_share_the_work_by_contractor_and_together_do_all_of_it(tmp_path):
    evening = make_evening(tmp_path, rounds=4)
    owners = [Contractor.objects.create(city=evening.city, name=name) for name in ("Mekong", "Bassac", "Tonle Sap")]
    for run, owner in zip(Run.objects.order_by("pk"), [*owners, owners[0]], strict=True):
        Run.objects.filter(pk=run.pk).update(contractor=owner)
        type(run.plan.vehicle).objects.filter(pk=run.plan.vehicle_id).update(contractor=owner)
    shares = [evening.follower(part=Part(number=number, of=3)) for number in range(3)]
    evening.pass_until(midway(evening), *shares)
    watched = [set(share.watched) for share in shares]
    assert sorted(run_id for some in watched for run_id in some) == sorted(plan.run_id for plan in evening.plans)
    assert {plan.run_id for plan in evening.plans} == set(StopRun.objects.values_list("run_id", flat=True))


def test_what_a_crew_says_is_heard_without_any_position(evening):
    follower = evening.follower()
    evening.pass_until(midway(evening), follower)
    plan, ahead = next(
        (plan, stop)
        for plan in evening.plans
        for stop in reversed(plan.stops)
        if (plan.run_id, stop.sequence) not in evening.outcomes()
    )
    take_note(
        device=Device.objects.get(pk=evening.devices[plan.vehicle_ids[0]]), client_id="first-tap", run_id=plan.run_id,
        reason=CrewReason.BLOCKED, stop_id=ahead.stop_id, said_at=evening.now, sent_at=evening.now, now=evening.now,
    )  # fmt: skip
    evening.now_s += 5
    settle(follower, evening.now)
    row = StopRun.objects.get(run_id=plan.run_id, stop_id=ahead.stop_id)
    assert (row.outcome, row.reason) == (Outcome.SKIPPED, CrewReason.BLOCKED)

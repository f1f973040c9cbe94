"""What became of each stop is written with every change of mind, and people's word stands."""

from __future__ import annotations

from dataclasses import replace

import pytest

from saat.actions.log import FOLLOWER
from saat.actions.outcomes import Look, write_run, write_runs
from saat.records.models import Event, Run, RunVehicle, StopRun, StopRunRevision
from saat.rounds.forecasting import forecast
from saat.terms.history import NO_HISTORY
from saat.terms.run import CrewReason, Evidence, Outcome, RunView
from tests.actions.chain import assert_chain_is_whole
from tests.rounds_plan import at_s, make_run, moment, plan_for, seen, view_at, view_for

pytestmark = pytest.mark.django_db


def write(run: Run, view: RunView, *, at: float | None = None) -> bool:
    view = view_for(run, view)
    plan = plan_for(run)
    now_s = view.as_of_s if at is None else at
    return write_run(
        run.pk,
        plan=plan,
        view=view,
        forecasts=forecast(plan, view, NO_HISTORY, now_s=now_s),
        now=moment(now_s),
        by=FOLLOWER,
        vehicles=[(plan.vehicle_ids[0], False)],
    )


def rows(run: Run) -> dict[int, str]:
    return dict(StopRun.objects.filter(run=run).values_list("sequence", "outcome"))


def test_a_first_look_writes_what_is_decided_and_nothing_of_what_is_only_expected(run):
    assert write(run, view_at(at_s(4), served=4))
    assert rows(run) == dict.fromkeys((1, 2, 3, 4), "collected")
    run.refresh_from_db()
    assert (run.state, run.stops, run.served, run.missed) == ("running", 10, 4, 0)
    assert run.view["marks"] == "cccceeeeee"
    assert [row[0] for row in run.view["stops"]] == [5, 6, 7, 8, 9, 10]
    assert run.started_at == moment(at_s(0))
    assert RunVehicle.objects.get(run=run).vehicle.label == "2A-1234"


def test_the_same_look_again_writes_nothing(run):
    view = view_at(at_s(4), served=4)
    write(run, view)
    before = Event.objects.count()
    assert not write(run, view)
    assert Event.objects.count() == before
    assert StopRunRevision.objects.count() == 4


def test_many_runs_take_few_statements(hall, run, django_assert_max_num_queries):
    others = [make_run(hall.ground, day=run.service_day.replace(day=day)) for day in range(3, 9)]
    looks = [Look(plan_for(each), view_for(each, view_at(at_s(9), served=9))) for each in (run, *others)]
    with django_assert_max_num_queries(16):
        assert len(write_runs(run.city_id, looks, now=moment(at_s(9)), by=FOLLOWER)) == 7
    assert StopRun.objects.count() == 63


def test_late_data_that_shows_a_collection_is_a_revision_and_an_event(run):
    write(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    assert Event.objects.get(kind="stop_run.missed").facts["stops"] == [plan_for(run).stops[2].stop_id]
    write(run, view_at(at_s(6, minutes=5), served=6))
    row = StopRun.objects.get(run=run, sequence=3)
    assert (row.outcome, row.revision) == ("collected", 1)
    told = list(row.revisions.order_by("pk").values_list("before", "after", "why", "after_freeze"))
    assert told == [("", "missed", "decided", False), ("missed", "collected", "late_positions", False)]
    corrected = Event.objects.get(kind="stop_run.corrected").facts
    assert (corrected["before"], corrected["after"]) == (["missed"], ["collected"])
    run.refresh_from_db()
    assert (run.missed, run.served) == (0, 6)


def test_a_truck_that_comes_back_recovers_what_it_missed(run):
    write(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    back = view_at(at_s(9), served=9)
    late = seen(3, Outcome.LATE, arrived_s=at_s(8), left_s=at_s(8) + 40)
    write(run, replace(back, stops=(*back.stops[:2], late, *back.stops[3:])))
    assert Event.objects.filter(kind="stop_run.recovered").count() == 1
    assert not Event.objects.filter(kind="stop_run.corrected").exists()


def test_a_late_one_that_was_only_seen_late_is_a_correction(run):
    write(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    back = view_at(at_s(9), served=9)
    late = seen(3, Outcome.LATE, arrived_s=at_s(5), left_s=at_s(5) + 40)
    write(run, replace(back, stops=(*back.stops[:2], late, *back.stops[3:])))
    assert Event.objects.filter(kind="stop_run.corrected").count() == 1


@pytest.mark.parametrize("who", ["official", "contest"])
def test_what_people_decided_no_track_changes(run, who):
    write(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    StopRun.objects.filter(run=run, sequence=3).update(outcome="excused", decided_by=who)
    write(run, view_at(at_s(7), served=7, outcomes={3: Outcome.MISSED}))
    assert rows(run)[3] == "excused"
    run.refresh_from_db()
    assert (run.missed, run.view["marks"][2]) == (0, "x")


def test_a_crew_s_word_stands_until_it_comes_back(run):
    blocked = view_at(at_s(5), served=4)
    said = seen(5, Outcome.SKIPPED, reason=CrewReason.BLOCKED, evidence=(Evidence(kind="crew", log_odds=-4.0),))
    write(run, replace(blocked, stops=(*blocked.stops[:4], said, *blocked.stops[5:])))
    row = StopRun.objects.get(run=run, sequence=5)
    assert (row.outcome, row.decided_by, row.reason) == ("skipped", "crew", "blocked")
    passed = view_at(at_s(6), served=6)
    doubtful = seen(5, Outcome.MISSED, reason=CrewReason.BLOCKED)
    write(run, replace(passed, stops=(*passed.stops[:4], doubtful, *passed.stops[5:])))
    assert rows(run)[5] == "skipped"
    came_back = seen(5, Outcome.LATE, reason=CrewReason.BLOCKED, arrived_s=at_s(9), left_s=at_s(9) + 40)
    last = view_at(at_s(9), served=9)
    write(run, replace(last, stops=(*last.stops[:4], came_back, *last.stops[5:])))
    assert rows(run)[5] == "late"


def test_after_the_freeze_a_change_is_noted_once_and_changes_nothing(run):
    write(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    Run.objects.filter(pk=run.pk).update(frozen_at=moment(at_s(9)))
    for minutes in (1, 2):
        write(run, view_at(at_s(9, minutes=minutes), served=6))
    assert rows(run)[3] == "missed"
    run.refresh_from_db()
    assert (run.missed, run.view["marks"][2]) == (1, "m")
    noted = StopRunRevision.objects.filter(stop_run__run=run, after_freeze=True)
    assert [(row.before, row.after) for row in noted] == [("missed", "collected")]
    assert Event.objects.get(kind="stop_run.corrected").facts["after_freeze"] is True


def test_a_run_that_was_called_off_is_left_alone(run):
    Run.objects.filter(pk=run.pk).update(state="called_off")
    assert not write(run, view_at(at_s(4), served=4))
    assert rows(run) == {}


def test_the_chain_holds(run):
    write(run, view_at(at_s(6), served=6, outcomes={3: Outcome.MISSED}))
    write(run, view_at(at_s(7), served=7))
    assert_chain_is_whole(run.city)

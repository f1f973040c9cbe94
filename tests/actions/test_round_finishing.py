"""A run that ends teaches its round, scores its predictions, and freezes when corrections are over."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from saat.actions.contests import contest_stop
from saat.actions.finishing import finish_run, freeze_due
from saat.actions.log import FOLLOWER
from saat.actions.outcomes import Look, issued_of, write_run, write_runs
from saat.records.models import Event, LegTime, Run
from saat.records.round_history import histories_of
from saat.rounds.forecasting import forecast
from saat.rounds.learning import issue
from saat.terms.history import NO_HISTORY
from saat.terms.run import Outcome
from tests.actions.chain import assert_chain_is_whole
from tests.rounds_plan import MONDAY, STOPS, at_s, make_run, moment, plan_for, view_at, view_for

pytestmark = pytest.mark.django_db


def end(run: Run, *, shift_s: float = 0.0, outcomes=None, issued=()) -> bool:
    plan = plan_for(run)
    view = view_for(run, view_at(at_s(STOPS), served=STOPS, outcomes=outcomes, finished_s=at_s(STOPS)))
    view = replace(view, started_s=view.started_s + shift_s)
    write_run(run.pk, plan=plan, view=view, forecasts=(), now=moment(at_s(STOPS)), by=FOLLOWER)
    return finish_run(run.pk, plan=plan, view=view, issued=issued, now=moment(at_s(STOPS)), by=FOLLOWER)


def test_a_finished_run_teaches_its_round_once(run):
    assert end(run)
    assert not end(run)
    run.refresh_from_db()
    assert (run.state, run.finished_at) == ("done", moment(at_s(STOPS)))
    history = histories_of([run.round_id])[run.round_id]
    stops = plan_for(run).stops
    leg = history.legs[stops[3].stop_id, stops[4].stop_id]
    assert (history.runs, leg.leg.n, leg.leg.mean, leg.served) == (1, 1, 270.0, 1)
    assert LegTime.objects.filter(round=run.round).count() == STOPS


def test_the_next_day_s_run_adds_to_what_is_known(hall, run):
    end(run)
    next_run = make_run(hall.ground, contractor=hall.contractors["north"], day=MONDAY + timedelta(days=7))
    end(next_run, outcomes={4: Outcome.MISSED})
    history = histories_of([run.round_id])[run.round_id]
    stops = plan_for(run).stops
    missed = history.legs[stops[2].stop_id, stops[3].stop_id]
    assert (history.runs, missed.served, missed.not_served, missed.leg.n) == (2, 1, 1, 1)


def test_predictions_are_scored_and_survive_a_restart(run):
    plan = plan_for(run)
    view = view_for(run, view_at(at_s(2), served=2))
    forecasts = forecast(plan, view, NO_HISTORY, now_s=at_s(2))
    issued = issue((), plan, forecasts, now_s=at_s(2))
    write_runs(run.city_id, [Look(plan, view, forecasts, (), issued)], now=moment(at_s(2)), by=FOLLOWER)
    kept = issued_of([run.pk])[run.pk]
    assert len(kept) == len(issued) > 0
    end(run, issued=kept)
    run.refresh_from_db()
    assert run.scores["900"]["n"] >= 1
    assert run.scores["900"]["covered"] <= run.scores["900"]["n"]


def test_a_run_is_frozen_when_its_time_for_corrections_is_over(run):
    end(run, outcomes={4: Outcome.MISSED})
    assert freeze_due(now=moment(at_s(STOPS)) + timedelta(hours=47)) == 0
    assert freeze_due(now=moment(at_s(STOPS)) + timedelta(hours=49)) == 1
    assert freeze_due(now=moment(at_s(STOPS)) + timedelta(hours=50)) == 0
    run.refresh_from_db()
    assert run.frozen_at is not None
    done, frozen = (Event.objects.get(kind=kind).facts for kind in ("run_done", "run_frozen"))
    assert done["digest"] == frozen["digest"]
    assert frozen["counts"]["missed"] == 1
    assert_chain_is_whole(run.city)


def test_an_open_contest_holds_the_freeze_back(hall, run):
    end(run, outcomes={4: Outcome.MISSED})
    contest_stop(
        run_id=run.pk, sequence=4, words="We were there at eight", now=moment(at_s(STOPS)), by=hall.by("north")
    )
    assert freeze_due(now=moment(at_s(STOPS)) + timedelta(hours=72)) == 0

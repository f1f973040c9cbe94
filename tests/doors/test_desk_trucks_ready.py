"""The plan that is ready beside a run in trouble."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from saat.records.models import Event, Run, Vehicle
from saat.terms.run import FindingKind, VehicleState
from tests.doors.desk import signed_in, text_of
from tests.hall import make_hall
from tests.trucks import Trucks, make_trucks

TITLE = "Who could go instead"


@pytest.fixture
def trucks(db) -> Trucks:
    """A truck of North stands with three stops left; another of the same company collects in the next sangkat."""
    hall, now = make_hall(), timezone.now()
    made = make_trucks(hall)
    made.plan_round("Helper", contractor=hall.contractors["north"], area=hall.ground.sangkats["Wat Phnom"])
    made.followed("North", "ccccccceee", now=now, state=VehicleState.STANDING, since=now - timedelta(minutes=9))
    made.followed("Helper", "ccccccceee", now=now)
    made.followed("South", "cceeeeeeee", now=now)
    made.finds("North", FindingKind.STALLED, since=now - timedelta(minutes=9))
    return made


def page(trucks: Trucks, who: str = "duty", name: str = "North") -> str:
    response = signed_in(trucks.hall, who).get(f"/desk/trucks/runs/{trucks.runs[name].pk}")
    assert response.status_code == 200
    return text_of(response)


@pytest.mark.parametrize("who", ["duty", "north"])
def test_a_run_in_trouble_comes_with_a_plan_and_nothing_is_done_by_looking(trucks, who):
    before = Event.objects.count()
    told = page(trucks, who)
    for words in (
        TITLE, "3 stops are left", "1 other truck of this contractor could be asked", "Helper-7", "3 stops, done by",
        "guessed from straight lines", "Nobody has been told yet",
    ):  # fmt: skip
        assert words in told, words
    assert "South-7" not in told
    assert Event.objects.count() == before


def test_a_run_without_trouble_has_no_plan(trucks):
    assert TITLE not in page(trucks, name="Helper")


def test_a_run_that_is_over_has_no_plan(trucks):
    Run.objects.filter(pk=trucks.runs["North"].pk).update(state="done")
    assert TITLE not in page(trucks)


@pytest.mark.parametrize("state", [VehicleState.SILENT, VehicleState.UNSEEN, VehicleState.OFF_ROUND])
def test_a_truck_that_nobody_can_count_on_is_not_asked(trucks, state):
    trucks.followed("Helper", "ccccccceee", now=timezone.now(), state=state)
    told = page(trucks)
    assert "0 other trucks of this contractor could be asked" in told
    assert "No truck of this contractor could be there in time" in told


def test_a_truck_that_stands_itself_is_not_asked(trucks):
    trucks.finds("Helper", FindingKind.STALLED, since=timezone.now())
    assert "0 other trucks" in page(trucks)


def test_what_does_not_fit_stays_and_says_so(trucks):
    run, helper = trucks.runs["North"], trucks.vehicles["Helper"]
    for row in run.plan.planned_stops.select_related("stop"):
        row.stop.load_kg = 300.0
        row.stop.save()
    Vehicle.objects.filter(pk=helper.pk).update(capacity_kg=700.0)
    told = page(trucks)
    assert "2 stops, done by" in told
    assert "1 stop stays: it does not fit into any of the trucks" in told


def test_the_plan_takes_few_queries(trucks, django_assert_max_num_queries):
    client = signed_in(trucks.hall, "duty")
    with django_assert_max_num_queries(45):
        client.get(f"/desk/trucks/runs/{trucks.runs['North'].pk}")

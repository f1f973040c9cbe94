"""Trucks on the desk: who sees which run, in which order, in what words; and what open pages are told."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from saat.records.models import Case, RoundPlan, Run
from saat.terms.run import FindingKind, VehicleState
from tests.doors.desk import now_case, signed_in, text_of
from tests.hall import Hall, make_hall
from tests.trucks import Trucks, make_trucks

PAGE = "/desk/trucks/"


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def trucks(hall) -> Trucks:
    """Two runs that began an hour ago: North is on its way, South is fine."""
    made = make_trucks(hall)
    now = timezone.now()
    made.followed("North", "cccclmreee", now=now)
    made.followed("South", "ccccceeeee", now=now)
    return made


def names_on(client: Client, address: str = PAGE) -> list[str]:
    """Return the rounds in the list of a page, in its order."""
    body = client.get(address).content.decode()
    return re.findall(r'class="open-run" href="[^"]+">([^<]+)<', body)


def changes(client: Client, **asked: Any) -> dict[str, Any]:
    """Return what an open page is told."""
    response = client.get(f"{PAGE}changed.json", asked)
    assert response.status_code == 200
    return json.loads(response.content)


@pytest.mark.parametrize(
    ("who", "sees"),
    [
        ("duty", {"North", "South"}), ("director", {"North", "South"}), ("auditor", {"North", "South"}),
        ("admin", {"North", "South"}), ("daun penh", {"North"}), ("kandal", {"North"}), ("bassac", {"South"}),
        ("north", {"North"}), ("south", {"South"}), ("north crew", set()),
    ],
)  # fmt: skip
def test_everybody_sees_the_runs_of_their_own_area_or_company(hall, trucks, who, sees):
    client = signed_in(hall, who)
    assert set(names_on(client)) == sees
    told = changes(client)
    assert {run["name"] for run in told["runs"]} == sees
    assert len(told["order"]) == len(sees)
    places = json.loads(client.get(f"{PAGE}ground.json").content)["plans"]
    assert set(places) == {str(trucks.runs[name].pk) for name in sees}
    for name, run in trucks.runs.items():
        found = 200 if name in sees else 404
        assert client.get(f"{PAGE}runs/{run.pk}").status_code == found, name
        assert client.get(f"{PAGE}runs/{run.pk}/stops/1").status_code == found, name


def test_an_officer_sees_the_run_whole_when_one_stop_of_it_is_in_the_own_area(hall, trucks):
    plan = RoundPlan.objects.get(round__name="North")
    last = plan.planned_stops.order_by("-sequence").first()
    last.stop.area = hall.ground.sangkats["Tonle Bassac"]
    last.stop.save()
    assert set(names_on(signed_in(hall, "bassac"))) == {"North", "South"}


def test_whoever_is_not_signed_in_is_asked_to_sign_in(hall, trucks):
    for path in (
        "",
        "changed.json",
        "ground.json",
        f"runs/{trucks.runs['North'].pk}",
        "replay",
        "replay.json",
        "score",
    ):
        assert Client().get(PAGE + path).status_code == 302, path


def test_what_must_be_acted_on_first_stands_first(hall, trucks):
    now = timezone.now()
    area = hall.ground.sangkats["Tonle Bassac"]
    for name, marks in {"Missed": "ccmeeeeeee", "Unknown": "ccueeeeeee", "Late": "ccleeeeeee"}.items():
        trucks.plan_round(name, contractor=None, area=area)
        trucks.followed(name, marks, now=now)
    trucks.plan_round("Planned", contractor=None, area=area)
    trucks.plan_round("Done", contractor=None, area=area)
    trucks.followed("Done", "cccccccccc", now=now, run_state="done")
    duty = signed_in(hall, "duty")
    assert names_on(duty) == ["North", "Missed", "Unknown", "Late", "South", "Planned", "Done"]
    assert names_on(duty, f"{PAGE}?state=unknown") == ["Unknown"]
    assert names_on(duty, f"{PAGE}?contractor={hall.contractors['south'].pk}") == ["South"]
    assert set(names_on(duty, f"{PAGE}?contractor=none")) == {"Missed", "Unknown", "Late", "Planned", "Done"}
    assert names_on(duty, f"{PAGE}?area={hall.ground.khans['Daun Penh'].pk}") == ["North"]


def test_of_two_runs_at_risk_the_one_with_less_time_left_stands_first(hall, trucks):
    now = timezone.now()
    trucks.followed("South", "cccrrreeee", now=now)
    trucks.finds("North", FindingKind.WILL_MISS, since=now, act_by_at=now + timedelta(minutes=40))
    trucks.finds("South", FindingKind.WILL_MISS, since=now, act_by_at=now + timedelta(minutes=9))
    assert names_on(signed_in(hall, "duty")) == ["South", "North"]


def test_a_stalled_truck_says_what_is_wrong_what_to_do_and_until_when(hall, trucks):
    now = timezone.now()
    since = now - timedelta(minutes=12, seconds=20)
    trucks.followed("South", "ccccceeeee", now=now, state=VehicleState.STANDING, since=since)
    trucks.finds("South", FindingKind.STALLED, since=since, act_by_at=now + timedelta(minutes=25, seconds=30))
    told = text_of(signed_in(hall, "duty").get(PAGE))
    assert "Truck South-7 stands since" in told
    assert "3 stops to go" in told
    assert "Call the dispatcher. If the truck is broken, ask for another one for the rest." in told
    assert "for 25 minutes more" in told
    assert "South-7: standing for 12 minutes" in told
    inside = text_of(signed_in(hall, "south").get(PAGE))
    assert "Call the crew. If the truck is broken, send another one for the rest." in inside


def test_the_case_of_a_trouble_is_offered_to_those_who_may_open_it(hall, trucks):
    case = now_case(hall)
    trucks.finds("North", FindingKind.MISSED, since=timezone.now(), case=case)
    link = f"/desk/cases/{case.pk}"
    assert link in signed_in(hall, "duty").get(PAGE).content.decode()
    assert link not in signed_in(hall, "north").get(PAGE).content.decode()
    Case.objects.filter(pk=case.pk).update(contractor=hall.contractors["north"])
    assert link in signed_in(hall, "north").get(PAGE).content.decode()


def test_a_silent_feed_explains_the_runs_of_its_company_only(hall, trucks):
    trucks.finds(
        "North",
        FindingKind.FEED_SILENT,
        since=timezone.now(),
        run=None,
        vehicle=None,
        facts={"silent": 4, "trackers": 5},
    )
    assert "4 of 5 trackers are silent" in text_of(signed_in(hall, "north").get(PAGE))
    assert "trackers are silent" not in text_of(signed_in(hall, "south").get(PAGE))


def test_an_open_page_is_told_of_the_runs_that_were_followed_since(hall, trucks):
    duty = signed_in(hall, "duty")
    first = changes(duty)
    assert {run["name"] for run in first["runs"]} == {"North", "South"}
    north = next(run for run in first["runs"] if run["name"] == "North")
    assert north["marks"] == "cccclmreee"
    assert north["vehicles"][0]["label"] == "North-7"
    assert changes(duty, since=first["mark"])["runs"] == []
    later = timezone.now() + timedelta(seconds=1)
    trucks.followed("South", "cccccceeee", now=later)
    second = changes(duty, since=first["mark"])
    assert [run["name"] for run in second["runs"]] == ["South"]
    assert list(second["rows"]) == [str(trucks.runs["South"].pk)]
    assert second["order"] == [trucks.runs["North"].pk, trucks.runs["South"].pk]


def test_what_cannot_be_used_in_an_address_is_left_out_with_a_sentence(hall, trucks):
    response = signed_in(hall, "duty").get(f"{PAGE}?contractor=zzz&area=99999999&state=odd")
    told = text_of(response)
    assert response.status_code == 200
    assert "There is no contractor “zzz” here." in told
    assert "There is no area “99999999” in this city." in told
    assert "There is no such state of a run: “odd”." in told
    assert changes(signed_in(hall, "duty"), since="yesterday", area="1e9")["runs"]


def test_a_stop_at_which_nothing_is_collected_that_day_is_neither_on_the_map_nor_in_the_run(hall, trucks):
    run = trucks.runs["North"]
    RoundPlan.objects.filter(pk=run.plan_id).update(days={"weekdays": list(range(7))})
    other_day = (run.service_day.weekday() + 1) % 7
    run.plan.planned_stops.filter(sequence=2).update(streams={"recycling": [other_day]})
    duty = signed_in(hall, "duty")
    places = json.loads(duty.get(f"{PAGE}ground.json").content)["plans"]
    assert len(places[str(run.pk)]) == 9
    page = duty.get(f"{PAGE}runs/{run.pk}").content.decode()
    assert f"/runs/{run.pk}/stops/3" in page
    assert f'/runs/{run.pk}/stops/2"' not in page


def test_an_empty_page_says_what_to_do(hall):
    assert "saat import rounds" in text_of(signed_in(hall, "duty").get(PAGE))


def test_when_no_run_is_near_the_page_leads_to_the_last_night(hall):
    make_trucks(hall, begin=timezone.now() - timedelta(days=4))
    told = text_of(signed_in(hall, "duty").get(PAGE))
    assert "No truck is on a round now" in told
    assert "Replay the last night" in told


def test_simulated_runs_say_so(hall, trucks):
    assert "simulated" in text_of(signed_in(hall, "duty").get(PAGE))
    Run.objects.update(simulated=False)
    assert "simulated" not in text_of(signed_in(hall, "duty").get(PAGE))


def test_more_runs_cost_no_more_queries(hall, trucks, django_assert_max_num_queries):
    now = timezone.now()
    for number in range(12):
        name = f"More {number}"
        trucks.plan_round(name, contractor=hall.contractors["north"], area=hall.ground.sangkats["Wat Phnom"], stops=4)
        trucks.followed(name, "ccmr", now=now)
        trucks.finds(name, FindingKind.WILL_MISS, since=now)
    duty = signed_in(hall, "duty")
    duty.get(PAGE)
    with django_assert_max_num_queries(14):
        duty.get(PAGE)
    with django_assert_max_num_queries(10):
        changes(duty)
    with django_assert_max_num_queries(32):
        duty.get(f"{PAGE}runs/{trucks.runs['North'].pk}")

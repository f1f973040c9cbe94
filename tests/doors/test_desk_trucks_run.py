"""One run on the desk, one stop of it with its evidence, contests through their forms, and the replay of a day."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from saat.records.models import CrewNote, Device, DeviceBinding, Event, Run, StopRun
from saat.records.position_log import position_log
from saat.terms.position import Flag, Position
from saat.terms.run import FindingKind
from tests.doors.desk import signed_in, text_of
from tests.hall import Hall, make_hall
from tests.trucks import Trucks, make_trucks

PAGE = "/desk/trucks/"
EVENING = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)  # 20:00 in Phnom Penh


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


@pytest.fixture
def trucks(hall) -> Trucks:
    made = make_trucks(hall)
    made.followed("North", "ccclmusree", now=timezone.now())
    made.followed("South", "cceeeeeeee", now=timezone.now())
    return made


def run_page(trucks: Trucks, who: str = "duty", name: str = "North") -> str:
    response = signed_in(trucks.hall, who).get(f"{PAGE}runs/{trucks.runs[name].pk}")
    assert response.status_code == 200
    return text_of(response)


def stop_address(trucks: Trucks, sequence: int, name: str = "North") -> str:
    return f"{PAGE}runs/{trucks.runs[name].pk}/stops/{sequence}"


def test_a_run_shows_each_stop_with_its_outcome_probability_and_evidence_in_words(trucks):
    told = run_page(trucks)
    for words in (
        "came as near as 6 m", "stood 34 s", "served with 97 % probability", "Served late", "Missed", "Unknown",
        "Skipped by the crew: the way is blocked", "ask them to tap the stop on their page",
        "missed with 80 % probability", "At risk", "Outcomes can be corrected and contested until",
    ):  # fmt: skip
        assert words in told, words


def test_the_time_line_draws_plan_actual_and_band(trucks):
    page = signed_in(trucks.hall, "duty").get(f"{PAGE}runs/{trucks.runs['North'].pk}").content.decode()
    for part in ('class="chart-planned"', 'class="chart-band"', 'class="chart-expected"', 'class="chart-now"'):
        assert part in page, part
    assert page.count('<svg class="mk mk-served" x=') == 3
    assert " style=" not in page


def test_what_is_wrong_stands_above_the_stops_and_who_can_be_called(trucks):
    trucks.finds(
        "North", FindingKind.UNKNOWN, since=timezone.now() - timedelta(minutes=9), facts={"silent": 600, "heard": 1}
    )
    company = trucks.hall.contractors["north"]
    company.phone = "+85512345678"
    company.save()
    told = run_page(trucks)
    assert "The tracker of truck North-7 is silent since" in told
    assert "Do not take these stops for missed." in told
    assert "+85512345678" in told
    assert "+85512345678" not in run_page(trucks, "north"), "a dispatcher need not call the own company"


def test_a_dispatcher_is_told_the_telephone_of_the_own_crew_and_officials_are_not(trucks):
    crew = trucks.hall.crews["North 1"]
    crew.phone = "+85598765432"
    crew.save()
    _bind(trucks, "North", crew=crew)
    assert "+85598765432" in run_page(trucks, "north")
    assert "+85598765432" not in run_page(trucks, "duty")


def test_the_crews_words_and_photos_stand_at_their_stop(trucks):
    run = trucks.runs["North"]
    planned = run.plan.planned_stops.get(sequence=7)
    note = CrewNote.objects.create(
        city=run.city, run=run, stop=planned.stop, vehicle=trucks.vehicles["North"], reason="blocked",
        said_at=timezone.now(), received_at=timezone.now(), photo_digest="0" * 64, client_id="a",
    )  # fmt: skip
    CrewNote.objects.create(
        city=run.city, run=run, stop=planned.stop, reason="flooded", said_at=timezone.now(),
        received_at=timezone.now(), client_id="b", taken_back_at=timezone.now(),
    )  # fmt: skip
    page = signed_in(trucks.hall, "duty").get(stop_address(trucks, 7)).content.decode()
    assert "the way is blocked" in page
    assert f"/desk/crew-notes/{note.pk}/photo/thumb" in page
    assert "flooded" not in page, "it was taken back"
    assert "the way is blocked" in run_page(trucks)


def test_a_stop_shows_how_its_outcome_changed(trucks):
    row = StopRun.objects.get(run=trucks.runs["North"], sequence=5)
    row.revisions.create(
        city=row.city, at=timezone.now(), before="missed", after="collected", why="late_positions", after_freeze=True
    )
    told = text_of(signed_in(trucks.hall, "auditor").get(stop_address(trucks, 5)))
    assert "Missed → Served : positions came in late" in told
    assert "noted only, after the time for corrections" in told


def test_a_contest_goes_from_the_dispatcher_to_the_official_and_back(trucks):
    north, duty = signed_in(trucks.hall, "north"), signed_in(trucks.hall, "duty")
    address = stop_address(trucks, 5)
    assert "Contest this outcome" in text_of(north.get(address))
    assert "Contest this outcome" not in text_of(duty.get(address))
    refused = north.post(f"{address}/contest", {"words": "  "})
    assert refused.status_code == 422
    assert "Please say what really happened" in text_of(refused)
    assert "waits for an answer" in text_of(north.post(f"{address}/contest", {"words": "We were there."}, follow=True))
    waiting = text_of(duty.get(f"{PAGE}contests"))
    assert "We were there." in waiting
    assert "Is the contractor right?" not in text_of(north.get(address))
    contest = StopRun.objects.get(run=trucks.runs["North"], sequence=5).contests.get()
    form = f"{address}/contests/{contest.pk}"
    assert north.post(form, {"accepted": "yes", "answer": "x", "found": "collected"}).status_code == 403
    told = text_of(
        duty.post(form, {"accepted": "yes", "answer": "The track agrees.", "found": "collected"}, follow=True)
    )
    assert "Accepted: “The track agrees.”" in told
    assert "Missed → Served : the contractor contested it, and was right" in told
    assert "No contest waits" in text_of(duty.get(f"{PAGE}contests"))
    assert signed_in(trucks.hall, "south").post(f"{address}/contest", {"words": "x"}).status_code == 404


def test_after_the_freeze_nothing_can_be_contested(trucks):
    Run.objects.update(frozen_at=timezone.now())
    north = signed_in(trucks.hall, "north")
    told = text_of(north.get(stop_address(trucks, 5)))
    assert "Contest this outcome" not in told
    assert "The outcomes are final since" in told
    assert north.post(f"{stop_address(trucks, 5)}/contest", {"words": "x"}).status_code == 422


# ------------------------------------------------------------------------------------------------------------- replay


@pytest.fixture
def night(hall, settings, tmp_path) -> Trucks:
    """A past night with tracks: North drives along its stops, a position every 10 s; South too."""
    settings.VAR = tmp_path
    made = make_trucks(hall, begin=EVENING)
    log = position_log()
    for name, marks in {"North": "ccclmuccc" + "c", "South": "cccccccccc"}.items():
        made.followed(name, marks, now=EVENING + timedelta(hours=1), run_state="done")
        device = _bind(made, name)
        stops = [row.stop for row in made.runs[name].plan.planned_stops.select_related("stop").order_by("sequence")]
        west, east = stops[0].lon, stops[-1].lon
        log.append([
            Position(
                device_id=device.pk, fixed_s=EVENING.timestamp() + at * 10, received_s=EVENING.timestamp() + at * 10,
                lat=stops[0].lat, lon=west + (east - west) * at / 300,
                flags=Flag.UNPROVED if at == 150 else Flag.SIMULATED,
            )
            for at in range(301)
        ])  # fmt: skip
    log.close()
    return made


def _bind(trucks: Trucks, name: str, **more: Any) -> Device:
    vehicle = trucks.vehicles[name]
    device = Device.objects.create(city=vehicle.city, uid=f"d-{vehicle.pk}", state="claimed", label="phone")
    DeviceBinding.objects.create(
        city=vehicle.city, device=device, vehicle=vehicle, from_at=trucks.begin - timedelta(days=2), **more
    )
    return device


def replayed(night: Trucks, who: str, **asked: Any) -> dict[str, Any]:
    response = signed_in(night.hall, who).get(f"{PAGE}replay.json", {"day": "2026-03-02", **asked})
    assert response.status_code == 200
    return json.loads(response.content)


def track_of(told: dict[str, Any], name: str) -> list[list[int]]:
    """Return the points of a run's truck, decoded: seconds, and degrees times 100,000."""
    run = next(run for run in told["runs"] if run["name"] == name)
    here, points = [0, 0, 0], []
    for step in run["trucks"][0]["points"] if run["trucks"] else []:
        here = [a + b for a, b in zip(here, step, strict=True)]
        points.append(here)
    return points


@pytest.fixture
def tracks_kept(hall) -> None:
    """Let the city keep tracks for as long as this test's night lies back."""
    days = (timezone.now() - EVENING).days + 30
    text, found = re.subn(r"(?m)^track_days = \d+", f"track_days = {days}", hall.city.policy_text)
    hall.city.policy_text = text if found else text.replace("[rounds]", f"[rounds]\ntrack_days = {days}", 1)
    hall.city.save()


def test_a_replay_holds_thinned_tracks_and_when_each_outcome_was_known(night, tracks_kept):
    told = replayed(night, "duty")
    assert told["note"] == ""
    north = next(run for run in told["runs"] if run["name"] == "North")
    assert [letter for _seconds, _place, letter in sorted(north["changes"], key=lambda row: row[1])] == list(
        "ccclmucccc"
    )
    points = track_of(told, "North")
    assert 100 < len(points) < 200, "thinned from 301"
    assert points[0][0] == 1800, "the track begins half an hour after the replay"
    assert points[-1][0] == 1800 + 3000
    assert abs(points[0][1] - 1155000) < 1000
    assert len(told["plans"]) == 2


def test_a_dispatcher_and_an_officer_get_only_the_tracks_that_are_theirs(night, tracks_kept):
    assert [run["name"] for run in replayed(night, "north")["runs"]] == ["North"]
    assert [run["name"] for run in replayed(night, "bassac")["runs"]] == ["South"]
    assert replayed(night, "north crew")["runs"] == []
    far = night.hall.ground.sangkats["Phsar Kandal"]
    far.max_lon = far.min_lon + 0.005
    far.save()
    part, whole = track_of(replayed(night, "kandal"), "North"), track_of(replayed(night, "duty"), "North")
    assert 0 < len(part) < len(whole), "an officer sees the track around the own area only"


@pytest.mark.parametrize("who", ["director", "admin"])
def test_who_needs_no_tracks_gets_the_outcomes_without_them(night, tracks_kept, who):
    told = replayed(night, who)
    assert "not where people drove" in told["note"]
    assert all(run["trucks"] == [] for run in told["runs"])
    assert all(run["changes"] for run in told["runs"])


def test_tracks_that_are_too_old_are_not_shown_even_if_the_log_still_has_them(night):
    told = replayed(night, "duty")
    assert "Tracks are kept for" in told["note"]
    assert all(run["trucks"] == [] for run in told["runs"])


def test_reading_tracks_is_written_down(night, tracks_kept):
    replayed(night, "duty")
    last = Event.objects.latest("pk")
    assert (last.kind, json.loads(last.facts_json)) == ("list_exported", {"form": "tracks", "group": "2026-03-02"})


def test_a_device_that_moved_counts_only_while_it_was_on_the_truck(night, tracks_kept):
    DeviceBinding.objects.filter(vehicle=night.vehicles["North"]).update(until_at=EVENING + timedelta(minutes=10))
    points = track_of(replayed(night, "duty"), "North")
    assert points[-1][0] <= 1800 + 600


def test_the_replay_opens_on_the_last_day_with_runs_and_says_so_when_there_are_none(night):
    duty = signed_in(night.hall, "duty")
    assert "Mon 2 Mar 2026" in text_of(duty.get(f"{PAGE}replay"))
    assert "There was no run on this day" in text_of(duty.get(f"{PAGE}replay?day=2026-03-09"))
    assert "“31.3.” is no date" in text_of(duty.get(f"{PAGE}replay?day=31.3."))


def test_a_replay_costs_few_queries_however_many_stops_there_are(night, tracks_kept, django_assert_max_num_queries):
    duty = signed_in(night.hall, "duty")
    duty.get(f"{PAGE}replay.json?day=2026-03-02")
    with django_assert_max_num_queries(28):
        duty.get(f"{PAGE}replay.json?day=2026-03-02")

"""`saat simulate` and `saat evaluate` as an operator uses them."""

from __future__ import annotations

import csv
import json
import time
from datetime import timedelta

import pytest

from saat.actions import devices
from saat.actions.log import COMMAND
from saat.actions.runs import plan_runs
from saat.config.simulating.sending import steps
from saat.links.batch import read_csv, read_ndjson
from saat.records.device_book import DeviceBook
from saat.records.models import Device, Vehicle
from saat.records.position_log import position_log
from saat.terms.position import Fix, Flag, Position
from tests.beside import beside
from tests.city import MONDAY_MORNING, make_city
from tests.plans import MONDAY, save

SMALL = ("--rounds", "2", "--stops", "8", "--day", "2026-01-05")


@pytest.mark.parametrize(("form", "read"), [("ndjson", read_ndjson), ("csv", read_csv)])
def test_a_night_in_files_is_labelled_and_can_be_read_by_our_own_door(saat, tmp_path, form, read):
    code, said = saat("simulate", "--out", str(tmp_path / "night"), "--format", form, *SMALL)
    assert code == 0
    assert said.startswith("SIMULATED: 2 runs, ")
    with (tmp_path / "night" / f"positions.{form}").open("rb") as file:
        fixes = [found for _, found in read(file)]
    assert len(fixes) > 100
    assert all(isinstance(one, Fix) and one.uid.startswith("simulated-") for one in fixes)
    assert "SIMULATED" in (tmp_path / "night" / "README.txt").read_text(encoding="utf-8")
    stops = json.loads((tmp_path / "night" / "plan.geojson").read_text(encoding="utf-8"))["features"]
    assert all(stop["properties"]["simulated"] for stop in stops)
    with (tmp_path / "night" / "truth.csv").open(encoding="utf-8", newline="") as file:
        truth = list(csv.DictReader(file))
    assert {(int(row["run_id"]), int(row["stop_id"])) for row in truth} == {
        (stop["properties"]["run_id"], stop["properties"]["stop_id"]) for stop in stops
    }


def test_the_same_seed_writes_the_same_files(saat, tmp_path):
    texts = []
    for name, seed in (("a", "3"), ("b", "3"), ("c", "4")):
        assert saat("simulate", "--out", str(tmp_path / name), "--seed", seed, *SMALL)[0] == 0
        texts.append((tmp_path / name / "positions.ndjson").read_text(encoding="utf-8"))
    assert texts[0] == texts[1] != texts[2]


def test_a_dry_run_tells_what_it_would_make_and_writes_nothing(saat, tmp_path):
    code, said = saat("simulate", "--dry-run", "--out", str(tmp_path / "night"), *SMALL)
    assert (code, "what became of stops" in said) == (0, True)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ((), "Say where the night goes"),
        (("--out", "x", "--post", "http://127.0.0.1:1"), "Say where the night goes"),
        (("--dry-run", "--troubles", "rain"), "--troubles knows no rain; it knows mixed, ordinary, none"),
        (("--dry-run", "--interval", "0"), "--interval must be from 1 to 600 seconds, got 0"),
        (("--dry-run", "--day", "tomorrow"), "--day must be a date such as 2026-01-05, got tomorrow"),
        (("--dry-run", "--streets", "nowhere.json"), "nowhere.json cannot be read"),
        (("--dry-run", "--rounds", "900"), "There are too few streets for so many rounds"),
        (("--post", "http://127.0.0.1:1", *SMALL), "http://127.0.0.1:1 cannot be reached"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(saat, arguments, why):
    code, said = saat("simulate", *arguments)
    assert code == 2
    assert why in said


def test_positions_come_when_their_time_has_come_and_all_of_them():
    positions = [Position(1, at, at, 11.5, 104.9) for at in (0.0, 1.0, 20.0, 21.0, 40.0)]
    began = time.monotonic()
    assert [[one.fixed_s for one in some] for some in steps(positions, 400.0)] == [[0.0, 1.0], [20.0, 21.0], [40.0]]
    assert time.monotonic() - began >= 0.1


@pytest.mark.live
def test_a_night_sent_to_a_running_saat_waits_there_as_unknown_devices(saat, live):
    code, said = saat("simulate", "--post", live.url, "--troubles", "none", "--interval", "60", *SMALL)
    assert (code, "0 of them refused" in said) == (0, True), said
    count = 'tell(Device.objects.filter(uid__startswith="simulated-", state="quarantined").count())'
    assert beside(live, count) == 2


@pytest.fixture
def evening(db):
    """A city whose only round is driven on Monday by one truck, with a simulated tracker."""
    city = make_city().city
    truck = Vehicle.objects.create(city=city, label="2A-1234", simulated=True)
    save(city, vehicle_id=truck.pk)
    plan_runs(city.pk, days=1, now=MONDAY_MORNING, by=COMMAND, first=MONDAY)
    return city, truck


def with_tracker(city, truck, *, simulated: bool) -> Device:
    device = devices.add_device(city_id=city.pk, uid="t-1", now=MONDAY_MORNING, by=COMMAND, simulated=simulated)
    before = MONDAY_MORNING - timedelta(days=1)
    devices.bind_device(device_id=device.pk, vehicle_id=truck.pk, from_at=before, now=MONDAY_MORNING, by=COMMAND)
    return device


def test_the_citys_own_plan_is_driven_into_its_log(saat, evening):
    city, truck = evening
    device = with_tracker(city, truck, simulated=True)
    code, said = saat("simulate", "--log", "--day", MONDAY.isoformat(), "--troubles", "none")
    assert code == 0, said
    log = position_log()
    begins = MONDAY_MORNING.timestamp()
    found = log.of_devices([device.pk], from_s=begins, until_s=begins + 2 * 86_400)
    log.close()
    assert f"{len(found)} positions put into the log, 0 were there already" in said
    assert all(one.flags & Flag.SIMULATED for one in found)
    again = saat("simulate", "--log", "--day", MONDAY.isoformat(), "--troubles", "none")[1]
    assert f"0 positions put into the log, {len(found)} were there already" in again
    book = DeviceBook()
    book.refresh()
    assert book.vehicle_at(device.pk, found[0].fixed_s) == truck.pk


def test_nothing_simulated_is_put_under_a_real_truck(saat, evening):
    with_tracker(*evening, simulated=False)
    code, said = saat("simulate", "--log", "--day", MONDAY.isoformat())
    assert (code, "belong to real trucks" in said) == (2, True), said


def test_a_truck_without_a_tracker_and_a_day_without_runs_are_refused(saat, evening):
    assert "1 of 1 vehicles carry no device" in saat("simulate", "--log", "--day", MONDAY.isoformat())[1]
    assert "has no runs with stops and a vehicle on 2020-01-01" in saat("simulate", "--log", "--day", "2020-01-01")[1]


def test_an_evaluation_says_what_it_would_measure_and_refuses_what_is_not_there(saat, tmp_path):
    code, said = saat("evaluate", "--dry-run", "--quick", "--out", str(tmp_path / "docs"))
    assert (code, "nights measured" in said) == (0, True)
    assert list(tmp_path.iterdir()) == []
    code, said = saat("evaluate", "--streets", "nowhere.json")
    assert (code, "nowhere.json is not there" in said) == (2, True)

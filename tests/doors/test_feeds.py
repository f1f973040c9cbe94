"""What is given away to everybody, read back with the libraries that others read it with."""

from __future__ import annotations

import csv
import zipfile
from datetime import timedelta
from io import BytesIO, StringIO

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from google.transit import gtfs_realtime_pb2 as gtfs

from saat.records.models import City, Run, StopRun
from tests.crews import Evening, make_evening
from tests.hall import make_hall

UPDATE = gtfs.TripUpdate.StopTimeUpdate


@pytest.fixture
def evening(db) -> Evening:
    """A run that began a while ago: collected, missed, coming, and nobody knows."""
    cache.clear()
    now = timezone.localtime(timezone.now())
    made = make_evening(make_hall(), day=now.date())
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(hours=7)  # Phnom Penh's
    planned = [midnight + timedelta(hours=19, minutes=10 * index) for index in range(4)]
    made.decide(
        0, "collected", arrived_at=planned[0] + timedelta(seconds=90), left_at=planned[0] + timedelta(minutes=3)
    )
    made.decide(1, "missed")
    made.decide(3, "unknown", p_served=0.5)
    soon = round(planned[2].timestamp()) + 300
    run = made.run
    run.state, run.started_at = "running", now - timedelta(minutes=20)
    run.starts_at, run.ends_at = now - timedelta(minutes=25), now + timedelta(hours=1)
    run.view = {
        "v": 1, "as_of": round(now.timestamp()), "stops": [[3, soon - 120, soon, soon + 240, 0.02]],
        "vehicles": [{
            "id": made.vehicle.pk, "lat": 11.5489, "lon": 104.91, "state": "driving", "seen": round(now.timestamp()),
            "course": 12.0, "speed": 5.5,
        }],
    }  # fmt: skip
    run.save()
    return made


def feed(name: str, **headers: str) -> gtfs.FeedMessage:
    answer = Client().get(f"/feeds/phnompenh.kh/{name}.pb", headers=headers)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/x-protobuf"
    assert "Set-Cookie" not in answer.headers
    message = gtfs.FeedMessage()
    message.ParseFromString(answer.content)
    assert message.IsInitialized()
    assert message.header.gtfs_realtime_version == "2.0"
    return message


def tables() -> dict[str, list[dict[str, str]]]:
    answer = Client().get("/feeds/phnompenh.kh/gtfs.zip")
    with zipfile.ZipFile(BytesIO(answer.content)) as archive:
        return {
            name.removesuffix(".txt"): list(csv.DictReader(StringIO(archive.read(name).decode("utf-8"))))
            for name in archive.namelist()
        }


def test_missed_is_skipped_unknown_is_no_data_and_what_comes_has_a_time(evening):
    (entity,) = feed("trip-updates").entity
    collected, missed, coming, unknown = entity.trip_update.stop_time_update
    assert [stop.stop_id for stop in entity.trip_update.stop_time_update] == ["K1", "K2", "K3", "K4"]
    assert collected.schedule_relationship == UPDATE.SCHEDULED
    assert (collected.arrival.delay, collected.arrival.uncertainty) == (90, 0)
    assert collected.departure.time - collected.arrival.time == 90
    assert missed.schedule_relationship == UPDATE.SKIPPED
    assert not missed.HasField("arrival")
    assert (coming.arrival.delay, coming.arrival.uncertainty) == (300, 180)
    assert unknown.schedule_relationship == UPDATE.NO_DATA
    assert not unknown.HasField("arrival")


@pytest.mark.parametrize(
    ("outcome", "relation"),
    [("skipped", UPDATE.SKIPPED), ("excused", UPDATE.SKIPPED), ("not_presented", UPDATE.NO_DATA),
     ("late", UPDATE.NO_DATA)],
)  # fmt: skip
def test_an_outcome_without_a_moment_claims_none(evening, outcome, relation):
    StopRun.objects.filter(sequence=2).update(outcome=outcome)
    (entity,) = feed("trip-updates").entity
    assert entity.trip_update.stop_time_update[1].schedule_relationship == relation


def test_a_run_that_was_called_off_is_cancelled(evening):
    Run.objects.update(state="called_off")
    (entity,) = feed("trip-updates").entity
    assert entity.trip_update.trip.schedule_relationship == gtfs.TripDescriptor.CANCELED
    assert not entity.trip_update.stop_time_update
    assert not feed("vehicle-positions").entity


def test_a_vehicle_on_its_round_is_where_it_is_and_goes_to_the_next_stop(evening):
    (entity,) = feed("vehicle-positions").entity
    told = entity.vehicle
    assert (round(told.position.latitude, 4), round(told.position.longitude, 4)) == (11.5489, 104.91)
    assert (told.position.speed, told.position.bearing) == (5.5, 12.0)
    assert (told.stop_id, told.current_stop_sequence) == ("K3", 3)
    assert told.vehicle.label == "PP 2-1234"


def test_what_is_simulated_says_so_everywhere(evening):
    Run.objects.update(simulated=True)
    (entity,) = feed("vehicle-positions").entity
    assert entity.vehicle.vehicle.label == "PP 2-1234 (simulated)"
    (vehicle,) = Client().get("/feeds/phnompenh.kh/ngsi-ld/entities?type=Vehicle&options=keyValues").json()
    assert vehicle["simulated"] is True
    assert tables()["routes"][0]["route_desc"] == "Waste collection, simulated"


@pytest.mark.parametrize("state", ["at_depot", "off_round", "silent", "unseen"])
def test_where_a_vehicle_is_off_its_round_is_nobodys_business(evening, state):
    evening.run.view["vehicles"][0]["state"] = state
    evening.run.save()
    assert not feed("vehicle-positions").entity


def test_a_vehicle_is_shown_only_while_its_round_runs_and_only_its_present_place(evening):
    Run.objects.update(state="done", finished_at=timezone.now())
    assert not feed("vehicle-positions").entity
    cache.clear()
    evening.run.view["vehicles"][0]["seen"] -= 3600
    evening.run.save()
    assert not feed("vehicle-positions").entity


def test_a_city_may_keep_its_trucks_to_itself(evening):
    city = City.objects.get()
    assert "public_trucks = true" in city.policy_text
    city.policy_text = city.policy_text.replace("public_trucks = true", "public_trucks = false")
    city.save()
    assert not feed("vehicle-positions").entity
    (entity,) = feed("trip-updates").entity
    assert not entity.trip_update.HasField("vehicle")
    told = Client().get("/feeds/phnompenh.kh/ngsi-ld/entities?type=Vehicle")
    assert told.json() == []


def test_the_timetable_has_the_ids_that_the_realtime_feeds_use(evening):
    known = tables()
    (entity,) = feed("trip-updates").entity
    trip = entity.trip_update.trip
    assert trip.trip_id in {row["trip_id"] for row in known["trips"]}
    assert trip.route_id in {row["route_id"] for row in known["routes"]}
    assert (trip.trip_id, trip.start_date) in {(row["service_id"], row["date"]) for row in known["calendar_dates"]}
    timed = {(row["trip_id"], row["stop_sequence"], row["stop_id"]) for row in known["stop_times"]}
    for stop in entity.trip_update.stop_time_update:
        assert (trip.trip_id, str(stop.stop_sequence), stop.stop_id) in timed
    assert {row["stop_id"] for row in known["stops"]} == {"K1", "K2", "K3", "K4"}
    assert known["stop_times"][1]["arrival_time"] == "19:10:00"
    assert known["agency"][0]["agency_timezone"] == "Asia/Phnom_Penh"


def test_who_has_a_feed_already_is_told_so(evening):
    first = Client().get("/feeds/phnompenh.kh/trip-updates.pb")
    assert first.headers["Cache-Control"] == "public, max-age=10"
    assert first.headers["Access-Control-Allow-Origin"] == "*"
    again = Client().get("/feeds/phnompenh.kh/trip-updates.pb", headers={"if-none-match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_a_feed_costs_the_same_few_statements_however_many_runs_there_are(evening, django_assert_max_num_queries):
    for number in range(5):
        make_evening(evening.hall, day=evening.run.service_day, suffix=f"-{number}", token=f"token-{number}")
    now = timezone.now()
    Run.objects.update(starts_at=now - timedelta(minutes=5), ends_at=now + timedelta(hours=1))
    with django_assert_max_num_queries(13):
        assert len(feed("trip-updates").entity) == 6
    with django_assert_max_num_queries(1):
        feed("trip-updates")


@pytest.mark.parametrize(
    ("kind", "count"),
    [("Vehicle", 1), ("WasteContainer", 4), ("WasteRound", 1), ("WasteRoundRun", 1), ("WasteStopRun", 4)],
)
def test_every_type_of_ngsi_ld_has_its_entities_with_a_context(evening, kind, count):
    answer = Client().get(f"/feeds/phnompenh.kh/ngsi-ld/entities?type={kind}")
    assert answer.headers["Content-Type"] == "application/ld+json"
    found = answer.json()
    assert len(found) == count
    for entity in found:
        assert entity["id"].startswith(f"urn:ngsi-ld:{kind}:phnompenh.kh:")
        assert entity["type"] == kind
        meanings, core = entity["@context"]
        assert core.startswith("https://uri.etsi.org/ngsi-ld/")
        assert kind in meanings
        known = {"id", "type", "@context", "location", "name"}
        assert not {name for name in entity if name not in known and name not in meanings}
        for name, value in entity.items():
            if name not in ("id", "type", "@context"):
                assert value["type"] in ("Property", "GeoProperty", "Relationship")


def test_stops_in_ngsi_ld_say_what_became_of_them_and_refer_to_each_other(evening):
    ask = Client().get
    stops = ask("/feeds/phnompenh.kh/ngsi-ld/entities?type=WasteStopRun&options=keyValues").json()
    assert [stop["outcome"] for stop in stops] == ["collected", "missed", "expected", "unknown"]
    (run,) = ask("/feeds/phnompenh.kh/ngsi-ld/entities?type=WasteRoundRun&options=keyValues").json()
    assert {stop["refRoundRun"] for stop in stops} == {run["id"]}
    assert (run["servedCount"], run["missedCount"], run["unknownCount"]) == (1, 1, 1)
    (vehicle,) = ask("/feeds/phnompenh.kh/ngsi-ld/entities?type=Vehicle").json()
    assert vehicle["speed"]["value"] == 19.8
    assert vehicle["location"]["value"]["coordinates"] == [104.91, 11.5489]


def test_ngsi_ld_is_read_in_pages(evening):
    address = "/feeds/phnompenh.kh/ngsi-ld/entities?type=WasteStopRun"
    answer = Client().get(f"{address}&limit=3&offset=2")
    assert len(answer.json()) == 2
    assert answer.headers["NGSILD-Results-Count"] == "4"
    for wrong in ("&limit=0", "&limit=x", "&limit=99999", "&offset=-1"):
        assert Client().get(address + wrong).status_code == 400


@pytest.mark.parametrize("kind", ["", "Person", "vehicle", "Vehicle?"])
def test_an_unknown_type_is_refused_with_those_there_are(evening, kind):
    answer = Client().get("/feeds/phnompenh.kh/ngsi-ld/entities", {"type": kind})
    assert answer.status_code == 400
    assert "WasteStopRun" in answer.json()["detail"]


def test_a_stop_says_what_is_planned_expected_and_done(evening):
    told = Client().get("/stops/K3.json").json()
    assert told["stop"]["names"]["en"] == "Street 13 corner"
    (now,) = told["now"]
    assert (now["outcome"], now["actual"]) == ("expected", None)
    assert now["planned"].endswith("T19:20:00+07:00")
    assert now["expected"]["likely"].endswith("T19:25:00+07:00")
    done = Client().get("/stops/K1.json").json()["now"][0]
    assert (done["outcome"], done["expected"]) == ("collected", None)
    assert done["actual"].endswith("T19:01:30+07:00")


def test_a_stop_tells_its_next_days_for_calendars(evening):
    tomorrow = evening.run.service_day + timedelta(days=1)
    run = evening.run
    Run.objects.create(
        city=run.city, round=run.round, plan=run.plan, contractor=run.contractor, service_day=tomorrow,
        starts_at=run.starts_at + timedelta(days=1), ends_at=run.ends_at + timedelta(days=1), stops=4,
    )  # fmt: skip
    coming = Client().get("/stops/K1.json").json()["next"]
    assert {"date": tomorrow.isoformat(), "type": "refuse"}.items() <= coming[-1].items()


@pytest.mark.parametrize("address", ["/feeds/nowhere/trip-updates.pb", "/stops/none.json", "/feeds/x/gtfs.zip"])
def test_what_there_is_not_is_not_found(evening, address):
    answer = Client().get(address)
    assert answer.status_code == 404
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_nothing_given_away_says_who_or_where_before(evening):
    bodies = [
        Client().get(address).content
        for address in (
            "/feeds/phnompenh.kh/trip-updates.pb",
            "/feeds/phnompenh.kh/vehicle-positions.pb",
            "/feeds/phnompenh.kh/ngsi-ld/entities?type=Vehicle",
            "/feeds/phnompenh.kh/ngsi-ld/entities?type=WasteStopRun",
            "/stops/K1.json",
        )
    ]
    for secret in (b"phone-1", b"Phone 1", b"North 1", b"evidence", b"p_served", b"log_odds"):
        assert not any(secret in body for body in bodies)

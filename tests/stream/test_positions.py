"""Positions by a real broker and by feeds: durable before they are acknowledged, from whom they say."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator

import aiomqtt
import pytest
from django.db import connections
from google.transit import gtfs_realtime_pb2

from saat.actions import devices
from saat.actions.log import COMMAND
from saat.links.gtfs_realtime import FeedRefused, fetch, read_feed
from saat.links.mqtt import Broker, MqttRefused, broker_of, read_message
from saat.records.models import City, Device
from saat.records.position_log import LogMark, PositionLog
from saat.stream.positions import Intake, MqttListener, poll_feeds
from saat.terms.position import FixRefused, Flag, Position
from tests.city import AT_MARKET, MONDAY_MORNING, POLICY, make_city
from tests.conftest import ROOT
from tests.hall import make_hall

sys.path.insert(0, str(ROOT / "scripts"))
from mosquitto import NoBroker, mosquitto

NOW_S = MONDAY_MORNING.timestamp()
ROW = {"time": NOW_S, "lat": AT_MARKET.lat, "lon": AT_MARKET.lon, "speed_kmh": 18}
FEED = "https://city.example/vehicles.pb"


@pytest.fixture(scope="module")
def broker() -> Iterator[str]:
    try:
        running = mosquitto()
        with running as url:
            yield url
    except NoBroker as missing:
        pytest.skip(str(missing))


@pytest.fixture
def log(tmp_path) -> Iterator[PositionLog]:
    log = PositionLog(tmp_path)
    yield log
    log.close()


@pytest.fixture
def intake(log) -> Iterator[Intake]:
    intake = Intake(clock=lambda: NOW_S, positions=log)
    yield intake
    intake.stop()
    connections.close_all()


def kept(log: PositionLog) -> list[Position]:
    return log.read_on(LogMark(), 10_000)[0]


def wait_for(what: Callable[[], bool], within_s: float = 20) -> None:
    until = time.monotonic() + within_s
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.02)


def publish(url: str, *messages: tuple[str, object]) -> None:
    async def all_of_them() -> None:
        broker = broker_of(url)
        async with aiomqtt.Client(broker.host, broker.port) as client:
            for topic, message in messages:
                payload = message if isinstance(message, bytes) else json.dumps(message)
                await client.publish(topic, payload, qos=1)

    asyncio.run(all_of_them())


def listening(url: str, intake: Intake, *, trusted: bool = False) -> MqttListener:
    listener = MqttListener(broker_of(url + ("?trusted=1" if trusted else "")), intake)
    listener.start()
    return listener


# ------------------------------------------------------------------------------------------------------------- MQTT


@pytest.mark.django_db(transaction=True)
def test_what_a_broker_brings_is_kept_and_proved_by_its_token(broker, intake, log):
    hall = make_hall()
    truck = devices.add_device(city_id=hall.city.pk, uid="T-1", now=MONDAY_MORNING, by=COMMAND)
    phone = devices.add_device(city_id=hall.city.pk, uid="sokha/phone", now=MONDAY_MORNING, by=COMMAND)
    token = devices.make_token(device_id=truck.pk, now=MONDAY_MORNING, by=COMMAND)
    location = {"_type": "location", "tst": int(NOW_S), "lat": AT_MARKET.lat, "lon": AT_MARKET.lon, "vel": 36}
    listener = listening(broker, intake)
    try:
        # Until somebody listens, a broker knows of nobody to keep a message for.
        wait_for(lambda: publish(broker, ("saat/T-1", ROW | {"token": token})) or bool(kept(log)))
        publish(
            broker,
            ("saat/T-1", ROW | {"time": NOW_S + 1, "token": "forged"}),
            ("saat/T-1", b"{half a mess"),
            ("saat/T-1", ROW | {"lat": 0, "lon": 0, "token": token}),
            ("owntracks/sokha/phone", {"_type": "lwt", "tst": 1}),
            ("owntracks/sokha/phone", location),
        )
        wait_for(lambda: len(kept(log)) == 2)
    finally:
        listener.stop()
    assert [(position.device_id, position.flags) for position in kept(log)] == [
        (truck.pk, 0), (phone.pk, Flag.UNPROVED),
    ]  # fmt: skip
    intake.stop()
    truck.refresh_from_db()
    assert truck.refused == 3


@pytest.mark.django_db(transaction=True)
def test_a_trusted_broker_proves_by_the_topic(broker, intake, log):
    hall = make_hall()
    devices.add_device(city_id=hall.city.pk, uid="T-1", now=MONDAY_MORNING, by=COMMAND)
    listener = listening(broker, intake, trusted=True)
    try:
        wait_for(lambda: publish(broker, ("saat/T-1", ROW | {"id": "somebody else"})) or bool(kept(log)))
    finally:
        listener.stop()
    assert [position.flags for position in kept(log)] == [0]
    assert not Device.objects.filter(uid="somebody else").exists()


@pytest.mark.django_db(transaction=True)
def test_what_came_while_we_were_away_or_could_not_write_comes_again(broker, intake, log, monkeypatch):
    hall = make_hall()
    devices.add_device(city_id=hall.city.pk, uid="T-1", needs_token=False, now=MONDAY_MORNING, by=COMMAND)
    append = PositionLog.append
    tried = []

    def full(_log: PositionLog, some: list[Position]) -> int:
        tried.append(len(some))
        raise sqlite3.OperationalError("database or disk is full")

    listener = listening(broker, intake)
    wait_for(lambda: publish(broker, ("saat/T-1", ROW)) or bool(kept(log)))
    monkeypatch.setattr(PositionLog, "append", full)
    publish(broker, ("saat/T-1", ROW | {"time": NOW_S + 1}))
    wait_for(lambda: bool(tried))
    listener.stop()
    publish(broker, ("saat/T-1", ROW | {"time": NOW_S + 2}))
    monkeypatch.setattr(PositionLog, "append", append)
    listener = listening(broker, intake)
    try:
        wait_for(lambda: len(kept(log)) == 3)
    finally:
        listener.stop()


@pytest.mark.parametrize("url", ["http://broker", "mqtt://", "broker.example:1883", "mqtt://broker:port"])
def test_what_is_no_broker_is_refused(url):
    if url == "mqtt://broker:port":
        assert broker_of(url) == Broker(host="broker", port=1883)
        return
    with pytest.raises(MqttRefused, match="MQTT_URL must be like"):
        broker_of(url)


@pytest.mark.parametrize("payload", [b"", b"[]", b"{", b'{"lat": 1}', b"x" * 300_000])
def test_a_message_that_is_no_position_is_refused(payload):
    with pytest.raises(FixRefused):
        read_message("saat/T-1", payload)


# --------------------------------------------------------------------------------------------------- GTFS-Realtime


def feed(*vehicles: dict, at: float = NOW_S) -> bytes:
    message = gtfs_realtime_pb2.FeedMessage()
    message.header.gtfs_realtime_version = "2.0"
    message.header.timestamp = int(at)
    for number, fields in enumerate(vehicles):
        entity = message.entity.add()
        entity.id = str(number)
        entity.vehicle.vehicle.id = fields.pop("id", f"V{number}")
        if "timestamp" in fields:
            entity.vehicle.timestamp = int(fields.pop("timestamp"))
        if fields:
            for name, value in fields.items():
                setattr(entity.vehicle.position, name, value)
    return bytes(message.SerializeToString())


def test_a_feed_is_read_with_metres_a_second_and_its_own_moment_where_a_vehicle_has_none():
    body = feed(
        {"latitude": 11.5480, "longitude": 104.9100, "speed": 5.5, "bearing": 91.0, "timestamp": NOW_S - 7},
        {"latitude": 11.5481, "longitude": 104.9101},
        {"latitude": 0.0, "longitude": 0.0},
        {"id": ""},
        {"id": "no-place"},
    )
    fixes, refused = read_feed(body, prefix="phnompenh.kh")
    assert [fix.uid for fix in fixes] == ["phnompenh.kh/V0", "phnompenh.kh/V1"]
    assert fixes[0][1:6] == (NOW_S - 7, 11.548, 104.91, 5.5, 91.0)
    assert (fixes[1].fixed_s, fixes[1].speed_mps) == (NOW_S, None)
    assert len(refused) == 3


def test_what_is_no_feed_is_refused():
    with pytest.raises(FeedRefused, match="no GTFS-Realtime"):
        read_feed(b"<html>not found</html>", prefix="x")
    with pytest.raises(FeedRefused, match="could not be had"):
        fetch("http://127.0.0.1:1/feed.pb")


@pytest.mark.django_db(transaction=True)
def test_feeds_are_polled_as_the_policy_says_and_stale_fixes_kept_once(intake, log):
    text = POLICY.read_text(encoding="utf-8")
    assert "[rounds]" in text
    city = make_city(policy_text=text.replace("[rounds]", f'[rounds]\nposition_feeds = ["{FEED}", "{FEED}?2"]')).city
    body = feed({"latitude": 11.548, "longitude": 104.91, "timestamp": NOW_S - 60})

    def answer(url: str) -> bytes:
        if url != FEED:
            raise FeedRefused("The feed answered 500.")
        return body

    assert poll_feeds(intake, fetch=answer) == 1
    assert poll_feeds(intake, fetch=answer) == 0
    device = Device.objects.get(uid=f"{city.jurisdiction_id}/V0")
    assert (device.state, device.protocol) == ("quarantined", "gtfs-rt")
    assert [(position.device_id, position.flags) for position in kept(log)] == [(device.pk, 0)]
    City.objects.update(policy_text=POLICY.read_text(encoding="utf-8"))
    assert poll_feeds(intake, fetch=answer) == 0

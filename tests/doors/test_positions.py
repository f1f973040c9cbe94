"""Positions over HTTP: durable before they are acknowledged, proved or flagged, refused with a reason."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from django.db import connections

from saat.actions import devices, intake
from saat.actions.access import make_key, revoke_key
from saat.actions.log import COMMAND
from saat.records.device_book import Box
from saat.records.models import Device, Vehicle
from saat.records.position_log import LogMark, PositionLog, position_log
from saat.terms.position import Flag, Position
from saat.web.positions import batches, writer
from saat.web.positions.door import PositionsDoor
from tests.city import AT_MARKET, MONDAY_MORNING
from tests.hall import make_hall
from tests.links.test_positions_in import FORWARDED, LOCATION, TRACCAR_CLIENT_9

pytestmark = pytest.mark.django_db(transaction=True)

NOW_S = MONDAY_MORNING.timestamp()
PLACE = f"lat={AT_MARKET.lat}&lon={AT_MARKET.lon}"


@dataclass
class Lane:
    """The doors by themselves, with a clock that is set by hand."""

    now_s: float = NOW_S
    stopped: bool = False
    door: PositionsDoor = field(init=False)

    def __post_init__(self) -> None:
        self.door = PositionsDoor(clock=lambda: self.now_s)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        await self.door.answer(self.door.doors[scope["path"]], scope, receive, send)

    def all(self, *calls: Callable[[httpx.AsyncClient], Any]) -> list[httpx.Response]:
        """Make calls at once and return their answers."""

        async def at_once() -> list[httpx.Response]:
            transport = httpx.ASGITransport(self)
            async with httpx.AsyncClient(transport=transport, base_url="http://testserver", timeout=60) as client:
                return list(await asyncio.gather(*(call(client) for call in calls)))

        return asyncio.run(at_once())

    def get(self, query: str, **more: Any) -> httpx.Response:
        return self.all(lambda client: client.get(f"/positions/osmand?{query}", **more))[0]

    def post(self, door: str, body: Any, **more: Any) -> httpx.Response:
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.all(lambda client: client.post(f"/positions/{door}", content=content, **more))[0]

    def refresh(self) -> None:
        self.door.register.refresh().result()

    def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            self.door.stop()

    @property
    def kept(self) -> list[Position]:
        """What is on disk."""
        log = position_log()
        try:
            return log.read_on(LogMark(), 1_000_000)[0]
        finally:
            log.close()


@pytest.fixture
def lane(tmp_path, settings) -> Iterator[Lane]:
    settings.VAR = tmp_path
    lane = Lane()
    yield lane
    lane.stop()
    connections.close_all()


@pytest.fixture
def hall():
    return make_hall()


def device(hall, uid: str = "T-1", **more: Any) -> Device:
    return devices.add_device(city_id=hall.city.pk, uid=uid, now=MONDAY_MORNING, by=COMMAND, **more)


def token_of(device: Device) -> str:
    return devices.make_token(device_id=device.pk, now=MONDAY_MORNING, by=COMMAND)


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


# ------------------------------------------------------------------------------------------------ the four doors


def test_a_position_of_traccar_client_is_on_disk_when_it_is_acknowledged(lane, hall):
    row = device(hall)
    token = token_of(row)
    answer = lane.get(f"id=T-1&{PLACE}&speed=10&timestamp={NOW_S:.0f}&token={token}")
    assert (answer.status_code, answer.content) == (200, b"")
    (position,) = lane.kept
    assert position.device_id == row.pk
    assert (position.fixed_s, position.received_s, position.flags) == (NOW_S, NOW_S, 0)
    assert position.speed_mps == pytest.approx(5.144, abs=1e-3)


def test_the_query_may_come_by_post_as_a_form_or_as_json(lane, hall):
    device(hall, needs_token=False)
    device(hall, "52307190", needs_token=False)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    assert lane.post(f"osmand?id=T-1&{PLACE}", b"").status_code == 200
    lane.now_s += 1
    assert lane.post("osmand", f"id=T-1&{PLACE}".encode(), headers=form).status_code == 200
    lane.now_s = NOW_S + 36_000
    assert lane.post("osmand", TRACCAR_CLIENT_9, headers={"Content-Type": "application/json"}).status_code == 200
    assert len(lane.kept) == 3


def test_what_traccar_forwards_is_kept(lane, hall):
    row = device(hall, FORWARDED["device"]["uniqueId"], needs_token=False)
    lane.now_s = NOW_S + 36_100
    assert lane.post("traccar", FORWARDED).status_code == 200
    assert lane.post("traccar", [FORWARDED, FORWARDED]).status_code == 200
    assert [position.device_id for position in lane.kept] == [row.pk]
    assert lane.post("traccar", {"event": {"type": "deviceOnline"}, "device": {}}).status_code == 200


def test_owntracks_is_answered_with_an_empty_list(lane, hall):
    row = device(hall, "sokha/phone")
    token = token_of(row)
    lane.now_s = NOW_S + 36_100
    answer = lane.post("owntracks", LOCATION, headers=basic("sokha", token))
    assert (answer.status_code, answer.json()) == (200, [])
    assert [(position.device_id, position.flags) for position in lane.kept] == [(row.pk, 0)]
    for other in ({"_type": "lwt", "tst": 1}, {"_type": "transition"}):
        assert lane.post("owntracks", other, headers=basic("sokha", token)).json() == []
    assert lane.post("owntracks", b"").json() == []
    assert len(lane.kept) == 1


@pytest.mark.parametrize(("door", "allow"), [("osmand", "GET, POST"), ("traccar", "POST"), ("owntracks", "POST")])
def test_other_methods_are_told_which_are_possible(lane, door, allow):
    (answer,) = lane.all(lambda client: client.put(f"/positions/{door}", content=b"{}"))
    assert (answer.status_code, answer.headers["allow"]) == (405, allow)


# ----------------------------------------------------------------------------------------------------- whose it is


@pytest.mark.parametrize("how", ["query", "bearer", "basic", "as id", "with the row"])
def test_a_token_is_taken_in_every_way_in_which_devices_can_send_it(lane, hall, how):
    row = device(hall)
    token = token_of(row)
    if how == "query":
        lane.get(f"id=T-1&{PLACE}&token={token}")
    elif how == "bearer":
        lane.get(f"id=T-1&{PLACE}", headers={"Authorization": f"Bearer {token}"})
    elif how == "basic":
        lane.get(f"id=T-1&{PLACE}", headers=basic("anybody", token))
    elif how == "as id":
        lane.get(f"id={token}&{PLACE}")
    else:
        line = {"time": NOW_S, "lat": AT_MARKET.lat, "lon": AT_MARKET.lon, "id": "T-1", "token": token}
        lane.post("batch", line)
    assert [(position.device_id, position.flags) for position in lane.kept] == [(row.pk, 0)]


def test_a_forged_token_is_refused_and_nothing_is_stored(lane, hall):
    row, other = device(hall), device(hall, "T-2")
    token_of(row)
    others = token_of(other)
    assert lane.get(f"id=T-1&{PLACE}&token=forged").status_code == 403
    assert lane.get(f"id=T-1&{PLACE}&token={others}").status_code == 403
    assert lane.get(f"id=unheard-of&{PLACE}&token={others}").status_code == 403
    assert lane.post("batch", b"", headers={"Authorization": "Bearer forged"}).status_code == 401
    assert lane.kept == []
    assert not Device.objects.filter(uid="unheard-of").exists()


def test_without_its_token_a_position_is_kept_but_flagged(lane, hall):
    token_of(device(hall))
    device(hall, "T-2", needs_token=False)
    assert lane.get(f"id=T-1&{PLACE}").status_code == 200
    assert lane.get(f"id=T-2&{PLACE}").status_code == 200
    assert [position.flags for position in lane.kept] == [Flag.UNPROVED, 0]


def test_a_new_token_holds_from_the_next_look_at_the_tables(lane, hall):
    row = device(hall)
    old = token_of(row)
    assert lane.get(f"id=T-1&{PLACE}&token={old}").status_code == 200
    new = token_of(row)
    lane.refresh()
    assert lane.get(f"id=T-1&{PLACE}&token={old}").status_code == 403
    assert lane.get(f"id=T-1&{PLACE}&token={new}").status_code == 200


def test_a_retired_device_is_refused(lane, hall):
    row = device(hall)
    devices.retire_device(device_id=row.pk, now=MONDAY_MORNING, by=COMMAND)
    assert lane.get(f"id=T-1&{PLACE}").status_code == 403


def test_a_stranger_is_quarantined_and_what_it_sent_counts_once_it_is_claimed_and_bound(lane, hall):
    assert lane.get(f"id=new&{PLACE}").status_code == 200
    row = Device.objects.get(uid="new")
    assert (row.state, row.protocol) == ("quarantined", "osmand")
    (position,) = lane.kept
    lane.refresh()
    assert not lane.door.register.book.counts(position)
    truck = Vehicle.objects.create(city=hall.city, label="2A-1234")
    devices.claim_device(device_id=row.pk, city_id=hall.city.pk, now=MONDAY_MORNING, by=COMMAND)
    devices.bind_device(device_id=row.pk, vehicle_id=truck.pk, from_at=MONDAY_MORNING, now=MONDAY_MORNING, by=COMMAND)
    lane.refresh()
    assert lane.door.register.book.counts(position)
    assert lane.door.register.book.vehicle_at(row.pk, position.fixed_s) == truck.pk


def test_one_address_brings_only_a_few_strangers_and_others_are_not_held_up(lane, hall):
    device(hall, needs_token=False)
    answers = lane.all(
        *(lambda client, n=n: client.get(f"/positions/osmand?id=new-{n}&{PLACE}") for n in range(60)),
        lambda client: client.get(f"/positions/osmand?id=T-1&{PLACE}"),
    )
    assert answers.pop().status_code == 200
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == 40
    assert all(int(answer.headers["retry-after"]) > 0 for answer in refused)
    assert Device.objects.filter(state="quarantined").count() == len(lane.kept) - 1 == 20


def test_when_too_many_strangers_wait_the_next_is_told_so(lane, hall, monkeypatch):
    monkeypatch.setattr(devices, "MOST_STRANGERS", 1)
    assert lane.get(f"id=new-1&{PLACE}").status_code == 200
    answer = lane.get(f"id=new-2&{PLACE}")
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "600")
    assert "ask the city" in answer.text


def test_a_gateway_proves_the_devices_of_its_city_with_a_trusted_key(lane, hall):
    row = device(hall, FORWARDED["device"]["uniqueId"])
    trusted = make_key(city=hall.city, name="Traccar", now=MONDAY_MORNING, by=COMMAND, trusted=True)
    plain = make_key(city=hall.city, name="Partner", now=MONDAY_MORNING, by=COMMAND)
    lane.now_s = NOW_S + 36_100

    def forward(key: str, second: int) -> int:
        position = FORWARDED["position"] | {"fixTime": f"2026-03-02T13:00:0{second}.000+00:00"}
        headers = {"Authorization": f"Bearer {key}"}
        return lane.post("traccar", FORWARDED | {"position": position}, headers=headers).status_code

    assert [forward(trusted.secret, 1), forward(plain.secret, 2)] == [200, 200]
    assert [position.flags for position in lane.kept] == [0, Flag.UNPROVED]
    token_of(row)
    lane.refresh()
    assert [forward(trusted.secret, 3), forward(plain.secret, 4)] == [200, 403]
    revoke_key(key_id=trusted.key.pk, now=MONDAY_MORNING, by=COMMAND)
    lane.now_s += 10
    assert forward(trusted.secret, 5) == 403


# ------------------------------------------------------------------------------------------------- what cannot be


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("lat=0&lon=0", "0, 0 is no place"),
        ("lat=nan&lon=104.9", "not on the globe"),
        (f"lat={AT_MARKET.lon}&lon={AT_MARKET.lat}", "swapped"),
        (f"{PLACE}&timestamp=0", "1970-01-01 00:00 UTC is too long ago"),
        (f"{PLACE}&timestamp=4070908800", "2099-01-01 00:00 UTC is in the future"),
        (f"{PLACE}&timestamp=soon", "no moment"),
    ],
)
def test_what_cannot_be_is_refused_and_noted_at_the_device(lane, hall, query, why):
    row = device(hall, needs_token=False)
    lane.get(f"id=T-1&{PLACE}")
    answer = lane.get(f"id=T-1&{query}")
    assert answer.status_code == 400
    assert why in answer.text
    assert len(lane.kept) == 1
    lane.stop()
    row.refresh_from_db()
    assert row.refused == 1
    assert why in row.refused_why
    assert row.seen_at == MONDAY_MORNING


def test_a_place_that_only_the_city_s_neighbourhood_shows_to_be_swapped_is_refused(lane, hall):
    device(hall, needs_token=False)
    # Where both are possible latitudes, only what lies around the city tells.
    book = lane.door.register.book
    lane.refresh()
    book._around[hall.city.pk] = Box(-7.5, 60.0, -5.5, 62.0)
    assert lane.get("id=T-1&lat=-6.2&lon=61.1").status_code == 200
    answer = lane.get("id=T-1&lat=61.1&lon=-6.2")
    assert answer.status_code == 400
    assert "far from the city" in answer.text


def test_a_device_that_says_only_that_it_lives_is_seen(lane, hall):
    row = device(hall, needs_token=False)
    lane.refresh()
    assert lane.get("id=T-1&timestamp=1").status_code == 200
    lane.stop()
    row.refresh_from_db()
    assert row.seen_at == MONDAY_MORNING
    assert lane.kept == []


def test_a_replayed_position_is_acknowledged_and_kept_once(lane, hall):
    device(hall, needs_token=False)
    for _ in range(3):
        assert lane.get(f"id=T-1&{PLACE}&timestamp={NOW_S:.0f}").status_code == 200
    assert len(lane.kept) == 1


def test_a_device_that_sends_a_hundred_a_second_is_slowed_and_the_others_are_not(lane, hall):
    device(hall, needs_token=False)
    device(hall, "T-2", needs_token=False)
    lane.refresh()

    def burst() -> list[httpx.Response]:
        at = [lambda c, n=n: c.get(f"/positions/osmand?id=T-1&{PLACE}&timestamp={NOW_S + n / 100}") for n in range(700)]
        return lane.all(*at, lambda c: c.get(f"/positions/osmand?id=T-2&{PLACE}"))

    answers = burst()
    assert answers.pop().status_code == 200
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(200) == 600
    assert statuses.count(429) == 100
    lane.now_s += 1
    assert [answer.status_code for answer in burst()[:-1]].count(200) == 10


# ------------------------------------------------------------------------------------------------ under load, and bad


def test_many_at_once_share_commits_and_each_is_on_disk(lane, hall, monkeypatch):
    for number in range(50):
        device(hall, f"T-{number}", needs_token=False)
    lane.refresh()
    commits = []
    append = PositionLog.append
    monkeypatch.setattr(PositionLog, "append", lambda log, some: commits.append(len(some)) or append(log, some))
    answers = lane.all(
        *(
            lambda client, n=n: client.get(f"/positions/osmand?id=T-{n % 50}&{PLACE}&timestamp={NOW_S - n}")
            for n in range(500)
        )
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len(lane.kept) == sum(commits) == 500
    assert len(commits) < 100


def test_after_a_start_all_devices_may_come_at_once(lane, hall, monkeypatch):
    monkeypatch.setattr(intake, "_MOST_ADMITTING", 5)
    for number in range(40):
        device(hall, f"T-{number}", needs_token=False)
    answers = lane.all(*(lambda c, n=n: c.get(f"/positions/osmand?id=T-{n}&{PLACE}") for n in range(40)))
    assert {answer.status_code for answer in answers} == {200}
    assert len(lane.kept) == 40


def test_more_than_can_wait_is_told_to_come_again(lane, hall, monkeypatch):
    device(hall, needs_token=False)
    lane.refresh()
    monkeypatch.setattr(writer, "MOST_WAITING", 5)
    answers = lane.all(
        *(lambda c, n=n: c.get(f"/positions/osmand?id=T-1&{PLACE}&timestamp={NOW_S - n}") for n in range(50))
    )
    busy = [answer for answer in answers if answer.status_code == 503]
    assert busy
    assert all(answer.headers["retry-after"] for answer in busy)
    assert len(lane.kept) == 50 - len(busy)


def test_when_the_disk_refuses_nothing_is_acknowledged_and_the_lane_goes_on(lane, hall, monkeypatch):
    device(hall, needs_token=False)
    lane.refresh()
    append = PositionLog.append

    def full(_log: PositionLog, _some: Any) -> int:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(PositionLog, "append", full)
    answer = lane.get(f"id=T-1&{PLACE}")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "30")
    line = {"id": "T-1", "time": NOW_S, "lat": 11.5, "lon": 104.9}
    assert lane.post("batch", line).status_code == 503
    monkeypatch.setattr(PositionLog, "append", append)
    assert lane.get(f"id=T-1&{PLACE}").status_code == 200
    assert len(lane.kept) == 1


def test_a_body_that_is_too_large_is_refused(lane):
    assert lane.post("osmand", b"x" * (256 * 1024 + 1)).status_code == 413
    assert lane.post("traccar", b"x" * (1024 * 1024 + 1)).status_code == 413


# ----------------------------------------------------------------------------------------------------------- batches


def rows(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"id": "T-1", "time": NOW_S - n, "lat": AT_MARKET.lat, "lon": AT_MARKET.lon} | more for n in range(count)]


def ndjson(some: list[dict[str, Any]]) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in some)


def test_a_batch_is_answered_with_what_became_of_its_rows(lane, hall):
    device(hall, needs_token=False)
    body = ndjson(rows(1500)) + b'{"id": "T-1", "ti' + b"\n" + ndjson([rows(1)[0] | {"lat": 0, "lon": 0}])
    answer = lane.post("batch", body)
    assert answer.status_code == 200
    told = answer.json()
    assert (told["accepted"], told["duplicate"]) == (1500, 0)
    assert [row["row"] for row in told["rejected"]] == [1501, 1502]
    assert "half of it missing" in told["rejected"][0]["why"]
    assert "0, 0 is no place" in told["rejected"][1]["why"]
    assert lane.post("batch", body).json()["duplicate"] == 1500
    assert len(lane.kept) == 1500


def test_a_batch_may_be_packed_and_a_table(lane, hall):
    device(hall, needs_token=False)
    table = "id,time,lat,lon,speed_kmh\n" + "".join(f"T-1,{NOW_S - n},11.55,104.91,36\n" for n in range(100))
    answer = lane.post("batch", gzip.compress(table.encode()), headers={"Content-Encoding": "gzip"})
    assert answer.json() == {"accepted": 100, "duplicate": 0, "rejected": []}
    assert {position.speed_mps for position in lane.kept} == {10.0}


def test_the_crew_page_s_lines_belong_to_the_device_of_its_token(lane, hall):
    row = device(hall)
    token = token_of(row)
    some = [{key: value for key, value in line.items() if key != "id"} for line in rows(3)]
    assert lane.post("batch", ndjson(some), headers={"Authorization": f"Bearer {token}"}).json()["accepted"] == 3
    assert {(position.device_id, position.flags) for position in lane.kept} == {(row.pk, 0)}


def test_a_speed_s_unit_may_be_said_for_the_whole_batch(lane, hall):
    device(hall, needs_token=False)
    assert "no unit" in lane.post("batch", ndjson(rows(1, speed=36))).json()["rejected"][0]["why"]
    assert lane.post("batch?speed_unit=kmh", ndjson(rows(1, speed=36))).json()["accepted"] == 1
    assert lane.kept[0].speed_mps == pytest.approx(10)


@pytest.mark.parametrize(
    ("body", "status", "why"),
    [
        (gzip.compress(b"0" * 65 * 1024 * 1024), 413, "when it is unpacked"),
        (gzip.compress(b"{}")[:-9], 400, "damaged"),
        (b"\x1f\x8bnonsense", 400, "damaged"),
        (b"\n" * 200_001, 413, "at most 200000 rows"),
        (b"x" * (16 * 1024 * 1024 + 1), 413, "too large"),
    ],
    ids=["bomb", "cut off", "not gzip", "too many rows", "too large"],
)
def test_a_batch_that_is_damaged_or_a_bomb_is_refused(lane, hall, body, status, why):
    answer = lane.post("batch", body)
    assert answer.status_code == status
    assert why in answer.json()["error"]


def test_a_batch_of_nonsense_names_some_rows_and_counts_all(lane, hall, monkeypatch):
    monkeypatch.setattr(batches, "_MOST_TOLD", 3)
    told = lane.post("batch", b"{\n" * 10).json()
    assert (told["accepted"], len(told["rejected"]), told["rejected_count"]) == (0, 3, 10)


def test_strangers_in_a_batch_are_held_to_their_number(lane, hall):
    lane.door.register._addresses = intake.Allowance(2.0, 0.001)
    told = lane.post("batch", ndjson([rows(1)[0] | {"id": f"new-{n}"} for n in range(5)])).json()
    assert told["accepted"] == 2
    assert all("from this address" in row["why"] for row in told["rejected"])

"""Devices: strangers are kept apart, claiming and binding count for the past, tokens are shown once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saat.actions import devices
from saat.actions.fleet import FleetRefused
from saat.actions.log import COMMAND, NotAllowed, NotFound
from saat.records.device_book import DeviceBook
from saat.records.models import Device, DeviceBinding, Event, Vehicle
from saat.terms.position import Position
from tests.city import AT_MARKET, MONDAY_MORNING, make_city
from tests.hall import later, make_hall

pytestmark = pytest.mark.django_db


@pytest.fixture
def hall():
    return make_hall()


@pytest.fixture
def truck(hall):
    return Vehicle.objects.create(city=hall.city, label="2A-1234", contractor=hall.contractors["north"])


def stranger(uid: str = "T-1") -> Device:
    return devices.quarantine_device(uid=uid, protocol="osmand", now=MONDAY_MORNING)


def claimed(hall, uid: str = "T-1", **more) -> Device:
    return devices.add_device(
        city_id=hall.city.pk,
        uid=uid,
        now=MONDAY_MORNING,
        by=COMMAND,
        contractor_id=hall.contractors["north"].pk,
        **more,
    )


def counts(device: Device) -> bool:
    book = DeviceBook()
    book.refresh()
    at_s = MONDAY_MORNING.timestamp()
    return book.counts(Position(device.pk, at_s, at_s, AT_MARKET.lat, AT_MARKET.lon))


def spans(device: Device) -> list[tuple[str, float, float | None]]:
    return [
        (
            binding.vehicle.label,
            (binding.from_at - MONDAY_MORNING).total_seconds() / 3600,
            binding.until_at and (binding.until_at - MONDAY_MORNING).total_seconds() / 3600,
        )
        for binding in device.bindings.select_related("vehicle").order_by("from_at")
    ]


def test_a_stranger_is_written_down_once(hall):
    assert stranger().pk == stranger().pk
    device = Device.objects.get()
    assert (device.state, device.city_id, device.protocol) == ("quarantined", None, "osmand")
    assert not Event.objects.filter(kind__startswith="device").exists()


def test_there_is_an_end_to_strangers(monkeypatch):
    monkeypatch.setattr(devices, "MOST_STRANGERS", 2)
    stranger("T-1"), stranger("T-2")
    with pytest.raises(devices.TooManyStrangers, match="ask the city"):
        stranger("T-3")
    assert stranger("T-1").uid == "T-1"


def test_strangers_that_fell_silent_are_forgotten_after_a_month(hall):
    stranger("old")
    kept = claimed(hall, "kept")
    assert devices.forget_strangers(now=later(days=29)) == 0
    assert devices.forget_strangers(now=later(days=31)) == 1
    assert list(Device.objects.all()) == [kept]


def test_what_a_stranger_sent_counts_once_it_is_claimed(hall):
    device = stranger()
    assert not counts(device)
    devices.claim_device(device_id=device.pk, city_id=hall.city.pk, now=later(hours=1), by=hall.by("duty"), label="Cab")
    assert counts(device)
    event = Event.objects.get(kind="device_claimed")
    assert event.subject == f"device:{device.pk}"
    assert "T-1" not in event.facts_json


def test_a_device_that_waits_under_the_name_is_claimed_by_registering_it(hall):
    device = stranger()
    assert claimed(hall, "T-1").pk == device.pk
    with pytest.raises(FleetRefused, match="already"):
        claimed(hall, "T-1")


@pytest.mark.parametrize("name", ["kandal", "north crew", "auditor", "director"])
def test_who_does_not_look_after_the_fleet_cannot_claim(hall, name):
    with pytest.raises(NotAllowed):
        devices.claim_device(device_id=stranger().pk, city_id=hall.city.pk, now=MONDAY_MORNING, by=hall.by(name))


def test_a_contractor_looks_after_its_own_devices_only(hall, truck):
    north, south = hall.contractors["north"].pk, hall.contractors["south"].pk
    device, by = stranger(), hall.by("north")
    with pytest.raises(NotAllowed):
        devices.claim_device(device_id=device.pk, city_id=hall.city.pk, contractor_id=south, now=MONDAY_MORNING, by=by)
    devices.claim_device(device_id=device.pk, city_id=hall.city.pk, contractor_id=north, now=MONDAY_MORNING, by=by)
    devices.bind_device(device_id=device.pk, vehicle_id=truck.pk, from_at=MONDAY_MORNING, now=MONDAY_MORNING, by=by)
    with pytest.raises(NotAllowed):
        devices.make_token(device_id=device.pk, now=MONDAY_MORNING, by=hall.by("south"))
    with pytest.raises(NotFound):
        devices.claim_device(
            device_id=device.pk, city_id=hall.city.pk, contractor_id=south, now=MONDAY_MORNING, by=hall.by("south")
        )


def test_another_city_s_device_is_not_there(hall, truck):
    other = make_city(jurisdiction_id="elsewhere.kh").city
    device = claimed(hall)
    with pytest.raises(NotFound):
        devices.claim_device(device_id=device.pk, city_id=other.pk, now=MONDAY_MORNING, by=COMMAND)
    foreign = Vehicle.objects.create(city=other, label="X")
    with pytest.raises(NotFound):
        devices.bind_device(
            device_id=device.pk, vehicle_id=foreign.pk, from_at=MONDAY_MORNING, now=MONDAY_MORNING, by=COMMAND
        )


def test_a_token_is_shown_once_and_only_its_digest_kept(hall):
    device = claimed(hall)
    token = devices.make_token(device_id=device.pk, now=MONDAY_MORNING, by=hall.by("admin"))
    device.refresh_from_db()
    assert token not in (device.token_hash, Event.objects.get(kind="device_token_made").facts_json)
    book = DeviceBook()
    book.refresh()
    assert book.by_token(token).id == device.pk
    second = devices.make_token(device_id=device.pk, now=MONDAY_MORNING, by=hall.by("admin"))
    assert book.refresh() == {device.pk}
    assert (book.by_token(token), book.by_token(second).id) == (None, device.pk)


def test_a_phone_moves_on_and_the_past_can_be_put_right(hall, truck):
    other = Vehicle.objects.create(city=hall.city, label="2B-5678", contractor=hall.contractors["north"])
    device = claimed(hall)

    def bind(vehicle, from_h, until_h=None):
        until_at = None if until_h is None else later(hours=until_h)
        devices.bind_device(
            device_id=device.pk, vehicle_id=vehicle.pk, from_at=later(hours=from_h), until_at=until_at,
            now=later(hours=9), by=COMMAND,
        )  # fmt: skip

    bind(truck, 0)
    bind(other, 4)
    assert spans(device) == [("2A-1234", 0, 4), ("2B-5678", 4, None)]
    bind(other, 1, 2)
    assert spans(device) == [("2A-1234", 0, 1), ("2B-5678", 1, 2), ("2A-1234", 2, 4), ("2B-5678", 4, None)]
    bind(truck, -1, 5)
    assert spans(device) == [("2A-1234", -1, 5), ("2B-5678", 5, None)]
    devices.unbind_device(device_id=device.pk, at=later(hours=3), now=later(hours=9), by=COMMAND)
    assert spans(device) == [("2A-1234", -1, 3)]
    bind(truck, -2)
    assert spans(device) == [("2A-1234", -2, None)]


@pytest.mark.parametrize(
    ("from_h", "until_h", "why"), [(2, 2, "end after it starts"), (2, 1, "end after it starts"), (10, None, "future")]
)
def test_a_span_that_cannot_be_is_refused(hall, truck, from_h, until_h, why):
    device = claimed(hall)
    with pytest.raises(FleetRefused, match=why):
        devices.bind_device(
            device_id=device.pk, vehicle_id=truck.pk, from_at=later(hours=from_h),
            until_at=None if until_h is None else later(hours=until_h), now=later(hours=9), by=COMMAND,
        )  # fmt: skip
    assert not DeviceBinding.objects.exists()


def test_a_retired_device_is_on_no_vehicle_and_has_no_token(hall, truck):
    device = claimed(hall)
    devices.bind_device(
        device_id=device.pk, vehicle_id=truck.pk, from_at=MONDAY_MORNING, now=MONDAY_MORNING, by=COMMAND
    )
    devices.make_token(device_id=device.pk, now=MONDAY_MORNING, by=COMMAND)
    devices.retire_device(device_id=device.pk, now=later(hours=5), by=COMMAND)
    devices.retire_device(device_id=device.pk, now=later(hours=6), by=COMMAND)
    device.refresh_from_db()
    assert (device.state, device.token_hash) == ("retired", "")
    assert spans(device) == [("2A-1234", 0, 5)]
    assert Event.objects.filter(kind="device_retired").count() == 1


def test_vouching_says_that_the_token_is_not_needed(hall):
    device = claimed(hall)
    for _ in range(2):
        devices.vouch_device(device_id=device.pk, now=MONDAY_MORNING, by=hall.by("duty"))
    device.refresh_from_db()
    assert not device.needs_token
    devices.vouch_device(device_id=device.pk, now=MONDAY_MORNING, by=hall.by("duty"), vouched=False)
    kinds = list(Event.objects.filter(kind__startswith="device_").order_by("pk").values_list("kind", flat=True))
    assert kinds == ["device_added", "device_vouched", "device_held_to_token"]


def test_what_devices_did_is_noted_together_and_without_events(hall, django_assert_max_num_queries):
    some = [claimed(hall, f"T-{number}") for number in range(20)]
    events = Event.objects.count()
    seen = {device.pk: (MONDAY_MORNING + timedelta(seconds=device.pk % 5)).timestamp() for device in some}
    with django_assert_max_num_queries(6):
        devices.note_traffic(seen=seen, refused={some[0].pk: (3, "0, 0 is no place")}, now=later(minutes=1))
    some[0].refresh_from_db()
    assert some[0].seen_at is not None
    assert (some[0].refused, some[0].refused_why, some[0].refused_at) == (3, "0, 0 is no place", later(minutes=1))
    assert Event.objects.count() == events

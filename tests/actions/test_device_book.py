"""The devices in memory are those in the tables, and changes are noticed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F

from saat.records.device_book import DeviceBook
from saat.records.models import Device, DeviceBinding, Vehicle
from saat.records.queries_access import digest_of
from saat.terms.position import Flag, Position
from tests.city import AT_MARKET, MONDAY_MORNING, make_city

pytestmark = pytest.mark.django_db

NOON_S = (MONDAY_MORNING + timedelta(hours=2)).timestamp()


@pytest.fixture
def city():
    return make_city().city


@pytest.fixture
def book():
    return DeviceBook()


def device(city, uid: str = "T-1", **more) -> Device:
    state = "claimed" if city else "quarantined"
    return Device.objects.create(city=city, uid=uid, **{"state": state} | more)


def bind(device: Device, label: str, *, from_h: float, until_h: float | None = None) -> Vehicle:
    vehicle, _ = Vehicle.objects.get_or_create(city=device.city, label=label)
    DeviceBinding.objects.create(
        city=device.city, device=device, vehicle=vehicle, from_at=MONDAY_MORNING + timedelta(hours=from_h),
        until_at=None if until_h is None else MONDAY_MORNING + timedelta(hours=until_h),
    )  # fmt: skip
    return vehicle


def test_a_device_is_found_by_what_it_calls_itself_and_by_its_token(city, book):
    row = device(city, token_hash=digest_of("secret"))
    assert book.refresh() == {row.pk}
    assert book.by_uid("T-1").id == book.by_token("secret").id == row.pk
    assert book.by_uid("T-2") is None
    assert book.by_token("") is book.by_token("other") is None
    known = book.by_uid("T-1")
    assert [known.accepts(token) for token in ("secret", "secret", "other", "")] == [True, True, False, False]


def test_a_device_without_a_token_accepts_none(city, book):
    device(city)
    book.refresh()
    assert not book.by_uid("T-1").accepts("")


def test_only_what_changed_is_read_again(city, book):
    first, second = device(city, "T-1", token_hash=digest_of("old")), device(city, "T-2")
    book.refresh()
    kept = book.by_uid("T-2")
    assert book.refresh() == set()
    Device.objects.filter(pk=first.pk).update(token_hash=digest_of("new"), changes=F("changes") + 1)
    assert book.refresh() == {first.pk}
    assert book.by_token("old") is None
    assert book.by_token("new").id == first.pk
    assert book.by_uid("T-2") is kept
    second.delete()
    assert book.refresh() == {kept.id}
    assert book.by_uid("T-2") is None


def test_a_phone_moves_between_trucks(city, book):
    row = device(city)
    early = bind(row, "A", from_h=0, until_h=2)
    late = bind(row, "B", from_h=2)
    book.refresh()
    assert [book.vehicle_at(row.pk, NOON_S + s) for s in (-7201, -7200, -1, 0, 1e6)] == [
        None, early.pk, early.pk, late.pk, late.pk,
    ]  # fmt: skip
    assert book.devices_of([early.pk]) == book.devices_of([late.pk, 999]) == [row.pk]
    assert book.devices_of([]) == []


def test_a_binding_that_was_made_without_a_word_is_noticed(city, book):
    row, other = device(city), device(city, "T-2")
    book.refresh()
    vehicle = bind(row, "A", from_h=0)
    assert book.refresh() == {row.pk}
    assert book.vehicle_at(row.pk, NOON_S) == vehicle.pk
    assert book.vehicle_at(other.pk, NOON_S) is None


@pytest.mark.parametrize(
    ("state", "needs_token", "flags", "counts"),
    [
        ("claimed", True, 0, True),
        ("claimed", True, Flag.UNPROVED, False),
        ("claimed", False, Flag.UNPROVED, True),
        ("retired", True, 0, True),  # what it sent while it was on a vehicle goes on counting
        ("quarantined", False, 0, False),
    ],
)
def test_a_position_counts_if_its_device_is_claimed_and_it_is_proved_or_vouched_for(
    city, book, state, needs_token, flags, counts
):
    row = device(city, state=state, needs_token=needs_token)
    book.refresh()
    position = Position(row.pk, NOON_S, NOON_S, AT_MARKET.lat, AT_MARKET.lon, flags=int(flags))
    assert book.counts(position) is counts


def test_a_stranger_s_positions_do_not_count(book):
    row = device(None)
    book.refresh()
    assert not book.counts(Position(row.pk, NOON_S, NOON_S, AT_MARKET.lat, AT_MARKET.lon))
    assert not book.counts(Position(999, NOON_S, NOON_S, AT_MARKET.lat, AT_MARKET.lon))


def test_what_lies_around_a_city_tells_latitude_from_longitude(city, book):
    book.refresh()
    around = book.around(city.pk)
    assert (AT_MARKET.lat, AT_MARKET.lon) in around
    assert (AT_MARKET.lon, AT_MARKET.lat) not in around
    assert book.around(None) is None
    ours, strange = device(city), device(None, "T-2")
    book.refresh()
    for known in (book.get(ours.pk), book.get(strange.pk)):
        assert not book.seems_swapped(known, AT_MARKET.lat, AT_MARKET.lon)
        assert book.seems_swapped(known, AT_MARKET.lon, AT_MARKET.lat)
        assert not book.seems_swapped(known, 48.85, 2.35)


def test_a_book_of_many_devices_takes_few_queries(city, book, django_assert_max_num_queries):
    Device.objects.bulk_create(Device(city=city, uid=f"T-{number}", state="claimed") for number in range(2000))
    with django_assert_max_num_queries(10):
        assert len(book.refresh()) == 2000
    with django_assert_max_num_queries(3):
        assert book.refresh() == set()

"""The clock of simulated trucks: faster than the wall clock, never ahead of it, and still while nobody serves."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saat.actions.truckclock import beat_truck_clock, set_truck_clock, wake_truck_clock
from saat.records.models import City
from saat.records.truck_clock import simulated_speed, truck_now
from tests.city import MONDAY_MORNING, make_city

pytestmark = pytest.mark.django_db
EVENING = MONDAY_MORNING - timedelta(hours=15)


@pytest.fixture
def city() -> City:
    city = make_city().city
    city.is_demo = True
    city.save(update_fields=["is_demo"])
    return city


def after(**span: float):
    return MONDAY_MORNING + timedelta(**span)


def test_it_runs_faster_until_it_has_caught_up_with_the_wall_clock(city):
    set_truck_clock(city_id=city.pk, shows_at=EVENING, speed=10.0, now=MONDAY_MORNING)
    assert truck_now(city.pk, MONDAY_MORNING) == EVENING
    assert truck_now(city.pk, after(minutes=6)) == EVENING + timedelta(hours=1)
    assert truck_now(city.pk, after(minutes=99)) < after(minutes=99)
    assert truck_now(city.pk, after(hours=3)) == after(hours=3)
    assert simulated_speed(city.pk) == 10.0


def test_it_never_shows_what_is_still_to_come(city):
    set_truck_clock(city_id=city.pk, shows_at=after(hours=5), speed=1.0, now=MONDAY_MORNING)
    assert truck_now(city.pk, MONDAY_MORNING) == MONDAY_MORNING


def test_it_stands_while_nobody_serves_and_goes_on_from_there(city):
    set_truck_clock(city_id=city.pk, shows_at=EVENING, speed=10.0, now=MONDAY_MORNING)
    beat_truck_clock(city_id=city.pk, now=after(minutes=3))
    wake_truck_clock(city_id=city.pk, now=after(hours=1))
    assert truck_now(city.pk, after(hours=1)) == EVENING + timedelta(minutes=30)
    assert truck_now(city.pk, after(hours=1, minutes=1)) == EVENING + timedelta(minutes=40)


def test_a_speed_of_nought_lets_it_stand(city):
    set_truck_clock(city_id=city.pk, shows_at=EVENING, speed=0.0, now=MONDAY_MORNING)
    assert truck_now(city.pk, after(days=3)) == EVENING


def test_real_trucks_live_by_the_wall_clock():
    city = make_city().city
    with pytest.raises(ValueError, match="no demo"):
        set_truck_clock(city_id=city.pk, shows_at=EVENING, speed=10.0, now=MONDAY_MORNING)
    assert wake_truck_clock(city_id=city.pk, now=MONDAY_MORNING) is None
    assert (truck_now(city.pk, MONDAY_MORNING), simulated_speed(city.pk)) == (MONDAY_MORNING, None)

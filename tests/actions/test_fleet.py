"""Vehicles and the places that they go to."""

from __future__ import annotations

import pytest

from saat.actions.fleet import FleetRefused, save_site, save_vehicle
from saat.actions.log import NotAllowed, NotFound
from saat.records.models import Event, Vehicle
from saat.terms.geo import Point
from saat.terms.plan import SiteKind, VehicleKind
from tests.city import make_city
from tests.hall import Hall, later, make_hall

DUMP = Point(lat=11.4893, lon=104.8762)


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def vehicle(hall, who="duty", **more):
    usual = {"city_id": hall.city.pk, "label": "PP 2-1234", "now": later(), "by": hall.by(who)}
    return save_vehicle(**{**usual, **more})


def test_a_vehicle_is_added_and_changed_and_the_log_knows_what_it_was_before(hall):
    made = vehicle(hall, kind=VehicleKind.TIPPER, capacity_kg=3000, width_m=2.1)
    vehicle(hall, vehicle_id=made.pk, kind=VehicleKind.TIPPER, capacity_kg=2500, width_m=2.1, enters_lanes=True)
    made.refresh_from_db()
    assert (made.capacity_kg, made.enters_lanes, made.active) == (2500, True, True)
    added, changed = Event.objects.filter(subject=f"vehicle:{made.pk}").order_by("pk")
    assert (added.kind, changed.kind) == ("vehicle_added", "vehicle_changed")
    assert changed.facts["before"] == {"capacity_kg": 3000, "enters_lanes": False}


def test_saving_a_vehicle_as_it_is_writes_nothing(hall):
    made = vehicle(hall)
    before = Event.objects.count()
    vehicle(hall, vehicle_id=made.pk)
    assert Event.objects.count() == before


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"label": " \n "}, "label"),
        ({"label": "pp 2-0001"}, "label"),
        ({"capacity_kg": 0.0}, "capacity_kg"),
        ({"capacity_kg": float("nan")}, "capacity_kg"),
        ({"width_m": 25.0}, "width_m"),
    ],
)
def test_a_vehicle_that_cannot_be_is_refused_with_the_field_at_fault(hall, wrong, field):
    vehicle(hall, label="PP 2-0001")
    with pytest.raises(FleetRefused) as refused:
        vehicle(hall, **wrong)
    assert refused.value.field == field


def test_a_dispatcher_looks_after_the_own_vehicles_only(hall):
    north, south = (hall.contractors[name].pk for name in ("north", "south"))
    own = vehicle(hall, who="north", contractor_id=north)
    for contractor_id in (south, None):
        with pytest.raises(NotAllowed):
            vehicle(hall, who="north", label="PP 9", contractor_id=contractor_id)
    with pytest.raises(NotFound):
        vehicle(hall, who="south", vehicle_id=own.pk, contractor_id=south)
    with pytest.raises(NotAllowed):
        vehicle(hall, who="north", vehicle_id=own.pk, contractor_id=south)  # and does not give it away
    assert Vehicle.objects.get().contractor_id == north


def test_a_contractor_of_another_city_gets_no_vehicle_here(hall):
    elsewhere = make_city(jurisdiction_id="other.kh")
    stranger = elsewhere.city.contractors.create(name="Far Clean")
    with pytest.raises(NotFound):
        vehicle(hall, who="admin", contractor_id=stranger.pk)


def test_a_site_is_added_and_moved_by_the_city_alone(hall):
    usual = {"city_id": hall.city.pk, "kind": SiteKind.DISPOSAL, "name": "Dangkor", "now": later()}
    site = save_site(**usual, at=DUMP, by=hall.by("duty"))
    save_site(**usual, at=DUMP, radius_m=400, site_id=site.pk, by=hall.by("admin"))
    site.refresh_from_db()
    assert site.radius_m == 400
    with pytest.raises(NotAllowed):
        save_site(**usual, at=DUMP, by=hall.by("north"))
    with pytest.raises(FleetRefused):
        save_site(**usual, at=DUMP, radius_m=0.0, by=hall.by("duty"))

"""The pages on which devices, vehicles and sites are looked after."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.utils import timezone

from saat.actions.crewnotes import add_photo, take_note
from saat.actions.devices import quarantine_device
from saat.records.models import Device, DeviceBinding, Site, Vehicle
from saat.records.position_log import position_log
from saat.records.queries_crew import device_of
from saat.terms.position import Flag, Position
from saat.terms.report import NewPhoto
from saat.terms.run import CrewReason
from tests.city import make_city
from tests.crews import make_evening
from tests.doors.desk import signed_in, text_of
from tests.hall import Hall, make_hall
from tests.pictures import picture_bytes

KEEPERS = ("duty", "north", "south", "admin")


@pytest.fixture
def hall(db, settings, tmp_path) -> Hall:
    settings.PHOTO_ROOT = tmp_path / "photos"
    settings.VAR = tmp_path
    return make_hall()


def stranger(*, uid="imei-86500", lat=11.5500, lon=104.9100, count=6, flags=0):
    """Let a device that nobody knows send a while from one place."""
    now = timezone.now()
    device = quarantine_device(uid=uid, protocol="osmand", now=now)
    log = position_log()
    log.append(
        [
            Position(
                device.pk, (now - timedelta(seconds=30 * back)).timestamp(), now.timestamp(), lat, lon, flags=flags
            )
            for back in range(count)
        ]
    )
    log.close()
    return device


def test_only_those_who_look_after_the_fleet_see_its_pages(hall):
    for name in hall.people:
        for address in ("", "vehicles/", "sites/"):
            status = signed_in(hall, name).get(f"/desk/devices/{address}").status_code
            assert status == (200 if name in KEEPERS else 403), (name, address)


def test_a_stranger_is_shown_with_where_and_how_often_it_sends(hall):
    stranger()
    page = text_of(signed_in(hall, "duty").get("/desk/devices/"))
    assert "imei-86500" in page
    assert "Phsar Kandal, Daun Penh (11.55000, 104.91000)" in page
    assert "6 positions in two days, about every 30 s" in page
    assert "imei-86500" not in text_of(signed_in(hall, "north").get("/desk/devices/"))


def test_another_citys_stranger_is_not_shown_here(hall):
    make_city(jurisdiction_id="far.kh")
    stranger(uid="far-away", lat=13.36, lon=103.86)
    stranger(uid="near-by")
    page = text_of(signed_in(hall, "duty").get("/desk/devices/"))
    assert "near-by" in page
    assert "far-away" not in page
    assert signed_in(hall, "duty").get(f"/desk/devices/{Device.objects.get(uid='far-away').pk}").status_code == 404


def test_a_stranger_is_claimed_put_on_a_vehicle_and_given_a_token(hall):
    device = stranger()
    truck = Vehicle.objects.create(city=hall.city, label="PP 7", contractor=hall.contractors["north"])
    duty, here = signed_in(hall, "duty"), f"/desk/devices/{device.pk}"
    north = hall.contractors["north"].pk
    assert duty.post(f"{here}/claim", {"contractor": north, "label": "Box of PP 7"}).status_code == 302
    assert "on no vehicle" in text_of(duty.get(here))
    since = (timezone.now() - timedelta(hours=2)).astimezone().strftime("%Y-%m-%dT%H:%M")
    assert duty.post(f"{here}/bind", {"vehicle": truck.pk, "from_at": since}).status_code == 302
    assert DeviceBinding.objects.get().vehicle == truck
    shown = duty.post(f"{here}/token")
    assert shown.headers["Cache-Control"] == "no-store"
    link = re.search(r"/crew/start#([\w-]{16,})", shown.content.decode())
    assert link
    assert device_of(link[1]) == device
    assert shown.content.decode().count("data:image/svg+xml") == 2
    assert link[1] not in duty.get(here).content.decode()
    assert "Box of PP 7" in text_of(signed_in(hall, "north").get("/desk/devices/?q=PP 7"))


def test_a_dispatcher_claims_by_the_identifier_and_only_for_the_own_company(hall):
    stranger()
    north = signed_in(hall, "north")
    south = hall.contractors["south"].pk
    assert north.post("/desk/devices/add", {"uid": "imei-86500", "contractor": south}).status_code == 422
    assert north.post("/desk/devices/add", {"uid": "imei-86500", "contractor": ""}).status_code == 422
    made = north.post("/desk/devices/add", {"uid": "imei-86500", "contractor": hall.contractors["north"].pk})
    assert made.status_code == 302
    assert Device.objects.get().contractor == hall.contractors["north"]
    assert signed_in(hall, "south").get(made.headers["Location"]).status_code == 404
    again = signed_in(hall, "south").post("/desk/devices/add", {"uid": "imei-86500", "contractor": south})
    assert again.status_code == 422


@pytest.mark.parametrize("act", ["bind", "unbind", "vouch", "retire", "token"])
def test_nobody_touches_another_companys_device(hall, act):
    evening = make_evening(hall)
    answer = signed_in(hall, "south").post(f"/desk/devices/{evening.device.pk}/{act}", {"vouched": "yes"})
    assert answer.status_code in (403, 404, 422)
    evening.device.refresh_from_db()
    assert (evening.device.state, evening.device.needs_token) == ("claimed", True)
    assert device_of("the-token-of-the-north-crews-phone") == evening.device


def test_a_device_that_does_not_prove_itself_is_vouched_for_or_not(hall):
    evening = make_evening(hall)
    here, duty = f"/desk/devices/{evening.device.pk}", signed_in(hall, "duty")
    now = timezone.now()
    Device.objects.update(seen_at=now)
    log = position_log()
    log.append([Position(evening.device.pk, now.timestamp(), now.timestamp(), 11.55, 104.91, flags=Flag.UNPROVED)])
    log.close()
    assert "does not count" in text_of(duty.get(here))
    duty.post(f"{here}/vouch", {"vouched": "yes"})
    assert not Device.objects.get().needs_token
    duty.post(f"{here}/vouch", {"vouched": "no"})
    assert Device.objects.get().needs_token
    duty.post(f"{here}/retire")
    assert Device.objects.get().state == "retired"


@pytest.mark.parametrize("moment", ["", "yesterday", "9999-12-31T23:59", "0001-01-01T00:00"])
def test_a_moment_that_cannot_be_is_refused_in_words(hall, moment):
    evening = make_evening(hall)
    form = {"vehicle": evening.vehicle.pk, "from_at": moment}
    answer = signed_in(hall, "duty").post(f"/desk/devices/{evening.device.pk}/bind", form)
    assert answer.status_code == 422


def test_a_vehicle_is_added_and_changed_in_a_form(hall):
    duty = signed_in(hall, "duty")
    form = {"label": "PP 9", "kind": "tipper", "capacity_kg": "3,5", "width_m": "2.1", "active": "on"}
    assert duty.post("/desk/devices/vehicles/add", form).status_code == 302
    made = Vehicle.objects.get()
    assert (made.kind, made.capacity_kg, made.enters_lanes) == ("tipper", 3.5, False)
    page = duty.get(f"/desk/devices/vehicles/{made.pk}")
    assert 'value="PP 9"' in page.content.decode()
    duty.post(f"/desk/devices/vehicles/{made.pk}", {**form, "enters_lanes": "on", "capacity_kg": "3500"})
    made.refresh_from_db()
    assert (made.capacity_kg, made.enters_lanes) == (3500, True)


@pytest.mark.parametrize("wrong", [{"label": ""}, {"kind": "rocket"}, {"width_m": "wide"}, {"capacity_kg": "inf"}])
def test_a_vehicle_that_cannot_be_is_shown_again_with_the_reason(hall, wrong):
    form = {"label": "PP 9", "kind": "tipper", "active": "on", **wrong}
    answer = signed_in(hall, "duty").post("/desk/devices/vehicles/add", form)
    assert answer.status_code == 422
    assert b'role="alert"' in answer.content
    assert not Vehicle.objects.exists()


def test_a_site_is_added_by_the_city_and_seen_by_dispatchers(hall):
    form = {"kind": "disposal", "name": "Dangkor", "at": "11.4893, 104.8762", "radius_m": "400"}
    assert signed_in(hall, "north").post("/desk/devices/sites/add", form).status_code == 404
    assert signed_in(hall, "duty").post("/desk/devices/sites/add", {**form, "at": "here"}).status_code == 422
    assert signed_in(hall, "duty").post("/desk/devices/sites/add", {**form, "at": "200, 1"}).status_code == 422
    assert signed_in(hall, "duty").post("/desk/devices/sites/add", form).status_code == 302
    site = Site.objects.get()
    assert (site.lat, site.lon, site.radius_m) == (11.4893, 104.8762, 400)
    assert "Dangkor" in text_of(signed_in(hall, "north").get("/desk/devices/sites/"))
    assert signed_in(hall, "duty").get(f"/desk/devices/sites/{site.pk}").status_code == 200


def test_a_crews_photo_is_seen_by_its_own_people_and_the_city(hall):
    evening = make_evening(hall)
    now = evening.at(minutes=5)
    note = take_note(
        device=evening.device, client_id="tap-00000001", reason=CrewReason.BLOCKED, said_at=now, sent_at=now, now=now,
        run_id=evening.run.pk, stop_id=evening.stops[0].pk,
    ).note  # fmt: skip
    address = f"/desk/crew-notes/{note.pk}/photo/thumb"
    assert signed_in(hall, "duty").get(address).status_code == 404  # there is none yet
    photo = NewPhoto(jpeg=picture_bytes(), width=800, height=600, grey=bytes(1024), digest="a" * 64)
    add_photo(device=evening.device, client_id="tap-00000001", photo=photo, now=now)
    for name, status in (("duty", 200), ("north", 200), ("south", 404), ("north crew", 404)):
        assert signed_in(hall, name).get(address).status_code == status, name

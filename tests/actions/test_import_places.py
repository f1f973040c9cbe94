"""Landmarks and streets come in from files."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from saat.actions.citymap import city_map
from saat.actions.log import COMMAND
from saat.actions.places import PlaceEntry, import_places
from saat.actions.streets import Street, import_streets
from saat.records import streets_store
from saat.records.models import Place
from saat.terms.case import PlaceKind, ServiceLevel
from saat.terms.geo import Point
from tests.city import AT_RIVER, MONDAY_MORNING, OUTSIDE, make_city

pytestmark = pytest.mark.django_db

HOSPITAL = PlaceEntry(
    row=1, source_id="h1", kind=PlaceKind.HOSPITAL, names={"en": "River Hospital", "km": "មន្ទីរពេទ្យ"}, point=AT_RIVER
)


@pytest.fixture
def city():
    return make_city().city


def take(city, *entries, **options):
    return import_places(city=city, entries=entries, source="places", now=MONDAY_MORNING, by=COMMAND, **options)


def test_a_landmark_gets_its_area_and_the_care_that_its_kind_asks_for(city):
    assert take(city, HOSPITAL).created == 1
    row = Place.objects.get(source_id="h1")
    assert row.area is not None
    assert (row.area.names.get(language="en").text, row.service_level) == ("Tonle Bassac", ServiceLevel.HIGHEST)
    assert city_map(city).landmark_at(AT_RIVER).place_id == row.pk


def test_the_same_landmarks_again_change_nothing_and_a_moved_one_is_moved(city):
    take(city, HOSPITAL)
    again = take(city, HOSPITAL)
    assert (again.created, again.changed, again.unchanged) == (0, 0, 1)
    moved = take(city, replace(HOSPITAL, point=Point(lat=11.5451, lon=104.9351)))
    assert (moved.created, moved.changed) == (0, 1)
    assert Place.objects.get(source_id="h1").lat == 11.5451


def test_a_landmark_outside_the_city_is_left_out_and_said(city):
    report = take(city, HOSPITAL, replace(HOSPITAL, row=2, source_id="h2", point=OUTSIDE))
    assert (report.created, [row for row, _ in report.left_out]) == (1, [2])


def test_a_trial_run_of_landmarks_writes_nothing(city):
    before = Place.objects.count()
    assert take(city, HOSPITAL, dry_run=True).created == 1
    assert Place.objects.count() == before


def test_streets_are_kept_for_maps_and_what_is_far_or_no_line_is_left_out(city):
    near = Street(
        line={"type": "LineString", "coordinates": [[104.90, 11.55], [104.93, 11.56]]}, names={"en": "Street 51"}
    )
    far = replace(near, line={"type": "LineString", "coordinates": [[106.6, 10.7], [106.7, 10.8]]})
    dot = replace(near, line={"type": "Point", "coordinates": [104.91, 11.55]})
    report = import_streets(city=city, streets=[near, far, dot], now=MONDAY_MORNING, by=COMMAND, attribution="us")
    assert (report.kept, report.outside, report.not_lines) == (1, 1, 1)
    kept = json.loads(streets_store.path_of(city.jurisdiction_id).read_text(encoding="utf-8"))
    assert [feature["properties"]["names"] for feature in kept["features"]] == [{"en": "Street 51"}]
    assert (kept["attribution"], kept["schematic"]) == ("us", False)


def test_a_name_of_a_city_cannot_lead_out_of_the_folder():
    with pytest.raises(ValueError, match="no jurisdiction_id"):
        streets_store.path_of("../secret")

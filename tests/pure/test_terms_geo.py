"""Points, distances and squares on the ground."""

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from saat.terms.geo import EARTH_RADIUS_M, Point, coarse, degrees_around, distance_m

POINTS = st.builds(Point, lat=st.floats(-90, 90), lon=st.floats(-180, 180))
PHNOM_PENH, SIEM_REAP = Point(lat=11.5564, lon=104.9282), Point(lat=13.3671, lon=103.8448)


@pytest.mark.parametrize("lat", [-90.1, 91, math.nan, math.inf, -math.inf])
def test_a_latitude_outside_the_globe_is_refused(lat):
    with pytest.raises(ValueError, match="Latitude must be a number from -90 to 90"):
        Point(lat=lat, lon=0)


@pytest.mark.parametrize("lon", [-180.1, 181, math.nan, math.inf])
def test_a_longitude_outside_the_globe_is_refused(lon):
    with pytest.raises(ValueError, match="Longitude must be a number from -180 to 180"):
        Point(lat=0, lon=lon)


@given(POINTS, POINTS)
def test_distance_is_symmetric_and_at_most_half_way_round(a, b):
    assert distance_m(a, b) == pytest.approx(distance_m(b, a), abs=1e-6)
    assert 0 <= distance_m(a, b) <= math.pi * EARTH_RADIUS_M + 1
    assert distance_m(a, a) == 0


@given(POINTS, POINTS, POINTS)
def test_a_way_round_is_never_shorter(a, b, c):
    assert distance_m(a, c) <= distance_m(a, b) + distance_m(b, c) + 0.5


def test_known_distances():
    assert distance_m(Point(lat=0, lon=0), Point(lat=1, lon=0)) == pytest.approx(111_195, abs=1)
    assert distance_m(Point(lat=0, lon=179.5), Point(lat=0, lon=-179.5)) == pytest.approx(111_195, abs=1)
    assert distance_m(Point(lat=90, lon=0), Point(lat=-90, lon=0)) == pytest.approx(math.pi * EARTH_RADIUS_M)
    # By the law of cosines, another way to the same figure.
    lat_a, lat_b = math.radians(PHNOM_PENH.lat), math.radians(SIEM_REAP.lat)
    turn = math.radians(SIEM_REAP.lon - PHNOM_PENH.lon)
    cosine = math.sin(lat_a) * math.sin(lat_b) + math.cos(lat_a) * math.cos(lat_b) * math.cos(turn)
    assert distance_m(PHNOM_PENH, SIEM_REAP) == pytest.approx(EARTH_RADIUS_M * math.acos(cosine), rel=1e-9)


@given(
    st.builds(Point, lat=st.floats(-80, 80), lon=st.floats(-179, 179)),
    st.floats(1, 5000),
    st.floats(-1, 1),
    st.floats(-1, 1),
)
def test_what_lies_within_the_radius_lies_within_the_box(point, radius_m, up, right):
    high, wide = degrees_around(point, radius_m)
    # A little beyond the box on either side: those within the radius must not be among them.
    other = Point(lat=point.lat + up * high * 1.5, lon=point.lon + right * min(wide * 1.5, 0.9))
    assume(distance_m(point, other) <= radius_m * (1 - 1e-9))
    assert abs(other.lat - point.lat) <= high
    assert abs(other.lon - point.lon) <= wide


def test_near_a_pole_the_box_goes_all_the_way_round():
    assert degrees_around(Point(lat=90, lon=0), 100_000)[1] == 180
    assert degrees_around(Point(lat=-89.99, lon=0), 1_000_000)[1] == 180


@given(POINTS, st.floats(5, 500))
def test_the_coarse_place_is_within_a_square_of_the_true_one_and_stays_where_it_is(point, grid_m):
    assume(abs(point.lat) < 85)
    seen = coarse(point, grid_m)
    # A square's corner is 0.71 of its side from its middle; rounding to six digits adds 0.1 m.
    assume(abs(seen.lon) < 179.9)
    assert distance_m(point, seen) <= 0.72 * grid_m + 0.2
    assert coarse(seen, grid_m) == seen


@given(POINTS, st.floats(-10, 0))
def test_no_grid_leaves_a_place_as_it_is(point, grid_m):
    assert coarse(point, grid_m) is point


def test_many_doors_of_a_street_become_one_public_place():
    doors = [Point(lat=11.5564 + n * 1e-6, lon=104.9282 + n * 1e-6) for n in range(300)]
    seen = {(place.lat, place.lon) for place in (coarse(door, 150) for door in doors)}
    assert len(seen) <= 4
    assert not seen & {(door.lat, door.lon) for door in doors}


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_coarse_place_is_always_on_the_globe(lat, lon):
    assert isinstance(coarse(Point(lat=lat, lon=lon), 150), Point)

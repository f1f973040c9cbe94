"""Cells that stand for what lies near a place."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.terms.geo import EARTH_RADIUS_M, Point
from saat.triage.nearby import cell_of, cells_around


def moved(point, metres, bearing):
    """Return the place so many metres away on the great circle, bearing in radians from north."""
    far, lat = metres / EARTH_RADIUS_M, math.radians(point.lat)
    new_lat = math.asin(math.sin(lat) * math.cos(far) + math.cos(lat) * math.sin(far) * math.cos(bearing))
    turn = math.atan2(
        math.sin(bearing) * math.sin(far) * math.cos(lat), math.cos(far) - math.sin(lat) * math.sin(new_lat)
    )
    lon = (point.lon + math.degrees(turn) + 540) % 360 - 180
    return Point(lat=math.degrees(new_lat), lon=lon)


@given(
    st.floats(-89.9, 89.9),
    st.floats(-180, 180),
    st.floats(0, 1000),
    st.floats(0, 1),
    st.floats(0, 2 * math.pi),
)
def test_every_place_within_the_radius_lies_in_one_of_the_cells(lat, lon, radius_m, share, bearing):
    point = Point(lat=lat, lon=lon)
    assert cell_of(moved(point, radius_m * share, bearing)) in cells_around(point, radius_m)


# The first is one of the twelve pentagons of the grid; the second lies near it, where the hexagons are smallest and
# most distorted.
@pytest.mark.parametrize("point", [Point(lat=39.1, lon=122.3), Point(lat=38.927866, lon=122.387)])
@pytest.mark.parametrize("radius_m", [60, 120, 200, 600])
def test_the_cells_reach_far_enough_where_the_grid_is_distorted(point, radius_m):
    for shift in range(12):
        start = moved(point, 25 * shift, shift)
        cells = set(cells_around(start, radius_m))
        around = [moved(start, radius_m, 2 * math.pi * n / 24) for n in range(24)]
        assert all(cell_of(place) in cells for place in around)


@given(st.floats(-90, 90), st.floats(-180, 180))
def test_a_cell_fits_a_signed_column(lat, lon):
    assert 0 < cell_of(Point(lat=lat, lon=lon)) < 2**63


def test_the_usual_radius_needs_seven_cells_in_phnom_penh():
    assert len(cells_around(Point(lat=11.5564, lon=104.9282), 60)) == 7
    assert cells_around(Point(lat=11.5564, lon=104.9282), 0) == (cell_of(Point(lat=11.5564, lon=104.9282)),)


@pytest.mark.parametrize("radius_m", [-1, 4001, math.nan, math.inf])
def test_a_radius_that_makes_no_sense_is_refused(radius_m):
    with pytest.raises(ValueError, match="radius must be from 0 to 4000 m"):
        cells_around(Point(lat=0, lon=0), radius_m)

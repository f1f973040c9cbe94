"""Which area a place lies in: by hand-drawn squares, and against Shapely's own answer on real boundaries."""

import json

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import shape as shape_of

from saat.terms.geo import Point, distance_m
from saat.triage.places import AreaIndex, AreaShape, mend

CITY, EAST, WEST, WEST_HALF = 1, 2, 3, 4


def box(area_id, level, west, south, east, north):
    return AreaShape(area_id=area_id, level=level, wkb=shapely.box(west, south, east, north).wkb)


# A city of two degrees: an eastern district, a western one, and in the western one a commune in its south.
SQUARES = AreaIndex(
    [
        box(CITY, 0, 100, 10, 102, 12),
        box(EAST, 1, 101, 10, 102, 12),
        box(WEST, 1, 100, 10, 101, 12),
        box(WEST_HALF, 2, 100, 10, 101, 11),
    ]
)


@pytest.mark.parametrize(
    ("lat", "lon", "area"),
    [
        (10.5, 100.5, WEST_HALF),
        (11.5, 100.5, WEST),
        (11.5, 101.5, EAST),
        (9.0, 101.0, None),
        (11.5, 101.0, EAST),  # on the border: the lower id
        (11.0, 100.5, WEST_HALF),  # on the deeper one's border
        (10.0, 100.0, WEST_HALF),  # the city's own corner
        (12.0, 102.0, EAST),
    ],
)
def test_a_place_lies_in_the_deepest_area_that_covers_it(lat, lon, area):
    assert SQUARES.area_of(Point(lat=lat, lon=lon)) == area
    assert SQUARES.areas_of(np.array([lat]), np.array([lon])).tolist() == [-1 if area is None else area]


def test_unknown_places_lie_nowhere_and_do_not_disturb_the_others():
    lats = np.array([np.nan, 11.5, 11.5, np.inf])
    lons = np.array([101.5, np.nan, 101.5, 101.5])
    assert SQUARES.areas_of(lats, lons).tolist() == [-1, -1, EAST, -1]


def test_latitudes_without_longitudes_are_refused():
    with pytest.raises(ValueError, match="One longitude for each latitude"):
        SQUARES.areas_of(np.zeros(2), np.zeros(3))


def test_a_city_without_areas_answers_nothing():
    empty = AreaIndex([])
    assert empty.area_of(Point(lat=1, lon=1)) is None
    assert empty.nearest(Point(lat=1, lon=1)) is None
    assert empty.areas_of(np.array([1.0]), np.array([1.0])).tolist() == [-1]
    assert len(empty) == 0


def test_the_nearest_area_is_of_the_deepest_level_and_its_distance_is_in_metres():
    area, metres = SQUARES.nearest(Point(lat=9.99, lon=100.5))
    assert area == WEST_HALF
    assert metres == pytest.approx(distance_m(Point(lat=9.99, lon=100.5), Point(lat=10, lon=100.5)), rel=1e-6)
    assert SQUARES.nearest(Point(lat=10.5, lon=100.5)) == (WEST_HALF, 0.0)


def test_nearest_goes_by_metres_where_degrees_of_longitude_are_short():
    # At 60 degrees north, 0.9 degrees to the east are nearer than 0.6 degrees to the north.
    north = AreaIndex([box(1, 0, 10, 60.6, 11, 60.7), box(2, 0, 11.4, 60, 11.5, 60.1)])
    assert north.nearest(Point(lat=60.0, lon=10.5))[0] == 2


@pytest.mark.parametrize("wkb", [b"", b"no outline", shapely.Polygon().wkb])
def test_an_outline_that_cannot_be_used_is_named(wkb):
    with pytest.raises(ValueError, match="outline of area 7"):
        AreaIndex([AreaShape(area_id=7, level=0, wkb=wkb)])


@given(
    st.lists(
        st.tuples(*[st.floats(min_value=a, max_value=a + 1, allow_nan=False) for a in (100, 10)]),
        min_size=1,
        max_size=20,
    ),
    st.lists(st.tuples(st.floats(100, 102), st.floats(10, 12)), min_size=1, max_size=20),
)
def test_one_by_one_and_in_bulk_give_the_same_answer(corners, places):
    index = AreaIndex([box(n, n % 3, lon, lat, lon + 0.7, lat + 0.7) for n, (lon, lat) in enumerate(corners)])
    one_by_one = [index.area_of(Point(lat=lat, lon=lon)) for lon, lat in places]
    bulk = index.areas_of(np.array([lat for _, lat in places]), np.array([lon for lon, _ in places]))
    assert [-1 if area is None else area for area in one_by_one] == bulk.tolist()


@pytest.fixture(scope="module")
def cambodia(shared_data):
    """Districts (level 1) and communes (level 2) of Cambodia, as they are imported."""
    shapes = []
    for level, name in ((1, "cambodia-adm2-simplified"), (2, "cambodia-adm3-simplified")):
        text = (shared_data / "khm-boundaries" / f"{name}.geojson").read_text(encoding="utf-8")
        for feature in json.loads(text)["features"]:
            outline, _ = mend(feature["geometry"])
            assert outline is not None
            shapes.append(AreaShape(area_id=len(shapes) + 1, level=level, wkb=outline.wkb))
    return shapes, AreaIndex(shapes)


def brute_force(shapes, point):
    place = shapely.Point(point.lon, point.lat)
    covering = [area for area in shapes if shapely.from_wkb(area.wkb).covers(place)]
    return min(covering, key=lambda area: (-area.level, area.area_id)).area_id if covering else None


def test_agrees_with_trying_every_outline_of_cambodia(cambodia):
    shapes, index = cambodia

    @settings(max_examples=60)
    @given(st.floats(9.5, 15.0), st.floats(102.0, 108.0))
    def agrees(lat, lon):
        point = Point(lat=lat, lon=lon)
        assert index.area_of(point) == brute_force(shapes, point)

    agrees()


def test_corners_of_real_outlines_are_covered_by_one_of_their_owners(cambodia):
    shapes, index = cambodia
    for area in shapes[::60]:
        lon, lat = shapely.get_coordinates(shapely.from_wkb(area.wkb))[0]
        assert index.area_of(Point(lat=lat, lon=lon)) == brute_force(shapes, Point(lat=lat, lon=lon))


def test_the_barangays_of_manila_are_read_and_the_empty_file_holds_nothing(shared_data):
    outlines, refused, empty_files = [], [], []
    for path in sorted((shared_data / "manila-ncr-boundaries").glob("*.json")):
        data = json.loads(path.read_text(encoding="utf-8"))
        if data["type"] == "GeometryCollection":
            empty_files.append(mend(data))
            continue
        for feature in data["features"]:
            outline, note = mend(feature["geometry"])
            (outlines if outline is not None else refused).append(outline or note)
    assert empty_files == [(None, "The outline is empty.")]
    assert set(refused) == {"The outline is empty."}
    assert len(outlines) + len(refused) == 813
    index = AreaIndex([AreaShape(area_id=n, level=3, wkb=outline.wkb) for n, outline in enumerate(outlines)])
    for n, outline in enumerate(outlines):
        inside = shapely.point_on_surface(outline)
        found = index.area_of(Point(lat=inside.y, lon=inside.x))
        assert found is not None
        assert found == n or outlines[found].covers(inside)


SQUARE = {"type": "Polygon", "coordinates": [[[104, 11], [105, 11], [105, 12], [104, 12], [104, 11]]]}
PHNOM_PENH = Point(lat=11.5564, lon=104.9282)


def test_a_sound_outline_is_kept_as_it_is():
    outline, note = mend(SQUARE, PHNOM_PENH)
    assert outline.equals(shape_of(SQUARE))
    assert note == ""


@pytest.mark.parametrize(
    ("geometry", "sentence"),
    [
        (None, "The outline is empty."),
        ({}, "The outline is empty."),
        ({"type": "Polygon", "coordinates": []}, "The outline is empty."),
        ({"type": "GeometryCollection", "geometries": []}, "The outline is empty."),
        ({"type": "Blob", "coordinates": [1]}, "not a GeoJSON geometry"),
        ({"type": "Polygon"}, "not a GeoJSON geometry"),
        ({"type": "Polygon", "coordinates": [[[1, 2], [3, "x"]]]}, "not a GeoJSON geometry"),
        ({"type": "Polygon", "coordinates": 5}, "not a GeoJSON geometry"),
        ("POLYGON ((0 0, 1 1, 0 1, 0 0))", "not a GeoJSON geometry"),
        ([1, 2], "not a GeoJSON geometry"),
        ({"type": "LineString", "coordinates": [[104, 11], [105, 12]]}, "A LineString has no surface"),
        ({"type": "Polygon", "coordinates": [[[104, 11], [105, 11], [104, 11], [104, 11]]]}, "has no surface"),
        (shapely.Polygon([(11, 104), (12, 104), (12, 105), (11, 104)]), "swapped"),
        (shapely.box(480000, 1270000, 500000, 1290000), "not degrees"),
        (shapely.box(104, 11, 300, 12), "not degrees"),
    ],
)
def test_what_cannot_be_an_area_is_refused_with_a_sentence(geometry, sentence):
    outline, why = mend(geometry)
    assert outline is None
    assert sentence in why
    assert why.endswith(".")


def test_a_number_that_is_none_is_refused():
    outline, why = mend({"type": "Polygon", "coordinates": [[[104, 11], [105, 11], [105, float("nan")], [104, 11]]]})
    assert (outline, why) == (None, "A coordinate is not a number.")


def test_swapped_coordinates_are_told_by_the_city_where_both_orders_are_on_earth():
    montevideo = Point(lat=-34.9, lon=-56.2)
    swapped = shapely.box(-34.95, -56.25, -34.85, -56.15)
    assert mend(swapped)[0] is not None
    outline, why = mend(swapped, montevideo)
    assert outline is None
    assert "swapped" in why
    assert mend(shapely.box(-56.25, -34.95, -56.15, -34.85), montevideo)[1] == ""


def test_a_self_crossing_outline_keeps_what_its_rings_enclose():
    bow_tie = shapely.Polygon([(0, 0), (2, 2), (2, 0), (0, 2), (0, 0)])
    outline, note = mend(bow_tie)
    assert outline.is_valid
    assert outline.area == pytest.approx(2)
    assert "crossed" in note


def test_polygons_that_share_an_edge_after_mending_become_one():
    folded = [(100, 11), (100, 10), (101, 11), (101, 10), (100, 10), (101, 11), (100, 11)]
    outline, _ = mend(shapely.Polygon(folded))
    assert outline.is_valid
    assert outline.area == pytest.approx(1)


def test_points_and_lines_beside_a_surface_are_left_out_and_heights_too():
    mixed = shapely.GeometryCollection([shapely.box(0, 0, 1, 1), shapely.Point(5, 5), shapely.box(0.5, 0, 2, 1)])
    outline, note = mend(mixed)
    assert outline.geom_type == "Polygon"
    assert outline.area == pytest.approx(2)
    assert "left out" in note
    assert not mend(shapely.force_3d(shapely.box(0, 0, 1, 1), 7))[0].has_z


@given(st.lists(st.tuples(st.floats(100, 101), st.floats(10, 11)), min_size=3, max_size=12))
def test_whatever_is_drawn_becomes_a_valid_surface_or_a_sentence(corners):
    outline, note = mend({"type": "Polygon", "coordinates": [[*corners, corners[0]]]})
    if outline is None:
        assert note.endswith(".")
    else:
        assert outline.is_valid
        assert outline.area > 0
        assert outline.geom_type in ("Polygon", "MultiPolygon")
        assert len(AreaIndex([AreaShape(area_id=1, level=0, wkb=outline.wkb)])) == 1

"""Plans that others keep, read as they come."""

from __future__ import annotations

import json
import zipfile
from datetime import date
from pathlib import Path

import pytest

from saat.links.rounds.drafting import Reading, drafted
from saat.links.rounds.gtfs import read_gtfs
from saat.links.rounds.mapping import plain_mapping, read_plan_mapping
from saat.links.rounds.montevideo import read_montevideo
from saat.links.rounds.parts import PlanRow
from saat.links.rounds.tainan import read_tainan
from saat.links.tables.geojson import read_geojson
from saat.links.tables.mapping import MappingRefused
from saat.links.tables.reading import FileRefused, read_table
from saat.terms.plan import HolidayRule, StopKind, Stream

MAPPINGS = Path(__file__).resolve().parent.parent.parent / "cities" / "mappings"
USUAL = {"round": "R1", "lat": "11.55", "lon": "104.91", "time": "20:00", "days": "mon,thu", "stop": "a"}
MON, TUE, WED, THU, FRI, SAT, SUN = range(7)


def rows(*changes: dict[str, str]) -> list[PlanRow]:
    return [
        PlanRow(number=at, cells={**USUAL, "stop": f"s{at}", **change}) for at, change in enumerate(changes, start=1)
    ]


def read(*changes: dict[str, str], **reading):
    return drafted(rows(*changes), Reading(**reading))


def test_rows_of_one_round_become_one_round_with_windows_around_its_times():
    plan = read({"name": "Market", "name:km": "ផ្សារ"}, {"time": "20:10", "opens": "20:00", "closes": "21:00"})
    (draft,) = plan.rounds
    assert (draft.code, draft.days.weekdays, draft.order_strict) == ("R1", {MON, THU}, True)
    assert [(stop.sequence, stop.planned_s, stop.opens_s, stop.closes_s) for stop in draft.stops] == [
        (1, 72_000.0, 71_700.0, 72_900.0),
        (2, 72_600.0, 72_000.0, 75_600.0),
    ]
    assert draft.stops[0].names == {"en": "Market", "km": "ផ្សារ"}


def test_streams_have_their_own_days_and_the_round_runs_on_all_of_them():
    plan = read({"days": "", "refuse_days": "mon,wed,fri", "recycling_days": "wed,sat"}, {"days": "mon-sat"})
    (draft,) = plan.rounds
    assert draft.days.weekdays == {MON, TUE, WED, THU, FRI, SAT}
    assert draft.stops[0].streams == {Stream.REFUSE: {MON, WED, FRI}, Stream.RECYCLING: {WED, SAT}}
    assert draft.stops[1].streams == {Stream.REFUSE: None}


def test_rows_without_a_time_are_left_out_and_counted():
    plan = read({}, {"time": ""}, {"time": ""})
    assert (len(plan.rounds[0].stops), plan.excluded["no time"], plan.refused) == (1, 2, [])


def test_a_round_over_midnight_belongs_to_the_day_on_which_it_began():
    (draft,) = read({"time": "23:50"}, {"time": "00:10"}, {"time": "00:30"}).rounds
    assert [stop.planned_s for stop in draft.stops] == [85_800.0, 87_000.0, 88_200.0]
    assert draft.order_strict
    (window,) = read({"time": "", "opens": "23:00", "closes": "01:00"}).rounds
    assert (window.stops[0].opens_s, window.stops[0].closes_s) == (82_800.0, 90_000.0)


def test_a_time_that_goes_back_is_asked_about_and_never_mended():
    plan = read({"time": "20:00", "name": "A"}, {"time": "19:10", "name": "B"}, {"time": "20:20"})
    (question,) = plan.questions
    assert (question.why, question.text, question.row) == ("time_goes_back", "20:00 A > 19:10 B", "2")
    assert not plan.rounds[0].order_strict


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"round": ""}, "round: it is empty"),
        ({"lat": "", "lon": ""}, "where is this stop"),
        ({"lat": "104.91", "lon": "11.55"}, "seem to be exchanged"),
        ({"lat": "nan"}, "is no place"),
        ({"time": "25 past"}, "time: A time must be HH:MM"),
        ({"days": "moonday"}, "'moonday' is no weekday"),
        ({"kind": "heap"}, "kind: 'heap' is none of point, kerb, transfer"),
        ({"seq": "first"}, "seq: a number is wanted"),
        ({"seq": "1"}, "seq: 1 stands twice on this round"),
        ({"dwell_s": "inf"}, "dwell_s: a number is wanted"),
        ({"lane": "perhaps"}, "lane: yes or no is wanted"),
        ({"line": "LINESTRING (104.9 11.5, here)"}, "line: 'here' is no place"),
    ],
)
def test_a_row_that_cannot_be_taken_says_why_and_the_rest_is_taken(cells, why):
    plan = read({"seq": "1"}, {"seq": "2", **cells})
    assert len(plan.rounds[0].stops) == 1
    ((row, reason),) = plan.refused
    assert why in reason
    assert row.number == 2


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"holidays": "sleep"}, "holidays: 'sleep'"),
        ({"nth": "7"}, "nth: 1 to 5"),
        ({"every_weeks": "0"}, "every_weeks"),
        ({"added": "soon"}, "added: a date must be written as 2026-11-09"),
    ],
)
def test_a_round_whose_days_cannot_be_read_is_refused_whole(cells, why):
    plan = read(cells, {})
    assert plan.rounds == []
    assert [why in reason for _row, reason in plan.refused] == [True, True]


def test_service_days_of_every_kind_can_be_written_in_a_table():
    (draft,) = read(
        {"days": "wed", "nth": "1,-1", "holidays": "shift", "added": "2026-11-07", "removed": "2026-11-04, 2026-12-02"},
        {"every_weeks": "2", "counted_from": "2026-11-02", "first_day": "20261101", "last_day": "2027-01-31"},
    ).rounds
    days = draft.days
    assert (days.nth, days.holidays, days.every_weeks) == ({1, -1}, HolidayRule.SHIFT, 2)
    assert (days.counted_from, days.first, days.last) == (date(2026, 11, 2), date(2026, 11, 1), date(2027, 1, 31))
    assert (days.added, len(days.removed)) == ({date(2026, 11, 7)}, 2)


def test_kerbs_and_lanes_can_be_written_in_a_table():
    line = "11.550 104.910; 11.560 104.910"
    (draft,) = read({"line": line, "lat": "", "lon": ""}, {"kind": "transfer"}, {"served_by": "s2"}).rounds
    kerb, transfer, lane = draft.stops
    assert (kerb.kind, kerb.line) == (StopKind.KERB, ((11.550, 104.910), (11.560, 104.910)))
    assert (transfer.kind, lane.served_by, lane.lane) == (StopKind.TRANSFER, "s2", True)


def test_a_map_is_a_plan_points_are_stops_and_lines_are_kerbs(tmp_path):
    def feature(at, shape, coordinates, **more):
        return {"type": "Feature", "geometry": {"type": shape, "coordinates": coordinates},
                "properties": {"round": "R1", "stop": at, "time": "20:00", "days": "daily", **more}}  # fmt: skip

    path = tmp_path / "plan.geojson"
    features = [
        feature("a", "Point", [104.91, 11.55], kind="transfer"),
        feature("b", "LineString", [[104.91, 11.55], [104.92, 11.55]], served_by="a"),
        feature("c", "Polygon", [[[104.91, 11.55]]]),
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    found = read_geojson(path)
    mapping = plain_mapping(found[1].properties, source="plan")
    plan = drafted(plain_mapping({*mapping.columns, "kind"}, source="plan").rows_of_map(found), Reading())
    stop, kerb = plan.rounds[0].stops
    assert (stop.lat, stop.lon, stop.kind) == (11.55, 104.91, StopKind.TRANSFER)
    assert (kerb.kind, kerb.line, kerb.served_by) == (StopKind.KERB, ((11.55, 104.91), (11.55, 104.92)), "a")
    assert "Polygon, where a Point or a LineString is wanted" in plan.refused[0][1]


NEW_TAIPEI = """lineid,linename,rank,name,longitude,latitude,time,memo,{days}
220001,A 線,1,廟口,121.46,25.01,18:30,,{first}
220001,A 線,2,市場,121.47,25.01,18:40,每週三不收,{first}
"""


def test_a_mapping_says_what_another_citys_columns_mean(tmp_path):
    mapping = read_plan_mapping((MAPPINGS / "new-taipei-garbage.toml").read_text(encoding="utf-8"))
    columns = [name for name in mapping.wanted_columns() if name.endswith("day")]
    yes = {"garbagemonday", "garbagesaturday", "recyclingmonday"}
    path = tmp_path / "plan.csv"
    marks = ",".join("Y" if name in yes else "" for name in columns)
    path.write_text(NEW_TAIPEI.format(days=",".join(columns), first=marks), encoding="utf-8")
    table = read_table(path)
    table.need(mapping.wanted_columns())
    found = mapping.rows_of(table)
    (draft,) = drafted(found, Reading(language=mapping.language)).rounds
    assert (draft.code, draft.name, draft.days.weekdays) == ("220001", "A 線", {MON, SAT})
    assert draft.stops[0].streams == {Stream.REFUSE: None, Stream.RECYCLING: {MON}}
    assert (draft.stops[1].names, draft.stops[1].source_id) == ({"zh": "市場"}, "220001-2")
    asked = [mapping.questions_of(row, plan_row) for row, plan_row in zip(table.rows, found, strict=True)]
    assert [[one.text for one in of_row] for of_row in asked] == [[], ["每週三不收"]]


def test_taipeis_times_have_no_colon_and_its_windows_are_arrival_and_departure(tmp_path):
    mapping = read_plan_mapping((MAPPINGS / "taipei-garbage.toml").read_text(encoding="utf-8"))
    path = tmp_path / "plan.csv"
    path.write_text(
        "路線,車次,車號,地點,緯度,經度,抵達時間,離開時間\n東1,第1車,119-BQ,路口,25.06,121.55,1630,1638\n",
        encoding="utf-8",
    )
    (draft,) = drafted(mapping.rows_of(read_table(path)), Reading(language="zh")).rounds
    assert (draft.code, draft.vehicle, draft.days.weekdays) == ("東1-第1車", "119-BQ", {MON, TUE, THU, FRI, SAT})
    assert (draft.stops[0].opens_s, draft.stops[0].closes_s) == (59_400.0, 59_880.0)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("source =", "not valid TOML"),
        ("colour = 1", "Unknown entries: colour"),
        ("[columns]\nround = 'a'", "`source` must say"),
        ("source = 'x'\n[columns]\nlat = 'a'", "`columns.round`"),
        ("source = 'x'\n[columns]\nround = 'a'\nflavour = 'b'", "'flavour' is no column"),
        ("source = 'x'\n[columns]\nround = 'a'\n[weekdays]\n'一' = 'first'", "weekdays.一"),
        ("source = 'x'\n[columns]\nround = 'a'\n[questions]\nmemo = '('", "no regular expression"),
        ("source = 'x'\n[columns]\nround = 'a'\n[window]\nbefore_min = -5", "minutes from 0 to 720"),
        ("source = 'x'\n[columns]\nround = 'a'\n[yes_days.noon]\nmon = 'a'", "yes_days.noon"),
    ],
)
def test_a_mapping_that_cannot_be_used_names_the_entry(text, why):
    with pytest.raises(MappingRefused, match=why):
        read_plan_mapping(text)


GTFS = {
    "routes.txt": "route_id,route_short_name,route_long_name\nr,K1,Kandal\n",
    "trips.txt": "route_id,service_id,trip_id\nr,week,t\n",
    "stops.txt": (
        "stop_id,stop_name,stop_lat,stop_lon\na,Market,11.55,104.91\nb,School,11.56,104.91\nc,Park,11.57,104.91\n"
    ),
    "stop_times.txt": (
        "trip_id,stop_id,stop_sequence,arrival_time,departure_time,start_pickup_drop_off_window,"
        "end_pickup_drop_off_window\nt,a,1,23:50:00,23:51:00,,\nt,b,2,,,24:00:00,24:30:00\nt,c,3,,,,\n"
    ),
    "calendar.txt": (
        "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\n"
        "week,1,0,0,1,0,0,0,20260101,20261231\n"
    ),
    "calendar_dates.txt": "service_id,date,exception_type\nweek,20260303,1\nweek,20260305,2\n",
}


@pytest.mark.parametrize("packed", [True, False])
def test_gtfs_is_a_plan_whose_trips_are_rounds(tmp_path, packed):
    folder = tmp_path / "gtfs"
    folder.mkdir()
    for name, text in GTFS.items():
        (folder / name).write_text("\ufeff" + text, encoding="utf-8")
    path = folder
    if packed:
        path = tmp_path / "gtfs.zip"
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in GTFS.items():
                archive.writestr(f"feed/{name}", text)
    plan = read_gtfs(path, Reading())
    (draft,) = plan.rounds
    assert (draft.code, draft.name, draft.days.weekdays) == ("K1", "Kandal", {MON, THU})
    assert (draft.days.first, draft.days.last) == (date(2026, 1, 1), date(2026, 12, 31))
    assert (draft.days.added, draft.days.removed) == ({date(2026, 3, 3)}, {date(2026, 3, 5)})
    assert [(stop.planned_s, stop.opens_s, stop.closes_s) for stop in draft.stops] == [
        (85_800.0, 85_500.0, 86_700.0),
        (86_400.0, 86_400.0, 88_200.0),
    ]
    assert plan.excluded["no time"] == 1


def test_a_gtfs_folder_without_its_tables_or_days_is_refused(tmp_path):
    with pytest.raises(FileRefused, match=r"has no routes\.txt"):
        read_gtfs(tmp_path, Reading())
    for name, text in GTFS.items():
        if not name.startswith("calendar"):
            (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(FileRefused, match="on which days"):
        read_gtfs(tmp_path, Reading())
    (tmp_path / "broken.zip").write_bytes(b"PK no zip")
    with pytest.raises(FileRefused, match="cannot be read"):
        read_gtfs(tmp_path / "broken.zip", Reading())


def test_a_file_in_columns_that_nobody_knows_needs_a_mapping():
    with pytest.raises(MappingRefused, match="no column `round`"):
        plain_mapping(["line", "lat"], source="x")


def test_tainans_plan_is_read_whole(shared_data):
    plan = read_tainan(shared_data / "tainan-garbage", Reading())
    assert (plan.rows, len(plan.rounds), sum(len(draft.stops) for draft in plan.rounds)) == (16_967, 382, 16_962)
    first = next(draft for draft in plan.rounds if draft.code == "七股-1")
    assert first.days.weekdays == {MON, WED, FRI, SAT}
    assert first.stops[0].streams == {Stream.REFUSE: None, Stream.RECYCLING: {MON}}
    assert first.stops[0].planned_s == 16 * 3600 + 43 * 60
    asked = [question for question in plan.questions if question.why == "free_text"]
    assert {"中正北路360巷(每週一、六收)", "公親寮(週2.4.6)新吉里4-2號", "臨安路二段250號(只收星期三、星期五)"} <= {
        question.text for question in asked
    }
    # Addresses with numbers and names that hold a weekday's sign are no exceptions.
    assert not any("巷口" in one.text and "加點" not in one.text and "暫停" not in one.text for one in asked)
    assert len(asked) == 42


def test_montevideos_containers_are_read_in_the_right_order_of_columns(shared_data):
    plan = read_montevideo(
        shared_data / "montevideo-containers", Reading(days=frozenset(range(6))), starts_s=21_600.0, kg_per_litre=0.12
    )
    assert [(draft.code, len(draft.stops)) for draft in plan.rounds] == [("muni-b 0", 83), ("muni-b 1", 72)]
    assert plan.excluded["not in the plan in use"] == 17
    assert all(-35 < stop.lat < -34 and -57 < stop.lon < -56 for draft in plan.rounds for stop in draft.stops)
    stop = plan.rounds[0].stops[0]
    assert (stop.source_id, stop.load_kg, stop.dwell_s) == ("2234", 288.0, 120.0)
    assert (stop.opens_s, stop.closes_s) == (21_600.0, 43_200.0)
    assert [site.kind for site in plan.sites] == ["depot", "depot", "disposal"]
    assert [vehicle.capacity_kg for vehicle in plan.vehicles] == [23_040.0] * 3

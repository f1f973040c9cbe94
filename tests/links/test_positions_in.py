"""Positions as trackers and phones really send them, units and all, become ours or are refused with a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from saat.links import batch, osmand, owntracks, traccar
from saat.links.fixes import settled
from saat.terms.position import Fix, FixRefused, Flag

EVENING_S = 1772456400.0  # 2026-03-02 13:00 UTC, 20:00 in Phnom Penh
DAY_S = 86_400.0


def osmand_query(query: str) -> Fix | None:
    return osmand.read_fields(osmand.fields_of(query))


# --------------------------------------------------------------------------------------------------- OsmAnd's query

# As Traccar Client 8 sends it.
TRACCAR_CLIENT_8 = (
    "id=123456&timestamp=1772456400&lat=11.5621&lon=104.9160&speed=10.0&bearing=271.5&altitude=12.0&accuracy=8.5"
    "&batt=83.0"
)


def test_the_query_of_traccar_client_8_is_read_with_knots_and_per_cent():
    fix = osmand_query(TRACCAR_CLIENT_8)
    assert fix.uid == "123456"
    assert fix.fixed_s == EVENING_S
    assert (fix.lat, fix.lon) == (11.5621, 104.9160)
    assert fix.speed_mps == pytest.approx(5.1444, abs=1e-4)
    assert (fix.course_deg, fix.accuracy_m, fix.battery_share, fix.flags) == (271.5, 8.5, 0.83, 0)


@pytest.mark.parametrize(
    "timestamp",
    ["1772456400", "1772456400000", "2026-03-02T13:00:00Z", "2026-03-02T20:00:00%2B07:00", "2026-03-02%2013:00:00"],
)
def test_a_moment_may_be_seconds_milliseconds_or_iso(timestamp):
    assert osmand_query(f"deviceid=T1&lat=11.5&lon=104.9&timestamp={timestamp}").fixed_s == EVENING_S


def test_a_query_may_hold_the_place_as_one_field_and_escapes():
    fix = osmand_query("id=truck%204&location=11.5,104.9&valid=false&mock=true&token=a%2Bb")
    assert (fix.uid, fix.lat, fix.lon, fix.token) == ("truck 4", 11.5, 104.9, "a+b")
    assert fix.fixed_s is None
    assert fix.flags == Flag.NO_FIX | Flag.MOCK


def test_minus_1_is_unknown_and_no_number_is_unknown():
    fix = osmand_query("id=1&lat=11.5&lon=104.9&speed=-1&bearing=-1&accuracy=0&batt=-1")
    assert fix[4:7] == (None, None, None)
    assert fix.battery_share is None
    assert osmand_query("id=1&lat=11.5&lon=104.9&speed=nan&accuracy=far").speed_mps is None


def test_a_query_without_a_place_says_that_the_device_lives():
    assert osmand_query("id=1&timestamp=1772456400") is None


@pytest.mark.parametrize(
    ("query", "why"),
    [
        ("lat=11.5&lon=104.9", "of which device"),
        ("id=&lat=11.5&lon=104.9", "of which device"),
        (f"id={'x' * 121}&lat=11.5&lon=104.9", "too long"),
        ("id=1&lat=0&lon=0", "0, 0 is no place"),
        ("id=1&lat=0.0&lon=-0.0", "0, 0 is no place"),
        ("id=1&lat=nan&lon=104.9", "not on the globe"),
        ("id=1&lat=inf&lon=104.9", "not on the globe"),
        ("id=1&lat=11.5", "two numbers"),
        ("id=1&lat=11,5&lon=104,9", "two numbers"),
        ("id=1&lat=104.9&lon=11.5", "swapped"),
        ("id=1&lat=200&lon=104.9", "not on the globe"),
        ("id=1&lat=11.5&lon=104.9&timestamp=yesterday", "“yesterday” is no moment"),
        ("", "of which device"),
        ("&".join(f"a{number}=%20" for number in range(200)), "too many fields"),
    ],
)
def test_what_is_no_position_is_refused_with_the_reason(query, why):
    with pytest.raises(FixRefused, match=why):
        osmand_query(query)


def test_a_refusal_names_the_device():
    with pytest.raises(FixRefused) as refused:
        osmand_query("id=T7&lat=0&lon=0")
    assert refused.value.uid == "T7"


# ---------------------------------------------------------------------------------------------------- OsmAnd's JSON

# As Traccar Client 9 sends it.
TRACCAR_CLIENT_9 = {
    "location": {
        "timestamp": "2026-03-02T13:00:00.000Z",
        "coords": {
            "latitude": 11.5621, "longitude": 104.9160, "accuracy": 4.7, "speed": 5.5, "heading": 270.1,
            "altitude": 11.9,
        },
        "is_moving": True, "odometer": 10233.4, "event": "motionchange",
        "battery": {"level": 0.83, "is_charging": False}, "activity": {"type": "in_vehicle"}, "extras": {},
    },
    "device_id": "52307190",
}  # fmt: skip


def test_the_json_of_traccar_client_9_is_read_with_metres_a_second_and_a_share():
    (fix,) = osmand.read_json(json.dumps(TRACCAR_CLIENT_9).encode())
    assert fix == Fix("52307190", EVENING_S, 11.5621, 104.9160, 5.5, 270.1, 4.7, 0, 0.83)


def test_json_says_unknown_with_minus_1_and_may_be_a_mock_or_a_heartbeat():
    whole = json.loads(json.dumps(TRACCAR_CLIENT_9))
    whole["location"]["coords"] |= {"speed": -1, "heading": -1}
    whole["location"] |= {"battery": {"level": -1}, "mock": True, "event": "heartbeat"}
    (fix,) = osmand.read_json(json.dumps(whole).encode())
    assert (fix.speed_mps, fix.course_deg, fix.battery_share) == (None, None, None)
    assert fix.flags == Flag.MOCK | Flag.HEARTBEAT


def test_json_may_hold_several_places_or_none():
    whole = TRACCAR_CLIENT_9 | {"location": [TRACCAR_CLIENT_9["location"]] * 3}
    assert len(osmand.read_json(json.dumps(whole).encode())) == 3
    assert osmand.read_json(b'{"device_id": 5}') == []


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "not JSON"),
        (b'{"device_id": "1", "location": {"coo', "not JSON"),
        (b"[1]", "no JSON object"),
        (b'{"location": {}}', "of which device"),
        (b'{"device_id": "1", "location": {}}', "no coordinates"),
        (b'{"device_id": "1", "location": {"coords": {"latitude": NaN, "longitude": 1}}}', "not on the globe"),
        (b'{"device_id": "1", "location": {"coords": {"latitude": 1e999, "longitude": 1}}}', "not on the globe"),
        (b"[" * 100_000, "not JSON"),
    ],
)
def test_json_that_is_no_position_is_refused(body, why):
    with pytest.raises(FixRefused, match=why):
        osmand.read_json(body)


# ------------------------------------------------------------------------------------------------ Traccar's forwarding

FORWARDED = {
    "position": {
        "id": 0, "attributes": {"ignition": True, "batteryLevel": 62, "distance": 12.2, "motion": True},
        "deviceId": 4, "protocol": "gt06", "serverTime": "2026-03-02T13:00:02.101+00:00",
        "deviceTime": "2026-03-02T13:00:00.000+00:00", "fixTime": "2026-03-02T13:00:00.000+00:00", "outdated": False,
        "valid": True, "latitude": 11.5621, "longitude": 104.9160, "altitude": 0.0, "speed": 10.0, "course": 271.0,
        "address": None, "accuracy": 0.0, "network": None, "geofenceIds": None,
    },
    "device": {
        "id": 4, "attributes": {}, "groupId": 0, "name": "Truck 4", "uniqueId": "866795030477952", "status": "online",
        "lastUpdate": None, "positionId": 0, "phone": None, "model": None, "contact": None, "category": None,
        "disabled": False,
    },
}  # fmt: skip


def test_a_forwarded_position_is_read_with_knots():
    (fix,) = traccar.read_json(json.dumps(FORWARDED).encode())
    assert fix.uid == "866795030477952"
    assert fix.fixed_s == EVENING_S
    assert fix.speed_mps == pytest.approx(5.1444, abs=1e-4)
    assert (fix.accuracy_m, fix.battery_share, fix.flags) == (None, 0.62, 0)


def test_a_forwarded_position_without_a_fix_is_flagged():
    message = json.loads(json.dumps(FORWARDED))
    message["position"] |= {"valid": False, "attributes": {"ignition": False}}
    message["device"]["attributes"] = {"token": "abc"}
    (fix,) = traccar.read_json(json.dumps(message).encode())
    assert fix.flags == Flag.NO_FIX | Flag.IGNITION_OFF
    assert fix.token == "abc"


def test_a_forwarded_event_is_passed_over_and_half_a_message_refused():
    assert traccar.read_json(b'{"event": {"id": 1, "type": "deviceOnline"}, "device": {"uniqueId": "1"}}') == []
    with pytest.raises(FixRefused, match="a position and a device"):
        traccar.read_json(b'{"position": {}}')
    with pytest.raises(FixRefused, match="not JSON"):
        traccar.read_json(json.dumps(FORWARDED).encode()[:200])


# --------------------------------------------------------------------------------------------------------- OwnTracks

LOCATION = {
    "_type": "location", "BSSID": "c0:4a:00:00:00:01", "SSID": "depot", "acc": 5, "alt": 12, "batt": 83, "bs": 1,
    "conn": "m", "created_at": 1772456401, "lat": 11.5621, "lon": 104.9160, "m": 2, "t": "u", "tid": "s4",
    "topic": "owntracks/sokha/phone", "tst": 1772456400, "vac": 3, "vel": 36, "cog": 270,
}  # fmt: skip


def test_an_owntracks_location_is_read_with_kilometres_an_hour():
    fix = owntracks.read_json(json.dumps(LOCATION).encode())
    assert fix[:9] == ("sokha/phone", EVENING_S, 11.5621, 104.9160, pytest.approx(10.0), 270.0, 5.0, 0, 0.83)
    assert fix.also == ("s4",)


def test_an_owntracks_phone_is_known_by_its_topic_its_headers_or_its_two_letters():
    bare = {key: value for key, value in LOCATION.items() if key != "topic"}
    body = json.dumps(bare).encode()
    assert owntracks.read_json(body).uid == "s4"
    by_headers = owntracks.read_json(body, user="sokha", device="phone")
    assert (by_headers.uid, by_headers.also) == ("sokha/phone", ("phone", "sokha", "s4"))
    assert owntracks.read_json(body, topic="owntracks/dara/tablet").uid == "dara/tablet"


@pytest.mark.parametrize("kind", ["lwt", "transition", "waypoint", "waypoints", "status", "card", "cmd", "new one"])
def test_other_messages_of_owntracks_are_passed_over(kind):
    assert owntracks.read_json(json.dumps({"_type": kind, "tst": 1772456400}).encode()) is None


def test_an_encrypted_message_is_refused_with_what_to_do():
    with pytest.raises(FixRefused, match="switch the encryption"):
        owntracks.read_json(b'{"_type": "encrypted", "data": "x"}', topic="owntracks/a/b")


# ------------------------------------------------------------------------------------------------------------ batches


def test_rows_of_json_are_read_each_by_itself():
    lines = [
        b'{"id": "T1", "time": 1772456400, "lat": 11.5, "lon": 104.9, "speed_kmh": 36, "battery_percent": 50}\n',
        b"\n",
        b'{"id": "T1", "time": "2026-03-02T13:00:05Z", "latitude": 11.5, "lng": 104.9, "speed_mps": 10}\n',
        b'{"id": "T1", "time": 17724564',
        b'{"id": "T1", "lat": 11.5, "lon": 104.9}\n',
        b"[]\n",
        b"x" * 20_000,
    ]
    found = dict(batch.read_ndjson(lines))
    assert list(found) == [1, 3, 4, 5, 6, 7]
    assert found[1].speed_mps == pytest.approx(found[3].speed_mps)
    assert found[1].battery_share == 0.5
    assert found[3].fixed_s - found[1].fixed_s == 5
    assert "half of it missing" in str(found[4])
    assert "when the place was taken" in str(found[5])
    assert "no JSON object" in str(found[6])
    assert "too long" in str(found[7])


def test_a_table_is_read_by_its_column_names_whatever_its_delimiter():
    text = "\ufeffvehicle_id;timestamp;speed;lat;lon;bearing\nDMU09;1772456400;63.0;4.302472;101.92115;0.0\nDMU09;1;2\n"
    found = dict(batch.read_csv(text.encode().splitlines(keepends=True), speed_unit="kmh"))
    assert found[2] == Fix("DMU09", EVENING_S, 4.302472, 101.92115, 17.5, 0.0)
    assert "3 cells, there are 6 columns" in str(found[3])


def test_a_speed_without_a_unit_is_not_guessed():
    row = b'{"id": "T1", "time": 1772456400, "lat": 11.5, "lon": 104.9, "speed": 36}'
    ((_, refused),) = batch.read_ndjson([row])
    assert "has no unit" in str(refused)
    ((_, fix),) = batch.read_ndjson([row], speed_unit="knots")
    assert fix.speed_mps == pytest.approx(18.52)


def test_a_table_without_a_header_is_refused_once():
    found = list(batch.read_csv([b"DMU09,1772456400,63.0,4.3,101.9\n"] * 5))
    assert len(found) == 1
    assert "first row must name the columns" in str(found[0][1])
    assert next(iter(batch.read_csv([])))[0] == 1


def test_a_real_feed_is_read_whole_with_its_repeated_fixes(shared_data):
    path = next((shared_data / "ktmb-gtfs-rt").glob("*2026-06-16.csv"))
    lines = path.read_bytes().splitlines(keepends=True)
    found = [fix for _, fix in batch.read_csv(lines, speed_unit="kmh")]
    refused = [fix for fix in found if isinstance(fix, FixRefused)]
    fixes = [fix for fix in found if isinstance(fix, Fix)]
    assert len(found) == len(lines) - 1
    assert not refused
    assert max(fix.speed_mps for fix in fixes) < 60
    assert len({(fix.uid, fix.fixed_s) for fix in fixes}) < len(fixes)


# ------------------------------------------------------------------------------------------------------------ moments


@pytest.mark.parametrize(
    ("fixed_s", "why"),
    [
        (0.0, r"1970-01-01 00:00 UTC is too long ago"),
        (4_070_908_800.0, r"2099-01-01 00:00 UTC is in the future"),
        (EVENING_S + 27 * 3600, "in the future"),
        (EVENING_S - 31 * DAY_S, "too long ago"),
        (1e300, "in the future"),
    ],
)
def test_a_moment_that_cannot_be_is_refused(fixed_s, why):
    with pytest.raises(FixRefused, match=why):
        settled(Fix("T1", fixed_s, 11.5, 104.9), received_s=EVENING_S, oldest_s=EVENING_S - 30 * DAY_S)


@pytest.mark.parametrize("offset_s", [0.0, 3600.0, 14 * 3600.0, -29 * DAY_S])
def test_a_late_upload_and_a_clock_that_is_ahead_are_kept_as_they_are(offset_s):
    fix = Fix("T1", EVENING_S + offset_s, 11.5, 104.9)
    assert settled(fix, received_s=EVENING_S, oldest_s=EVENING_S - 30 * DAY_S) == fix


def test_a_receiver_whose_weeks_began_anew_is_mended_and_flagged():
    fix = Fix("T1", EVENING_S - 1024 * 7 * DAY_S - 3.0, 11.5, 104.9)
    mended = settled(fix, received_s=EVENING_S, oldest_s=EVENING_S - 30 * DAY_S)
    assert mended.fixed_s == EVENING_S - 3.0
    assert mended.flags == Flag.CLOCK_CORRECTED


def test_what_has_no_moment_is_of_now():
    assert settled(Fix("T1", None, 11.5, 104.9), received_s=EVENING_S, oldest_s=0.0).fixed_s == EVENING_S


# ------------------------------------------------------------------------------------------------- whatever may come

JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("read", "recorded"),
    [(osmand.read_json, TRACCAR_CLIENT_9), (traccar.read_json, FORWARDED), (owntracks.read_json, LOCATION)],
    ids=["osmand", "traccar", "owntracks"],
)
@given(data=st.data())
def test_whatever_stands_in_a_field_gives_a_position_or_a_refusal(read, recorded, data):
    message = json.loads(json.dumps(recorded))
    inner = [message] + [value for value in message.values() if isinstance(value, dict)]
    held = data.draw(st.sampled_from(inner))
    held[data.draw(st.sampled_from(sorted(held)))] = data.draw(JSON)
    try:
        found = read(json.dumps(message).encode())
    except FixRefused:
        return
    for fix in found if isinstance(found, list) else [found] if found else []:
        assert -90 <= fix.lat <= 90
        assert -180 <= fix.lon <= 180
        assert 0 < len(fix.uid) <= 120


@given(st.binary(max_size=200))
def test_any_bytes_give_positions_or_refusals(body):
    for read in (osmand.read_json, traccar.read_json, owntracks.read_json):
        try:
            read(body)
        except FixRefused:
            continue
    for read_rows in (batch.read_csv, batch.read_ndjson):
        assert all(isinstance(found, Fix | FixRefused) for _, found in read_rows(body.splitlines(keepends=True)))

"""A mapping file says what another system's columns and words mean; what it does not say is an error of the row."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from saat.links.tables.mapping import MappingRefused, RowRefused, read_mapping
from saat.links.tables.reading import Row
from saat.terms.case import Channel, Ending
from saat.terms.geo import Point
from saat.terms.policy import example_policy

MAPPING = r"""
source = "old"
[columns]
id = "ID"
opened = "Opened"
due = "Due"
closed = "Closed"
status = "Status"
category = "Kind"
words = ["Title", "Details"]
lat = "Lat"
lon = "Lon"
closing_text = "Closing"
channel = "By"
on_time = "OnTime"
[dates]
time_zone = "Asia/Phnom_Penh"
formats = ["%d/%m/%Y %H:%M", "iso"]
[place]
unknown = [[0, 0]]
[status]
open = ["open"]
closed = ["done"]
[on_time]
yes = ["Y"]
no = ["N"]
[channels]
Phone = "phone"
[categories]
Pile = "pile"
[attributes]
zone = "Zone"
[[duplicate]]
match = 'same as #(?P<parent>\d+)'
parent = "10{parent}"
[[closing]]
match = '(?i)nothing there'
ending = "no_fix"
reason = "not_found"
"""
ROW = {
    "ID": 1007.0, "Opened": "02/03/2026 10:00", "Due": "", "Closed": "", "Status": "open", "Kind": "Pile",
    "Title": "Bags", "Details": "Near the gate", "Lat": "11.55", "Lon": "104.92", "Closing": "", "By": "Phone",
    "OnTime": "Y", "Zone": "North",
}  # fmt: skip


def report(**cells):
    return read_mapping(MAPPING).report(Row(number=2, cells=ROW | cells))


def test_a_row_becomes_a_case_in_our_own_words():
    found = report()
    assert found.source_id == "1007"
    assert found.opened_at == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
    assert (found.words, found.point) == ("Bags\nNear the gate", Point(lat=11.55, lon=104.92))
    assert (found.channel, found.on_time, found.attributes) == (Channel.PHONE, True, (("zone", "North"),))
    assert (found.closed_at, found.ending) == (None, None)


def test_a_closing_text_says_how_a_case_ended():
    closed = {"Status": "done", "Closed": "2026-03-02T12:00:00+07:00"}
    nothing = report(**closed, Closing="Nothing there any more")
    assert (nothing.ending, nothing.reason_code) == (Ending.NO_FIX, "not_found")
    assert nothing.closed_at == datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
    assert report(**closed, Closing="Collected").ending is Ending.CLAIMED
    assert report(**closed, Closing="same as #12").parent_id == "1012"
    assert report(**closed, Closing="same as #07").parent_id == ""  # itself


def test_a_position_that_stands_for_none_is_none():
    assert report(Lat="0", Lon="0.0").point is None
    assert report(Lat="", Lon="").point is None


def test_a_moment_of_a_workbook_is_the_citys_own():
    assert report(Opened=datetime(2026, 3, 2, 10, 0)).opened_at == datetime(2026, 3, 2, 3, 0, tzinfo=UTC)  # noqa: DTZ001


@pytest.mark.parametrize(
    ("cells", "why"),
    [
        ({"ID": ""}, "ID is empty"),
        ({"Opened": ""}, "Opened is empty"),
        ({"Opened": "31/02/2026 10:00"}, "Opened is '31/02/2026 10:00', which is no moment"),
        ({"Kind": "Noise"}, "Kind is 'Noise', which the mapping does not know"),
        ({"Status": "lost"}, "Status is 'lost'; the mapping knows done, open"),
        ({"Status": "done"}, "It is closed, but Closed is empty"),
        ({"Status": "done", "Closed": "01/03/2026 10:00"}, "is before it was opened"),
        ({"Due": "01/03/2026 10:00"}, "Due .* is not after it was opened"),
        ({"Lat": "115"}, "are no place"),
        ({"Lat": "north"}, "are no place"),
        ({"ID": "9" * 81}, "longer than 80"),
    ],
)
def test_a_row_that_means_nothing_is_refused_with_its_column(cells, why):
    with pytest.raises(RowRefused, match=why):
        report(**cells)


@pytest.mark.parametrize(
    ("old", "new", "why"),
    [
        ('source = "old"', "", "`source` must name"),
        ('source = "old"', "source = ", "not valid TOML"),
        ('id = "ID"', "", "which column holds id"),
        ('id = "ID"', 'id = "ID"\nnumber = "N"', "columns: unknown entries number"),
        ('lon = "Lon"', "", "both `lat` and `lon`"),
        ('time_zone = "Asia/Phnom_Penh"', 'time_zone = "Phnom Penh"', "IANA name"),
        ('closed = ["done"]', "", r"needs \[status\]"),
        ('Phone = "phone"', 'Phone = "telex"', r"\[channels\] may lead to"),
        (r"same as #(?P<parent>\d+)", "same as (", "no regular expression"),
        (r"same as #(?P<parent>\d+)", "same", "needs a group"),
        ('parent = "10{parent}"', 'parent = "{other}"', "may hold only"),
        ('ending = "no_fix"', 'ending = "proved"', "nothing imported is proved"),
        ('reason = "not_found"', "", "needs a `reason`"),
        ("unknown = [[0, 0]]", "unknown = [[100, 0]]", "no .latitude, longitude."),
    ],
)
def test_a_mapping_that_cannot_be_used_is_refused_with_its_entry(old, new, why):
    assert old in MAPPING
    with pytest.raises(MappingRefused, match=why):
        read_mapping(MAPPING.replace(old, new))


def test_a_mapping_must_lead_to_what_the_city_has():
    read_mapping(MAPPING).check(example_policy())
    with pytest.raises(MappingRefused, match="no category heap"):
        read_mapping(MAPPING.replace('Pile = "pile"', 'Pile = "heap"')).check(example_policy())
    with pytest.raises(MappingRefused, match="no closing reason gone"):
        read_mapping(MAPPING.replace('"not_found"', '"gone"')).check(example_policy())

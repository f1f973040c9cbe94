"""JSON and XML as strict clients read them, and moments as the W3C writes them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from saat.links.open311.errors import Open311Error
from saat.links.open311.filters import read_filter
from saat.links.open311.moments import read_moment, write_moment
from saat.links.open311.wire import encode

PHNOM_PENH = ZoneInfo("Asia/Phnom_Penh")
NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)


def test_a_container_is_a_list_in_json_and_named_elements_in_xml():
    value = [{"service_code": "pile", "metadata": False, "attributes": [{"values": [{"key": "a"}]}]}]
    assert json.loads(encode("services", value, "json")) == value
    assert encode("services", value, "xml").decode().splitlines()[1] == (
        "<services><service><service_code>pile</service_code><metadata>false</metadata>"
        "<attributes><attribute><values><value><key>a</key></value></values></attribute></attributes></service></services>"
    )


def test_what_is_not_known_is_left_out_and_never_null():
    value = {"lat": None, "long": 1.5, "attributes": [None], "errors": []}
    assert json.loads(encode("request", value, "json")) == {"long": 1.5, "attributes": [], "errors": []}
    root = etree.fromstring(encode("request", value, "xml"))
    assert [child.tag for child in root] == ["long", "attributes", "errors"]


@given(st.text())
def test_any_text_survives_both_formats_as_text(text):
    value = [{"code": 1, "description": text}]
    (told,) = json.loads(encode("errors", value, "json"))
    root = etree.fromstring(encode("errors", value, "xml"))
    assert len(root) == 1
    assert [child.tag for child in root[0]] == ["code", "description"]
    in_xml = root[0].findtext("description")
    assert len(in_xml) == len(text)
    for was, as_json, as_xml in zip(text, told["description"], in_xml, strict=True):
        assert as_json in (was, "\ufffd")
        assert as_xml in (was, "\ufffd")
        if was.isprintable() and not "\ufdd0" <= was <= "\ufdef":
            assert as_xml == was


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-02T10:00:00+07:00", NOW),
        ("2026-03-02T10:00:00 07:00", NOW),
        ("2026-03-02T10:00:00+0700", NOW),
        ("2026-03-02T03:00:00Z", NOW),
        ("2026-03-02T03:00Z", NOW),
        ("2026-03-02T03:00:00.987Z", NOW),
        ("2026-03-01T22:00:00-05:00", NOW),
        ("2026-03-02T10:00:00", NOW),
        (" 2026-03-02 ", datetime(2026, 3, 1, 17, 0, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_however_clients_write_it(text, moment):
    assert read_moment(text, field="start_date", zone=PHNOM_PENH) == moment


@pytest.mark.parametrize(
    "text",
    ["", "now", "2026-13-01", "2026-02-30T00:00:00Z", "2026-03-02T25:00:00Z", "0000-01-01", "2026-03-02T10:00:00+99:00",
     "2026-03-02T10:00:00Z; DROP TABLE", "２０２６-03-02", "0001-01-01T00:00:00+07:00", "9999-12-31T23:59:59-07:00"],
)  # fmt: skip
def test_what_is_no_moment_is_refused_with_an_example(text):
    with pytest.raises(Open311Error, match="start_date must be a date and time such as 2026-03-02"):
        read_moment(text, field="start_date", zone=PHNOM_PENH)


@given(st.integers(min_value=-600_000_000, max_value=7_000_000_000))
def test_a_moment_is_read_as_it_was_written(seconds):
    moment = datetime.fromtimestamp(seconds, tz=UTC)
    assert read_moment(write_moment(moment, PHNOM_PENH), field="x", zone=ZoneInfo("UTC")) == moment


def test_the_window_is_ninety_days_whichever_end_is_given():
    def window(**arguments):
        wanted = read_filter({name: [value] for name, value in arguments.items()}, now=NOW, zone=PHNOM_PENH)
        return wanted.start, wanted.end

    assert window()[0].date().isoformat() == "2025-12-02"
    assert window()[1] is None
    start, end = window(start_date="2025-01-01T00:00:00Z")
    assert (end - start).days == 90
    start, end = window(end_date="2025-01-01T00:00:00Z")
    assert (end - start).days == 90
    assert window(updated_after="2025-01-01T00:00:00Z") == (None, None)
    with pytest.raises(Open311Error, match="is 91 days; at most 90"):
        window(start_date="2025-01-01", end_date="2025-04-02")


def test_ids_override_everything_else():
    wanted = read_filter(
        {"service_request_id": ["3,x,4", "5"], "status": ["nonsense"], "start_date": ["nonsense"]},
        now=NOW,
        zone=PHNOM_PENH,
    )
    assert wanted.ids == (3, 4, 5)
    assert (wanted.start, wanted.is_closed) == (None, None)

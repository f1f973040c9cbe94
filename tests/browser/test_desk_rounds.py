"""A round is planned in a browser: by map, by keyboard, and without scripts; and a resident reads its calendar."""

from __future__ import annotations

import secrets
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.beside import beside
from tests.chromium import OFFICE, OLD_PHONE
from tests.server import LiveSaat


@pytest.fixture
def round_(live: LiveSaat) -> dict:
    """A round of three stops in the demo city: its id, and the number of its first stop."""
    return beside(
        live,
        f"""
from dataclasses import replace
from datetime import timedelta
from django.utils import timezone
from saat.records.truck_clock import truck_now
from tests.plans import a_round, save
city = City.objects.get(is_demo=True)
now = truck_now(city.pk, timezone.now()) - timedelta(days=20)
centre = city.policy_terms().centre
code = "T-{secrets.token_hex(4)}"
stops = tuple(
    replace(stop, lat=centre.lat + 0.001 * at, lon=centre.lon, source_id=f"{{code}}-{{at}}")
    for at, stop in enumerate(a_round().stops)
)
saved = save(city, a_round(*stops, code=code), from_day=now.date(), now=now, accept_warnings=True)
tell({{"id": saved.round_id, "number": Stop.objects.get(source_id=f"{{code}}-0").number}})
""",
    )


@pytest.fixture
def desk(new_context: Callable[..., BrowserContext], duty_state) -> Callable[..., Page]:
    """Return a function that opens a page in a browser in which the duty officer is signed in."""

    def open_page(address: str, **options) -> Page:
        page = new_context(**{**OFFICE, **options}, storage_state=duty_state).new_page()
        page.goto(address)
        return page

    return open_page


def column(page: Page, name: str) -> list[str]:
    return page.locator(f"#stop-table input[data-column='{name}']").evaluate_all("all => all.map(one => one.value)")


def test_stops_are_ordered_and_timed_by_keyboard_and_the_change_is_seen_before_it_is_saved(desk, round_, violations):
    page = desk(f"/desk/rounds/{round_['id']}/")
    expect(page.locator("#stop-table tr[data-row]")).to_have_count(3)
    expect(page.locator("#stop-text")).to_be_hidden()
    page.locator("#stop-table input[data-column='name:en']").first.focus()
    page.keyboard.press("Alt+ArrowDown")
    assert column(page, "name:en") == ["Corner 2", "Corner 1", "Corner 3"]
    expect(page.locator("#said")).to_have_text("Row 1 is now row 2.")
    page.keyboard.press("Enter")  # on the button that has the focus: it moves on
    assert column(page, "name:en") == ["Corner 2", "Corner 3", "Corner 1"]
    for row, time in enumerate(("20:00", "20:10", "20:25")):
        page.locator("#stop-table input[data-column='time']").nth(row).fill(time)
    for row, time in enumerate(("20:30", "20:30", "20:45")):
        page.locator("#stop-table input[data-column='closes']").nth(row).fill(time)
    for row in range(3):
        page.locator("#stop-table input[data-column='opens']").nth(row).fill("19:50")
    page.locator("#ends").fill("")
    page.get_by_role("button", name="Check and compare").click()
    expect(page.locator("#diff-box")).to_contain_text("Corner 1: place 1 becomes 3")
    assert violations(page) == []
    page.get_by_role("button", name="Save this version").click()
    expect(page.locator(".toast")).to_contain_text("Version 2 is saved")
    assert column(page, "time") == ["20:00", "20:10", "20:25"]


def test_a_stop_is_added_and_a_kerb_is_drawn_on_the_map(desk, round_):
    page = desk(f"/desk/rounds/{round_['id']}/")
    box = page.locator("#map")
    expect(box).to_have_attribute("data-stops", "3")
    page.get_by_role("button", name="Add a stop on the map").click()
    expect(page.locator("#map-note")).to_have_text("Click where the new stop is.")
    box.click(position={"x": 200, "y": 200})
    expect(page.locator("#stop-table tr[data-row]")).to_have_count(4)
    assert all(float(lat) for lat in column(page, "lat"))
    page.get_by_label("Kind 4").select_option("kerb")
    page.get_by_role("button", name="Draw the line of row 4").click()
    page.wait_for_timeout(50)
    for x in (300, 400, 500):
        box.click(position={"x": x, "y": 250})
    page.keyboard.press("Enter")
    line = page.locator("#stop-table input[data-column='line']")
    expect(line).to_have_value("; ".join(part.strip() for part in line.input_value().split(";")))
    assert len(line.input_value().split(";")) == 3


def test_a_stop_is_dragged_to_where_it_is(desk, round_):
    page = desk(f"/desk/rounds/{round_['id']}/")
    expect(page.locator("#map")).to_have_attribute("data-stops", "3")
    before = column(page, "lat")
    page.locator("#map").scroll_into_view_if_needed()
    pin = page.locator(".stop-pin").nth(1).bounding_box()
    page.mouse.move(pin["x"] + pin["width"] / 2, pin["y"] + pin["height"] / 2)
    page.mouse.down()
    page.mouse.move(pin["x"] + 80, pin["y"] + 60, steps=5)
    page.mouse.up()
    expect(page.locator("#said")).to_have_text("Row 2 was moved on the map.")
    after = column(page, "lat")
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1] != before[1]


def test_a_round_is_planned_without_scripts(desk, round_):
    page = desk(f"/desk/rounds/{round_['id']}/", java_script_enabled=False)
    lines = page.locator("#stops")
    lines.fill(lines.input_value().replace("20:20\t20:15", "20:21\t20:15"))
    page.get_by_role("button", name="Check and compare").click()
    expect(page.locator("#diff-box")).to_contain_text("20:20 (20:15–20:35) → 20:21 (20:15–20:35)")


def test_a_resident_reads_a_stops_calendar_on_an_old_phone(new_context, round_, violations):
    page = new_context(**OLD_PHONE, locale="km").new_page()
    for where in ("", "/poster"):
        page.goto(f"/stops/{round_['number']}{where}")
        expect(page.locator("h1").first).to_contain_text("ជ្រុង 1")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, where
        assert violations(page) == [], where


def test_the_list_of_rounds_and_the_search_for_stops_can_be_used_by_everybody(desk, round_, violations):
    for address in ("/desk/rounds/", "/desk/rounds/questions/", "/desk/rounds/new", "/stops/?q=corner"):
        assert violations(desk(address)) == [], address

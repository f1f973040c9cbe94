"""Trucks on the desk in a real browser: alive, by keyboard, on a phone in Khmer, without scripts, for every eye."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.beside import beside
from tests.chromium import PHONE
from tests.server import LiveSaat

TRUCKS = "/desk/trucks/"
SOME = re.compile(r"^[1-9]")
# A run that is to come begins, and three of its stops are at risk; the clock of its city is that of the runs before it.
IN_TROUBLE = """
from datetime import timedelta
latest = Run.objects.filter(city__is_demo=True, followed_at__isnull=False).order_by("-followed_at").first()
coming = Run.objects.filter(city=latest.city, state="planned", starts_at__gt=latest.starts_at)
run = coming.order_by("starts_at", "pk").first()
stops = list(run.plan.planned_stops.select_related("stop").order_by("sequence"))
vehicle = run.plan.vehicle
run.state, run.started_at, run.at_risk, run.stops = "running", run.starts_at, 3, len(stops)
run.followed_at = latest.followed_at + timedelta(seconds=1)
at = stops[0].stop
run.view = {"v": 1, "as_of": 0, "marks": "c" * (len(stops) - 3) + "rrr", "risk_from": 0.6, "stops": [], "reached": 0,
            "vehicles": [{"id": vehicle.pk, "lat": at.lat, "lon": at.lon, "state": "standing", "since": None}]}
run.save()
tell([run.pk, str(run.round)])
"""


@pytest.fixture(scope="module")
def done_run(live: LiveSaat) -> str:
    """The address of a run that is over, with outcomes."""
    code = """
runs = Run.objects.filter(city__is_demo=True, state="done", stop_runs__isnull=False)
tell(runs.order_by("-starts_at").first().pk)
"""
    return f"{TRUCKS}runs/{beside(live, code)}"


def test_the_list_and_the_map_show_the_same_runs_and_everybody_can_read_them(desk, violations):
    page = desk()
    page.goto(TRUCKS)
    expect(page.locator("#map")).to_have_attribute("data-stops", SOME, timeout=20_000)
    assert page.locator("#runs > li").count() > 3
    expect(page.locator("#legend")).to_contain_text("at risk")
    assert violations(page) == []


def test_a_run_in_trouble_comes_to_the_top_of_an_open_page_by_itself(desk, live):
    page = desk()
    page.goto(TRUCKS)
    expect(page.locator("#live-state")).to_have_text("Live")
    page.mouse.move(5, 5)
    run_id, name = beside(live, IN_TROUBLE)
    first = page.locator("#runs > li").first
    expect(first).to_have_attribute("id", f"run-{run_id}", timeout=15_000)
    expect(first).to_contain_text(name)
    expect(first).to_contain_text("At risk")
    expect(first.locator(".run-counts")).to_contain_text("3 at risk")
    expect(page.locator("#summary")).to_contain_text("need")
    page.get_by_role("button", name="On the map " + name).click()
    first.locator(".open-run").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text(name)


def test_on_a_phone_in_khmer_the_map_comes_on_demand(desk, violations):
    page = desk(**PHONE, locale="km")
    page.goto(TRUCKS)
    expect(page.locator("#map")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []
    page.locator("#map-toggle").click()
    expect(page.locator("#map")).to_have_attribute("data-stops", SOME, timeout=20_000)


def test_a_run_its_stop_and_the_contests_can_be_read_by_everybody(desk, done_run, violations):
    page = desk()
    page.goto(done_run)
    chart = page.locator(".run-chart")
    expect(chart).to_be_visible()
    assert chart.locator("svg.mk").count() == page.locator(".stop-table tbody tr").count()
    assert violations(page) == []
    page.locator(".stop-table th[scope=row] a").first.click()
    expect(page.get_by_role("heading", name="How the outcome changed")).to_be_visible()
    assert violations(page) == []
    page.goto(f"{TRUCKS}contests")
    assert violations(page) == []


@pytest.mark.parametrize("path", ["", "replay", "score", "contests"])
def test_no_page_is_wider_than_a_phone(desk, path):
    page = desk(**PHONE)
    page.goto(TRUCKS + path)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_run_fits_a_phone(desk, done_run, violations):
    page = desk(**PHONE, locale="km")
    page.goto(done_run)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert violations(page) == []


def test_a_day_is_replayed_with_the_keyboard(desk, done_run, violations):
    page = desk()
    page.goto(done_run)
    page.get_by_role("link", name="Replay this run on the map").click()
    slider, time = page.locator("#slider"), page.locator("#replay-time")
    expect(slider).to_be_visible(timeout=15_000)
    begin = time.text_content()
    slider.focus()
    slider.press("End")
    expect(time).not_to_have_text(begin)
    expect(page.locator("#replay-counts")).to_contain_text("served")
    assert "served" in (slider.get_attribute("aria-valuetext") or "")
    slider.press("Home")
    expect(time).to_have_text(begin)
    slider.press(" ")
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(time).not_to_have_text(begin)
    slider.press(" ")
    expect(page.get_by_role("button", name="Play")).to_be_visible()
    assert violations(page) == []


def test_the_score_card_leads_to_its_stops(desk, violations):
    page = desk()
    page.goto(f"{TRUCKS}score")
    assert violations(page) == []
    served = page.locator(".figures tr", has_text="Served").first.locator("a")
    number = served.text_content()
    served.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(f"Served {number}")
    assert violations(page) == []


def test_everything_can_be_read_without_scripts(desk, done_run):
    page = desk(java_script_enabled=False)
    page.goto(TRUCKS)
    assert page.locator("#runs > li").count() > 3
    page.locator("#f-contractor").select_option(index=1)
    page.get_by_role("button", name="Show").click()
    assert "contractor=" in page.url
    page.goto(done_run)
    expect(page.locator(".run-chart")).to_be_visible()

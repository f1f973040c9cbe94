"""Devices, vehicles and sites in a real browser: from a new phone to the code that its crew scans."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import OLD_PHONE


@pytest.fixture
def desk(new_context, duty_state) -> Page:
    """A page on a small phone on which the city's duty officer is signed in."""
    return new_context(**OLD_PHONE, storage_state=duty_state).new_page()


def test_a_phone_is_added_put_on_a_truck_and_given_its_code(desk, violations, tmp_path):
    faults = []

    def look(name: str) -> None:
        faults.extend(f"{name}: {fault}" for fault in violations(desk))
        if desk.evaluate("() => document.documentElement.scrollWidth") > 320:
            faults.append(f"{name}: wider than the screen")
        desk.screenshot(path=tmp_path / f"devices-{name}.png", full_page=True)

    desk.goto("/desk/devices/")
    look("list")
    desk.get_by_role("link", name="Add a device").click()
    desk.get_by_label("Identifier that it sends").fill("Phone of the evening crew")
    look("add")
    desk.get_by_role("button", name="Add it").click()
    expect(desk.get_by_text("It is on no vehicle:")).to_be_visible()
    desk.get_by_role("button", name="It is on this vehicle").click()
    expect(desk.get_by_text(re.compile(": since "))).to_be_visible()
    look("device")
    desk.get_by_role("button", name="Make a token and show its code").click()
    link = desk.get_by_label("The link").input_value()
    assert re.search(r"/crew/start#[\w-]{16,}$", link)
    drawn = desk.locator("img.code-drawn").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert len(drawn) == 2
    assert min(drawn) > 100
    look("token")
    desk.goto("/desk/devices/vehicles/")
    look("vehicles")
    desk.goto("/desk/devices/sites/")
    look("sites")
    desk.goto("/desk/devices/sites/add")
    look("site")
    assert faults == []

"""The page of a case as officials use it: with a mouse, with keys, on a phone, with a camera, and without scripts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.chromium import OFFICE, OLD_PHONE, PHONE
from tests.pictures import picture_bytes, scene
from tests.server import LiveSaat

_dice = random.Random()


@pytest.fixture
def reported(live: LiveSaat) -> Callable[..., tuple[str, float, float]]:
    """Return a function that reports something at a place of its own and returns the case's address and place."""

    door, key = (
        live.demo["open311_url"],
        {"jurisdiction_id": live.demo["city"], "api_key": live.demo["open311_api_key"]},
    )

    def report(words: str = "A broken chair") -> tuple[str, float, float]:
        while True:
            lat, lon = 11.55 + _dice.random() * 0.02, 104.915 + _dice.random() * 0.01
            fields = {"service_code": "other", "lat": f"{lat:.6f}", "long": f"{lon:.6f}", "description": words}
            answer = httpx.post(f"{door}/requests.json", data={**key, **fields}, timeout=20)
            number = answer.raise_for_status().json()[0]["service_request_id"]
            extended = {**key, "extensions": "true"}
            told = httpx.get(f"{door}/requests/{number}.json", params=extended, timeout=20).json()[0]
            if told["extended_attributes"]["voices"] == 1:  # it fell on no case that was there already
                return f"/desk/cases/{told['extended_attributes']['case_code']}", lat, lon

    return report


def test_two_clicks_assign_and_one_more_undoes_it(desk, reported):
    address, _, _ = reported()
    page = desk()
    page.goto(address)
    page.locator(".case-next .button.primary").click()
    expect(page.locator(".toast")).to_contain_text("The case was given to")
    expect(page.locator(".case-badges")).to_contain_text("Assigned")
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator(".case-badges")).to_contain_text("Open")


def test_keys_lead_to_the_acts_and_can_be_turned_off(desk, reported):
    address, _, _ = reported()
    page = desk()
    page.goto(address)
    page.keyboard.press("t")
    expect(page.locator("[data-key=t]").first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".case-badges")).to_contain_text("Taken")
    page.keyboard.press("n")
    page.keyboard.type("t is a letter here")
    expect(page.locator("#note-text")).to_have_value("t is a letter here")
    page.locator("#note-text").evaluate("box => box.blur()")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_contain_text("Private note")
    page.locator("#keys input[type=checkbox]").check()
    page.keyboard.press("Escape")
    page.reload()
    page.keyboard.press("n")
    expect(page.locator("#act-note")).not_to_have_attribute("open", "")


def test_every_act_works_without_a_script(desk, reported):
    address, _, _ = reported()
    page = desk(java_script_enabled=False)
    page.goto(address)
    page.locator("#act-assign summary").click()
    choice = page.locator("#assign-to option", has_text=re.compile(r"\d+ open")).first.get_attribute("value")
    page.locator("#assign-to").select_option(choice)
    page.locator("#act-assign button[type=submit]").first.click()
    expect(page.locator(".case-badges")).to_contain_text("Assigned")
    page.locator("#act-close_no_fix summary").click()
    page.locator("#act-close_no_fix input[type=radio]").first.check()
    page.locator("#act-close_no_fix button[type=submit]").click()
    expect(page.locator(".case-badges")).to_contain_text("closed without cleaning")


def test_the_map_loads_only_when_it_comes_into_view(desk, reported):
    address, _, _ = reported()
    page = desk(viewport={"width": 1440, "height": 400})
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    page.goto(address, wait_until="networkidle")
    assert not any("maplibre" in url for url in loaded)
    page.locator("#case-map").scroll_into_view_if_needed()
    expect(page.locator("#case-map canvas")).to_be_visible()
    assert any("maplibre" in url for url in loaded)


def test_a_tap_on_the_map_gives_the_place(desk, reported):
    address, lat, _ = reported()
    page = desk()
    page.goto(address)
    page.locator("#act-change summary").click()
    page.locator("#pick-place").click()
    expect(page.locator("#pick-hint")).to_contain_text("Tap on the map")
    page.locator("#case-map canvas").click(position={"x": 60, "y": 60})
    expect(page.locator("#change-lat")).not_to_have_value(f"{lat:.6f}")
    page.locator("#act-change button[type=submit]").click()
    expect(page.locator(".toast")).to_contain_text("The case is corrected")


def test_what_a_colleague_did_meanwhile_is_shown_before_anything_is_overwritten(desk, reported, live, new_context):
    address, _, _ = reported()
    page = desk()
    page.goto(address)
    colleague = new_context(**OFFICE).new_page()
    login = live.user("administrator")
    colleague.goto(f"/accounts/login/?next={address}")
    colleague.fill("input[name=login]", login["username"])
    colleague.fill("input[name=password]", login["password"])
    colleague.press("input[name=password]", "Enter")
    colleague.locator("[data-key=t]").first.click()
    expect(colleague.locator(".case-badges")).to_contain_text("Taken")
    expect(page.locator("#case-news")).to_contain_text("Something new happened to this case.")
    page.locator(".case-next .button.primary").click()
    expect(page.locator("#failed")).to_contain_text("took the case")
    expect(page.locator("#failed")).to_be_focused()
    page.locator("#failed button", has_text="Do it all the same").click()
    expect(page.locator(".case-badges")).to_contain_text("Assigned")


def test_the_pages_own_camera_proves_a_case_with_the_code_in_the_picture(desk, reported):
    address, lat, lon = reported()
    page = desk(**PHONE, geolocation={"latitude": lat, "longitude": lon, "accuracy": 8}, permissions=["geolocation"])
    page.goto(address)
    page.locator(".case-next button", has_text="Prove and close").click()
    expect(page.locator("#proof-code")).to_have_text(re.compile(r"^\w{4}-\w{4}$"))
    expect(page.locator("#place-state")).to_contain_text("within 8 m")
    expect(page.locator("#file-field")).to_be_hidden()
    expect(page.locator("#proof-send")).to_be_disabled()
    expect(page.locator("#shoot")).to_be_enabled()
    page.locator("#shoot").click()
    expect(page.locator("#viewer-shot")).to_be_visible()
    foot = page.locator("#viewer-shot").evaluate(
        """shot => [...shot.getContext("2d").getImageData(0, shot.height - 6, shot.width, 1).data]
             .filter((_, at) => at % 4 === 1).reduce((sum, green) => sum + green, 0) / shot.width"""
    )
    assert foot < 140  # the dark strip with the code
    page.locator("#proof-send").click()
    expect(page.locator(".case-badges")).to_contain_text("cleaned, with a photo")
    checks = page.locator("#proofs .checks")
    expect(checks).to_contain_text("Passed: Taken by the camera")
    expect(checks).to_contain_text(re.compile(r"Passed: The phone was \d+ m from the place"))


def test_a_phone_without_a_camera_for_pages_sends_a_file(desk, reported, tmp_path):
    address, _, _ = reported()
    file = tmp_path / "now.jpg"
    file.write_bytes(picture_bytes(picture=scene(seed=77)))
    page = desk(**PHONE)
    page.add_init_script("delete Navigator.prototype.mediaDevices")
    page.goto(f"{address}")
    page.locator(".case-next button", has_text="Prove and close").click()
    expect(page.locator("#place-state")).to_contain_text(re.compile("camera cannot be used|does not say where"))
    page.locator("#proof-photo").set_input_files(str(file))
    page.locator("#proof-send").click()
    expect(page.locator(".case-badges")).to_contain_text("cleaned, with a photo")
    expect(page.locator("#proofs .checks")).to_contain_text("Unknown: Neither the photo nor the phone")


def test_faces_are_covered_by_drawing_and_with_keys(desk, live):
    page = desk()
    page.goto("/desk/")
    photo = _a_photo_to_cover(page)
    page.goto(photo)
    picture = page.locator("#redact-photo")
    expect(picture).to_be_visible()
    before = picture.get_attribute("src")
    expect(page.locator("#cover")).to_be_disabled()
    box = picture.bounding_box()
    page.mouse.move(box["x"] + 40, box["y"] + 40)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 140, steps=4)
    page.mouse.up()
    expect(page.locator(".redact-part")).to_have_count(1)
    page.locator("#add-part").click()
    expect(page.locator(".redact-part")).to_have_count(2)
    left = page.locator(".redact-part").nth(1).bounding_box()["x"]
    page.keyboard.press("ArrowRight")
    assert page.locator(".redact-part").nth(1).bounding_box()["x"] > left
    page.keyboard.press("Delete")
    expect(page.locator(".redact-part")).to_have_count(1)
    page.locator("#cover").click()
    expect(page.locator(".toast")).to_contain_text("The parts are covered")
    page.goto(photo)
    assert page.locator("#redact-photo").get_attribute("src") != before


def _a_photo_to_cover(page: Page) -> str:
    """Return the address at which the first photo of some demo case is covered."""
    for case_id in range(1, 200):
        page.goto(f"/desk/cases/{case_id}")
        link = page.locator('.voices a[href*="/redact"]').first
        if link.count():
            return str(link.get_attribute("href"))
    raise LookupError("The demo has no case with a photo.")


PAGES = ["case", "assigned", "closed", "camera", "merge", "cover", "/desk/duty/", "/desk/texts/", "/desk/proofs/"]


@pytest.mark.parametrize("what", PAGES)
def test_pages_about_a_case_can_be_used_by_everybody(desk, reported, violations, what):
    page = desk()
    if what.startswith("/"):
        page.goto(what)
    elif what == "cover":
        page.goto(_a_photo_to_cover(page))
        page.locator("#add-part").click()
    else:
        address, _, _ = reported()
        page.goto(address)
        if what == "case":
            for summary in page.locator(".act > summary").all():
                summary.click()
                page.evaluate("scrollTo(0, 0)")  # nothing half under the bar that stays at the top
                assert violations(page) == []
        elif what == "assigned":
            page.locator(".case-next .button.primary").click()
            expect(page.locator(".toast")).to_be_visible()
        elif what == "closed":
            page.locator("#act-close summary").click()
            page.locator("#act-close button[type=submit]").click()
            expect(page.locator(".toast")).to_be_visible()
        elif what == "camera":
            page.locator(".case-next button", has_text="Prove and close").click()
            expect(page.locator("#shoot")).to_be_enabled()
        elif what == "merge":
            other, _, _ = reported()
            code = re.search(r"[0-9A-Z]{4}-[0-9A-Z]{4}", _title_of(page, other))[0]
            page.goto(address)
            page.locator("#act-merge summary").click()
            page.fill("#merge-code", code)
            page.locator("#act-merge button").click()
            expect(page.locator("h1")).to_contain_text("the same trouble")
    assert violations(page) == []


def _title_of(page: Page, address: str) -> str:
    page.goto(address)
    return page.locator("h1").inner_text()


@pytest.mark.parametrize("language", ["en", "km"])
def test_nothing_runs_out_of_a_small_phone(desk, reported, violations, language):
    address, _, _ = reported("អាសយដ្ឋានវែងណាស់ដែលគ្មានចន្លោះរវាងពាក្យនិងមិនអាចបំបែកបានដោយកម្មវិធីរុករកធម្មតា" * 3)
    page = desk(**OLD_PHONE)
    for where in (address, "/desk/duty/", "/desk/texts/", "/desk/proofs/"):
        page.goto(f"{where}?lang={language}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, where
    page.goto(address)
    assert violations(page) == []


def test_a_contractor_answers_from_a_phone_in_khmer(desk, reported, new_context, violations):
    address, lat, lon = reported()
    page = desk()
    page.goto(address)
    page.locator(".case-next .button.primary").click()
    page.locator("#act-assign summary").click()
    page.locator("#act-assign button", has_text="Make a new link").click()
    link = re.search(r"/c/\w{26}", page.locator(".toast").inner_text())[0]
    place = {"latitude": lat, "longitude": lon, "accuracy": 8}
    crew = new_context(**OLD_PHONE, locale="km", geolocation=place, permissions=["geolocation"]).new_page()
    crew.goto(link)
    assert crew.evaluate("document.documentElement.scrollWidth") <= 320
    assert crew.locator("html").get_attribute("lang") == "km"
    assert violations(crew) == []
    crew.goto(f"{link}?lang=en")
    crew.locator("button", has_text="We are on site").click()
    expect(crew.locator("main")).to_contain_text("sees that you are there")
    crew.locator("button", has_text="take the photo").click()
    expect(crew.locator("#shoot")).to_be_enabled()
    assert violations(crew) == []
    crew.locator("#shoot").click()
    expect(crew.locator("#viewer-shot")).to_be_visible()
    crew.locator("#proof-send").click()
    expect(crew.locator("main")).to_contain_text("The case is closed, with your photo")
    crew.goto("/c/" + "0" * 26)
    expect(crew.locator("h1")).to_contain_text("opens nothing")
    assert violations(crew) == []

"""A call is written down with one hand on the keys: by keyboard alone, on a phone, in Khmer, and without scripts."""

from __future__ import annotations

import re
import secrets
import string
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.chromium import OFFICE, OLD_PHONE

PAGE = "/desk/report/"
CODE = re.compile(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}")


@pytest.fixture
def desk(new_context: Callable[..., BrowserContext], duty_state) -> Callable[..., Page]:
    """Return a function that opens the form in a browser in which the duty officer is signed in."""

    def open_form(language: str = "en", **options) -> Page:
        page = new_context(**{**OFFICE, **options}, storage_state=duty_state).new_page()
        page.goto(f"{PAGE}?lang={language}")
        return page

    return open_form


def pressed(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def unheard_of() -> str:
    """Return words that no earlier call was about."""
    return " ".join("".join(secrets.choice(string.ascii_lowercase) for _ in range(7)) for _ in range(5))


def code_on(page: Page) -> str:
    found = CODE.search(page.title())
    assert found, page.title()
    return found[0]


def test_a_call_is_kept_in_well_under_a_minute_without_touching_the_mouse(desk, violations):
    page = desk()
    where = page.get_by_role("combobox", name="Area or landmark")
    expect(where).to_be_visible()
    began = time.monotonic()
    pressed(page, "2")
    expect(page.get_by_role("radio", name="My rubbish was not collected")).to_be_checked()
    expect(where).to_be_focused()
    page.keyboard.type("toul tompong")
    expect(page.get_by_role("option").first).to_contain_text("Tuol Tumpung")
    pressed(page, "ArrowDown", "ArrowUp", "Enter")
    expect(page.locator("#address")).to_be_focused()
    page.keyboard.type("street 450, the blue gate")
    pressed(page, "Enter")
    expect(page.locator("#words")).to_be_focused()
    page.keyboard.type(f"The truck did not come, somebody set fire to it {unheard_of()}")
    side = page.locator("#near")
    expect(side).to_contain_text("Promised by")
    expect(side).to_contain_text("the words speak of fire")
    assert violations(page) == []
    page.locator("#phone").focus()
    page.keyboard.type("012 345 678")
    expect(side).to_contain_text("012 345 678")
    pressed(page, "Enter")
    expect(page.locator("#name")).to_be_focused()
    page.keyboard.type("Mom Sophea")
    pressed(page, "Control+Enter")
    expect(page.locator(".done-letter")).to_have_count(8)
    assert time.monotonic() - began < 60
    expect(page.get_by_role("heading", name="Read aloud: ខ្មែរ")).to_be_visible()
    expect(page.locator(".done-outs")).to_contain_text("promises to act by")
    assert violations(page) == []
    # Enter on the page goes on to the next caller.
    pressed(page, "Enter")
    page.wait_for_url(f"**{PAGE}")


def test_digits_choose_only_where_nobody_is_typing_and_enter_never_sends_half_a_call(desk):
    page = desk()
    pressed(page, "1")
    page.keyboard.type("271")
    expect(page.locator("#where")).to_have_value("271")
    expect(page.get_by_role("radio", name="Rubbish piled up")).to_be_checked()
    page.locator("#phone").focus()
    page.keyboard.type("3")
    pressed(page, "Enter", "Enter")
    expect(page.get_by_role("radio", name="Rubbish piled up")).to_be_checked()
    assert page.url.split("?")[0].endswith(PAGE)
    expect(page.locator("#summary")).to_have_count(0)


def test_what_is_missing_is_named_at_its_field_and_all_that_was_typed_stays(desk, violations):
    page = desk()
    page.locator("#words").fill("bags")
    pressed(page, "Control+Enter")
    summary = page.locator("#summary")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Please choose what it is.")
    expect(summary).to_contain_text("Please choose the area or a landmark.")
    expect(page.locator("#words")).to_have_value("bags")
    assert violations(page) == []
    summary.get_by_role("link", name="Please choose the area or a landmark.").click()
    expect(page.locator("#where")).to_be_focused()


def test_a_second_caller_joins_the_open_case_and_a_third_finds_it_by_its_code(desk):
    words = unheard_of()
    code = ""
    for number in (1, 2):
        page = desk()
        pressed(page, "1")
        # Faster than the list can follow.
        page.keyboard.type("tumpung ti pir")
        pressed(page, "Enter")
        expect(page.locator("#address")).to_be_focused()
        expect(page.locator("#where")).to_have_value("Tuol Tumpung Ti Pir")
        page.locator("#words").fill(words)
        if number == 2:
            found = page.locator(".near-case", has_text=code)
            expect(found).to_be_visible()
            found.get_by_role("radio").focus()
            pressed(page, "Space")
        else:
            expect(page.locator("#near")).to_contain_text("Promised by")
        pressed(page, "Control+Enter")
        expect(page.locator(".done-letter")).to_have_count(8)
        code = code or code_on(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("It is counted with the open case")
    assert code_on(page) == code
    page = desk()
    page.locator("#words").fill(f"she read me {code.lower().replace('-', ' ')}")
    expect(page.locator(".near-named")).to_contain_text(code)
    page.locator("#service_code").focus()
    pressed(page, "/")
    page.keyboard.type(code.replace("-", ""))
    pressed(page, "Enter")
    page.wait_for_url("**/desk/cases/*")
    expect(page.get_by_role("heading", level=1)).to_contain_text(code)


def test_words_about_something_else_are_filed_by_their_name_with_one_click(desk):
    page = desk()
    page.get_by_role("radio", name="Something else").check()
    page.locator("#where").fill("tumpung ti pir")
    page.get_by_role("option").first.click()
    page.locator("#words").fill(f"the public container is full {unheard_of()}")
    page.get_by_role("button", name="File it so").click()
    expect(page.get_by_role("radio", name="Bin or container is full")).to_be_checked()


def test_a_point_on_the_map_is_taken_and_forgotten_again(desk):
    page = desk()
    pressed(page, "1")
    page.get_by_role("button", name="Show on the map").click()
    page.locator("#map .map-name").first.wait_for(state="attached")
    page.locator("#map canvas").click()
    expect(page.locator("input[name=lat]")).not_to_have_value("")
    expect(page.locator("#near")).to_contain_text("Area")
    page.get_by_role("button", name="Forget the point").click()
    expect(page.locator("input[name=lat]")).to_have_value("")


@pytest.mark.parametrize("language", ["en", "km"])
def test_it_fits_an_old_phone_in_both_languages(desk, violations, language):
    page = desk(language, **OLD_PHONE)
    expect(page.get_by_role("combobox")).to_be_visible()
    page.locator(".phone-card").first.click()
    page.locator("#where").fill("ផ្សារ")
    page.get_by_role("option").first.click()
    page.locator("#words").fill(unheard_of())
    expect(page.locator(".near-facts")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert violations(page) == []
    page.locator("#keep").click()
    expect(page.locator(".done-letter")).to_have_count(8)
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")
    assert violations(page) == []


def test_everything_works_without_a_script(desk):
    page = desk(java_script_enabled=False)
    page.get_by_role("radio", name="Illegal dumping").check()
    page.locator("select#pick").select_option(label="Tuol Tumpung Ti Pir")
    page.locator("#words").fill(unheard_of())
    page.get_by_role("checkbox", name="needles").check()
    page.get_by_role("button", name="Keep it and give the code").click()
    expect(page.locator(".done-letter")).to_have_count(8)
    expect(page.locator("main")).to_contain_text("Urgency: Danger")
    page.goto(PAGE)
    page.get_by_role("radio", name="Illegal dumping").check()
    page.locator("#where").fill("tumpong")
    page.get_by_role("button", name="Keep it and give the code").click()
    page.locator(".phone-meant").get_by_role("radio").first.check()
    page.get_by_role("button", name="Keep it and give the code").click()
    expect(page.locator(".done-letter")).to_have_count(8)

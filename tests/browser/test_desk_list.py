"""The work list as officials use it: alive, with a mouse, with keys, on a phone, in two languages, without scripts."""

from __future__ import annotations

import random
import re
from collections.abc import Callable

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.chromium import OFFICE, PHONE
from tests.server import LiveSaat

_dice = random.Random()
LIST = "/desk/?group=open"


@pytest.fixture
def reported(live: LiveSaat) -> Callable[..., str]:
    """Return a function that reports something at a place of its own and returns the word by which it is found.

    word: one that was returned before, so that two cases are found together; otherwise a new one.
    """
    door, key = (
        live.demo["open311_url"],
        {"jurisdiction_id": live.demo["city"], "api_key": live.demo["open311_api_key"]},
    )

    def report(service_code: str = "danger", *, word: str = "") -> str:
        word = word or new_word()
        lat, lon = 11.55 + _dice.random() * 0.02, 104.905 + _dice.random() * 0.02
        fields = {
            "service_code": service_code,
            "lat": f"{lat:.6f}",
            "long": f"{lon:.6f}",
            "description": f"A heap, {word}",
        }
        httpx.post(f"{door}/requests.json", data={**key, **fields}, timeout=20).raise_for_status()
        return word

    return report


def new_word() -> str:
    """Return a word that no other case has, so that a list of its own can be asked for."""
    return f"chair{_dice.randrange(10**9)}"


def list_of(word: str) -> str:
    """Return the address of the open cases with a word: a list that other tests do not fill."""
    return f"/desk/?group=open&q={word}"


def row_with(page: Page, word: str):
    """Return the row in which a word stands."""
    return page.locator(".case-row", has_text=word)


def keys_of(page: Page) -> list[int]:
    """Return what orders the rows, from above downwards."""
    return [int(key) for key in page.locator(".case-row").evaluate_all("rows => rows.map(row => row.dataset.key)")]


def test_a_new_case_comes_by_itself_to_its_place_in_the_order_and_is_said(desk, reported):
    word = reported("other")
    reported("other", word=word)
    page = desk()
    page.goto(list_of(word))
    expect(page.locator("#live-state")).to_have_text("Live")
    reported("danger", word=word)
    expect(page.locator(".case-row")).to_have_count(3)
    expect(page.locator(".case-row").first).to_contain_text("Dangerous waste")
    expect(page.locator(".case-row").first).to_have_class(re.compile("is-new"))
    assert keys_of(page) == sorted(keys_of(page))
    expect(page.locator("#said")).to_contain_text("New case: Dangerous waste")


def test_an_empty_list_fills_by_itself(desk, reported):
    word, page = new_word(), desk()
    page.goto(list_of(word))
    expect(page.locator("#nothing")).to_be_visible()
    expect(page.locator("#live-state")).to_have_text("Live")
    reported(word=word)
    expect(row_with(page, word)).to_be_visible()
    expect(page.locator("#nothing")).to_be_hidden()


def test_a_case_is_taken_with_one_click_and_given_back_with_another(desk, reported):
    word, page = reported(), desk()
    page.goto(list_of(word))
    row = row_with(page, word)
    row.locator("button", has_text="Take").click()
    expect(page.locator(".toast")).to_contain_text("You have taken")
    expect(row.locator(".state")).to_contain_text("You")
    assert page.url.endswith(list_of(word))
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator(".toast").last).to_contain_text("Undone.")
    expect(row.locator("button", has_text="Take")).to_be_visible()


def test_what_one_officer_does_another_sees(desk, reported):
    word = reported()
    mine, other = desk(), desk()
    for page in (mine, other):
        page.goto(list_of(word))
    expect(other.locator("#live-state")).to_have_text("Live")
    row_with(mine, word).locator("button", has_text="Take").click()
    expect(row_with(other, word).locator(".state")).to_contain_text("Taken")


def test_a_closed_case_leaves_the_list_and_the_numbers_follow(desk, reported):
    word = reported()
    page, other = desk(), desk()
    page.goto(list_of(word))
    expect(page.locator("#live-state")).to_have_text("Live")
    number = page.locator('[data-group="open"] [data-count]')
    expect(number).to_have_text("1")
    other.goto(row_with(page, word).locator(".open-case").get_attribute("href"))
    other.locator("#act-close_no_fix summary").click()
    form = other.locator('form[action$="/act/close_no_fix"]')
    form.locator("input[name=reason_code]").first.check()
    form.locator("button[type=submit]").first.click()
    expect(row_with(page, word)).to_have_count(0)
    expect(number).to_have_text("0")


def test_what_a_filter_hides_is_counted_and_one_click_away(desk, reported):
    page = desk()
    page.goto(f"/desk/?group=open&category=full-bin&q={new_word()}")
    expect(page.locator("#live-state")).to_have_text("Live")
    reported()
    expect(page.locator("#fresh")).to_contain_text("1 new, hidden by the filter")
    page.locator("#fresh a").click()
    page.wait_for_url("**/desk/?group=open")


def test_a_lost_connection_is_told_and_what_was_missed_comes_when_it_is_back(desk, reported):
    word, page = new_word(), desk()
    page.goto(list_of(word))
    expect(page.locator("#live-state")).to_have_text("Live")
    page.context.set_offline(True)
    expect(page.locator("#lost")).to_be_visible(timeout=20_000)
    reported(word=word)
    page.context.set_offline(False)
    expect(page.locator("#lost")).to_be_hidden(timeout=20_000)
    expect(row_with(page, word)).to_be_visible()


def test_two_tabs_share_one_stream_and_both_are_told(new_context, duty_state, reported):
    context = new_context(**OFFICE, storage_state=duty_state)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url) if "/desk/live" in request.url else None)
    first, second, word = context.new_page(), context.new_page(), new_word()
    for page in (first, second):
        page.goto(list_of(word))
        expect(page.locator("#live-state")).to_have_text("Live")
    reported(word=word)
    for page in (first, second):
        expect(page.locator(".case-row")).to_have_count(1)
    assert len(asked) == 1
    first.close()
    reported(word=word)
    expect(second.locator(".case-row")).to_have_count(2)


def test_the_whole_list_is_worked_with_keys_alone(desk, reported):
    word = reported()
    reported(word=word)
    page = desk()
    page.goto(list_of(word))
    rows = page.locator(".case-row")
    page.keyboard.press("j")
    expect(rows.nth(0)).to_have_class(re.compile("current"))
    page.keyboard.press("j")
    expect(rows.nth(1)).to_have_class(re.compile("current"))
    expect(rows.nth(1).locator(".open-case")).to_be_focused()
    page.keyboard.press("k")
    expect(rows.nth(0)).to_have_class(re.compile("current"))
    page.keyboard.press("x")
    expect(page.locator("#picked")).to_have_text("1 chosen")
    page.keyboard.press("x")
    page.keyboard.press("t")
    expect(page.locator(".toast")).to_contain_text("You have taken")
    page.keyboard.press("u")
    expect(page.locator(".toast").last).to_contain_text("Undone.")
    page.keyboard.press("?")
    expect(page.locator("#keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("tj")  # typed, not acted upon
    expect(page.locator("#q")).to_have_value("tj")
    page.locator("h1").first.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("g")
    page.keyboard.press("d")
    page.wait_for_url("**/desk/duty/")


def test_enter_opens_the_case_on_which_the_keys_stand(desk):
    page = desk()
    page.goto(LIST)
    page.keyboard.press("j")
    wanted = page.locator(".case-row.current .open-case").get_attribute("href")
    page.keyboard.press("Enter")
    page.wait_for_url(f"**{wanted}")


def test_keys_can_be_turned_off(desk):
    page = desk()
    page.goto(LIST)
    page.keyboard.press("?")
    page.locator("#keys-off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    expect(page.locator(".case-row.current")).to_have_count(0)


def test_rows_are_chosen_by_a_span_looked_at_and_changed_together(desk, reported):
    word = reported()
    for _ in range(3):
        reported(word=word)
    page = desk()
    page.goto(list_of(word))
    page.locator("#pick-all").check()
    expect(page.locator("#picked")).to_have_text("4 chosen")
    page.locator("#pick-all").uncheck()
    every = page.locator(".case-row .pick input")
    every.nth(0).click()
    every.nth(2).click(modifiers=["Shift"])
    expect(page.locator("#picked")).to_have_text("3 chosen")
    page.locator("#bulk-act").select_option("priority")
    page.locator("#bulk-form button[type=submit]").click()
    page.locator("select[name=urgency]").select_option("high")
    page.locator("button", has_text="Look what would change").click()
    expect(page.locator("#preview-title")).to_contain_text("3 cases would change")
    page.locator("button", has_text="Change 3 cases").click()
    expect(page.locator("h1")).to_contain_text("3 cases were changed.")
    page.locator("button", has_text="Undo all of it").click()
    expect(page.locator(".toast")).to_contain_text("Undone.")


def test_the_list_goes_on_where_it_ended(desk):
    page = desk()
    page.goto("/desk/?group=all")
    expect(page.locator(".case-row")).to_have_count(50)
    page.locator("[data-more]").click()
    expect(page.locator(".case-row")).to_have_count(100)
    ids = page.locator(".case-row").evaluate_all("rows => rows.map(row => row.id)")
    assert len(set(ids)) == 100
    assert keys_of(page) == sorted(keys_of(page), reverse=True)


def test_the_map_shows_the_cases_and_the_list_and_the_map_point_at_each_other(desk):
    page = desk()
    page.goto(LIST)
    page.wait_for_selector("#map[data-drawn]")
    assert int(page.locator("#map").get_attribute("data-drawn")) > 0
    expect(page.locator("#map-note")).to_contain_text("Schematic map")
    expect(page.locator("#legend")).to_be_visible()
    page.locator(".case-row[data-lat] .open-case").first.focus()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "map.json" in request.url else None)
    page.keyboard.press("m")
    page.wait_for_function("() => !document.querySelector('#f-within').disabled")
    with page.expect_request("**/desk/map.json*"):
        page.locator(".maplibregl-ctrl-zoom-out").click()
    assert all("group=open" in url for url in asked)


def test_on_a_phone_the_list_comes_first_and_the_map_with_a_tap(desk, violations):
    page = desk(**PHONE)
    page.goto(LIST)
    expect(page.locator(".case-row").first).to_be_visible()
    expect(page.locator("#map")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.locator("#map-toggle").tap()
    page.wait_for_selector("#map[data-drawn]")
    page.locator("#map-toggle").tap()
    expect(page.locator("#map")).to_be_hidden()
    assert violations(page) == []


@pytest.mark.parametrize("locale", ["en", "km"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_list_can_be_used_by_everybody(desk, violations, locale, scheme):
    page = desk(locale=locale, color_scheme=scheme)
    page.goto(f"{LIST}&lang={locale}")
    page.wait_for_selector("#map[data-drawn]")
    assert page.locator("html").get_attribute("lang") == locale
    assert violations(page) == []
    page.locator(".filter-menu summary").click()
    expect(page.locator(".filter-panel")).to_be_visible()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator(".saved-menu summary").click()
    assert violations(page) == []
    page.keyboard.press("Escape")
    page.locator("body").evaluate("() => document.activeElement.blur()")
    page.keyboard.press("?")
    assert violations(page) == []


@pytest.mark.parametrize("query", ["group=mine&urgency=low", "group=best&area=x", "group=closed"])
def test_empty_and_faulty_lists_can_be_used_by_everybody(desk, violations, query):
    page = desk()
    page.goto(f"/desk/?{query}")
    assert violations(page) == []


def test_the_preview_of_a_change_can_be_used_by_everybody(desk, violations):
    page = desk()
    page.goto("/desk/?group=open")
    page.locator("#pick-all").check()
    page.locator("#bulk-form button[type=submit]").click()
    expect(page.locator("#preview-title")).to_be_visible()
    assert violations(page) == []


def test_the_list_works_without_scripts(desk, reported):
    word = reported()
    page = desk(java_script_enabled=False)
    page.goto(list_of(word))
    row = row_with(page, word)
    row.locator("button", has_text="Take").click()
    expect(page.locator(".toast")).to_contain_text("You have taken")
    page.locator(".toast button", has_text="Undo").click()
    expect(page.locator(".toast")).to_contain_text("Undone.")
    page.fill("#q", word)
    page.locator(".search button").click()
    expect(page.locator(".case-row")).to_have_count(1)
    page.locator(".pick input").check()
    page.locator("#bulk-form button[type=submit]").click()
    expect(page.locator("#preview-title")).to_contain_text("1 case would change")
    page.goto("/desk/?group=all")
    page.locator("[data-more]").click()
    expect(page.locator(".case-row").first).to_be_visible()
    expect(page.locator("body")).to_contain_text("Back to the beginning of the list")


def test_a_filter_is_kept_and_comes_back_with_a_click(desk):
    page = desk()
    name = f"Danger {_dice.randrange(10**6)}"
    page.goto(LIST)
    page.locator(".filter-menu summary").click()
    page.locator('.filter-panel input[name=urgency][value="danger"]').check()
    page.locator(".filter-panel button", has_text="Show").click()
    page.wait_for_url("**urgency=danger**")
    page.locator(".saved-menu summary").click()
    page.fill("#save-name", name)
    page.locator(".saved-panel button", has_text="Keep").click()
    expect(page.locator(".toast")).to_contain_text(f"The filter “{name}” is kept.")
    page.goto(LIST)
    page.locator(".saved-menu summary").click()
    page.locator(".saved-list a", has_text=name).click()
    page.wait_for_url("**urgency=danger**")
    page.locator(".saved-menu summary").click()
    page.locator(".saved-list li", has_text=name).locator("button", has_text="Delete").click()
    expect(page.locator(".toast")).to_contain_text("is deleted")

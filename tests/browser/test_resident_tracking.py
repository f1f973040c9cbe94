"""Following a report in a real browser, on a small phone."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.beside import beside
from tests.browser.conftest import NewContext
from tests.browser.test_resident_form import SMALL_TARGETS, TOUCH_PX
from tests.chromium import OLD_PHONE, PHONE
from tests.server import LiveSaat

STORY = """
from datetime import timedelta
from django.utils import timezone
from saat.actions.cases import close_case, close_without_fix, message_reporter, take_case
from saat.actions.log import RESIDENT, Actor
from saat.actions.reports import receive_report
from saat.records import photo_store
from saat.terms.case import Role
from saat.terms.geo import Point
from saat.web.photos import decode_photo
from tests.city import make_user, new_report
from tests.pictures import picture_bytes, scene, upload
city = City.objects.get(jurisdiction_id="resident.test")
now = timezone.now()
boss = Actor.of(make_user(city, Role.CITY_DUTY, username=f"boss-{now.timestamp()}"))
def photo(seed):
    return decode_photo(upload(picture_bytes("JPEG", scene(seed=seed))), policy=city.policy_terms())
def report(lat, hours_ago=2, **options):
    made = receive_report(
        city=city, report=new_report(point=Point(lat=lat, lon=104.937), **options),
        now=now - timedelta(hours=hours_ago), by=RESIDENT,
    )
    return made.token, made.code, made.case_id
"""


@pytest.fixture(scope="module")
def told(live: LiveSaat, resident_city: str) -> dict[str, list]:
    """Reports in every state that a resident may find: name to token, code and case."""
    return beside(
        live,
        STORY
        + """
told = {}
told["asked"] = report(11.571, photos=(photo(31), photo(32)))
take_case(case_id=told["asked"][2], now=now - timedelta(hours=1), by=boss)
message_reporter(case_id=told["asked"][2], text="Before or behind the gate?", now=now, by=boss, asks=True)
told["late"] = report(11.573, hours_ago=24 * 20, service_code="danger")
told["claimed"] = report(11.575)
close_case(case_id=told["claimed"][2], now=now, by=boss)
told["no fix"] = report(11.577)
close_without_fix(case_id=told["no fix"][2], reason_code="private-land", now=now, by=boss)
told["proved"] = report(11.579)
proof = photo(33)
photo_store.keep(digest=proof.digest, jpeg=proof.jpeg)
Photo.objects.create(city=city, case_id=told["proved"][2], kind="proof", digest=proof.digest, phash=0,
                     width=proof.width, height=proof.height, added_at=now)
close_case(case_id=told["proved"][2], now=now, by=boss)
Case.objects.filter(pk=told["proved"][2]).update(ending="proved")
tell(told)
""",
    )


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("state", ["asked", "late", "claimed", "no fix", "proved"])
def test_every_state_is_readable_for_all_on_an_old_phone(
    new_context: NewContext, told, violations: Callable[[Page], list[str]], state, language
):
    page = new_context(**OLD_PHONE, locale=language).new_page()
    token, code, _case = told[state]
    for path in (f"/r/{token}?sent=1", f"/r/{token}?said=gone", f"/r/{code}"):
        page.goto(path)
        expect(page.locator(".code")).to_have_attribute("aria-label", f"{code[:4]}-{code[4:]}")
        assert violations(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= 320
        assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    assert page.locator("html").get_attribute("lang") == language


def test_the_pages_in_the_dark_are_readable_too(new_context: NewContext, told, violations):
    page = new_context(**PHONE, color_scheme="dark").new_page()
    for state in ("asked", "late", "claimed"):
        page.goto(f"/r/{told[state][0]}")
        assert violations(page) == []


@pytest.mark.parametrize("path", ["/r/", "/r/?code=what", "/r/K7Q2-9M4X"])
@pytest.mark.parametrize("language", ["km", "en"])
def test_pages_for_codes_are_readable_for_all(new_context: NewContext, resident_city, violations, path, language):
    page = new_context(**OLD_PHONE, locale=language).new_page()
    page.goto(path)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []


def test_a_reporter_says_that_it_is_still_there_and_then_that_it_is_gone(new_context: NewContext, told):
    page = new_context(**PHONE).new_page()
    token, code, _case = told["claimed"]
    page.goto(f"/r/{token}")
    expect(page.get_by_text("Said to be cleaned, without proof")).to_be_visible()
    page.get_by_role("button", name="No, it is still there: open it again").click()
    expect(page.get_by_role("status")).to_contain_text("the office sees it at once")
    expect(page.get_by_text("Waiting for somebody to take it on")).to_be_visible()
    page.get_by_role("button", name="No, it is gone").click()
    expect(page.get_by_role("status").first).to_contain_text("It is written down that it is gone.")
    page.goto(f"/r/{code}")
    expect(page.get_by_role("button", name="It is gone")).to_have_count(0)
    page.get_by_role("button", name="I see it too").click()
    expect(page.get_by_role("status")).to_contain_text("Your voice is counted")


def test_a_reporter_answers_the_office(new_context: NewContext, told):
    page = new_context(**PHONE).new_page()
    page.goto(f"/r/{told['asked'][0]}")
    expect(page.get_by_text("Before or behind the gate?")).to_be_visible()
    page.get_by_label("Your answer").fill("Behind it")
    page.get_by_role("button", name="Send the answer").click()
    expect(page.get_by_role("status").first).to_contain_text("Your answer is with the office.")
    expect(page.locator(".messages .mine")).to_contain_text("Behind it")


def test_own_photos_and_proofs_are_shown(new_context: NewContext, told):
    page = new_context(**PHONE).new_page()
    for state, count in (("asked", 2), ("proved", 1)):
        page.goto(f"/r/{told[state][0]}")
        pictures = page.locator(".photos img")
        expect(pictures).to_have_count(count)
        pictures.first.scroll_into_view_if_needed()
        page.wait_for_function("() => document.querySelector('.photos img').naturalWidth > 0")


def test_the_link_can_be_copied(new_context: NewContext, told):
    page = new_context(**PHONE, permissions=["clipboard-read", "clipboard-write"]).new_page()
    page.goto(f"/r/{told['late'][0]}")
    page.get_by_role("button", name="Copy the link").click()
    expect(page.locator("#copy-told")).to_have_text("Copied")
    assert page.evaluate("navigator.clipboard.readText()").endswith(f"/r/{told['late'][0]}")


def test_a_code_that_was_heard_over_the_phone_is_typed_in(new_context: NewContext, told, resident_city):
    page = new_context(**PHONE).new_page()
    page.goto(f"/?city={resident_city}")
    page.get_by_role("link", name="Follow a report").click()
    code = told["no fix"][1]
    page.get_by_label("Code").fill(f"{code[:4].lower()} {code[4:].lower()}")
    page.get_by_role("button", name="Show it").click()
    expect(page.get_by_text("It lies on private land, where we may not clean").first).to_be_visible()

"""The report form in a real browser: small, quick, without a mouse, without a script, and readable for all."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.beside import beside
from tests.browser.conftest import NewContext
from tests.cable import cable_to
from tests.chromium import OLD_PHONE, PHONE
from tests.city import AT_HOSPITAL, AT_RIVER
from tests.pictures import exif_of, picture_bytes, scene
from tests.server import LiveSaat

FIRST_LOAD_BYTES = 40_000
# Resolves when the service worker has kept the page for times without a connection.
KEPT = """async () => {
  await navigator.serviceWorker.ready;
  while (!(await caches.match("/"))) await new Promise(again => setTimeout(again, 50));
}"""
TOUCH_PX = 44
Violations = Callable[[Page], list[str]]

SMALL_TARGETS = """(least) => [...document.querySelectorAll("a, button, input, select, textarea, summary")]
  .filter(each => each.checkVisibility({opacityProperty: false}) && !each.closest(".skip, .maplibregl-map"))
  .map(each => each.matches(".tick input") ? each.closest("label") : each)
  .filter(each => !(each.matches("input[type=file]") && each.offsetWidth < 2))
  .map(each => [each.outerHTML.slice(0, 120), each.getBoundingClientRect()])
  .filter(([html, box]) => box.height < least - 0.5 || box.width < least - 0.5)
  .map(([html, box]) => `${box.width}x${box.height} ${html}`)"""


def opened(context: BrowserContext, city: str, path: str = "/") -> Page:
    page = context.new_page()
    page.goto(f"/?city={city}")
    if path != "/":
        page.goto(path)
    return page


def choose(page: Page, what: str = "pile") -> None:
    page.locator(f'input[name="service_code"][value="{what}"]').check()


def say_where(page: Page, near: str) -> None:
    page.locator("#area_id").select_option(label="Tonle Bassac")
    page.locator("#near").fill(near)


@pytest.fixture
def without_script(new_context: NewContext) -> Callable[..., BrowserContext]:
    """Contexts in which none of our scripts arrive, and axe still can look at the page."""

    def make(**options) -> BrowserContext:
        context = new_context(**options)
        context.route(re.compile(r"/resident\.[0-9a-f]+\.js$"), lambda route: route.fulfill(body=""))
        return context

    return make


@pytest.mark.parametrize("language", ["km", "en"])
def test_the_first_load_weighs_little_and_comes_from_here_alone(live: LiveSaat, new_context, language):
    with cable_to(live.url) as cable:
        context = new_context(**OLD_PHONE, locale=language, base_url=cable.url)
        asked: list[str] = []
        context.on("request", lambda request: asked.append(request.url))
        page = context.new_page()
        page.goto("/", wait_until="networkidle")
        # With it everything that the service worker keeps for later.
        page.evaluate(KEPT)
        assert cable.down_bytes <= FIRST_LOAD_BYTES
        assert all(url.startswith((cable.url, "data:", "blob:")) for url in asked)
        assert not any("/map/" in url for url in asked)
        assert page.evaluate("() => [...document.fonts].length") == 0


@pytest.mark.parametrize("language", ["km", "en"])
@pytest.mark.parametrize("path", ["/", "/r/", "/r/K7Q2-9M4X"])
def test_an_old_phone_shows_all_without_scrolling_sideways(new_context, resident_city, language, path):
    page = opened(new_context(**OLD_PHONE, locale=language), resident_city, path)
    if path == "/":
        choose(page, "missed-collection")
        page.locator(".contact summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["km", "en"])
def test_the_page_is_readable_for_all(new_context, resident_city, violations: Violations, language, scheme):
    page = opened(new_context(**PHONE, locale=language, color_scheme=scheme), resident_city)
    assert violations(page) == []
    choose(page, "missed-collection")
    page.locator(".contact summary").click()
    assert violations(page) == []
    page.locator("#phone").fill("12")
    page.get_by_role("button", name=re.compile("^(Send|ផ្ញើ)")).click()
    expect(page.locator("#summary")).to_be_focused()
    assert violations(page) == []
    assert page.locator("html").get_attribute("lang") == language


def test_faults_are_named_and_lead_to_their_fields(new_context, resident_city):
    page = opened(new_context(**PHONE), resident_city)
    page.get_by_role("button", name="Send", exact=True).click()
    summary = page.locator("#summary")
    expect(summary).to_be_focused()
    expect(summary.get_by_role("link")).to_have_count(2)
    summary.get_by_role("link", name="Please choose what it is.").click()
    expect(page.locator("#service_code")).to_be_focused()
    expect(page.locator("#where-fault")).to_be_visible()
    choose(page)
    expect(page.locator("#service_code-fault")).to_be_hidden()
    page.locator("#near").fill("Street 51")
    page.locator("#near").press("Tab")
    expect(page.locator("#where-fault")).to_be_hidden()
    expect(summary).to_be_hidden()


def test_a_report_is_made_with_the_keyboard_alone(new_context, resident_city):
    page = opened(new_context(), resident_city)
    keys = page.keyboard
    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    keys.press("Tab")
    keys.press("Space")
    keys.press("ArrowDown")
    expect(page.locator('input[value="missed-collection"]')).to_be_checked()
    for _ in range(20):
        keys.press("Tab")
        if page.evaluate("document.activeElement.id") == "area_id":
            break
    keys.type("Boeng")
    keys.press("Tab")
    keys.type("The blue gate, street 63")
    keys.press("Enter")
    expect(page.get_by_text("Thank you. Your report is in.")).to_be_visible()
    expect(page.get_by_text("Boeng Trabaek, Chamkar Mon")).to_be_visible()


def test_the_question_of_a_category_is_asked_with_it(new_context, resident_city):
    page = opened(new_context(**PHONE), resident_city)
    question = page.get_by_role("group", name="For how long has nobody come?")
    expect(question).to_be_hidden()
    choose(page, "missed-collection")
    expect(question).to_be_visible()
    choose(page, "pile")
    expect(question).to_be_hidden()


def test_the_phones_position_says_which_area_it_is(new_context, resident_city):
    context = new_context(
        **PHONE,
        permissions=["geolocation"],
        geolocation={"latitude": AT_RIVER.lat, "longitude": AT_RIVER.lon, "accuracy": 12},
    )
    page = opened(context, resident_city)
    page.get_by_role("button", name="Use my position").click()
    expect(page.locator("#where-told")).to_have_text(
        "Your position is taken (± 12 m). That is in Tonle Bassac, Chamkar Mon."
    )
    context.set_geolocation({"latitude": 11.55, "longitude": 105.6, "accuracy": 12})
    page.get_by_role("button", name="Use my position").click()
    expect(page.locator("#where-told")).to_contain_text("outside Phnom Penh")
    expect(page.locator("#where-told")).to_contain_text("Tonle Bassac")


def test_a_position_that_is_refused_leaves_the_other_ways(new_context, resident_city):
    page = opened(new_context(**PHONE), resident_city)
    page.get_by_role("button", name="Use my position").click()
    expect(page.locator("#where-told")).to_contain_text("Please tap on the map, or choose the area.")


def test_the_map_comes_when_it_is_asked_for_and_takes_a_tap(new_context, resident_city):
    context = new_context(**PHONE)
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = opened(context, resident_city)
    assert not any("/map/" in url for url in asked)
    page.get_by_role("button", name="Tap on the map").click()
    canvas = page.locator("#map canvas")
    expect(canvas).to_be_visible(timeout=20_000)
    expect(page.locator(".map-name", has_text="Daun Penh")).to_be_attached(timeout=20_000)
    canvas.click(position={"x": 120, "y": 200})
    expect(page.locator("#where-told")).to_contain_text("That is in")
    assert 11.5 < float(page.locator('[name="lat"]').input_value()) < 11.6
    page.get_by_role("button", name="Take the middle of the map").click()
    expect(page.locator('[name="lon"]')).to_have_value(re.compile(r"^104\.9[12]\d+"))
    assert all(url.startswith((context.new_page().url, "http://127.0.0.1", "blob:", "data:")) for url in asked)


def test_photos_are_made_small_and_keep_what_the_camera_wrote(live, new_context, resident_city, tmp_path: Path):
    page = opened(new_context(**PHONE), resident_city)
    choose(page)
    say_where(page, "Photo street 1")
    large = tmp_path / "large.jpg"
    exif = exif_of(taken="2026:03:02 10:15:00", lat=11.548, lon=104.91, orientation=6)
    large.write_bytes(picture_bytes("JPEG", scene(4000, 3000).resize((4000, 3000)), exif=exif, quality=95))
    sent: list[int] = []
    page.on("request", lambda request: sent.append(len(request.post_data_buffer or b"")))
    page.locator("#photos").set_input_files([large])
    page.locator("#photos").set_input_files([large, large, large])
    expect(page.get_by_text("At most 3 photos.")).to_be_visible()
    expect(page.locator("#previews img")).to_have_count(3)
    page.get_by_role("button", name="Remove photo 3").click()
    expect(page.locator("#previews img")).to_have_count(2)
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Thank you. Your report is in.")).to_be_visible()
    assert max(sent) < large.stat().st_size
    found = beside(
        live,
        "tell([[p.lat, p.taken_at, p.width, p.height] for p in Photo.objects.filter(case__address='Photo street 1')])",
    )
    assert len(found) == 2
    lat, taken_at, width, height = found[0]
    assert round(lat, 3) == 11.548
    assert taken_at.startswith("2026-03-02 03:15:00")
    assert (width, height) == (1200, 1600)


def test_what_is_open_nearby_is_shown_and_can_be_joined(live, new_context, resident_city, violations):
    context = new_context(
        **OLD_PHONE,
        permissions=["geolocation"],
        geolocation={"latitude": AT_HOSPITAL.lat, "longitude": AT_HOSPITAL.lon, "accuracy": 8},
    )
    codes = []
    for choice in (None, "It is this one: I see it too", "No, it is another"):
        page = opened(context, resident_city)
        choose(page)
        page.get_by_role("button", name="Use my position").click()
        expect(page.locator("#where-told")).to_contain_text("Wat Phnom")
        page.get_by_role("button", name="Send", exact=True).click()
        if choice:
            nearby = page.locator("#nearby")
            expect(nearby).to_be_focused()
            expect(nearby).to_contain_text("near Calmette Hospital, Wat Phnom, Daun Penh")
            assert violations(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 320
            nearby.get_by_role("button", name=choice).first.click()
        expect(page.get_by_text("Thank you. Your report is in.")).to_be_visible()
        codes.append(page.locator(".code").get_attribute("aria-label"))
        page.close()
    assert codes[0] == codes[1] != codes[2]


def test_what_was_typed_survives_a_reload(new_context, resident_city):
    page = opened(new_context(**PHONE), resident_city)
    choose(page, "danger")
    say_where(page, "Behind the school")
    page.locator("#words").fill("Needles")
    page.reload()
    expect(page.locator('input[value="danger"]')).to_be_checked()
    expect(page.locator("#near")).to_have_value("Behind the school")
    expect(page.locator("#words")).to_have_value("Needles")


@pytest.mark.parametrize("language", ["km", "en"])
def test_without_scripts_the_same_is_possible(
    without_script, resident_city, violations: Violations, language, tmp_path
):
    picture = tmp_path / "bags.jpg"
    picture.write_bytes(picture_bytes())
    page = opened(without_script(**OLD_PHONE, locale=language), resident_city)
    send = page.locator("#send")
    page.locator("#near").fill(f"No script street {language}")
    page.locator("#photos").set_input_files([picture])
    send.click()
    expect(page.locator("#summary")).to_be_focused()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    choose(page)
    send.click()
    expect(page.locator(".banner.good")).to_be_visible()
    expect(page.locator(".photos img")).to_have_count(1)
    assert violations(page) == []


@pytest.mark.parametrize("language", ["km", "en"])
def test_without_scripts_the_page_in_between_keeps_everything(
    live, without_script, resident_city, violations: Violations, language
):
    place = {"km": "វត្តលង្កា", "en": "Wat Langka"}[language]
    context = without_script(**OLD_PHONE, locale=language)
    for turn in ("first", "second"):
        page = opened(context, resident_city)
        choose(page, "full-bin")
        page.locator("#near").fill(place)
        page.locator("#words").fill(f"{turn} {language}")
        page.locator("#send").click()
    expect(page.locator(".cases .case").first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert page.evaluate(SMALL_TARGETS, TOUCH_PX) == []
    page.locator('button[name="join"]').first.click()
    expect(page.locator(".banner.good")).to_be_visible()
    expect(page.get_by_text(f"second {language}")).to_be_visible()


@pytest.mark.parametrize(
    ("size", "answer"),
    [
        (50_000_000, "“film.jpg” is too large: 50 MB. A photo may have at most 12 MB."),
        (60_000_000, "A photo may have at most 12 MB. Go back: what you wrote is still there."),
    ],
)
def test_what_is_far_too_large_is_answered_by_a_page(without_script, resident_city, tmp_path: Path, size, answer):
    huge = tmp_path / "film.jpg"
    huge.write_bytes(b"\xff\xd8\xff" + b"\0" * (size - 3))
    page = opened(without_script(**PHONE), resident_city)
    choose(page)
    page.locator("#photos").set_input_files([huge])
    page.locator("#send").click(timeout=60_000)
    expect(page.get_by_text(answer).first).to_be_visible(timeout=60_000)

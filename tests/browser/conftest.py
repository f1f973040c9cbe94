"""A real browser: Debian's Chromium, driven by Playwright, never one that Playwright downloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.beside import beside
from tests.chromium import OFFICE, OLD_PHONE, NoChromium, running_browser
from tests.server import LiveSaat

AXE = Path(__file__).resolve().parents[2] / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
WCAG_TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
RUN_AXE = """async (tags) => {
  const found = await axe.run(document, {runOnly: {type: "tag", values: tags}, resultTypes: ["violations"]});
  return found.violations.flatMap(rule => rule.nodes.map(node =>
    `${rule.id}: ${rule.help}: ${node.target.join(" ")}: ${node.html.slice(0, 200)}`));
}"""
NewContext = Callable[..., BrowserContext]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all browser tests; each test opens contexts of its own in it."""
    try:
        with running_browser() as running:
            yield running
    except NoChromium as error:
        pytest.fail(str(error))


@pytest.fixture
def new_context(browser: Browser, live: LiveSaat) -> Iterator[NewContext]:
    """Make contexts (cookie jars) that see the live server under relative addresses.

    Say the device (`**OLD_PHONE`, … of `tests.chromium`), the language (`locale="km"`), what is permitted, and so on.
    A script error or a breach of the content security policy on any page fails the test.
    """
    made: list[BrowserContext] = []
    errors: list[str] = []

    def make(**options: Any) -> BrowserContext:
        options.setdefault("base_url", live.url)
        options.setdefault("locale", "en")
        options.setdefault("reduced_motion", "reduce")
        context = browser.new_context(**options)
        context.set_default_timeout(10_000)
        context.on("weberror", lambda error: errors.append(str(error.error)))
        context.on("console", lambda message: _note_breach(message, errors))
        made.append(context)
        return context

    yield make
    for context in made:
        context.close()
    assert not errors, f"The browser reported: {errors}"


def _note_breach(message: Any, errors: list[str]) -> None:
    if message.type == "error" and "Content Security Policy" in message.text:
        errors.append(message.text)


@pytest.fixture
def phone(new_context: NewContext) -> Page:
    """A page on a small, old phone whose owner reads Khmer."""
    return new_context(**OLD_PHONE, locale="km").new_page()


@pytest.fixture
def office(new_context: NewContext) -> Page:
    """A page on an office's screen, in English, not signed in."""
    return new_context(**OFFICE).new_page()


def sign_in(page: Page, login: dict[str, Any]) -> None:
    """Sign a person of the demo in, and wait for the desk."""
    page.goto("/accounts/login/")
    page.fill("input[name=login]", login["username"])
    page.fill("input[name=password]", login["password"])
    page.press("input[name=password]", "Enter")
    page.wait_for_url("**/desk/**")


@pytest.fixture(scope="package")
def duty_state(live: LiveSaat, browser: Browser) -> Any:
    """The cookies of the city's duty officer, signed in once for all browser tests."""
    context = browser.new_context(base_url=live.url, locale="en")
    sign_in(context.new_page(), live.user("city_duty"))
    state = context.storage_state()
    context.close()
    return state


@pytest.fixture
def desk(new_context: NewContext, duty_state: Any) -> Callable[..., Page]:
    """Return a function that opens a browser in which the duty officer is signed in."""

    def open_desk(**options: Any) -> Page:
        return new_context(**{**OFFICE, **options}, storage_state=duty_state).new_page()

    return open_desk


@pytest.fixture
def violations(browser: Browser) -> Callable[[Page], list[str]]:
    """Return a function that lists a page's breaches of WCAG 2.2 AA, each with the element concerned."""
    if not AXE.exists():
        pytest.fail("axe-core is not installed: run `make dev`.")
    source = AXE.read_text(encoding="utf-8")

    def check(page: Page) -> list[str]:
        # Over the debugger's own channel, which the page's content security policy does not govern.
        session = page.context.new_cdp_session(page)
        try:
            session.send("Runtime.evaluate", {"expression": source})
        finally:
            session.detach()
        found = page.evaluate(RUN_AXE, WCAG_TAGS)
        return list(found)

    return check


@pytest.fixture(scope="session")
def resident_city(live: LiveSaat) -> str:
    """The small city of `tests.city` beside the demo, by its jurisdiction id; `/?city=` chooses it for a context."""
    beside(
        live,
        """
from tests.city import POLICY, make_city
text = POLICY.read_text(encoding="utf-8").replace('"phnompenh.kh"', '"resident.test"', 1)
make_city(jurisdiction_id="resident.test", policy_text=text)
""",
    )
    return "resident.test"

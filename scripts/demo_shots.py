"""Take the pictures of docs/shots from a fresh demo: `make demo-shots`.

Each picture is one entry of SHOTS: its name, the screen, the language, who is signed in, and the way to it from the
demo's first page. The demo's moment is real time, so pictures differ from run to run; they show, they do not test.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from playwright.sync_api import Browser, Page
from rich.progress import track

from tests.chromium import OFFICE, OLD_PHONE, PHONE, NoChromium, running_browser
from tests.server import LiveSaat, live_saat

SHOTS_FOLDER = Path(__file__).resolve().parent.parent / "docs" / "shots"

BREAKDOWN_MS = 400_000  # the night passes ten times as fast as the clock

Way = Callable[[Page, LiveSaat], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One picture. role: whose login is used, empty for a resident. whole: the page down to its end."""

    name: str
    way: Way
    device: dict[str, Any] = field(default_factory=lambda: OFFICE)
    language: str = "en"
    role: str = ""
    whole: bool = False


def at(path: str) -> Way:
    """Return the way to an address."""
    return lambda page, saat: _visit(page, f"{saat.url}{path}")


def first_case(page: Page, saat: LiveSaat) -> None:
    """Open the case that stands first on the desk."""
    _visit(page, f"{saat.url}/desk/")
    _visit(page, saat.url + _first_address(page, 'a[href^="/desk/cases/"]'))


def a_night_with_a_breakdown(page: Page, saat: LiveSaat) -> None:
    """Open the trucks' page when the simulated truck has broken down, a few minutes after the start."""
    _visit(page, f"{saat.url}/desk/trucks/")
    page.locator(".trouble-stalled").first.wait_for(timeout=BREAKDOWN_MS)


def first_run(page: Page, saat: LiveSaat) -> None:
    """Open the run that stands first on the trucks' page."""
    a_night_with_a_breakdown(page, saat)
    _visit(page, saat.url + _first_address(page, 'a[href^="/desk/trucks/runs/"]'))


def a_crews_phone(page: Page, saat: LiveSaat) -> None:
    """Open the crew's page as its QR code does, on a truck that is on the road."""
    device = next(device for device in saat.demo["devices"] if device["vehicle"].endswith("01"))
    _visit(page, f"{saat.url}/crew/start#{device['token']}")
    page.wait_for_timeout(2500)


def first_tracking(page: Page, saat: LiveSaat) -> None:
    """Open the public page of the case that was closed last, by the code that the desk shows."""
    with httpx.Client(base_url=saat.demo["open311_url"], timeout=30) as partner:
        found = partner.get("/requests.json", params={"status": "closed", "extensions": "true", "page_size": 1}).json()
    _visit(page, f"{saat.url}/r/{found[0]['extended_attributes']['case_code']}")


def _first_address(page: Page, selector: str) -> str:
    address = page.locator(selector).first.get_attribute("href")
    if not address:
        raise LookupError(f"{page.url} has no {selector}.")
    return address


def _visit(page: Page, url: str) -> None:
    answer = page.goto(url, wait_until="load")
    if answer is None or not answer.ok:
        raise RuntimeError(f"{url} answered {answer.status if answer else 'nothing'}.")


def sign_in(page: Page, saat: LiveSaat, role: str) -> None:
    """Sign in with the demo's login of a role."""
    user = saat.user(role)
    _visit(page, f"{saat.url}/accounts/login/")
    page.locator('input[name="login"]').fill(user["username"])
    page.locator('input[name="password"]').fill(user["password"])
    page.locator('input[name="password"]').press("Enter")
    page.wait_for_url(lambda url: "/accounts/login" not in url)


SHOTS = [
    Shot(name="resident-km", way=at("/"), device=PHONE, language="km"),
    Shot(name="resident-en", way=at("/"), device=PHONE),
    Shot(name="resident-small", way=at("/"), device=OLD_PHONE, language="km", whole=True),
    Shot(name="tracking-km", way=first_tracking, device=PHONE, language="km", whole=True),
    Shot(name="tracking-en", way=first_tracking, device=PHONE, whole=True),
    Shot(name="sign-in", way=at("/accounts/login/")),
    Shot(name="desk", way=at("/desk/"), role="city_duty"),
    Shot(name="desk-km", way=at("/desk/"), role="khan_officer", language="km"),
    Shot(name="desk-phone", way=at("/desk/"), role="sangkat_officer", device=PHONE, language="km"),
    Shot(name="call", way=at("/desk/report/"), role="khan_officer"),
    Shot(name="duty", way=at("/desk/duty/"), role="city_duty"),
    Shot(name="case", way=first_case, role="city_duty", whole=True),
    Shot(name="case-km", way=first_case, role="khan_officer", language="km", whole=True),
    Shot(name="trucks", way=a_night_with_a_breakdown, role="city_duty"),
    Shot(name="trucks-km", way=a_night_with_a_breakdown, role="city_duty", device=PHONE, language="km"),
    Shot(name="run", way=first_run, role="city_duty", whole=True),
    Shot(name="crew-km", way=a_crews_phone, device=PHONE, language="km"),
]


def take(shot: Shot, browser: Browser, saat: LiveSaat) -> None:
    """Take one picture in a browser context of its own."""
    context = browser.new_context(**shot.device, locale=shot.language, reduced_motion="reduce", color_scheme="light")
    try:
        page = context.new_page()
        if shot.role:
            sign_in(page, saat, shot.role)
        shot.way(page, saat)
        # The map draws after the page has loaded; the live stream stays open, so there is no moment without traffic.
        page.evaluate("() => document.fonts.ready")
        page.wait_for_timeout(700)
        page.screenshot(path=SHOTS_FOLDER / f"{shot.name}.png", full_page=shot.whole)
    finally:
        context.close()


def main(names: list[str]) -> int:
    """Take all pictures, or those named."""
    unknown = sorted(set(names) - {shot.name for shot in SHOTS})
    if unknown:
        print(f"No such picture: {', '.join(unknown)}. There are: {', '.join(shot.name for shot in SHOTS)}.")
        return 2
    SHOTS_FOLDER.mkdir(parents=True, exist_ok=True)
    wanted = [shot for shot in SHOTS if not names or shot.name in names]
    failed = []
    os.environ["SAAT_DEMO_TRUCKS"] = "1"
    try:
        with (
            tempfile.TemporaryDirectory(prefix="saat-shots-") as var,
            live_saat(Path(var), "--demo") as saat,
            running_browser() as browser,
        ):
            for shot in track(wanted, description="Taking pictures", disable=not sys.stderr.isatty()):
                try:
                    take(shot, browser, saat)
                except Exception as error:  # noqa: BLE001 - one screen that fails must not cost the others
                    failed.append(f"{shot.name}: {error}")
    except NoChromium as error:
        failed.append(str(error))
    for line in failed:
        print(line, file=sys.stderr)
    print(f"{len(wanted) - len(failed)} pictures in docs/shots, {len(failed)} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

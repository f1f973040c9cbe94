"""A crew's phone through an evening: the code, the shift, taps and positions with and without a signal.

What is said and where the truck was goes to the server once and only once, whatever the network does.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.beside import beside
from tests.browser.conftest import NewContext
from tests.cable import Cable, cable_to
from tests.chromium import OLD_PHONE, PHONE
from tests.pictures import picture_bytes
from tests.server import LiveSaat

ON_ITS_WAY = {"latitude": 11.5480, "longitude": 104.9100, "accuracy": 8}
KEPT = """async () => {
  await navigator.serviceWorker.ready;
  while (!(await caches.match("/crew/"))) await new Promise(again => setTimeout(again, 50));
}"""
MAKE = """
from datetime import timedelta
from types import SimpleNamespace
from django.utils import timezone
from saat.records.models import City, Contractor
from tests.city import POLICY, make_city
from tests.crews import make_evening
city = City.objects.filter(jurisdiction_id="crew.test").first()
text = POLICY.read_text(encoding="utf-8").replace('"phnompenh.kh"', '"crew.test"', 1)
if city is None:
    make_city(jurisdiction_id="crew.test", policy_text=text)
    city = City.objects.get(jurisdiction_id="crew.test")
company, _ = Contractor.objects.get_or_create(city=city, name="North Clean")
area = city.areas.get(names__text="Phsar Kandal")
ground = SimpleNamespace(sangkats={"Phsar Kandal": area})
now = timezone.localtime(timezone.now())
hall = SimpleNamespace(city=city, contractors={"north": company}, ground=ground)
made = make_evening(hall, day=now.date(), suffix="-%(suffix)s", token="%(token)s")
made.run.starts_at, made.run.ends_at = now - timedelta(minutes=5), now + timedelta(hours=1)
made.run.state, made.run.frozen_at = "done", now  # so that the server's own follower lets it be
made.run.save()
made.device.bindings.update(from_at=now - timedelta(days=30))
made.decide(0, "collected")
tell([made.run.pk, made.device.pk])
"""
_numbers = count(1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Truck:
    """A truck on its round, as its crew and the server know it."""

    live: LiveSaat
    token: str
    run_id: int
    device_id: int

    def notes(self) -> list[list[Any]]:
        """Return what came in of this run: [reason, whether a photo is there, whether it was taken back]."""
        rows = f"CrewNote.objects.filter(run_id={self.run_id}).order_by('said_at')"
        told = f"tell([[n.reason, bool(n.photo_digest), n.taken_back_at is not None] for n in {rows}])"
        return list(beside(self.live, told))

    def positions(self) -> list[float]:
        """Return the moments of the positions that came in from this phone, in seconds since 1970."""
        code = f"""
import time
from saat.records.position_log import position_log
log = position_log()
tell([p.fixed_s for p in log.of_devices([{self.device_id}], from_s=time.time() - 86400, until_s=time.time() + 86400)])
log.close()
"""
        return list(beside(self.live, code))


@pytest.fixture
def truck(live: LiveSaat) -> Truck:
    number = next(_numbers)
    token = f"token-of-crew-number-{number}"
    run_id, device_id = beside(live, MAKE % {"suffix": number, "token": token})
    return Truck(live=live, token=token, run_id=run_id, device_id=device_id)


@pytest.fixture
def cable(live: LiveSaat) -> Iterator[Cable]:
    with cable_to(live.url) as laid:
        yield laid


@pytest.fixture
def phone(new_context: NewContext, cable: Cable) -> BrowserContext:
    """A phone that knows where it is, and whose page speaks English."""
    return new_context(**PHONE, base_url=cable.url, permissions=["geolocation"], geolocation=ON_ITS_WAY)


@pytest.fixture
def page(phone: BrowserContext, truck: Truck) -> Page:
    """The page, opened from the QR code, kept for times without a signal, the shift not yet begun."""
    page = phone.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/crew/?city=crew.test&lang=en")
    page.goto(f"/crew/start#{truck.token}")
    expect(page.locator("#now-name")).to_have_text("K2-" + truck.token.rsplit("-", 1)[1] + " · Wat Unnalom gate")
    page.evaluate(KEPT)
    return page


def begin(page: Page) -> None:
    page.get_by_role("button", name="Start the shift").click()
    expect(page.locator("#state")).to_have_attribute("data-state", "sending", timeout=20_000)


def say(page: Page, what: str) -> None:
    page.get_by_role("button", name=what, exact=True).click()
    expect(page.locator("#told-text")).to_contain_text(f"You said: {what}.")


def cut(phone: BrowserContext, cable: Cable) -> None:
    cable.set("pulled")
    phone.set_offline(True)


def mend(phone: BrowserContext, cable: Cable) -> None:
    cable.set("whole")
    phone.set_offline(False)


def drive(phone: BrowserContext, page: Page, *, steps: int, begin_at: int = 1) -> None:
    """Move north by some 20 m a step, slowly enough for the phone to take each place."""
    for step in range(begin_at, begin_at + steps):
        phone.set_geolocation({**ON_ITS_WAY, "latitude": ON_ITS_WAY["latitude"] + 0.0002 * step})
        page.clock.fast_forward("00:05")


def settled(page: Page) -> None:
    expect(page.locator("#state-more")).to_have_text("Everything is sent.", timeout=30_000)


def kept(page: Page) -> set[float]:
    """Return the moments of the positions that wait on the phone."""
    lines = page.evaluate(
        """() => new Promise(done => {
          const open = indexedDB.open("saat-crew");
          open.onsuccess = () => {
            const all = open.result.transaction("places").objectStore("places").getAll();
            all.onsuccess = () => { done(all.result.map(row => row.line.fixed_s)); open.result.close(); };
          };
        })"""
    )
    return set(lines)


def test_the_code_goes_out_of_the_address_and_never_to_the_server_and_ends_when_it_is_withdrawn(page, truck):
    assert page.url.endswith("/crew/")
    assert truck.token not in truck.live.log()
    page.reload()
    expect(page.locator("#vehicle")).to_contain_text("PP 2-1234")
    beside(truck.live, f"Device.objects.filter(pk={truck.device_id}).update(state='retired')")
    page.reload()
    expect(page.locator("#state")).to_have_attribute("data-state", "refused")


def test_the_phone_says_where_it_is_during_the_shift_and_never_else(phone, page, truck):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.clock.install()
    drive(phone, page, steps=6)
    assert not [url for url in asked if "/positions/" in url]
    assert kept(page) == set()
    begin(page)
    drive(phone, page, steps=5)
    settled(page)
    page.get_by_role("button", name="End the shift").click()
    expect(page.locator("#state-more")).to_have_text("Nothing is sent.")
    moments = truck.positions()
    assert len(moments) >= 4
    assert moments == sorted(set(moments))
    asked.clear()
    drive(phone, page, steps=6)
    assert not [url for url in asked if "/positions/" in url]
    assert kept(page) == set()


def test_taps_say_what_happened_are_taken_back_and_take_a_photo_along(page, truck):
    begin(page)
    say(page, "Flooded")
    expect(page.locator("#now-name")).to_contain_text("Street 13 corner")
    expect(page.locator("#progress-text")).to_have_text("2 of 4 stops")
    settled(page)
    page.get_by_role("button", name="Take back").click()
    expect(page.locator("#told")).to_contain_text("Taken back.")
    expect(page.locator("#now-name")).to_contain_text("Wat Unnalom gate")
    say(page, "Way blocked")
    photo = {"name": "wall.jpg", "mimeType": "image/jpeg", "buffer": picture_bytes()}
    page.locator("#photo").set_input_files(photo)
    expect(page.locator("#told")).to_contain_text("The photo goes with it.")
    page.get_by_text("All that is left").click()
    expect(page.get_by_role("button", name="Done", exact=True)).to_be_disabled()
    expect(page.get_by_role("button", name="Nothing was put out")).to_be_disabled()
    page.get_by_role("button", name="Truck broke down").click()
    expect(page.locator("#told-text")).to_contain_text("of the rest of the round: Truck broke down.")
    settled(page)
    assert truck.notes() == [["flooded", False, True], ["blocked", True, False], ["broken", False, False]]


def test_an_evening_without_a_signal_comes_in_whole_and_once(phone, page, cable, truck):
    page.clock.install()
    begin(page)
    cut(phone, cable)
    drive(phone, page, steps=6)
    say(page, "Done")
    say(page, "Nothing was put out")
    expect(page.locator("#state")).to_have_attribute("data-state", "waiting", timeout=20_000)
    expect(page.locator("#state-more")).to_contain_text("2 messages")
    page.reload()
    expect(page.locator("#state")).to_have_attribute("data-state", "waiting", timeout=20_000)
    expect(page.locator("#progress-text")).to_have_text("3 of 4 stops")
    waits = kept(page)
    assert len(waits) >= 5
    mend(phone, cable)
    settled(page)
    assert [reason for reason, *_ in truck.notes()] == ["done", "not_presented"]
    moments = truck.positions()
    assert waits <= set(moments)
    assert moments == sorted(set(moments))
    assert kept(page) == set()


def test_an_answer_that_is_lost_says_nothing_twice(phone, page, cable, truck):
    page.clock.install()
    begin(page)
    cable.set("answers lost")
    say(page, "Done")
    drive(phone, page, steps=3)
    expect(page.locator("#state")).to_have_attribute("data-state", "waiting", timeout=20_000)
    while truck.notes() != [["done", False, False]]:  # the server has heard, and the phone does not know
        page.clock.fast_forward("00:30")
    assert cable.lost
    cable.set("whole")
    drive(phone, page, steps=14, begin_at=4)
    settled(page)
    assert truck.notes() == [["done", False, False]]
    moments = truck.positions()
    assert moments == sorted(set(moments))


def test_what_nobody_has_heard_yet_is_taken_back_without_a_trace(phone, page, cable, truck):
    begin(page)
    cut(phone, cable)
    page.wait_for_function("() => !navigator.onLine")
    page.evaluate("() => { window.fetch = () => new Promise(() => {}); }")  # a send that hangs before it has begun
    say(page, "Done")
    page.get_by_role("button", name="Take back").click()
    page.wait_for_function(
        "() => { const told = document.getElementById('told');"
        " return told.hidden || told.textContent.includes('Taken back'); }"
    )
    page.reload()
    mend(phone, cable)
    settled(page)
    assert [back for _reason, _photo, back in truck.notes()] in ([], [True])


def test_two_tabs_say_one_thing_once(phone, page, cable, truck):
    begin(page)
    other = phone.new_page()
    other.goto("/crew/")
    cut(phone, cable)
    say(page, "Done")
    expect(other.locator("#progress-text")).to_have_text("2 of 4 stops")
    mend(phone, cable)
    settled(page)
    settled(other)
    assert truck.notes() == [["done", False, False]]


def test_a_phone_without_a_code_or_without_a_place_is_told_what_to_do(new_context, truck):
    page = new_context(**PHONE, permissions=[]).new_page()
    page.goto("/crew/?city=crew.test&lang=en")
    expect(page.get_by_text("This phone is not yet on a truck")).to_be_visible()
    expect(page.locator("#work")).to_be_hidden()
    page.goto(f"/crew/start#{truck.token}")
    page.get_by_role("button", name="Start the shift").click()
    expect(page.locator("#state")).to_have_attribute("data-state", "denied", timeout=20_000)
    say(page, "Done")  # what happened can be said all the same


def small_targets(page: Page) -> list[str]:
    """Return what can be tapped and is less than 56 pixels high or wide."""
    return list(
        page.evaluate(
            """() => [...document.querySelectorAll("button, a, summary, label")]
              .filter(each => each.offsetParent && !each.closest("noscript"))
              .map(each => [each.getBoundingClientRect(), each.textContent.trim()])
              .filter(([box]) => box.height < 55.5 || box.width < 55.5)
              .map(([box, text]) => `${text}: ${box.width} x ${box.height}`)"""
        )
    )


@pytest.mark.parametrize(("language", "theme"), [("km", "light"), ("en", "dark")])
def test_everything_can_be_read_and_tapped_on_a_small_phone(new_context, truck, violations, language, theme, tmp_path):
    context = new_context(**OLD_PHONE, permissions=["geolocation"], geolocation=ON_ITS_WAY, color_scheme=theme)
    page = context.new_page()
    page.goto(f"/crew/?city=crew.test&lang={language}")
    assert violations(page) == []
    page.goto(f"/crew/start#{truck.token}")
    expect(page.locator("#now-name")).to_be_visible()
    assert violations(page) == []
    shot(page, f"crew-before-{language}-{theme}", tmp_path)
    page.locator("#start").click()
    expect(page.locator("#state")).to_have_attribute("data-state", "sending", timeout=20_000)
    page.locator('[data-reason="blocked"]').click()
    expect(page.locator("#told")).to_be_visible()
    page.locator("#past summary").click()
    assert violations(page) == []
    assert small_targets(page) == []
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 320
    shot(page, f"crew-on-{language}-{theme}", tmp_path)


def shot(page: Page, name: str, folder: Path) -> None:
    """Keep a picture of the whole page beside the test's other files, for people to look at."""
    page.screenshot(path=folder / f"{name}.png", full_page=True)

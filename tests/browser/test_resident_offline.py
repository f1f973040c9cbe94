"""Without a connection: a report waits on the phone and goes by itself, once and only once.

The network is cut twice over: the browser believes to be offline, and the cable to the server is pulled, so that
nothing goes round the browser's own belief, not even from the service worker.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from tests.beside import beside
from tests.browser.conftest import NewContext
from tests.cable import Cable, cable_to
from tests.chromium import PHONE
from tests.pictures import picture_bytes
from tests.server import LiveSaat

# Resolves when the service worker has kept the page for times without a connection.
KEPT = """async () => {
  await navigator.serviceWorker.ready;
  while (!(await caches.match("/"))) await new Promise(again => setTimeout(again, 50));
}"""
SENT = "Sent. Your code is"


@pytest.fixture
def cable(live: LiveSaat) -> Iterator[Cable]:
    with cable_to(live.url) as laid:
        yield laid


@pytest.fixture
def phone(new_context: NewContext, cable: Cable, resident_city: str) -> BrowserContext:
    """A phone that has opened the page once, with a connection."""
    context = new_context(**PHONE, base_url=cable.url)
    page = context.new_page()
    page.goto(f"/?city={resident_city}")
    page.goto("/")
    page.evaluate(KEPT)
    page.close()
    return context


@pytest.fixture
def taken_in(live: LiveSaat) -> Callable[[str], list[int]]:
    """Return for each report from a place (told in words) how many photos came with it."""

    def count(near: str) -> list[int]:
        rows = f"ServiceRequest.objects.filter(address={near!r})"
        return beside(live, f"tell([row.photos.count() for row in {rows}])")

    return count


def cut(phone: BrowserContext, cable: Cable) -> None:
    cable.set("pulled")
    phone.set_offline(True)


def mend(phone: BrowserContext, cable: Cable) -> None:
    cable.set("whole")
    phone.set_offline(False)


def write(page: Page, near: str) -> None:
    page.locator('input[name="service_code"][value="pile"]').check()
    page.locator("#near").fill(near)


def send(page: Page) -> None:
    page.get_by_role("button", name="Send", exact=True).click()


def waiting(page: Page):
    return page.locator('#outbox-list li[data-state="waiting"]')


def sent(page: Page):
    return page.locator('#outbox-list li[data-state="sent"]')


def test_a_report_waits_on_the_phone_through_a_reload_and_goes_by_itself(phone, cable, taken_in, tmp_path: Path):
    picture = tmp_path / "bags.jpg"
    picture.write_bytes(picture_bytes())
    cut(phone, cable)
    page = phone.new_page()
    page.goto("/")
    expect(page.get_by_role("heading", name="Report rubbish")).to_be_visible()
    write(page, "Offline street 1")
    page.locator("#photos").set_input_files([picture])
    expect(page.locator("#previews img")).to_have_count(1)
    send(page)
    expect(waiting(page)).to_contain_text("Waiting on your phone")
    expect(waiting(page)).to_contain_text("1 photo")
    expect(page.locator("#near")).to_have_value("")
    page.reload()
    expect(waiting(page)).to_have_count(1)
    assert taken_in("Offline street 1") == []

    mend(phone, cable)
    expect(sent(page)).to_contain_text(SENT, timeout=20_000)
    assert taken_in("Offline street 1") == [1]
    code = sent(page).locator(".status").inner_text().removeprefix(SENT).strip()
    sent(page).get_by_role("link", name="Follow it").click()
    expect(page.locator(".code")).to_have_attribute("aria-label", code)


def test_a_report_that_waits_goes_when_the_page_is_opened_again(phone, cable, taken_in):
    cut(phone, cable)
    page = phone.new_page()
    page.goto("/")
    write(page, "Offline street 2")
    send(page)
    expect(waiting(page)).to_have_count(1)
    page.close()
    mend(phone, cable)
    page = phone.new_page()
    page.goto("/")
    expect(sent(page)).to_have_count(1, timeout=20_000)
    assert taken_in("Offline street 2") == [0]


@pytest.mark.parametrize("loss", ["answers lost", "answers 502"])
def test_an_answer_that_is_lost_makes_no_second_report(phone, cable, taken_in, loss):
    page = phone.new_page()
    page.goto("/")
    near = f"Street of {loss}"
    write(page, near)
    cable.set(loss)
    send(page)
    expect(waiting(page)).to_have_count(1, timeout=20_000)
    assert cable.lost
    assert taken_in(near) == [0]
    cable.set("whole")
    expect(sent(page)).to_have_count(1, timeout=30_000)
    assert taken_in(near) == [0]


def test_an_answer_that_never_comes_makes_no_second_report(phone, cable, taken_in):
    page = phone.new_page()
    page.clock.install()
    page.goto("/")
    write(page, "Street of silence")
    cable.set("answers held")
    send(page)
    expect(page.locator("#send-told")).to_have_text("Looking for the same trouble nearby…")
    page.clock.fast_forward("00:10")
    expect(page.locator("#send-told")).to_have_text("Sending…")
    while not taken_in("Street of silence"):
        page.wait_for_timeout(100)
    page.clock.fast_forward("01:00")
    expect(page.locator("#send-told")).to_contain_text("It waits on your phone")
    assert taken_in("Street of silence") == [0]
    cable.set("whole")
    page.clock.fast_forward("00:30")
    expect(sent(page)).to_have_count(1, timeout=30_000)
    assert taken_in("Street of silence") == [0]


def test_two_tabs_send_one_report(phone, cable, taken_in):
    cut(phone, cable)
    first, second = phone.new_page(), phone.new_page()
    for page in (first, second):
        page.goto("/")
    write(first, "Street of two tabs")
    send(first)
    for page in (first, second):
        expect(waiting(page)).to_have_count(1)
    mend(phone, cable)
    for page in (first, second):
        expect(sent(page)).to_contain_text(SENT, timeout=20_000)
    assert taken_in("Street of two tabs") == [0]


def test_two_reports_wait_beside_each_other(phone, cable, taken_in):
    cut(phone, cable)
    page = phone.new_page()
    page.goto("/")
    for near in ("Street of the first", "Street of the second"):
        write(page, near)
        send(page)
        expect(page.locator("#near")).to_have_value("")
    expect(waiting(page)).to_have_count(2)
    mend(phone, cable)
    expect(sent(page)).to_have_count(2, timeout=20_000)
    assert taken_in("Street of the first") == taken_in("Street of the second") == [0]


def test_a_report_that_waits_can_be_cancelled(phone, cable, taken_in):
    cut(phone, cable)
    page = phone.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/")
    write(page, "Street of regret")
    send(page)
    waiting(page).get_by_role("button", name="Cancel it").click()
    expect(page.locator("#outbox")).to_be_hidden()
    mend(phone, cable)
    page.reload()
    expect(page.locator("#outbox")).to_be_hidden()
    assert taken_in("Street of regret") == []


def test_a_report_that_cannot_be_taken_in_says_why(phone, cable):
    phone.grant_permissions(["geolocation"])
    phone.set_geolocation({"latitude": 11.55, "longitude": 105.6, "accuracy": 10})
    cut(phone, cable)
    page = phone.new_page()
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/")
    write(page, "Far away")
    page.get_by_role("button", name="Use my position").click()
    expect(page.locator("#where-told")).to_contain_text("Your position is taken")
    send(page)
    expect(waiting(page)).to_have_count(1)
    mend(phone, cable)
    refused = page.locator('#outbox-list li[data-state="refused"]')
    expect(refused).to_contain_text("outside Phnom Penh", timeout=20_000)
    refused.get_by_role("button", name="Cancel it").click()
    expect(page.locator("#outbox")).to_be_hidden()


def test_a_server_that_is_ill_keeps_nobody_from_writing(phone, cable, taken_in):
    cable.set("answers 502")
    page = phone.new_page()
    page.goto("/")
    write(page, "Street of patience")
    send(page)
    expect(page.locator("#send-told")).to_contain_text("It waits on your phone", timeout=20_000)
    cable.set("whole")
    expect(sent(page)).to_have_count(1, timeout=30_000)
    assert taken_in("Street of patience") == [0]


def test_the_phone_keeps_the_form_and_nobodys_report(phone, cable):
    page = phone.new_page()
    page.goto("/")
    write(page, "Street of secrets")
    send(page)
    expect(page.get_by_text("Thank you. Your report is in.")).to_be_visible()
    kept = page.evaluate(
        "async () => (await Promise.all((await caches.keys()).map(async name =>"
        " (await (await caches.open(name)).keys()).map(each => new URL(each.url).pathname)))).flat()"
    )
    assert "/" in kept
    assert not any(path.startswith(("/r/", "/photos/", "/desk")) for path in kept)


def test_without_a_connection_the_page_is_as_readable(phone, cable, violations):
    cut(phone, cable)
    page = phone.new_page()
    page.goto("/")
    write(page, "Street of readers")
    send(page)
    expect(waiting(page)).to_have_count(1)
    assert violations(page) == []
    page.get_by_role("button", name="Tap on the map").click()
    expect(page.locator("#where-told")).to_contain_text("Please choose the area instead.")

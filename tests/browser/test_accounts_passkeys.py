"""Passkeys in a real browser with a security key of software: added, signed in with, shown again, taken away."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.chromium import OFFICE, OLD_PHONE
from tests.server import LiveSaat

BUTTON = "form[data-passkey] button[type=submit]"


@pytest.fixture
def site(live: LiveSaat) -> str:
    """The address under a name: browsers bind passkeys to names, never to numbers."""
    return live.url.replace("127.0.0.1", "localhost")


def with_key(page: Page, *, verified: bool = True) -> Any:
    """Give a page a key of software; verified: whether it finds that the right finger is on it."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
        "isUserVerified": verified, "automaticPresenceSimulation": True,
    }  # fmt: skip
    session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    return session


def sign_in(page: Page, user: dict[str, Any]) -> None:
    page.goto("/accounts/login/")
    page.fill("[name=login]", user["username"])
    page.fill("[name=password]", user["password"])
    page.click("form button.primary")


def sign_out(page: Page) -> None:
    page.goto("/accounts/logout/")
    page.click("form button.primary")
    page.wait_for_url("**/accounts/login/**")


def add_passkey(page: Page, user: dict[str, Any], name: str) -> None:
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("[name=password]", user["password"])
    page.click("form button.primary")
    page.fill("[name=name]", name)
    page.click(BUTTON)
    page.wait_for_url("**/accounts/2fa/recovery-codes/**")


def remove_passkey(page: Page, name: str) -> None:
    page.goto("/accounts/2fa/")
    page.locator("li", has_text=name).get_by_role("link", name="Remove").click()
    page.click("form button.danger")
    page.wait_for_url("**/accounts/2fa/webauthn/**")


def test_a_passkey_is_added_signs_in_without_a_password_and_can_be_removed(new_context, live, site, violations):
    user = live.user("director")
    page = new_context(**OLD_PHONE, base_url=site).new_page()
    with_key(page)
    sign_in(page, user)
    add_passkey(page, user, "my phone")
    expect(page.locator(".codes li")).to_have_count(10)
    # Looked at in a page of its own: the checker's debugger takes the key of software away when it leaves.
    other = page.context.new_page()
    for path in ("/accounts/2fa/", "/accounts/2fa/recovery-codes/", "/accounts/password/change/"):
        other.goto(path)
        assert violations(other) == [], path

    sign_out(page)
    other.goto("/accounts/login/")
    assert violations(other) == []
    page.goto("/accounts/sessions/?from=letter")
    page.click(BUTTON)
    page.wait_for_url(re.compile(r"/accounts/sessions/\?from=letter$"))

    sign_out(page)
    sign_in(page, user)
    page.wait_for_url("**/accounts/2fa/authenticate/")
    other.goto("/accounts/2fa/authenticate/")
    assert violations(other) == []
    page.bring_to_front()
    page.reload()
    page.click(BUTTON)
    page.wait_for_url(re.compile(r"/desk/$"), wait_until="commit")

    page.goto("/accounts/2fa/webauthn/add/")
    page.get_by_role("link", name="With a passkey").click()
    page.click(BUTTON)
    page.wait_for_url("**/accounts/2fa/webauthn/add/")
    page.click(BUTTON)
    expect(page.get_by_text("This device already holds a passkey")).to_be_visible()
    remove_passkey(page, "my phone")
    sign_out(page)
    sign_in(page, user)
    page.wait_for_url(re.compile(r"/desk/$"), wait_until="commit")


def test_a_key_that_does_not_know_the_finger_is_no_passkey(new_context, live, site):
    user = live.user("auditor")
    page = new_context(**OFFICE, base_url=site).new_page()
    with_key(page, verified=False)
    sign_in(page, user)
    page.goto("/accounts/2fa/webauthn/add/")
    page.fill("[name=password]", user["password"])
    page.click("form button.primary")
    page.click(BUTTON)
    expect(page.get_by_text("The passkey was not used. You can try again.")).to_be_visible()
    expect(page.locator(BUTTON)).to_be_enabled()
    page.goto("/accounts/2fa/")
    expect(page.get_by_role("link", name="Remove")).to_have_count(0)


def test_under_a_number_the_page_says_that_passkeys_need_a_name(new_context, live):
    page = new_context(**OFFICE).new_page()
    with_key(page)
    page.goto("/accounts/login/")
    page.click(BUTTON)
    expect(page.get_by_text("Passkeys work only under the name of the site")).to_be_visible()


def test_without_a_script_the_password_still_signs_in(new_context, live):
    page = new_context(**OFFICE, java_script_enabled=False).new_page()
    page.goto("/accounts/login/")
    expect(page.locator(BUTTON)).to_be_disabled()
    sign_in(page, live.user("administrator"))
    page.wait_for_url(re.compile(r"/desk/"), wait_until="commit")


@pytest.mark.parametrize(("device", "language"), [(OLD_PHONE, "km"), (OFFICE, "en")], ids=["phone", "office"])
def test_the_administrators_pages_can_be_used_by_everybody_on_any_screen(
    new_context, live, violations, device, language
):
    page = new_context(**device, locale=language).new_page()
    sign_in(page, live.user("administrator"))
    for path in ("/desk/people/", "/desk/people/add", "/desk/log/", "/desk/unsent/", "/accounts/sessions/"):
        page.goto(path)
        if "/reauthenticate/" in page.url:
            page.fill("[name=password]", live.user("administrator")["password"])
            page.click("form button.primary")
        assert violations(page) == [], path
        width = page.evaluate("document.documentElement.scrollWidth")
        assert width <= device["viewport"]["width"], f"{path} is {width} wide"

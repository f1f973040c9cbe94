"""Debian's Chromium and the screens that Saat is looked at on."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from playwright.sync_api import Browser, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # A camera that shows a test picture, for pages that take photos themselves.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
]
_TOUCH = {"device_scale_factor": 2, "is_mobile": True, "has_touch": True}
OLD_PHONE: dict[str, Any] = {"viewport": {"width": 320, "height": 568}, **_TOUCH}
PHONE: dict[str, Any] = {"viewport": {"width": 390, "height": 844}, **_TOUCH}
OFFICE: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}


class NoChromium(Exception):
    """This machine has no browser to drive."""


def chromium() -> str:
    """Return the path of the machine's Chromium; one that Playwright would download is never used."""
    for name in filter(None, (os.environ.get("SAAT_CHROMIUM"), "chromium", "chromium-browser", "google-chrome")):
        path = shutil.which(name)
        if path:
            return path
    raise NoChromium("This needs Chromium: install Debian's package `chromium`, or set SAAT_CHROMIUM to its path.")


@contextmanager
def running_browser() -> Iterator[Browser]:
    """Run one browser for the length of a block."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=ARGUMENTS)
        try:
            yield browser
        finally:
            browser.close()

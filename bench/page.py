"""What a resident's first visit costs: bytes on the wire with all that the page loads, and time on a slow phone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from playwright.sync_api import Browser, CDPSession

from bench.figures import Measure
from bench.serving import Bench, serving
from tests.chromium import OLD_PHONE, running_browser

AIM_KB = 40
# A weak 3G connection: 400 kbit/s down, 150 up, 400 ms there and back; and a processor four times as slow as this one.
_SLOW = {"offline": False, "downloadThroughput": 50_000, "uploadThroughput": 18_750, "latency": 400}
_SLOWER = 4
_REST_MS = 1500
_PAINTED = """() => new Promise(done => new PerformanceObserver((list, observer) => {
  observer.disconnect(); done(list.getEntries().at(-1).startTime);
}).observe({type: "largest-contentful-paint", buffered: true}))"""


def run(bench: Bench, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Open the page in a real browser that has never seen it, in each language."""
    measure = Measure(
        "page", "A resident's first visit, on the wire",
        ("language", "requests", "wire_kb", "aim_kb", "page_kb", "scripts_kb", "styles_kb", "others_kb", "painted_ms",
         "loaded_ms"),
    )  # fmt: skip
    with serving(bench.fresh()) as server, running_browser() as browser:
        for language in ("km", "en"):
            step(f"page: {language}")
            _visit(browser, f"http://127.0.0.1:{server.port}/", language, slow=False)  # the server's own first time
            sizes, _painted, _loaded = _visit(browser, f"http://127.0.0.1:{server.port}/", language, slow=False)
            _sizes, painted, loaded = _visit(browser, f"http://127.0.0.1:{server.port}/", language, slow=True)
            kb = {
                kind: sum(size for of, size in sizes if of == kind) / 1024
                for kind in ("Document", "Script", "Stylesheet")
            }
            whole = sum(size for _kind, size in sizes) / 1024
            measure.add(
                language=language, requests=len(sizes), wire_kb=whole, aim_kb=AIM_KB, page_kb=kb["Document"],
                scripts_kb=kb["Script"], styles_kb=kb["Stylesheet"], others_kb=whole - sum(kb.values()),
                painted_ms=painted, loaded_ms=loaded,
            )  # fmt: skip
    measure.notes = [
        "Bytes of headers and compressed bodies, as the browser counted them; kb are of 1,024 bytes.",
        "painted, loaded: largest paint and load event; 400 kbit/s, 400 ms there and back, processor slowed fourfold.",
    ]
    return [measure]


def _visit(browser: Browser, url: str, language: str, *, slow: bool) -> tuple[list[tuple[str, int]], float, float]:
    """Return kind and size of everything that the page loads, and when it was painted and loaded, in milliseconds."""
    context = browser.new_context(locale=language, **OLD_PHONE)
    try:
        page = context.new_page()
        wire = context.new_cdp_session(page)
        kinds: dict[str, str] = {}
        sizes: list[tuple[str, int]] = []
        wire.send("Network.enable")
        wire.on("Network.responseReceived", lambda event: kinds.update({event["requestId"]: event["type"]}))
        wire.on("Network.loadingFinished", lambda event: sizes.append(_size(event, kinds)))
        if slow:
            _slow_down(wire)
        page.goto(url)
        loaded = page.evaluate("() => performance.getEntriesByType('navigation')[0].loadEventEnd")
        painted = page.evaluate(_PAINTED)
        page.wait_for_timeout(_REST_MS)
        return sizes, painted, loaded
    finally:
        context.close()


def _size(event: dict[str, Any], kinds: dict[str, str]) -> tuple[str, int]:
    return kinds.get(event["requestId"], "Other"), int(event["encodedDataLength"])


def _slow_down(wire: CDPSession) -> None:
    wire.send("Network.emulateNetworkConditions", _SLOW)
    wire.send("Emulation.setCPUThrottlingRate", {"rate": _SLOWER})

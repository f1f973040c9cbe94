"""Positions through the real server: acknowledged is durable, also where the server is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import httpx
import pytest

from saat.records.position_log import LogMark, PositionLog
from tests.server import LiveSaat, live_saat

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]

PLACE = "lat=11.5480&lon=104.9100"
BACK_S = 120


def kept(running: LiveSaat) -> set[float]:
    """Return the moments that are in the log of a server."""
    log = PositionLog(running.var / "positions")
    try:
        return {position.fixed_s for position in log.read_on(LogMark(), 1_000_000)[0]}
    finally:
        log.close()


def test_a_device_of_the_demo_is_heard_and_a_forged_token_is_not(live):
    device = live.demo["devices"][0]
    at_s = round(time.time()) - 0.5
    query = f"/positions/osmand?id={device['id']}&{PLACE}&timestamp={at_s}"
    with httpx.Client(base_url=live.url, timeout=60) as client:
        assert client.get(f"{query}&token=forged").status_code == 403
        assert at_s not in kept(live)
        assert client.get(f"{query}&token={device['token']}").status_code == 200
        assert at_s in kept(live)
        assert client.get("/positions/elsewhere").status_code == 404


def test_what_was_acknowledged_is_there_after_the_web_process_was_killed(tmp_path):
    with live_saat(tmp_path) as running:
        start_s = round(time.time()) - 4000.0
        told: set[float] = set()

        async def send(client: httpx.AsyncClient, number: int) -> None:
            at_s = start_s + number
            try:
                answer = await client.get(f"/positions/osmand?id=T-{number % 5}&{PLACE}&timestamp={at_s}")
            except httpx.HTTPError:
                return  # not acknowledged
            if answer.status_code == 200:
                told.add(at_s)
            if len(told) == 200:
                os.kill(web_of(running), signal.SIGKILL)

        async def all_of_them() -> None:
            limits = httpx.Limits(max_connections=20)
            async with httpx.AsyncClient(base_url=running.url, timeout=30, limits=limits) as client:
                await asyncio.gather(*(send(client, number) for number in range(400)))

        asyncio.run(all_of_them())
        assert len(told) >= 200
        assert told <= kept(running)
        until = time.monotonic() + BACK_S
        while True:
            assert time.monotonic() < until, running.log()
            try:
                again = httpx.get(f"{running.url}/positions/osmand?id=T-0&{PLACE}&timestamp={start_s}", timeout=30)
            except httpx.HTTPError:
                time.sleep(0.1)
                continue
            assert again.status_code == 200
            break


def web_of(running: LiveSaat) -> int:
    """Return the web process of a server."""
    below = Path(f"/proc/{running.process.pid}/task/{running.process.pid}/children").read_text().split()
    return next(int(pid) for pid in below if b"\0web\0" in Path(f"/proc/{pid}/cmdline").read_bytes())

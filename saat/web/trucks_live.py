"""Word for open pages about trucks that the follower wrote: server-sent events without content.

One task per process asks, a second apart and only while somebody listens, up to which moment each city's runs were
followed; a city's listeners are told when that moves. What changed, each page asks for itself, and is answered within
what its reader may see: nothing about a run is in the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from django.db import Error, connection

from saat.records import queries_trucks
from saat.records.queries_live import View
from saat.web.live import HEARTBEAT_S, RECHECK_S, Receive, Scope, Send, refuse, until_gone, view_of_cookie, write

LOOK_S = 1.0
LINGER_S = 30.0
_MOST_LISTENERS = 2000

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Listener:
    city_id: int
    told: asyncio.Event = field(default_factory=asyncio.Event)


class Watch:
    """Looks for everybody who listens in this process."""

    def __init__(self) -> None:
        self.listeners: set[_Listener] = set()
        self.known: dict[int, datetime] = {}
        self.loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saat-trucks-live")

    def join(self, city_id: int) -> _Listener:
        """Let somebody listen from now on."""
        listener = _Listener(city_id)
        self.listeners.add(listener)
        if self._task is None or self._task.done():
            self.known = {}
            self._task = asyncio.create_task(self._run())
        return listener

    async def stop(self) -> None:
        """End the looking, and the thread that asks."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self.loop.run_in_executor(self._thread, connection.close)
        self._thread.shutdown()

    async def _run(self) -> None:
        idle_since = self.loop.time()
        while self.loop.time() - idle_since < LINGER_S:
            cities = {listener.city_id for listener in self.listeners}
            if cities:
                idle_since = self.loop.time()
                try:
                    now = await self.loop.run_in_executor(self._thread, partial(_followed, cities))
                except Error:
                    log.exception("The pages about trucks could not be told of changes; it is tried again.")
                    now = {}
                for listener in list(self.listeners):
                    if self._is_news(listener.city_id, now):
                        listener.told.set()
                self.known.update(now)
            await asyncio.sleep(LOOK_S)

    def _is_news(self, city_id: int, now: dict[int, datetime]) -> bool:
        return city_id in now and city_id in self.known and now[city_id] != self.known[city_id]


def _followed(cities: Iterable[int]) -> dict[int, datetime]:
    try:
        return queries_trucks.followed_until(cities)
    except Error:
        connection.close()  # one that broke; the next is new
        raise


_watch: Watch | None = None
_guard = threading.Lock()


def own_watch() -> Watch:
    """Return the watch of this process and loop."""
    global _watch
    with _guard:
        if _watch is None or _watch.loop is not asyncio.get_running_loop():
            _watch = Watch()
        return _watch


async def trucks_live(scope: Scope, receive: Receive, send: Send, *, pool: ThreadPoolExecutor) -> None:
    """Answer `GET /desk/trucks/live?city=`: an event `runs` whenever runs of the city were followed on.

    Its data is empty: the page asks for what changed. A `beat` comes every quarter of a minute.
    """
    loop = asyncio.get_running_loop()
    headers = {name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]}
    cookie = headers.get("cookie", "")
    view = await loop.run_in_executor(pool, view_of_cookie, cookie) if scope["method"] == "GET" else None
    wanted = parse_qs(scope.get("query_string", b"").decode("latin1")).get("city", [""])[0]
    city_id = await loop.run_in_executor(pool, _city_of, view, wanted) if view is not None else None
    if city_id is None:
        await refuse(send, 403, b"Sign in to see the trucks of this city.")
        return
    watch = own_watch()
    if len(watch.listeners) >= _MOST_LISTENERS:
        await refuse(send, 503, b"Too many screens are open.")
        return
    listener = watch.join(city_id)
    gone = asyncio.create_task(until_gone(receive))
    try:
        kind = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": kind})
        await write(send, _said("hello"))
        await _follow(send, listener, gone, partial(_may_still, pool, cookie, city_id))
    finally:
        watch.listeners.discard(listener)
        gone.cancel()


async def _follow(send: Send, listener: _Listener, gone: asyncio.Task[None], may_still: Any) -> None:
    loop = asyncio.get_running_loop()
    beaten = checked = loop.time()
    while not gone.done():
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(listener.told.wait(), 1.0)
        if listener.told.is_set():
            listener.told.clear()
            beaten = loop.time()
            await write(send, _said("runs"))
        elif loop.time() - beaten > HEARTBEAT_S:
            beaten = loop.time()
            await write(send, _said("beat"))
        if loop.time() - checked > RECHECK_S:
            checked = loop.time()
            if not await may_still():
                break
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _said(kind: str) -> str:
    return f"retry: 2000\nevent: {kind}\ndata: {json.dumps({'kind': kind})}\n\n"


async def _may_still(pool: ThreadPoolExecutor, cookie: str, city_id: int) -> bool:
    view = await asyncio.get_running_loop().run_in_executor(pool, view_of_cookie, cookie)
    return view is not None and city_id in view.reach.cities()


def _city_of(view: View, wanted: str) -> int | None:
    """Return the city asked for, if its trucks are this person's to see."""
    return queries_trucks.city_called(view.reach, wanted)

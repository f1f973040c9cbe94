"""The live desk: server-sent events, read on by id from the event log, once per process and not per client.

One task per process looks for events newer than the last it saw, a few times a second while anybody listens, and hands
each to the listeners who may see it. A listener that comes back says which event it saw last (`Last-Event-ID`) and is
given what it missed. An action in the same process wakes the task at once.
"""

from __future__ import annotations

import asyncio
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from django.db import DatabaseError
from django.http import HttpRequest

from saat.records import queries_live

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

POLL_S = 0.25
HEARTBEAT_S = 15.0
RECHECK_S = 30.0  # how long a listener may go on after its account or its areas changed
_MOST_LISTENERS = 2000
_MOST_WAITING = 500

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Listener:
    view: queries_live.View
    queue: asyncio.Queue[queries_live.LiveEvent | None] = field(
        default_factory=lambda: asyncio.Queue(maxsize=_MOST_WAITING)
    )


class _Tail:
    """Reads the log on for everybody who listens in this process."""

    def __init__(self) -> None:
        self.listeners: set[_Listener] = set()
        self.last_id = 0
        self.task: asyncio.Task[None] | None = None
        self.woken = asyncio.Event()
        self.loop = asyncio.get_running_loop()

    def join(self, listener: _Listener, pool: ThreadPoolExecutor) -> None:
        self.listeners.add(listener)
        if self.task is None or self.task.done():
            self.task = asyncio.create_task(self._run(pool))

    async def _run(self, pool: ThreadPoolExecutor) -> None:
        # Listeners that come now are given everything from their own last id; the tail starts where they end.
        while self.listeners:
            try:
                events = await self.loop.run_in_executor(pool, queries_live.events_after, self.last_id)
            except DatabaseError:
                log.exception("The live desk could not read the event log; it tries again.")
                await asyncio.sleep(2)
                continue
            for event in events:
                self.last_id = max(self.last_id, event.id)
                for listener in list(self.listeners):
                    if listener.view.may_see(event):
                        self._hand(listener, event)
            try:
                await asyncio.wait_for(self.woken.wait(), POLL_S)
            except TimeoutError:
                pass
            self.woken.clear()

    def _hand(self, listener: _Listener, event: queries_live.LiveEvent) -> None:
        try:
            listener.queue.put_nowait(event)
        except asyncio.QueueFull:
            # A listener that does not read is let go; its browser comes back with its last id and misses nothing.
            self.listeners.discard(listener)
            while not listener.queue.empty():
                listener.queue.get_nowait()
            listener.queue.put_nowait(None)


_tail: _Tail | None = None
_guard = threading.Lock()


def wake() -> None:
    """Let the live desk of this process look at once; safe from any thread, harmless where nobody listens."""
    tail = _tail
    if tail is not None and tail.listeners:
        tail.loop.call_soon_threadsafe(tail.woken.set)


async def live(scope: Scope, receive: Receive, send: Send, *, pool: ThreadPoolExecutor) -> None:
    """Answer `GET /desk/live`: the events of the cases that the signed-in official may see, as they happen."""
    global _tail
    loop = asyncio.get_running_loop()
    headers = {name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]}
    view = None
    if scope["method"] == "GET":
        view = await loop.run_in_executor(pool, _view_of, headers.get("cookie", ""))
    if view is None:
        await send({"type": "http.response.start", "status": 403, "headers": [(b"content-type", b"text/plain")]})
        await send({"type": "http.response.body", "body": b"Sign in to see the desk.", "more_body": False})
        return
    with _guard:
        if _tail is None or _tail.loop is not loop:
            _tail = _Tail()
        tail = _tail
    if len(tail.listeners) >= _MOST_LISTENERS:
        await send({"type": "http.response.start", "status": 503, "headers": [(b"retry-after", b"10")]})
        await send({"type": "http.response.body", "body": b"Too many screens are open.", "more_body": False})
        return
    since = headers.get("last-event-id", "")
    latest = await loop.run_in_executor(pool, queries_live.latest_id)
    if not tail.listeners:
        tail.last_id = latest
    listener = _Listener(view)
    tail.join(listener, pool)
    missed: list[queries_live.LiveEvent] = []
    if since.isdigit() and int(since) < latest:
        missed = await loop.run_in_executor(pool, queries_live.events_between, int(since), latest)
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [
                (b"content-type", b"text/event-stream"),
                (b"cache-control", b"no-store"),
                (b"x-accel-buffering", b"no"),
            ],
        }
    )
    gone = asyncio.create_task(_until_gone(receive))
    try:
        await _write(send, f"retry: 2000\nid: {since if since.isdigit() else latest}\nevent: hello\ndata: {{}}\n\n")
        for event in missed:
            if view.may_see(event):
                await _write(send, _frame(event))
        await _follow(send, listener, gone, pool, headers.get("cookie", ""))
    finally:
        tail.listeners.discard(listener)
        gone.cancel()


async def _follow(
    send: Send, listener: _Listener, gone: asyncio.Task[None], pool: ThreadPoolExecutor, cookie: str
) -> None:
    loop = asyncio.get_running_loop()
    checked = beaten = loop.time()
    while not gone.done():
        event: queries_live.LiveEvent | None
        try:
            event = await asyncio.wait_for(listener.queue.get(), 1.0)
        except TimeoutError:
            if loop.time() - beaten > HEARTBEAT_S:
                beaten = loop.time()
                await _write(send, ": still here\n\n")
        else:
            if event is None:
                break
            await _write(send, _frame(event))
        if loop.time() - checked > RECHECK_S:
            checked = loop.time()
            view = await loop.run_in_executor(pool, _view_of, cookie)
            if view is None:
                break
            listener.view = view
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _frame(event: queries_live.LiveEvent) -> str:
    data = {"kind": event.kind, "case": event.case_id, "at": event.at.isoformat(), "code": event.code}
    return f"id: {event.id}\nevent: {event.kind}\ndata: {json.dumps(data)}\n\n"


async def _write(send: Send, text: str) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _view_of(cookie: str) -> queries_live.View | None:
    """Return what the owner of this cookie may see now, or None."""
    from django.contrib.auth import get_user
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import parse_cookie

    request = HttpRequest()
    key = parse_cookie(cookie).get("sessionid")
    if not key:
        return None
    request.session = SessionStore(key)
    user = get_user(request)
    return queries_live.view_of(user) if user.is_authenticated and user.is_active else None

"""The live desk: server-sent events, read on by id from the event log, once per process and not per client.

One task per process looks for events newer than the last it saw, a few times a second while anybody listens, and hands
each to the listeners who may see it. A listener that comes back says which event it saw last (`Last-Event-ID`) and is
given what it missed. An action in the same process wakes the task at once.

Events of one city are committed in the order of their ids. On PostgreSQL those of two cities need not be: a long
transaction commits an id below one that was seen already. The task therefore remembers for a while which ids it has
not seen, and asks for them again.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from django.conf import settings
from django.db import Error, connection
from django.http import HttpRequest

from saat.actions.log import on_written
from saat.records import queries_live
from saat.records.queries_live import LiveEvent, View

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

POLL_S = 0.25
HEARTBEAT_S = 15.0
RECHECK_S = 30.0  # how long a listener may go on after its account or its areas changed
GAP_S = 20.0  # how long an id may stay unseen; no transaction lasts longer
LINGER_S = 60.0  # how long the log is read on after the last listener left, for the one who only lost its connection
_LOOK_BACK = 50
_MOST_GAPS = 2000
_MOST_LISTENERS = 2000
_MOST_WAITING = 500

log = logging.getLogger(__name__)


@dataclass(eq=False)
class _Listener:
    view: View
    queue: asyncio.Queue[LiveEvent | None] = field(default_factory=lambda: asyncio.Queue(maxsize=_MOST_WAITING))


class Tail:
    """Reads the log on for everybody who listens in this process."""

    def __init__(self) -> None:
        self.listeners: set[_Listener] = set()
        self.last_id = 0
        self.gaps: dict[int, float] = {}  # ids not seen yet, and since when they are missed
        self.late: dict[int, float] = {}  # ids that came after higher ones, and when
        self.woken = asyncio.Event()
        self.loop = asyncio.get_running_loop()
        self._task: asyncio.Task[None] | None = None
        self._starting = asyncio.Lock()
        # A thread of its own, so that a busy house does not hold up what the desk sees.
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saat-live")

    async def join(self, view: View) -> tuple[_Listener, int]:
        """Let somebody listen from now on; return the listener, and the id up to which it was not handed anything."""
        async with self._starting:
            if self._task is None or self._task.done():
                self.last_id, gaps = await self._ask(_end_of_log)
                self.gaps = dict.fromkeys(gaps, self.loop.time())
                self._task = asyncio.create_task(self._run())
        listener = _Listener(view)
        self.listeners.add(listener)
        return listener, self.last_id

    async def missed(self, since: int, up_to: int) -> list[LiveEvent]:
        """Return what a listener missed that saw the event `since` last; what came late may come to it again."""
        late = [event_id for event_id in self.late if event_id <= since]
        return await self._ask(partial(queries_live.events_between, since, up_to, also=late))

    async def stop(self) -> None:
        """End the reading, and the thread that reads."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._ask(lambda: connection.close())  # the connection is that of the thread
        self._thread.shutdown()

    async def _ask(self, question: Callable[[], Any]) -> Any:
        return await self.loop.run_in_executor(self._thread, asked_in_thread, question)

    async def _run(self) -> None:
        listened = self.loop.time()
        while self.loop.time() - listened < LINGER_S:
            self.woken.clear()
            if self.listeners:
                listened = self.loop.time()
            try:
                events = await self._ask(partial(queries_live.events_after, self.last_id, or_of=tuple(self.gaps)))
            except Error:
                log.exception("The live desk could not read the event log; it tries again.")
                await asyncio.sleep(2)
                continue
            for event in events:
                self._note(event.id)
                for listener in list(self.listeners):
                    if listener.view.may_see(event):
                        self._hand(listener, event)
            self._forget()
            if len(events) < queries_live.MOST:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self.woken.wait(), POLL_S)

    def _note(self, event_id: int) -> None:
        """Write down that an event was seen, and which before it were not."""
        now = self.loop.time()
        if event_id <= self.last_id:
            self.gaps.pop(event_id, None)
            self.late[event_id] = now
            return
        for missing in range(max(self.last_id + 1, event_id - _MOST_GAPS), event_id):
            self.gaps[missing] = now
        self.last_id = event_id

    def _forget(self) -> None:
        now = self.loop.time()
        self.gaps = {event_id: since for event_id, since in self.gaps.items() if now - since < GAP_S}
        self.late = {event_id: since for event_id, since in self.late.items() if now - since < 10 * GAP_S}

    def _hand(self, listener: _Listener, event: LiveEvent) -> None:
        try:
            listener.queue.put_nowait(event)
        except asyncio.QueueFull:
            # A listener that does not read is let go; its browser comes back with its last id and misses nothing.
            self.listeners.discard(listener)
            while not listener.queue.empty():
                listener.queue.get_nowait()
            listener.queue.put_nowait(None)


def _end_of_log() -> tuple[int, set[int]]:
    latest = queries_live.latest_id()
    return latest, queries_live.missing_ids(up_to=latest, back=_LOOK_BACK)


def asked_in_thread(question: Callable[[], Any]) -> Any:
    """Ask the database in the tail's own thread; a connection that broke is closed, so that the next one is new."""
    try:
        return question()
    except Error:
        connection.close()
        raise


_tail: Tail | None = None
_guard = threading.Lock()


def wake() -> None:
    """Let the live desk of this process look at once; safe from any thread, harmless where nobody listens."""
    tail = _tail
    if tail is not None and tail.listeners and not tail.loop.is_closed():
        tail.loop.call_soon_threadsafe(tail.woken.set)


on_written.append(wake)


def _own_tail() -> Tail:
    """Return the tail of this process and loop."""
    global _tail
    with _guard:
        if _tail is None or _tail.loop is not asyncio.get_running_loop():
            _tail = Tail()
        return _tail


async def live(scope: Scope, receive: Receive, send: Send, *, pool: ThreadPoolExecutor) -> None:
    """Answer `GET /desk/live`: the events of the cases that the signed-in official may see, as they happen.

    Each has its `id`, its kind as `event`, and JSON `data`: kind, case, code and the moment. `?since=` says which event
    a page knew when it was made; `Last-Event-ID`, which browsers send when they come back, goes before it. With
    `?plain=1` events have no `event` line, so that a browser hears all kinds in one place. The first, `hello`, says
    whether a listener that comes back missed more than it is told, and had better read everything anew.
    """
    loop = asyncio.get_running_loop()
    headers = {name.decode("latin1"): value.decode("latin1") for name, value in scope["headers"]}
    asked = parse_qs(scope.get("query_string", b"").decode("latin1"))
    cookie = headers.get("cookie", "")
    view = await loop.run_in_executor(pool, view_of_cookie, cookie) if scope["method"] == "GET" else None
    if view is None:
        await refuse(send, 403, b"Sign in to see the desk.")
        return
    tail = _own_tail()
    if len(tail.listeners) >= _MOST_LISTENERS:
        await refuse(send, 503, b"Too many screens are open.")
        return
    since = _number(headers.get("last-event-id", "")) or _number(asked.get("since", [""])[0])
    listener, handed = await tail.join(view)
    gone = asyncio.create_task(until_gone(receive))
    try:
        missed = await tail.missed(since, handed) if since is not None and since < handed else []
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
        hello = json.dumps({"missed_some": len(missed) >= queries_live.MOST})
        await write(send, f"retry: 2000\nid: {since if missed else handed}\nevent: hello\ndata: {hello}\n\n")
        plain = asked.get("plain") == ["1"]
        for event in missed:
            if view.may_see(event):
                await write(send, _frame(event, plain=plain))
        await _follow(send, tail, listener, gone, pool, cookie, plain=plain)
    finally:
        tail.listeners.discard(listener)
        gone.cancel()


async def _follow(
    send: Send,
    tail: Tail,
    listener: _Listener,
    gone: asyncio.Task[None],
    pool: ThreadPoolExecutor,
    cookie: str,
    *,
    plain: bool,
) -> None:
    loop = tail.loop
    checked = beaten = loop.time()
    while not gone.done():
        event: LiveEvent | None
        try:
            event = await asyncio.wait_for(listener.queue.get(), 1.0)
        except TimeoutError:
            if loop.time() - beaten > HEARTBEAT_S:
                beaten = loop.time()
                # The id says how far the log was read, so that a listener who sees little need not be told all again;
                # a page hears the beat, and takes a line without one for dead.
                beat = "event: beat\ndata: {}" if plain else ": still here"
                await write(send, f"id: {tail.last_id}\n{beat}\n\n")
        else:
            if event is None:
                break
            await write(send, _frame(event, plain=plain))
        if loop.time() - checked > RECHECK_S:
            checked = loop.time()
            view = await loop.run_in_executor(pool, view_of_cookie, cookie)
            if view is None:
                break
            listener.view = view
    await send({"type": "http.response.body", "body": b"", "more_body": False})


def _frame(event: LiveEvent, *, plain: bool) -> str:
    data = {"kind": event.kind, "case": event.case_id, "at": event.at.isoformat(), "code": event.code}
    name = "" if plain else f"event: {event.kind}\n"
    return f"id: {event.id}\n{name}data: {json.dumps(data)}\n\n"


async def write(send: Send, text: str) -> None:
    """Send a piece of an answer that stays open."""
    await send({"type": "http.response.body", "body": text.encode(), "more_body": True})


async def refuse(send: Send, status: int, text: bytes) -> None:
    """Answer with a status and a sentence instead of a stream."""
    headers = [(b"content-type", b"text/plain"), (b"cache-control", b"no-store")]
    if status == 503:
        headers.append((b"retry-after", b"10"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": text, "more_body": False})


async def until_gone(receive: Receive) -> None:
    """Return when the listener has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def view_of_cookie(cookie: str) -> View | None:
    """Return what the owner of this cookie may see now, or None."""
    from django.contrib.auth import get_user
    from django.contrib.sessions.backends.db import SessionStore
    from django.http import parse_cookie

    request = HttpRequest()
    key = parse_cookie(cookie).get(settings.SESSION_COOKIE_NAME)
    if not key:
        return None
    request.session = SessionStore(key)
    user = get_user(request)
    return queries_live.view_of(user) if user.is_authenticated and user.is_active else None

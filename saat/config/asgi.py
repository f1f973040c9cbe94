"""The application that the server runs.

Pages are synchronous Django, answered by a few threads that live as long as the process, so that each keeps its
database connection. (Django's own handler gives every request a thread of its own, and with it a new connection.)
What must stay open for hours, the live desk, is answered asynchronously and holds no thread.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from io import BytesIO
from typing import Any

import django
from django.conf import settings
from django.core import signals
from django.core.handlers.asgi import ASGIRequest
from django.core.handlers.base import BaseHandler
from django.db import close_old_connections, connection
from django.http import HttpResponse, HttpResponseBase
from django.urls import set_script_prefix
from django.utils import timezone

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
django.setup()

# Imported after set-up: they read models.
from saat.web.live import live  # noqa: E402
from saat.web.open311.call import Ask, Reply  # noqa: E402
from saat.web.open311.door import answer as answer_open311  # noqa: E402
from saat.web.open311.door import refuse_too_large  # noqa: E402
from saat.web.open311.lane import Lane  # noqa: E402
from saat.web.positions.door import PositionsDoor  # noqa: E402
from saat.web.trucks_live import trucks_live  # noqa: E402

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_OPEN311 = "/open311/"
_TOO_LARGE = "/too-large"
_THREADS = int(os.environ.get("SAAT_THREADS", "8"))
_SPOOL_BYTES = 1024 * 1024
_CHUNK_BYTES = 64 * 1024
_HEARD_OUT_BYTES = 256 * 1024 * 1024


class BodyTooLarge(Exception):
    """The request's body is larger than any door takes."""


class Application(BaseHandler):
    """Django behind a pool of lasting threads, with the live desk beside it."""

    def __init__(self) -> None:
        super().__init__()
        self.load_middleware(is_async=False)
        self.pool = ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="saat-web")
        self.lane = Lane()
        self.positions = PositionsDoor()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one connection."""
        if scope["type"] == "lifespan":
            await _lifespan(receive, send, when_over=self._stop)
            return
        if scope["type"] != "http":
            return
        if (door := self.positions.doors.get(scope["path"])) is not None:
            await self.positions.answer(door, scope, receive, send)
            return
        if scope["path"] == "/desk/live":
            await live(scope, receive, send, pool=self.pool)
            return
        if scope["path"] == "/desk/trucks/live":
            await trucks_live(scope, receive, send, pool=self.pool)
            return
        if scope["path"].startswith(_OPEN311):
            await self._open311(scope, receive, send)
            return
        try:
            body = await _read(receive)
        except BodyTooLarge:
            # The page that says so, in the visitor's language, is made without what was sent.
            scope, body = {**scope, "method": "GET", "path": _TOO_LARGE, "query_string": b""}, BytesIO()
        if body is None:
            return  # the client went away while sending
        loop = asyncio.get_running_loop()
        try:
            response = await loop.run_in_executor(self.pool, self._answer, scope, body, _Streamer(send, loop))
        finally:
            body.close()
        if response is not None:
            await _send_whole(send, response)

    def _stop(self) -> None:
        self.lane.stop()
        self.positions.stop()

    async def _open311(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a partner: no session, no cookie, and so none of the middleware that looks after them."""
        path = scope["path"][len(_OPEN311) :]
        try:
            body = await _read(receive)
        except BodyTooLarge:
            reply = refuse_too_large(path)
        else:
            if body is None:
                return
            try:
                if scope["method"] == "POST" and not _has_files(scope):
                    reply = await self.lane.answer(partial(_answer_open311, scope, path, body))
                else:
                    reply = await asyncio.get_running_loop().run_in_executor(
                        self.pool, _answer_open311, scope, path, body
                    )
            finally:
                body.close()
        headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in reply.headers.items()]
        headers.append((b"content-length", str(len(reply.body)).encode()))
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body, "more_body": False})

    def _answer(self, scope: Scope, body: Any, streamer: _Streamer) -> HttpResponseBase | None:
        """Run the request in this thread; return the response, or None if it was streamed from here."""
        set_script_prefix(scope.get("root_path", "") or "/")
        signals.request_started.send(sender=self.__class__, scope=scope)
        try:
            request = ASGIRequest(scope, body)
        except UnicodeDecodeError:
            response: HttpResponseBase = HttpResponse("The address is not valid UTF-8.", status=400)
        else:
            response = self.get_response(request)
        try:
            if response.streaming:
                streamer.send(response)
                return None
            return response
        finally:
            response.close()  # sends request_finished, which looks after this thread's connection


def _has_files(scope: Scope) -> bool:
    """Return whether a body may hold pictures, which take long to decode and must not hold up the lane."""
    return any(name == b"content-type" and value.startswith(b"multipart/") for name, value in scope["headers"])


def _answer_open311(scope: Scope, path: str, body: Any) -> Reply:
    size = body.seek(0, os.SEEK_END)
    body.seek(0)
    ask = Ask(
        method=scope["method"],
        path=path,
        query=scope["query_string"].decode("ascii", "surrogateescape"),
        headers={name.decode("latin1").lower(): value.decode("latin1") for name, value in scope["headers"]},
        body=body,
        size=size,
    )
    if not connection.in_atomic_block:  # as it is in the lane, where several share a transaction
        close_old_connections()
    return answer_open311(ask, now=timezone.now())


class _Streamer:
    """Sends a streaming response from a worker thread through the event loop that owns the connection."""

    def __init__(self, send: Send, loop: asyncio.AbstractEventLoop) -> None:
        self._send = send
        self._loop = loop

    def send(self, response: HttpResponseBase) -> None:
        self._wait(_start(response))
        for chunk in response:  # type: ignore[attr-defined]
            for at in range(0, len(chunk), _CHUNK_BYTES):
                self._wait({"type": "http.response.body", "body": chunk[at : at + _CHUNK_BYTES], "more_body": True})
        self._wait({"type": "http.response.body", "body": b"", "more_body": False})

    def _wait(self, message: dict[str, Any]) -> None:
        asyncio.run_coroutine_threadsafe(_as_coroutine(self._send, message), self._loop).result()


async def _as_coroutine(send: Send, message: dict[str, Any]) -> None:
    await send(message)


def _start(response: HttpResponseBase) -> dict[str, Any]:
    headers = [(name.lower().encode("latin1"), value.encode("latin1")) for name, value in response.items()]
    headers += [
        (b"set-cookie", cookie.output(header="").strip().encode("latin1")) for cookie in response.cookies.values()
    ]
    return {"type": "http.response.start", "status": response.status_code, "headers": headers}


async def _send_whole(send: Send, response: HttpResponseBase) -> None:
    await send(_start(response))
    await send({"type": "http.response.body", "body": response.content, "more_body": False})  # type: ignore[attr-defined]


async def _read(receive: Receive) -> Any:
    body = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115 - closed by the caller
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            body.close()
            return None
        chunk = message.get("body", b"")
        size += len(chunk)
        more = message.get("more_body")
        if size > settings.MAX_BODY_BYTES:
            # What is too large is heard out, up to a point: a browser that is cut off while it sends shows no answer.
            if more and size < _HEARD_OUT_BYTES:
                continue
            body.close()
            raise BodyTooLarge
        body.write(chunk)
        if not more:
            body.seek(0)
            return body


async def _lifespan(receive: Receive, send: Send, *, when_over: Callable[[], None]) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.shutdown":
            await asyncio.to_thread(when_over)
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


application = Application()

"""The little of HTTP that the positions' lane needs: who sends, the body, a short answer."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from saat.actions.intake import Sender

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

_EMPTY_HEADERS = [(b"content-length", b"0")]
_LONGEST_WORD = 400


class TooLarge(Exception):
    """The body is larger than this door takes."""


class Gone(Exception):
    """The client went away while it sent."""


def header(scope: Scope, name: bytes) -> str:
    """Return a header's value, "" where it is missing. name: in lower case."""
    for key, value in scope["headers"]:
        if key == name:
            return str(value.decode("latin1"))
    return ""


def credentials(scope: Scope) -> tuple[str, str]:
    """Return the user ("" for none) and the secret in the Authorization header."""
    told = header(scope, b"authorization")
    if not told:
        return "", ""
    kind, _sign, value = told.partition(" ")
    if kind.lower() == "bearer":
        return "", value.strip()[:_LONGEST_WORD]
    if kind.lower() == "basic":
        try:
            user, _sign, secret = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            return "", ""
        return user[:_LONGEST_WORD], secret[:_LONGEST_WORD]
    return "", ""


def sender_of(scope: Scope, fields: dict[str, str], protocol: str) -> Sender:
    """Return who sends, by the query's `token` or the Authorization header."""
    return Sender(fields.get("token", "")[:_LONGEST_WORD] or credentials(scope)[1], address_of(scope), protocol)


def address_of(scope: Scope) -> str:
    """Return the sender's network address, as the outermost proxy that we trust saw it."""
    proxies = settings.ALLAUTH_TRUSTED_PROXY_COUNT
    if proxies:
        told = [part.strip() for part in header(scope, b"x-forwarded-for").split(",") if part.strip()]
        if len(told) >= proxies:
            return told[-proxies]
    client = scope.get("client")
    return str(client[0]) if client else ""


async def body_of(receive: Receive, *, most: int) -> bytes:
    """Return the whole body.

    :raises TooLarge: if it is larger than `most` bytes.
    :raises Gone: if the client went away.
    """
    message = await receive()
    if not message.get("more_body") and message["type"] == "http.request":
        body: bytes = message.get("body", b"")
        if len(body) > most:
            raise TooLarge
        return body
    parts, size = [], 0
    while True:
        if message["type"] == "http.disconnect":
            raise Gone
        part = message.get("body", b"")
        size += len(part)
        if size > most:
            raise TooLarge
        parts.append(part)
        if not message.get("more_body"):
            return b"".join(parts)
        message = await receive()


async def answer_empty(send: Send) -> None:
    """Say 200 and nothing more."""
    await send({"type": "http.response.start", "status": 200, "headers": _EMPTY_HEADERS})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def answer(
    send: Send, status: int, body: bytes, *, kind: bytes = b"text/plain; charset=utf-8", **more: Any
) -> None:
    """Answer with a body. more: further headers, with _ for -; 0 is left out."""
    headers = [(b"content-type", kind), (b"content-length", str(len(body)).encode())]
    headers += [(name.replace("_", "-").encode(), str(value).encode()) for name, value in more.items() if value]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def answer_json(send: Send, status: int, value: Any, **more: Any) -> None:
    """Answer with JSON."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    await answer(send, status, body, kind=b"application/json", **more)

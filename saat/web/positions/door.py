"""The doors for positions: OsmAnd's protocol, Traccar's forwarding, OwnTracks, and batches.

They answer in the event loop, without a query for a position and without Django's request: a device is looked up in
memory, its position goes into the next commit, and the answer goes out when that is on disk.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from saat.actions.intake import Refused, Register, Sender, Unknown
from saat.links import osmand, owntracks, traccar
from saat.links.fixes import settled
from saat.records.position_log import position_log
from saat.terms.position import Fix, FixRefused, Position
from saat.web.positions.batches import Batches
from saat.web.positions.wire import (
    Gone,
    Receive,
    Scope,
    Send,
    TooLarge,
    answer,
    answer_empty,
    answer_json,
    body_of,
    credentials,
    header,
    sender_of,
)
from saat.web.positions.writer import Busy, NotWritten, Writer

PREFIX = "/positions/"
_MOST_BODY = 1024 * 1024
_MOST_OSMAND = 256 * 1024
_FORM = "application/x-www-form-urlencoded"

Door = Callable[[Scope, Receive, Send], Awaitable[None]]


class PositionsDoor:
    """Answers everything below /positions/ that it has a door for."""

    def __init__(self, *, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self.register = Register(settle=settled, clock=clock)
        self.writer = Writer(position_log())
        batches = Batches(self.register, self.writer, clock=clock)
        self.doors: dict[str, Door] = {
            "/positions/osmand": self._osmand,
            "/positions/traccar": self._traccar,
            "/positions/owntracks": self._owntracks,
            "/positions/batch": batches.answer,
        }

    async def answer(self, door: Door, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request by one of the doors."""
        try:
            await door(scope, receive, send)
        except FixRefused as refused:
            self.register.note_refused(self.register.book.by_uid(refused.uid), str(refused))
            await _refuse(send, scope, 400, str(refused))
        except Refused as refused:
            await _refuse(send, scope, refused.status, str(refused), again_s=refused.again_s)
        except Busy:
            await _refuse(send, scope, 503, _("Too much waits to be written. Try again in a moment."), again_s=2)
        except NotWritten:
            await _refuse(send, scope, 503, _("It could not be written. Try again later."), again_s=30)
        except TooLarge:
            await _refuse(send, scope, 413, _("The body is too large."))
        except Gone:
            return

    def stop(self) -> None:
        """Write what waits and end."""
        self.writer.stop()
        self.register.stop()

    async def _osmand(self, scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        query = scope["query_string"].decode("latin1")
        if method == "GET":
            fields = osmand.fields_of(query)
        elif method == "POST":
            body = await body_of(receive, most=_MOST_OSMAND)
            fields = osmand.fields_of(query) if query else {}
            if body and not header(scope, b"content-type").startswith(_FORM):
                fixes = osmand.read_json(body)
                await self._take(fixes, sender_of(scope, fields, "osmand"))
                await answer_empty(send)
                return
            if body:
                fields |= osmand.fields_of(body.decode("utf-8", "replace"))
        else:
            await answer(send, 405, b"", allow="GET, POST")
            return
        fix = osmand.read_fields(fields)
        if fix is None:
            uid = fields.get("id") or fields.get("deviceid") or fields.get("device_id") or ""
            self.register.lives(uid, self._clock())
        else:
            await self._take_one(fix, sender_of(scope, fields, "osmand"))
        await answer_empty(send)

    async def _traccar(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await answer(send, 405, b"", allow="POST")
            return
        fixes = traccar.read_json(await body_of(receive, most=_MOST_BODY))
        await self._take(fixes, sender_of(scope, _fields(scope), "traccar"))
        await answer_empty(send)

    async def _owntracks(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "POST":
            await answer(send, 405, b"", allow="POST")
            return
        body = await body_of(receive, most=_MOST_OSMAND)
        fields = _fields(scope)
        user = header(scope, b"x-limit-u") or fields.get("u", "") or credentials(scope)[0]
        device = header(scope, b"x-limit-d") or fields.get("d", "")
        fix = owntracks.read_json(body, user=user, device=device) if body.strip() else None
        if fix is not None:
            await self._take_one(fix, sender_of(scope, fields, "owntracks"))
        await answer(send, 200, b"[]", kind=b"application/json")

    async def _take_one(self, fix: Fix, sender: Sender) -> None:
        received_s = self._clock()
        try:
            position = self.register.position(fix, sender, received_s=received_s)
        except Unknown:
            position = await self._found_out(fix, sender, received_s)
        await self.writer.put(position)

    async def _take(self, fixes: list[Fix], sender: Sender) -> None:
        """Take the positions of one message: all are durable when this returns, or it is refused."""
        if len(fixes) == 1:
            await self._take_one(fixes[0], sender)
            return
        received_s = self._clock()
        positions = []
        for fix in fixes:
            try:
                positions.append(self.register.position(fix, sender, received_s=received_s, limited=False))
            except Unknown:
                positions.append(await self._found_out(fix, sender, received_s))
        if positions:
            await self.writer.put_together(positions)

    async def _found_out(self, fix: Fix, sender: Sender, received_s: float) -> Position:
        await asyncio.wrap_future(self.register.find_out(fix, sender))
        try:
            return self.register.position(fix, sender, received_s=received_s)
        except Unknown as unknown:
            raise Refused(503, _("The device could not be looked up. Try again."), again_s=5) from unknown


def _fields(scope: Scope) -> dict[str, str]:
    query = scope["query_string"]
    return dict(parse_qsl(query.decode("latin1"))[:100]) if query else {}


async def _refuse(send: Send, scope: Scope, status: int, why: str, *, again_s: int = 0) -> None:
    if scope["path"] == "/positions/osmand":
        await answer(send, status, why.encode(), retry_after=again_s)
    else:
        await answer_json(send, status, {"error": why}, retry_after=again_s)

"""Batches: many positions in one request, each row judged by itself, the answer when all that was taken is durable."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from urllib.parse import parse_qsl

from django.utils.translation import gettext as _

from saat.actions.intake import Refused, Register, Sender, Unknown
from saat.links import batch
from saat.terms.position import Fix, FixRefused, Position
from saat.web.positions.wire import Receive, Scope, Send, answer, answer_json, body_of, header, sender_of
from saat.web.positions.writer import Busy, Writer

MOST_BYTES = 16 * 1024 * 1024
MOST_UNPACKED = 64 * 1024 * 1024
MOST_ROWS = 200_000
_MOST_TOLD = 1000  # rows that the answer names; their number is told in full
_AT_ONCE = 500
_MOST_WAITING = 16
_GZIP = b"\x1f\x8b"
_AGAIN_S = 0.05


@dataclass(slots=True)
class Account:
    """What became of a batch. rejected: the first rows that were not taken, counted from 1, and why."""

    accepted: int = 0
    duplicate: int = 0
    rejected_count: int = 0
    rejected: list[dict[str, str | int]] = field(default_factory=list)

    def reject(self, row: int, why: str) -> None:
        """Count a row that was not taken."""
        self.rejected_count += 1
        if len(self.rejected) < _MOST_TOLD:
            self.rejected.append({"row": row, "why": why})


class Batches:
    """The door for batches. Rows are read in a thread of their own, a few hundred at a time, so that others go on."""

    def __init__(self, register: Register, writer: Writer, *, clock: Callable[[], float]) -> None:
        self._register, self._writer, self._clock = register, writer, clock
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saat-batches")
        self._waiting = 0

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a batch in and say what became of its rows."""
        if scope["method"] != "POST":
            await answer(send, 405, b"", allow="POST")
            return
        if self._waiting >= _MOST_WAITING:
            raise Refused(503, _("Too many batches at once."), again_s=5)
        self._waiting += 1
        try:
            body = await body_of(receive, most=MOST_BYTES)
            fields = dict(parse_qsl(scope["query_string"].decode("latin1"))[:100])
            sender = sender_of(scope, fields, "batch")
            uid = fields.get("id", "") or await self._uid_of(sender)
            account = await self._take(body, scope, uid, fields.get("speed_unit", ""), sender)
        finally:
            self._waiting -= 1
        told = {"accepted": account.accepted, "duplicate": account.duplicate, "rejected": account.rejected}
        if account.rejected_count > len(account.rejected):
            told["rejected_count"] = account.rejected_count
        await answer_json(send, 200, told)

    async def _uid_of(self, sender: Sender) -> str:
        """Return of which device rows are that do not say so: that of the token.

        :raises Refused: if somebody shows a token that is none.
        """
        if not sender.token or sender.token.startswith("saat_"):
            return ""
        try:
            uid = self._register.uid_of_token(sender.token)
        except Unknown:
            uid = ""
        if not uid:
            await asyncio.wrap_future(self._register.refresh())
            uid = self._register.uid_of_token(sender.token)
        if not uid:
            raise Refused(401, _("The token is not known."))
        return uid

    async def _take(self, body: bytes, scope: Scope, uid: str, speed_unit: str, sender: Sender) -> Account:
        loop = asyncio.get_running_loop()
        packed = body[:2] == _GZIP or "gzip" in header(scope, b"content-encoding").lower()
        kind = header(scope, b"content-type").lower()
        rows = await loop.run_in_executor(self._thread, _opened, body, packed, kind, uid, speed_unit)
        account, received_s = Account(), self._clock()
        while True:
            some = await loop.run_in_executor(self._thread, _some, rows)
            if not some:
                return account
            positions = await loop.run_in_executor(self._thread, self._judged, some, sender, received_s, account)
            if positions:
                new = await self._written(positions)
                account.accepted += new
                account.duplicate += len(positions) - new

    async def _written(self, positions: list[Position]) -> int:
        while True:
            try:
                return await self._writer.put_together(positions)
            except Busy:
                await asyncio.sleep(_AGAIN_S)

    def _judged(
        self, rows: Iterable[batch.Read], sender: Sender, received_s: float, account: Account
    ) -> list[Position]:
        """Return the positions of the rows that are taken; the others go into the account."""
        positions = []
        for row, found in rows:
            if isinstance(found, FixRefused):
                self._register.note_refused(self._register.book.by_uid(found.uid), str(found))
                account.reject(row, str(found))
                continue
            try:
                positions.append(self._position(found, sender, received_s))
            except Refused as refused:
                account.reject(row, str(refused))
        return positions

    def _position(self, fix: Fix, sender: Sender, received_s: float) -> Position:
        try:
            return self._register.position(fix, sender, received_s=received_s, limited=False)
        except Unknown:
            self._register.find_out(fix, sender).result()
        try:
            return self._register.position(fix, sender, received_s=received_s, limited=False)
        except Unknown as unknown:
            raise Refused(503, _("The device could not be looked up. Try again."), again_s=5) from unknown


def _some(rows: Iterator[batch.Read]) -> list[batch.Read]:
    return list(islice(rows, _AT_ONCE))


def _opened(body: bytes, packed: bool, kind: str, uid: str, speed_unit: str) -> Iterator[batch.Read]:
    """Return the rows of a body, unpacked within limits.

    :raises Refused: if it is damaged, or there is too much in it.
    """
    if packed:
        body = unpacked(body)
    if body.count(b"\n") > MOST_ROWS:
        raise Refused(413, _("A batch has at most %(rows)d rows.") % {"rows": MOST_ROWS})
    lines = body.splitlines(keepends=True)
    first = body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    read = batch.read_ndjson if first in (b"{", b"[") and "csv" not in kind else batch.read_csv
    return read(lines, uid=uid, speed_unit=speed_unit)


def unpacked(body: bytes, *, most: int = MOST_UNPACKED) -> bytes:
    """Return what gzip packed, but never more than `most` bytes.

    :raises Refused: if it is damaged or would be larger.
    """
    unpacker = zlib.decompressobj(wbits=31)
    try:
        found = unpacker.decompress(body, most + 1)
    except zlib.error as error:
        raise Refused(400, _("The body is not gzip, or is damaged.")) from error
    if len(found) > most:
        raise Refused(413, _("The body is too large when it is unpacked."))
    if not unpacker.eof:
        raise Refused(400, _("The body is not gzip, or is damaged."))
    return found

"""A small HTTP/1.1 client over kept connections, light enough that the server stays the one that is measured.

Loads run in a process of their own (`in_own_process`), so that the client's work never waits for the bench's.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from bench.figures import percentile
from bench.machine import cpu_s

ANSWER_S = 60.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. status 0: the connection broke or nobody answered. took_s: from sending to the last byte."""

    status: int
    head: bytes
    body: bytes
    took_s: float


@dataclass(slots=True)
class Load:
    """What a load met.

    latencies_s: of the answers with status 2xx. others: any other status to how often. cpu_s: processor time that the
    server's process used meanwhile, where it was asked for.
    """

    took_s: float = 0.0
    latencies_s: list[float] = field(default_factory=list)
    others: dict[int, int] = field(default_factory=dict)
    bodies: list[bytes] = field(default_factory=list)
    cpu_s: float = 0.0

    def count(self, answer: Answer, *, keep: bool = False) -> bool:
        """Take an answer into account; return whether it was a good one."""
        if 200 <= answer.status < 300:
            self.latencies_s.append(answer.took_s)
            if keep:
                self.bodies.append(answer.body)
            return True
        self.others[answer.status] = self.others.get(answer.status, 0) + 1
        return False

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return len(self.latencies_s) / self.took_s if self.took_s else 0.0

    def ms(self, share: float) -> float:
        """Return a percentile of the good answers' latencies, in milliseconds."""
        return percentile(self.latencies_s, share) * 1000

    @property
    def cpu_ms(self) -> float:
        """Processor time of the server for each good answer, in milliseconds."""
        return self.cpu_s * 1000 / len(self.latencies_s) if self.latencies_s else float("nan")

    @property
    def failed(self) -> int:
        """How many answers were not good."""
        return sum(self.others.values())


def request(
    method: str,
    path: str,
    *,
    form: dict[str, Any] | None = None,
    body: bytes = b"",
    kind: str = "",
    headers: dict[str, str] | None = None,
) -> bytes:
    """Return a request as bytes. form: sent as a web form; body with its kind otherwise."""
    if form is not None:
        body, kind = urlencode(form).encode(), "application/x-www-form-urlencoded"
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if kind:
        lines.append(f"Content-Type: {kind}")
    if body or method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


class Connection(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._waiter: asyncio.Future[None] | None = None

    async def ask(self, raw: bytes) -> Answer:
        """Send a request and return its answer; connects when it must."""
        began = time.perf_counter()
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._transport is None:
                    await asyncio.get_running_loop().create_connection(lambda: self, self._host, self._port)
                self._buffer.clear()
                assert self._transport is not None
                self._transport.write(raw)
                return await self._read(began)
        except (OSError, TimeoutError, ConnectionError):
            self.close()
            return Answer(0, b"", b"", time.perf_counter() - began)

    def close(self) -> None:
        """Let the connection go."""
        if self._transport is not None:
            self._transport.abort()
            self._transport = None

    async def _read(self, began: float) -> Answer:
        while (end := self._buffer.find(b"\r\n\r\n")) < 0:
            await self._more()
        head = bytes(self._buffer[:end]).lower()
        at = end + 4
        if b"\r\ntransfer-encoding: chunked" in head:
            while not self._buffer.endswith(b"0\r\n\r\n"):
                await self._more()
            body = _unchunked(bytes(self._buffer[at:]))
        else:
            length = _length(head)
            while len(self._buffer) < at + length:
                await self._more()
            body = bytes(self._buffer[at : at + length])
        if b"\r\nconnection: close" in head:
            self.close()
        return Answer(int(head[9:12]), head, body, time.perf_counter() - began)

    async def _more(self) -> None:
        if self._transport is None:
            raise ConnectionError
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_exception(ConnectionError())


def _length(head: bytes) -> int:
    at = head.find(b"\r\ncontent-length:")
    if at < 0:
        return 0
    end = head.find(b"\r\n", at + 2)
    return int(head[at + 17 : end if end > 0 else None])


def _unchunked(raw: bytes) -> bytes:
    parts, at = [], 0
    while True:
        end = raw.index(b"\r\n", at)
        size = int(raw[at:end].split(b";")[0], 16)
        if not size:
            return b"".join(parts)
        parts.append(raw[end + 2 : end + 2 + size])
        at = end + 2 + size + 2


# -------------------------------------------------------------------------------------------------------------- loads


async def closed_loop(port: int, requests: Sequence[bytes], *, connections: int, seconds: float) -> Load:
    """Send requests over some connections, each as soon as the one before was answered, until time or requests end."""
    load, at = Load(), iter(requests)
    began = time.perf_counter()

    async def one(connection: Connection) -> None:
        while time.perf_counter() - began < seconds:
            raw = next(at, None)
            if raw is None:
                break
            load.count(await connection.ask(raw))
        connection.close()

    await asyncio.gather(*(one(Connection("127.0.0.1", port)) for _ in range(connections)))
    load.took_s = time.perf_counter() - began
    return load


async def each(port: int, requests: Sequence[bytes], *, rounds: int, server: int) -> list[Load]:
    """Send each request so many times, one after the other over one connection; return what each met.

    server: the process whose processor time is noted for each answer; the first answer of each kind is kept.
    """
    loads = [Load() for _ in requests]
    connection = Connection("127.0.0.1", port)
    for number in range(rounds):
        for raw, load in zip(requests, loads, strict=True):
            used = cpu_s(server)
            answer = await connection.ask(raw)
            load.cpu_s += cpu_s(server) - used
            load.count(answer, keep=number == 0)
            load.took_s += answer.took_s
    connection.close()
    return loads


def in_own_process(what: Callable[..., Awaitable[Any]], *arguments: Any, **named: Any) -> Any:
    """Run a coroutine function in a process of its own and return what it returns."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(_run, what, arguments, named).result()


def _run(what: Callable[..., Awaitable[Any]], arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
    async def whole() -> Any:
        return await what(*arguments, **named)

    return asyncio.run(whole())

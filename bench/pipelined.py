"""A load of small requests over many connections that costs the machine little itself."""

from __future__ import annotations

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.figures import percentile

_ANSWER = b"HTTP/1.1 "
_GOOD = b"HTTP/1.1 200"
_READ = 262_144
_TICK_S = 0.01


@dataclass(slots=True)
class Flood:
    """What a load met. waits_s: from sending a portion of requests to the last of its answers. cpu_s: of the load."""

    good: int = 0
    other: int = 0
    took_s: float = 0.0
    cpu_s: float = 0.0
    waits_s: list[float] = field(default_factory=list)

    @property
    def per_s(self) -> float:
        """Good answers a second."""
        return self.good / self.took_s

    def ms(self, share: float) -> float:
        """Return a percentile of the waits in milliseconds."""
        return percentile(self.waits_s, share) * 1000


@dataclass(slots=True)
class _Line:
    """One connection. portions: of requests in flight, how many each and when it was sent."""

    to: socket.socket
    portions: deque[list[float]] = field(default_factory=deque)
    rest: bytes = b""

    def send(self, some: list[bytes]) -> None:
        self.portions.append([len(some), time.perf_counter()])
        self.to.sendall(b"".join(some))


async def flood(
    port: int, make: Callable[[int], bytes], *, connections: int, depth: int, seconds: float, per_s: float | None = None
) -> Flood:
    """Send requests and count the answers. make: returns the n-th request.

    per_s: that many a second, however slow the answers are; None for as many as are answered, with connections times
    depth in flight.
    """
    found, selector, lines, number = Flood(), selectors.DefaultSelector(), [], 0

    def portion(count: int) -> list[bytes]:
        nonlocal number
        number += count
        return [make(at) for at in range(number - count, number)]

    for _ in range(connections):
        to = socket.create_connection(("127.0.0.1", port))
        to.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        lines.append(_Line(to))
        selector.register(to, selectors.EVENT_READ, lines[-1])
    began, cpu = time.perf_counter(), time.process_time()
    turn = 0
    if per_s is None:
        for line in lines:
            line.send(portion(depth))
    while (passed := time.perf_counter() - began) < seconds or any(line.portions for line in lines):
        if passed > seconds + 30:
            break  # answers that never come are missing in the figures
        if per_s is not None and passed < seconds and (due := int(passed * per_s) - number) > 0:
            for _ in range(0, due, depth):
                lines[turn % connections].send(portion(min(depth, due)))
                due -= depth
                turn += 1
        for key, _ in selector.select(_TICK_S):
            if _heard(key.data, found) and per_s is None and passed < seconds:
                key.data.send(portion(depth))
    found.took_s = (time.perf_counter() - began) if per_s is None else max(seconds, time.perf_counter() - began)
    found.cpu_s = time.process_time() - cpu
    for line in lines:
        line.to.close()
    return found


def _heard(line: _Line, found: Flood) -> bool:
    """Count the answers that came; return whether a portion is answered whole."""
    came = line.rest + line.to.recv(_READ)
    # An answer's head may be cut in two: its beginning is looked at together with the next piece.
    whole, end, rest = came.rpartition(b"\r\n\r\n")
    whole, line.rest = whole + end, rest
    answers, good = whole.count(_ANSWER), whole.count(_GOOD)
    found.good += good
    found.other += answers - good
    ended = False
    while answers and line.portions:
        first = line.portions[0]
        taken = min(answers, int(first[0]))
        first[0] -= taken
        answers -= taken
        if not first[0]:
            found.waits_s.append(time.perf_counter() - first[1])
            line.portions.popleft()
            ended = True
    return ended

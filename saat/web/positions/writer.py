"""Makes positions durable, many with one commit: whoever comes during a commit goes into the next."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections import deque
from dataclasses import dataclass, field

from saat.records.position_log import PositionLog
from saat.terms.position import Position

# What may wait to be written, a few seconds' worth of a full load. More is refused, and the devices try again.
MOST_WAITING = 50_000
_MOST_TOGETHER = 8192
_PAUSE_S = 0.02  # between two commits while others wait: fewer and fuller ones cost less for each position

log = logging.getLogger(__name__)

Many = tuple[list[Position], "asyncio.Future[int]"]


class Busy(Exception):
    """More waits to be written than can be; try again in a moment."""


class NotWritten(Exception):
    """The disk did not take it; nothing of it is acknowledged."""


@dataclass(slots=True, eq=False)
class _Load:
    """What goes to the thread at once: single positions with who waits for each, and groups that want their count."""

    singles: list[Position] = field(default_factory=list)
    waiting: list[asyncio.Future[int]] = field(default_factory=list)
    groups: list[Many] = field(default_factory=list)
    failed: list[BaseException | None] = field(default_factory=list)
    new: list[int] = field(default_factory=list)


class Writer:
    """The line before the log and the thread that writes. To be used from one event loop."""

    def __init__(self, log: PositionLog) -> None:
        self._log = log
        self._next = _Load()
        self._groups: deque[Many] = deque()
        self._waiting = 0
        self._running = False
        self._work: queue.SimpleQueue[tuple[asyncio.AbstractEventLoop, _Load] | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def put(self, position: Position) -> asyncio.Future[int]:
        """Return what is done when a position is durable.

        :raises Busy: if too many wait.
        """
        if self._waiting >= MOST_WAITING:
            raise Busy
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._waiting += 1
        self._next.singles.append(position)
        self._next.waiting.append(done)
        if not self._running:
            self._running = True
            self._hand_over(loop)
        return done

    def put_together(self, positions: list[Position]) -> asyncio.Future[int]:
        """Return what gives how many of some positions were new, when they are durable.

        :raises Busy: if too many wait.
        """
        if self._waiting >= MOST_WAITING:
            raise Busy
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        self._waiting += len(positions)
        self._groups.append((positions, done))
        if not self._running:
            self._running = True
            self._hand_over(loop)
        return done

    def stop(self) -> None:
        """Write what waits, end the thread and close the log."""
        if self._thread is not None:
            self._work.put(None)
            self._thread.join(10)
            self._thread = None
        self._log.close()

    # ---------------------------------------------------------------------------------------- in the event loop

    def _hand_over(self, loop: asyncio.AbstractEventLoop) -> None:
        """Give the thread what waits."""
        load, self._next = self._next, _Load()
        size = len(load.singles)
        while self._groups and size < _MOST_TOGETHER:
            group = self._groups.popleft()
            load.groups.append(group)
            size += len(group[0])
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="saat-positions", daemon=True)
            self._thread.start()
        self._work.put((loop, load))

    def _written(self, loop: asyncio.AbstractEventLoop, load: _Load) -> None:
        self._waiting -= len(load.singles) + sum(len(positions) for positions, _ in load.groups)
        failed = load.failed[0] if load.singles else None
        for done in load.waiting:
            if done.done():
                continue  # its client went away
            if failed is None:
                done.set_result(1)
            else:
                done.set_exception(NotWritten())
        results = list(zip(load.failed, load.new, strict=True))[-len(load.groups) :] if load.groups else []
        for (_, done), (error, new) in zip(load.groups, results, strict=True):
            if done.done():
                continue
            if error is None:
                done.set_result(new)
            else:
                done.set_exception(NotWritten())
        if self._next.singles or self._groups:
            loop.call_later(_PAUSE_S, self._hand_over, loop)
        else:
            self._running = False

    # -------------------------------------------------------------------------------------------- in the thread

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            loop, load = work
            if load.singles:
                self._append(load, load.singles)
            for positions, _ in load.groups:
                self._append(load, positions)
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._written, loop, load)

    def _append(self, load: _Load, positions: list[Position]) -> None:
        error, new = None, 0
        try:
            new = self._log.append(positions)
        except Exception as caught:
            log.exception("%d positions could not be written; their devices will send them again.", len(positions))
            error = caught
        load.failed.append(error)
        load.new.append(new)

"""One thread for what partners bring, so that all who wait share one commit.

A commit takes as long as the disk needs to make it durable, whether it holds one report or fifty. And Python runs one
thread at a time: several that write get into each other's way more than they help. So reports stand in a line, one
thread takes them in order, and whoever came while the last commit was under way goes into the next.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from django.db import connection

from saat.actions.together import run_together
from saat.web.open311.call import Reply

_MOST = 64
_LONGEST_S = 0.025  # nobody waits longer for those behind


@dataclass(slots=True, eq=False)
class _Waiting:
    call: Callable[[], Reply]
    loop: asyncio.AbstractEventLoop
    answered: asyncio.Future[Reply]


class Lane:
    """The line and its thread."""

    def __init__(self) -> None:
        self._line: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._guard = threading.Lock()

    async def answer(self, call: Callable[[], Reply]) -> Reply:
        """Return what a call returns, once what it wrote is durable."""
        loop = asyncio.get_running_loop()
        waiting = _Waiting(call, loop, loop.create_future())
        self._line.put(waiting)
        if self._thread is None:
            self._start()
        return await waiting.answered

    def stop(self) -> None:
        """Answer those who wait and end the thread."""
        if self._thread is not None:
            self._line.put(None)
            self._thread.join(10)

    def _start(self) -> None:
        with self._guard:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="saat-open311", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while (first := self._line.get()) is not None:
            batch = [first]
            replies: list[Reply] | Exception
            try:
                replies = [first.call()] if self._line.empty() else run_together(self._calls(batch))
            except Exception as error:  # noqa: BLE001 - the line must go on; each of them is told
                replies = error
            first.loop.call_soon_threadsafe(_hand_out, batch, replies)
        connection.close()

    def _calls(self, batch: list[_Waiting]) -> Iterator[Callable[[], Reply]]:
        """Yield the calls that wait, for a short while, and put down whose they are."""
        until = time.monotonic() + _LONGEST_S
        yield batch[0].call
        while len(batch) < _MOST and time.monotonic() < until:
            try:
                following = self._line.get_nowait()
            except queue.Empty:
                return
            if following is None:
                self._line.put(None)
                return
            batch.append(following)
            yield following.call


def _hand_out(batch: list[_Waiting], replies: list[Reply] | Exception) -> None:
    for at, waiting in enumerate(batch):
        if waiting.answered.done():  # the client went away
            continue
        if isinstance(replies, Exception):
            waiting.answered.set_exception(replies)
        else:
            waiting.answered.set_result(replies[at])

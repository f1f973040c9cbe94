"""Runs the work that has no request: each piece in a thread of its own, until told to stop."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from django.db import DatabaseError, close_old_connections, connection

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of work. run: returns how much it did; every_s: rest after a round that did nothing."""

    name: str
    run: Callable[[], int]
    every_s: float


class Runner:
    """The threads of the stream."""

    def __init__(self, jobs: list[Job]) -> None:
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._loop, args=(job,), name=job.name, daemon=True) for job in jobs]

    def start(self) -> None:
        """Start every job."""
        for thread in self._threads:
            thread.start()

    def stop(self, *, wait_s: float = 8.0) -> None:
        """Ask every job to end after what it is doing, and wait for that, but no longer than `wait_s` in all.

        What is broken off then was not committed, and is done again at the next start.
        """
        self._stop.set()
        end = time.monotonic() + wait_s
        for thread in self._threads:
            thread.join(max(0.0, end - time.monotonic()))

    def _loop(self, job: Job) -> None:
        while not self._stop.is_set():
            rest = job.every_s
            try:
                if job.run() > 0:
                    rest = 0.05  # there may be more
            except DatabaseError:
                log.exception("%s: the tables could not be used; trying again.", job.name)
                rest = max(rest, 5.0)
                connection.close()
            except Exception:
                log.exception("%s: failed; trying again.", job.name)
                rest = max(rest, 5.0)
            close_old_connections()
            self._stop.wait(rest)
        connection.close()

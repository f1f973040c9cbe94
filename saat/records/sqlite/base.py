"""Django's SQLite backend, with the writers of one process in a fair queue.

SQLite lets one connection write at a time; whoever finds it busy sleeps and tries again, and under load some sleep
very long. Threads of one process therefore take a lock before they begin a writing transaction. Other processes (the
stream beside the web) still meet at SQLite's own lock, with its timeout.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from django.db.backends.sqlite3 import base

_locks: dict[str, threading.RLock] = {}
_locks_guard = threading.Lock()


def _lock_of(name: str) -> threading.RLock:
    with _locks_guard:
        return _locks.setdefault(name, threading.RLock())


class DatabaseWrapper(base.DatabaseWrapper):
    """A connection that queues for its file's lock around each transaction."""

    _held = False

    def _start_transaction_under_autocommit(self) -> None:
        lock = _lock_of(str(self.settings_dict["NAME"]))
        lock.acquire()
        try:
            super()._start_transaction_under_autocommit()  # type: ignore[misc]
        except BaseException:
            lock.release()
            raise
        self._held = True

    def _leave(self, step: Callable[[], Any]) -> Any:
        try:
            return step()
        finally:
            # A commit that failed (busy, disk full) leaves the transaction open for a rollback: the lock stays held.
            if self._held and (self.connection is None or not self.connection.in_transaction):
                self._held = False
                _lock_of(str(self.settings_dict["NAME"])).release()

    def _commit(self) -> Any:
        return self._leave(super()._commit)  # type: ignore[misc]

    def _rollback(self) -> Any:
        return self._leave(super()._rollback)  # type: ignore[misc]

    def _close(self) -> Any:
        result = super()._close()  # type: ignore[misc]
        if self._held:
            self._held = False
            _lock_of(str(self.settings_dict["NAME"])).release()
        return result

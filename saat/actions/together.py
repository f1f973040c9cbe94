"""Several actions in one commit, where they come in faster than a disk can make each durable by itself."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from typing import TypeVar

from django.db import DatabaseError, Error, connection, transaction

T = TypeVar("T")

log = logging.getLogger(__name__)


def run_together(calls: Iterable[Callable[[], T]]) -> list[T]:
    """Run calls one after the other and commit what they wrote at once; return what each returned.

    Each action within is a step that is taken back by itself if it fails. When this returns, everything is durable; a
    result must not be told before. If the commit itself fails, each call is made again, on its own.

    calls: taken one by one, so that a generator may still wait for the next. None may raise a database error.
    """
    coming = iter(calls)
    taken: list[Callable[[], T]] = []
    results: list[T] = []
    try:
        with transaction.atomic():
            for call in coming:
                taken.append(call)
                results.append(call())
                _check()
            if connection.vendor != "sqlite":
                with connection.cursor() as cursor:
                    cursor.execute("SELECT 1")  # fails if the transaction did, before anything is told
    except Error:
        log.exception("%d actions could not be committed together; trying each by itself.", len(taken))
        return [call() for call in (*taken, *coming)]
    return results


def _check() -> None:
    """Notice that the transaction is lost: SQLite ends it by itself where the disk is full or fails."""
    lost = connection.needs_rollback
    if connection.vendor == "sqlite":
        lost = lost or not connection.connection.in_transaction
    if lost:
        connection.needs_rollback = True
        raise DatabaseError("The transaction was lost.")

"""`python -m saat.stream.follow`: one follower, with its share of all runs.

SAAT_FOLLOWERS: how many there are (1). `--part`: which of them this is, from 0.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import threading

import django

_REST_S = 0.2
_AGAIN_S = 5.0
log = logging.getLogger(__name__)


def main() -> None:
    """Follow until SIGTERM or SIGINT."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--part", type=int, default=0)
    chosen = parser.parse_args()
    django.setup()

    # Imported after set-up: they read models.
    from django.db import DatabaseError, close_old_connections, connection
    from django.utils import timezone

    from saat.records.position_log import position_log
    from saat.records.queries_following import Part
    from saat.stream.following import Follower

    part = Part(number=chosen.part, of=followers())
    stopped = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda *_: stopped.set())
    positions = position_log()
    follower: Follower | None = None
    while not stopped.is_set():
        rest_s = _REST_S
        try:
            if follower is None:
                follower = Follower(positions=positions, part=part)
                follower.start(timezone.now())
            if follower.step(timezone.now()):
                rest_s = 0.0
        except DatabaseError:
            log.exception("The tables or the log could not be used; the follower begins anew.")
            connection.close()
            follower, rest_s = None, _AGAIN_S
        except Exception:
            log.exception("The follower failed; it begins anew.")
            follower, rest_s = None, _AGAIN_S
        close_old_connections()
        stopped.wait(rest_s)
    positions.close()
    connection.close()


def followers() -> int:
    """Return how many followers there are to be.

    :raises ValueError: if SAAT_FOLLOWERS is no whole number from 1 to 64.
    """
    text = os.environ.get("SAAT_FOLLOWERS", "1")
    if not (text.isascii() and text.isdigit() and 1 <= int(text) <= 64):
        raise ValueError(f"SAAT_FOLLOWERS must be a whole number from 1 to 64, got {text!r}.")
    return int(text)


if __name__ == "__main__":
    main()

"""Positions that we fetch or listen for: brokers by MQTT, and feeds by GTFS-Realtime."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from datetime import datetime

from saat.actions.devices import forget_strangers
from saat.actions.intake import Refused, Register, Sender, Unknown
from saat.actions.tracks import keep_tracks
from saat.links import gtfs_realtime, mqtt
from saat.links.fixes import settled
from saat.records.position_log import PositionLog, position_log
from saat.records.queries_access import position_feeds
from saat.terms.position import Fix, FixRefused, Position

AGAIN_S = 5.0  # after a broker could not be reached, or the disk not be written to

log = logging.getLogger(__name__)


class Intake:
    """Takes fixes in and makes them durable. May be shared by threads, which take turns."""

    def __init__(self, *, clock: Callable[[], float] = time.time, positions: PositionLog | None = None) -> None:
        self._clock = clock
        self._log = positions or position_log()
        self._register = Register(settle=settled, clock=clock)
        self._guard = threading.Lock()

    def take(self, fixes: Iterable[tuple[Fix, Sender]]) -> int:
        """Write down what is taken, and return how many positions were new; what is refused is noted at the device.

        :raises sqlite3.Error: if nothing could be written.
        """
        with self._guard:
            received_s = self._clock()
            positions = []
            for fix, sender in fixes:
                try:
                    positions.append(self._position(fix, sender, received_s))
                except Refused as refused:
                    log.debug("A position of %s was refused: %s", fix.uid, refused)
            return self._log.append(positions)

    def note(self, refused: FixRefused) -> None:
        """Note at a device that what it sent was no position."""
        self._register.note_refused(self._register.book.by_uid(refused.uid), str(refused))

    def stop(self) -> None:
        """End; what was taken is on disk already."""
        self._register.stop()
        self._log.close()

    def _position(self, fix: Fix, sender: Sender, received_s: float) -> Position:
        try:
            return self._register.position(fix, sender, received_s=received_s, limited=False)
        except Unknown:
            self._register.find_out(fix, sender).result()
        return self._register.position(fix, sender, received_s=received_s, limited=False)


class MqttListener:
    """Listens to a broker in a thread of its own."""

    def __init__(self, broker: mqtt.Broker, intake: Intake) -> None:
        self._broker, self._intake = broker, intake
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._listening: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, *, wait_s: float = 5.0) -> None:
        """End; what was not acknowledged comes again the next time."""
        self._loop.call_soon_threadsafe(self._cancel)
        self._thread.join(wait_s)

    def _cancel(self) -> None:
        if self._listening is not None:
            self._listening.cancel()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._listening = self._loop.create_task(
            mqtt.listen_for_ever(self._broker, self._take, tell=log.warning, again_s=AGAIN_S)
        )
        try:
            self._loop.run_until_complete(self._listening)
        except (asyncio.CancelledError, CancelledError):
            pass
        finally:
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    async def _take(self, messages: list[mqtt.Message]) -> None:
        await self._loop.run_in_executor(None, self._take_now, messages)

    def _take_now(self, messages: list[mqtt.Message]) -> None:
        sender = Sender(protocol="mqtt", address="mqtt", trusted=self._broker.trusted)
        fixes = []
        for message in messages:
            try:
                fix = mqtt.read_message(message.topic, message.payload)
            except FixRefused as refused:
                self._intake.note(refused)
                continue
            if fix is not None:
                fixes.append((fix, sender))
        self._intake.take(fixes)


def positions_kept(positions: PositionLog, *, now: datetime) -> int:
    """Forget tracks and strangers whose time is over, and pack days that are; return how many were forgotten."""
    kept = keep_tracks(positions=positions, now=now)
    if kept.packed or kept.forgotten:
        log.info("Positions: %d days packed, %d deleted, %d forgotten.", kept.packed, kept.deleted, kept.forgotten)
    return kept.forgotten + forget_strangers(now=now)


def poll_feeds(intake: Intake, *, fetch: Callable[[str], bytes] = gtfs_realtime.fetch) -> int:
    """Read every feed that a city's policy names, and return how many positions were new.

    A feed that fails holds up no other; its city's trucks are then silent, which the follower notices. Devices of a
    feed are called `<jurisdiction_id>/<vehicle id>` and, being new, are claimed like any other.
    """
    new = 0
    for jurisdiction_id, url in position_feeds():
        try:
            fixes, refused = gtfs_realtime.read_feed(fetch(url), prefix=jurisdiction_id)
        except gtfs_realtime.FeedRefused as error:
            log.warning("The feed of %s was not read: %s", jurisdiction_id, error)
            continue
        for why in refused:
            intake.note(why)
        sender = Sender(protocol="gtfs-rt", address=url, trusted=True)
        new += intake.take((fix, sender) for fix in fixes)
    return new

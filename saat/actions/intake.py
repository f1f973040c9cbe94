"""Whose a position is: the device that it names, whether it is proved, and what becomes of strangers.

Looking is done in memory, by the door that takes a position in. What needs the tables, reading changes and writing
strangers down, is done by one thread.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from typing import NamedTuple, Protocol

from django.db import Error, close_old_connections, connection
from django.utils.translation import gettext as _

from saat.actions.allowance import Allowance
from saat.actions.devices import TooManyStrangers, note_traffic, quarantine_device
from saat.records.device_book import DeviceBook, KnownDevice
from saat.records.queries_access import key_of
from saat.terms.position import Fix, FixRefused, Flag, Position

# A phone that was without a signal sends its day one by one; a device that never stops is slowed to its share.
_DEVICE = (600.0, 10.0)
_STRANGER = (120.0, 1.0)
_NEW_FROM_ADDRESS = (20.0, 1 / 60)
_REFRESH_S = 1.0
_NOTE_S = 30.0
_KEY_KEPT_S = 5.0
_MOST_KEYS = 2000
_MOST_ADMITTING = 200
_MOST_REFUSED = 5000
_DAY_S = 86_400.0

log = logging.getLogger(__name__)


class Refused(Exception):
    """A position is not taken. status: of HTTP. again_s: after how long it may be tried again, 0 for never."""

    def __init__(self, status: int, why: str, *, again_s: int = 0) -> None:
        super().__init__(why)
        self.status, self.again_s = status, again_s


class Unknown(Exception):
    """The tables must be asked first: for a device that is not in memory, or a key."""


class Sender(NamedTuple):
    """Who sends. token: what proves it, "" for nothing. address: of the network. protocol: how it speaks.

    trusted: somebody else has proved who it is, such as a broker that holds each device to its own topic.
    """

    token: str = ""
    address: str = ""
    protocol: str = ""
    trusted: bool = False


class Settle(Protocol):
    """What gives a fix a moment that can be true, or refuses it, see `saat.links.fixes.settled`."""

    def __call__(self, fix: Fix, *, received_s: float, oldest_s: float) -> Fix:
        """Return the fix as it may be kept."""


class Register:
    """The devices in memory, what each may send, and what is to be noted of them."""

    def __init__(self, *, settle: Settle, clock: Callable[[], float] = time.time) -> None:
        self.book = DeviceBook()
        self._settle = settle
        self._clock = clock
        self._read = False
        self._devices = Allowance(*_DEVICE)
        self._strangers = Allowance(*_STRANGER)
        self._addresses = Allowance(*_NEW_FROM_ADDRESS)
        self._keys: dict[str, tuple[float, int | None]] = {}
        self._seen: dict[int, float] = {}
        self._refused: dict[int, tuple[int, str]] = {}
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="saat-devices")
        self._admitting = 0
        self._stopped = False
        self._tending: Future[None] | None = None
        self._tended_s = self._noted_s = 0.0

    # ----------------------------------------------------------------------------------------------- in memory

    def position(self, fix: Fix, sender: Sender, *, received_s: float, limited: bool = True) -> Position:
        """Return a fix as the position of a device that is known.

        limited: the device's allowance is asked; batches are limited by their size instead.

        :raises Unknown: if the tables must be asked first, see `find_out`.
        :raises Refused: if it is not taken, also because it cannot be true.
        """
        self._tend_if_due(received_s)
        device, flags = self._identify(fix, sender, received_s)
        if limited and not (self._devices if device.city_id else self._strangers).take(device.id, received_s):
            raise Refused(429, _("The device sends too much; at most ten positions a second."), again_s=10)
        oldest_s = received_s - self.book.kept_days(device.city_id) * _DAY_S
        try:
            if fix.fixed_s is None or not oldest_s <= fix.fixed_s <= received_s:
                fix = self._settle(fix, received_s=received_s, oldest_s=oldest_s)
            if self.book.seems_swapped(device, fix.lat, fix.lon):
                raise FixRefused(_("Latitude and longitude seem to be swapped: this place is far from the city."))
        except FixRefused as refused:
            self.note_refused(device, str(refused))
            raise Refused(400, str(refused)) from refused
        self._seen[device.id] = received_s
        return Position(
            device.id, fix.fixed_s or received_s, received_s, fix.lat, fix.lon, fix.speed_mps, fix.course_deg,
            fix.accuracy_m, fix.flags | flags, fix.battery_share,
        )  # fmt: skip

    def lives(self, uid: str, received_s: float) -> None:
        """Note that a device lives, which said so without saying where it is."""
        device = self.book.by_uid(uid)
        if device is not None and device.state != "retired":
            self._seen[device.id] = received_s

    def uid_of_token(self, token: str) -> str:
        """Return the name of the device that has a token.

        :raises Unknown: if the tables must be asked first.
        """
        device = self.book.by_token(token)
        if device is None and not self._read:
            raise Unknown
        return device.uid if device is not None else ""

    def note_refused(self, device: KnownDevice | None, why: str) -> None:
        """Count what was refused, for those who look after the device."""
        if device is not None and (device.id in self._refused or len(self._refused) < _MOST_REFUSED):
            self._refused[device.id] = self._refused.get(device.id, (0, ""))[0] + 1, why

    def _identify(self, fix: Fix, sender: Sender, now_s: float) -> tuple[KnownDevice, int]:
        """Return the device and what is to be flagged."""
        book = self.book
        device = book.by_uid(fix.uid)
        if device is None and fix.also:
            device = next((known for uid in fix.also if (known := book.by_uid(uid)) is not None), None)
        token = fix.token or sender.token
        if device is None:
            owner = book.by_token(fix.uid)  # some trackers can be told one word only: then the token is the name
            if owner is not None:
                return self._in_use(owner), 0
            if token and book.by_token(token) is not None:
                raise Refused(403, _("The token is another device's."))
            raise Unknown
        self._in_use(device)
        if sender.trusted:
            return device, 0
        if not token:
            return device, Flag.UNPROVED if device.needs_token and device.city_id else 0
        if device.accepts(token) or self._is_key_for(token, device, now_s):
            return device, 0
        if device.token_hash or book.by_token(token) is not None:
            self.note_refused(device, _("The token is wrong."))
            raise Refused(403, _("The token is wrong."))
        return device, Flag.UNPROVED if device.needs_token and device.city_id else 0

    def _in_use(self, device: KnownDevice) -> KnownDevice:
        if device.state == "retired":
            raise Refused(403, _("This device was put out of use."))
        return device

    def _is_key_for(self, token: str, device: KnownDevice, now_s: float) -> bool:
        """Return whether a word is a trusted key of the device's city, as a gateway sends it for all its devices."""
        if not token.startswith("saat_"):
            return False
        kept = self._keys.get(token)
        if kept is None or kept[0] < now_s:
            raise Unknown
        return kept[1] is not None and (device.city_id is None or kept[1] == device.city_id)

    # ---------------------------------------------------------------------------------------- with the tables

    def find_out(self, fix: Fix, sender: Sender) -> Future[None]:
        """Ask the tables what memory does not know: read changes, look a key up, write a stranger down.

        :raises Refused: at once if too many are being asked for; or it is in the result.
        """
        # After a start everybody is unknown until the first look; that is nobody's fault.
        if self._read and self._admitting >= _MOST_ADMITTING:
            raise Refused(503, _("Too many unknown devices at once."), again_s=30)
        self._admitting += 1
        asked = self._thread.submit(self._find_out, fix, sender)
        asked.add_done_callback(self._found_out)
        return asked

    def refresh(self) -> Future[None]:
        """Read what changed, now."""
        return self._thread.submit(self._refresh)

    def stop(self) -> None:
        """Note what is to be noted and end the thread. Twice is harmless."""
        if self._stopped:
            return
        self._stopped = True
        self._thread.submit(self._note)
        self._thread.submit(_close_connection)
        self._thread.shutdown(wait=True)

    def _found_out(self, _asked: Future[None]) -> None:
        self._admitting -= 1

    def _find_out(self, fix: Fix, sender: Sender) -> None:
        now_s = self._clock()
        if self._read and self._is_known(fix, sender, now_s):
            return  # found out for somebody who asked before
        self._refresh()
        token = fix.token or sender.token
        now = datetime.fromtimestamp(now_s, UTC)
        city_id = self._keys.get(token, (0.0, None))[1]
        if token.startswith("saat_"):
            known = key_of(token, now=now)
            if len(self._keys) >= _MOST_KEYS:
                self._keys.clear()
            city_id = known.city.pk if known is not None and known.key.trusted else None
            self._keys[token] = now_s + _KEY_KEPT_S, city_id
        if self._is_known(fix, sender, now_s):
            return
        # A gateway with a key may bring as many new devices as it has; others are held to a few an hour.
        if city_id is None and not sender.trusted and not self._addresses.take(sender.address, now_s):
            raise Refused(429, _("Too many unknown devices from this address."), again_s=60)
        try:
            quarantine_device(uid=fix.uid, protocol=sender.protocol, now=now)
        except TooManyStrangers as error:
            raise Refused(429, str(error), again_s=600) from error
        self._refresh()

    def _is_known(self, fix: Fix, sender: Sender, now_s: float) -> bool:
        try:
            self._identify(fix, sender, now_s)
        except Unknown:
            return False
        return True

    def _tend_if_due(self, now_s: float) -> None:
        if now_s - self._tended_s < _REFRESH_S and now_s >= self._tended_s:
            return
        self._tended_s = now_s
        if self._tending is None or self._tending.done():
            self._tending = self._thread.submit(self._tend, now_s)

    def _tend(self, now_s: float) -> None:
        try:
            self._refresh()
            if now_s - self._noted_s >= _NOTE_S:
                self._noted_s = now_s
                self._note()
        except Error:
            log.exception("What is known of devices could not be read anew; trying again.")
            connection.close()

    def _refresh(self) -> None:
        close_old_connections()
        self.book.refresh()
        if not self._read:
            self._read = True
            # What was read now lives as long as the process: the collector of garbage need not look at it again.
            gc.collect()
            gc.freeze()

    def _note(self) -> None:
        seen, self._seen = self._seen, {}
        refused, self._refused = self._refused, {}
        if seen or refused:
            note_traffic(seen=seen, refused=refused, now=datetime.fromtimestamp(self._clock(), UTC))


def _close_connection() -> None:
    connection.close()  # looked up here: each thread has its own

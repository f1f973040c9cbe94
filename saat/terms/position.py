"""The words of a position: what one device said about where it was."""

from __future__ import annotations

from enum import IntFlag
from typing import NamedTuple


class Flag(IntFlag):
    """What is remarkable about one position; several may hold."""

    NONE = 0
    MOCK = 1  # the phone says that the place was made up by a testing app
    NO_FIX = 2  # the device repeats its last place without satellites
    CLOCK_CORRECTED = 4  # the device's clock was wrong and fixed_s was mended
    UNPROVED = 8  # sent without the device's token; it does not count until somebody vouches for it
    SIMULATED = 16  # made by `saat simulate`
    HEARTBEAT = 32  # sent while standing, to say that the device lives
    IGNITION_OFF = 64


class Position(NamedTuple):
    """Where one device was at one moment, in our own units whatever it sent.

    A named tuple and not a dataclass: eleven thousand of them are made in a second.

    device_id: the row of the device. fixed_s: seconds since 1970 (UTC) at which the place was taken, by the device's
    clock. received_s: the same, when it reached us, by ours. lat, lon: degrees, WGS 84. speed_mps: metres a second as
    the device measured it (Doppler), None where it did not. course_deg: degrees clockwise from north, None where
    unknown. accuracy_m: radius in metres, None where unknown. battery_share: 0 to 1, None where unknown.
    """

    device_id: int
    fixed_s: float
    received_s: float
    lat: float
    lon: float
    speed_mps: float | None = None
    course_deg: float | None = None
    accuracy_m: float | None = None
    flags: int = 0
    battery_share: float | None = None


class Fix(NamedTuple):
    """One position as a link read it, before anybody knows whether the device is who it says it is.

    uid: what the device calls itself. fixed_s: None where it gave no moment; then that of receipt counts. Units as in
    `Position`. token: what proves it, if it came with the position. also: other names under which it may be known.
    """

    uid: str
    fixed_s: float | None
    lat: float
    lon: float
    speed_mps: float | None = None
    course_deg: float | None = None
    accuracy_m: float | None = None
    flags: int = 0
    battery_share: float | None = None
    token: str = ""
    also: tuple[str, ...] = ()


class FixRefused(Exception):
    """What was sent is no position; the message says why, and is shown to whoever looks after the device.

    uid: the device's name as far as it could be read, "" otherwise.
    """

    def __init__(self, message: str, *, uid: str = "") -> None:
        super().__init__(message)
        self.uid = uid

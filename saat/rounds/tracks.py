"""The track of one vehicle: every position that counts, folded one by one into visits, a thinned path and gaps.

A fold in order of (time, device): equal sets of positions make equal tracks. The newest positions are kept as they
came, so that one that is a little late is folded in place; one that is later still asks for `Track.of`.
"""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable
from typing import Any

import numpy as np

from saat.rounds.cleaning import ALIVE, clock_offset, delay_bin, refuse
from saat.rounds.thresholds import THRESHOLDS
from saat.rounds.visits import WIDTH, Floats, Visit, came_s, error_of, left_s, lost_s
from saat.terms.geo import EARTH_RADIUS_M
from saat.terms.position import Flag, Position

PATH = 6
"""Width of a row of the path: seconds since the track's zero, metres east, metres north, speed (-1 unknown), seconds
since the position before, and 1 where a gap ends here, 2 where a visit begins, 3 where one ends."""
MOVES, GAP, BEGINS, ENDS = 0.0, 1.0, 2.0, 3.0

_SLOW, _SLOW_LEG = THRESHOLDS.slow_mps, THRESHOLDS.slow_leg_mps
_FASTEST, _APART, _REJOIN, _LOST = THRESHOLDS.fastest_mps, THRESHOLDS.apart_m, THRESHOLDS.rejoin_s, THRESHOLDS.lost_s
_GAP_S, _GAP_STEPS = THRESHOLDS.gap_s, THRESHOLDS.gap_steps
_HEARTBEAT, _NO_FIX, _COARSE = int(Flag.HEARTBEAT), int(Flag.NO_FIX), THRESHOLDS.coarse_m
_DEG_M = math.pi / 180.0 * EARTH_RADIUS_M
_TAIL = 16  # positions between two marks to which the fold can be taken back
_THIN_M, _THIN_MOST = 4.0, 3
_PARKED_M = 60.0
_GAP_MOST_S = 300.0
_ANOTHER_S = 90.0  # another device of the vehicle is heard after the first was silent for so long

_STATE = (
    "count", "device", "t", "x", "y", "v", "course", "accuracy", "battery", "flags", "seen_s", "suspect", "interval",
    "cruise", "kept", "skipped", "open", "began", "ended", "fixes", "vx", "vy", "error", "came", "step", "course_in",
    "doppler", "stands", "still", "frozen", "jumps", "wander",
)  # fmt: skip


class Track:
    """What is known of where one vehicle was. Metres are east and north of `lat0`, `lon0`; moments seconds since 1970.

    path: rows of PATH float32. rows: visits that cannot change any more. revision: rises when what was there changed,
    so that a reader who remembers how far it has read begins anew. faults: how many positions were refused, by why.
    """

    def __init__(self, vehicle_id: int) -> None:
        self.vehicle_id = vehicle_id
        self.revision = 0
        self.lat0 = self.lon0 = self.t0 = 0.0
        self.kx = _DEG_M
        self.path = array("f")
        self.rows = array("d")
        self.faults: dict[str, int] = {}
        self.delays: dict[int, dict[int, int]] = {}
        self.offsets: dict[int, float] = {}
        self._tail: list[Position] = []
        self._keys: list[tuple[float, int]] = []
        self._marks: list[tuple[int, int, int, tuple[Any, ...]]] = []
        self._begin()

    def _begin(self) -> None:
        self.count = self.fixes = self.skipped = self.flags = self.frozen = self.jumps = 0
        self.device = -1
        self.t = self.seen_s = self.began = self.ended = self.came = -math.inf
        self.x = self.y = self.vx = self.vy = 0.0
        self.v = self.course = self.accuracy = self.battery = -1.0
        self.suspect: tuple[float, float, float] | None = None
        self.interval = 0.0
        self.cruise = 6.0
        self.kept = (0.0, 0.0, 0.0)  # the last row of the path: t, x, y
        self.open = False  # it stands now
        self.stands = False  # there is a visit that is not yet among the rows
        self.error = 6.0
        self.wander = 3.0
        self.step = 0.0
        self.course_in = -1.0
        self.doppler = 0.0
        self.still = -math.inf  # since when it has not left where it is

    @classmethod
    def of(cls, vehicle_id: int, positions: Iterable[Position]) -> Track:
        """Return the track of a set of positions, in any order; a device's second place for one moment is dropped."""
        track = cls(vehicle_id)
        all_of = list({(p.device_id, p.fixed_s): p for p in sorted(positions, key=_whole, reverse=True)}.values())
        for position in all_of:
            track._count_delay(position)
        for device_id, delays in track.delays.items():
            track.offsets[device_id] = clock_offset(delays)
        for position in sorted(all_of, key=track._key):
            if not track._refused(position):
                track._append(position, track._key(position))
        return track

    def add(self, position: Position) -> bool:
        """Fold one position; False if it is too old for that, or shows that a clock is wrong: then rebuild by `of`."""
        self._count_delay(position)
        device_id = position.device_id
        if clock_offset(self.delays[device_id]) != self.offsets.get(device_id, 0.0):
            return False
        if self._refused(position):
            return True
        key = self._key(position)
        keys = self._keys
        if not keys or key > keys[-1]:
            self._append(position, key)
            return True
        at = bisect_left(keys, key)
        if keys[at] == key:
            return self._tail[at] == position
        if at == 0 and self._marks and self._marks[0][3][0]:
            return False
        return self._insert(at, position)

    def _key(self, position: Position) -> tuple[float, int]:
        return (position.fixed_s + self.offsets.get(position.device_id, 0.0), position.device_id)

    def _refused(self, position: Position) -> bool:
        """Return whether a position counts for nothing, which is so whatever came before it; and count why."""
        why = refuse(position, self.offsets.get(position.device_id, 0.0))
        if why and why != ALIVE:
            self.faults[why] = self.faults.get(why, 0) + 1
            return True
        return False

    def _count_delay(self, position: Position) -> None:
        delays = self.delays.get(position.device_id)
        if delays is None:
            delays = self.delays[position.device_id] = {}
        delay = delay_bin(position)
        if delay is not None:
            delays[delay] = delays.get(delay, 0) + 1

    # What can be taken back.

    def _append(self, position: Position, key: tuple[float, int]) -> None:
        if len(self._tail) % _TAIL == 0:
            if len(self._tail) == 2 * _TAIL:
                del self._tail[:_TAIL], self._keys[:_TAIL], self._marks[0]
            state = tuple([getattr(self, name) for name in _STATE])
            self._marks.append((len(self._tail), len(self.path), len(self.rows), state))
            if len(self._marks) == 2:
                self._marks[0] = (0, *self._marks[0][1:])
                self._marks[1] = (_TAIL, *self._marks[1][1:])
        self._tail.append(position)
        self._keys.append(key)
        self._fold(position, key[0])

    def _insert(self, at: int, position: Position) -> bool:
        """Take the fold back to before a position that came late, and fold it and what follows again."""
        mark = max(i for i, (row, *_) in enumerate(self._marks) if row <= at)
        row, path, rows, state = self._marks[mark]
        again = [*self._tail[row:at], position, *self._tail[at:]]
        del self._tail[row:], self._keys[row:], self._marks[mark:], self.path[path:], self.rows[rows:]
        for name, value in zip(_STATE, state, strict=True):
            setattr(self, name, value)
        self.revision += 1
        for one in again:
            self._append(one, self._key(one))
        return True

    # The fold itself.

    def _fold(self, position: Position, t: float) -> None:
        accuracy = position.accuracy_m
        if position.flags & _NO_FIX or (accuracy is not None and accuracy > _COARSE):
            self.seen_s = t
            return
        lat, lon = position.lat, position.lon
        if not self.count:
            self._zero(lat, lon, t)
        x, y = (lon - self.lon0) * self.kx, (lat - self.lat0) * _DEG_M
        speed = position.speed_mps
        v = -1.0 if speed is None or not speed >= 0 else speed
        accuracy = -1.0 if accuracy is None or not accuracy >= 0 else accuracy
        if not self.count:
            self._first(position, t, x, y, v, accuracy)
            return
        took = t - self.t
        dx, dy = x - self.x, y - self.y
        way = math.sqrt(dx * dx + dy * dy)
        if position.device_id != self.device and not self._heard(took, way, v):
            self.seen_s = t
            return
        if way > _FASTEST * took + 50.0 and self._jumps(t, x, y):
            self.seen_s = t
            return
        if way == 0.0 and v > 2.0 and took > 0:
            self.frozen += 1
            self.seen_s = t
            return
        self.suspect = None
        interval = self.interval
        limit = max(_GAP_S, min(_GAP_STEPS * interval, _GAP_MOST_S))
        gap = took > limit and not (
            (position.flags | self.flags) & _HEARTBEAT and way < _PARKED_M and took < THRESHOLDS.parked_s
        )
        if not gap and took > 0 and not (position.flags | self.flags) & _HEARTBEAT:
            self.interval = interval + 0.1 * (min(took, 3.0 * interval) - interval) if interval else took
        if v < 0 or (v < _SLOW and 0 <= self.v < _SLOW and way > 40.0 and way > 4.0 * took):
            slow = way < min(30.0, max(8.0, _SLOW_LEG * took))
            doppler = -1.0
            v = way / took if took > 0 else 0.0
        else:
            slow, doppler = v < _SLOW, v
        if not slow and took > 0 and way > 3.0 * took:
            self.cruise += 0.05 * (min(way / took, 12.0) - self.cruise)
        if slow:
            self._stand(t, x, y, took, way, accuracy, gap, doppler)
        else:
            self._drive(t, x, y, v, took, way, gap, doppler)
        self.t, self.x, self.y, self.v = t, x, y, doppler
        self._note(position, t, x, y, accuracy)

    def _zero(self, lat: float, lon: float, t: float) -> None:
        self.lat0, self.lon0, self.t0 = round(lat, 1), round(lon, 1), float(math.floor(t / 3600.0) * 3600)
        self.kx = _DEG_M * math.cos(math.radians(self.lat0))

    def _first(self, position: Position, t: float, x: float, y: float, v: float, accuracy: float) -> None:
        self.t, self.x, self.y, self.v, self.device = t, x, y, v, position.device_id
        self._keep(t, x, y, v, 0.0, GAP)
        self.still = t
        self._note(position, t, x, y, accuracy)
        if 0 <= v < _SLOW:
            self._stand(t, x, y, 0.0, 0.0, accuracy, True, v)

    def _note(self, position: Position, t: float, x: float, y: float, accuracy: float) -> None:
        self.count += 1
        self.seen_s = t
        self.device = position.device_id
        course = position.course_deg
        self.course = -1.0 if course is None else course
        self.accuracy = accuracy
        self.flags = position.flags
        if position.battery_share is not None:
            self.battery = position.battery_share

    def _heard(self, took: float, way: float, v: float) -> bool:
        """Return whether another device of the vehicle is now believed instead of the one before."""
        return took > max(_ANOTHER_S, _GAP_STEPS * self.interval) or (
            v > 3.0 and way > 300.0 and self.open and self.t - self.began > 600.0
        )

    def _jumps(self, t: float, x: float, y: float) -> bool:
        """Return whether a place is an outlier; two that agree with each other are believed."""
        suspect = self.suspect
        if suspect is not None:
            took = t - suspect[0]
            if math.hypot(x - suspect[1], y - suspect[2]) <= _FASTEST * took + 50.0:
                return False
        self.suspect = (t, x, y)
        self.jumps += 1
        return True

    def _keep(self, t: float, x: float, y: float, v: float, step: float, mark: float) -> None:
        self.path.extend((t - self.t0, x, y, v, step, mark))
        self.kept = (t, x, y)
        self.skipped = 0

    def _stand(
        self, t: float, x: float, y: float, took: float, way: float, accuracy: float, gap: bool, doppler: float
    ) -> None:
        """Fold a position at which the truck stands."""
        if self.stands:
            if doppler >= 0 and not gap and self.open:
                # It stands by its own speed, so what its place wanders is the error of its places here.
                self.wander += 0.1 * (min(way, 40.0) - self.wander)
            near = math.hypot(x - self.vx, y - self.vy) <= min(_APART + 1.5 * self.wander, 45.0)
            if near and (self.open or t - self.ended <= _REJOIN) and not (gap and took > 600.0):
                if not self.open:
                    self.open = True
                n = self.fixes = self.fixes + 1
                share = 1.0 / min(n, 40)
                self.vx += (x - self.vx) * share
                self.vy += (y - self.vy) * share
                self.ended = t
                if gap:
                    self._keep(t, x, y, 0.0, took, GAP)
                return
            if self.open:
                # From standing to standing elsewhere: what the way did not need is shared by both.
                half = 0.5 * max(0.0, took - way / self.cruise) if not gap else 0.0
                self._close(self.ended + half)
                came = t - half
            else:
                came = t
        else:
            came = t
        self._push()
        if not gap and came == t and took > 0:
            came = came_s(t, self.t, way, self.v, self.cruise)
        if self.kept[0] != self.t:
            self._keep(self.t, self.x, self.y, self.v, took, MOVES)
        self.course_in = math.degrees(math.atan2(x - self.x, y - self.y)) % 360.0 if way > 8.0 and not gap else -1.0
        self.stands = self.open = True
        self.began, self.ended, self.came = t, t, came
        self.fixes, self.vx, self.vy = 1, x, y
        self.error = accuracy
        self.step = took
        self.doppler = 1.0 if doppler >= 0 else 0.0
        if math.hypot(x - self.x, y - self.y) > 30.0 or self.count == 0:
            self.still = came
        self._keep(t, x, y, 0.0, took, GAP if gap else BEGINS)

    def _drive(
        self, t: float, x: float, y: float, v: float, took: float, way: float, gap: bool, doppler: float
    ) -> None:
        """Fold a position at which the truck moves."""
        if self.open:
            out = math.hypot(x - self.vx, y - self.vy)
            self._keep(self.ended, self.vx, self.vy, 0.0, 0.0, ENDS)
            self._close(self.ended if gap else left_s(self.ended, t, out, doppler, self.cruise))
        elif not gap and took > 0:
            lost = lost_s(took_s=took, way_m=way, before_mps=self.v, after_mps=doppler, cruise_mps=self.cruise)
            if lost >= _LOST:
                self._push()
                self._hidden(t, x, y, took, lost, doppler)
        if self.stands and not self.open and t - self.ended > _REJOIN + took:
            self._push()
        self.still = t
        if gap:
            if self.kept[0] != self.t:
                self._keep(self.t, self.x, self.y, self.v, took, MOVES)
            self._keep(t, x, y, v, took, GAP)
            return
        # Thinned: a position that lies where the ones around it say it must, at the same pace, adds nothing.
        kt, kx, ky = self.kept
        if kt == self.t:
            return
        share = (self.t - kt) / (t - kt)
        off = math.hypot(self.x - kx - share * (x - kx), self.y - ky - share * (y - ky))
        if off > _THIN_M or self.skipped >= _THIN_MOST:
            self._keep(self.t, self.x, self.y, self.v, took, MOVES)
        else:
            self.skipped += 1

    def _hidden(self, t: float, x: float, y: float, took: float, lost: float, doppler: float) -> None:
        """Note a visit that must lie between two positions, both of them on the way."""
        middle = 0.5 * (self.t + t)
        error = max(error_of(self.accuracy, 1), 1.2 * self.wander)
        self.rows.extend(
            (middle - lost / 2, middle + lost / 2, self.x, self.y, x, y, error, 0.0, took, -1.0,
             1.0 if doppler >= 0 and self.v >= 0 else 0.0)
        )  # fmt: skip

    def _close(self, left: float) -> None:
        self.ended = left
        self.open = False

    def _push(self) -> None:
        """Put the visit that is over among the rows that do not change any more."""
        if self.stands:
            self.rows.extend(self._current())
            self.stands = self.open = False

    def _current(self) -> tuple[float, ...]:
        error = max(error_of(self.error, self.fixes), 1.2 * self.wander)
        return (
            self.came, self.ended, self.vx, self.vy, self.vx, self.vy, error, float(self.fixes), self.step,
            self.course_in, self.doppler,
        )  # fmt: skip

    # What readers ask.

    def visit_rows(self, first: int = 0) -> Floats:
        """Return the visits from one on, (n, WIDTH) in the order of `Visit`; the last may still change."""
        rows = np.array(self.rows[first * WIDTH :], dtype=np.float64)
        if self.stands:
            rows = np.concatenate([rows, self._current()])
        return rows.reshape(-1, WIDTH)

    @property
    def settled(self) -> int:
        """How many visits cannot change any more (unless the revision does)."""
        return len(self.rows) // WIDTH

    @property
    def visits(self) -> tuple[Visit, ...]:
        """All visits."""
        return tuple(Visit(*row) for row in self.visit_rows().tolist())

    @property
    def path_rows(self) -> int:
        """How many rows the path has."""
        return len(self.path) // PATH

    def path_from(self, first: int) -> Floats:
        """Return the path from a row on, (n, PATH), with moments as seconds since 1970."""
        rows = np.array(self.path[first * PATH :], dtype=np.float64).reshape(-1, PATH)
        rows[:, 0] += self.t0
        return rows

    def latlon(self, x_m: float, y_m: float) -> tuple[float, float]:
        """Return the degrees of a place on the track."""
        return self.lat0 + y_m / _DEG_M, self.lon0 + x_m / self.kx

    def xy(self, lat: Floats, lon: Floats) -> tuple[Floats, Floats]:
        """Return metres east and north of the track's zero for degrees."""
        return (lon - self.lon0) * self.kx, (lat - self.lat0) * _DEG_M

    def gaps(self) -> tuple[tuple[float, float], ...]:
        """Return the spans in which nothing was heard, as seconds since 1970."""
        rows = self.path_from(0)
        return tuple((float(t - step), float(t)) for t, _, _, _, step, mark in rows if mark == GAP and step > 0)

    def __eq__(self, other: object) -> bool:
        """Whether both tell the same; how they came to know it does not matter."""
        return isinstance(other, Track) and self._told() == other._told()

    __hash__ = None  # type: ignore[assignment]

    def _told(self) -> tuple[Any, ...]:
        state = tuple([getattr(self, name) for name in _STATE])
        return (self.vehicle_id, self.lat0, self.lon0, self.t0, self.faults, self.path, self.rows, state)


def _whole(position: Position) -> tuple[Any, ...]:
    """Return a key that orders positions wholly, whatever is unknown in them."""
    return tuple((value is not None, value if value == value else 0.0) for value in position)

"""The tracks of all vehicles of one follower: positions come out of the log and are laid on whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from saat.records.device_book import DeviceBook
from saat.rounds.tracks import Track
from saat.terms.position import Flag, Position

# Vehicles whose tracks are made anew with one reading of the log.
_AT_ONCE = 40
_EVER_S = 4e9
# A device whose clock is further off than this was on the vehicle on which it was when we heard from it.
_CLOCK_S = 86_400.0
_UNPROVED = ~int(Flag.UNPROVED)


class Log(Protocol):
    """What tracking needs of the position log."""

    def of_devices(self, device_ids: Iterable[int], *, from_s: float, until_s: float) -> list[Position]:
        """Return what some devices fixed within a span."""


@dataclass(slots=True)
class Folded:
    """What a batch of positions did. touched: vehicles with a longer track. early: for vehicles of which older
    positions came than are kept, the span that these cover, in seconds since 1970.
    """

    touched: set[int] = field(default_factory=set)
    early: dict[int, tuple[float, float]] = field(default_factory=dict)


class Tracking:
    """Tracks by vehicle, each from a moment on.

    That moment is set by `keep_from`; the same positions give the same tracks, in whatever order, however often, and
    whether they were folded one by one or read from the log anew.
    """

    def __init__(self, *, log: Log, book: DeviceBook) -> None:
        self.tracks: dict[int, Track] = {}
        self._since: dict[int, float] = {}
        self._log, self._book = log, book

    def vehicle_of(self, position: Position) -> int | None:
        """Return whose track a position belongs to; None if it counts for nobody."""
        if not self._book.counts(position):
            return None
        at_s = position.fixed_s
        if abs(at_s - position.received_s) > _CLOCK_S:
            at_s = position.received_s
        return self._book.vehicle_at(position.device_id, at_s)

    def keep_from(self, since: Mapping[int, float]) -> set[int]:
        """Set from when on each vehicle's track is kept; the others are let go. Returns whose track was made anew.

        since: vehicle to seconds since 1970. A track that reaches back further is left as it is.
        """
        for vehicle_id in self._since.keys() - since.keys():
            self._forget(vehicle_id)
        anew = {
            vehicle_id
            for vehicle_id, since_s in since.items()
            if vehicle_id not in self._since or since_s < self._since[vehicle_id]
        }
        for vehicle_id in anew:
            self._since[vehicle_id] = since[vehicle_id]
        self.read_anew(anew)
        return anew

    def trim(self, since: Mapping[int, float], *, slack_s: float) -> set[int]:
        """Shorten the tracks that reach back further than needed by more than some slack; return whose."""
        long = {v for v, since_s in since.items() if v in self._since and since_s - self._since[v] > slack_s}
        for vehicle_id in long:
            self._since[vehicle_id] = since[vehicle_id]
        self.read_anew(long)
        return long

    def read_anew(self, vehicle_ids: Iterable[int]) -> None:
        """Make the tracks of some vehicles from what the log holds."""
        kept = sorted(vehicle_id for vehicle_id in vehicle_ids if vehicle_id in self._since)
        for at in range(0, len(kept), _AT_ONCE):
            some = kept[at : at + _AT_ONCE]
            found = self.positions_of(some, from_s=min(self._since[vehicle_id] for vehicle_id in some))
            for vehicle_id in some:
                since_s = self._since[vehicle_id]
                mine = [position for position in found.get(vehicle_id, ()) if position.fixed_s >= since_s]
                self.tracks.pop(vehicle_id, None)
                if mine:
                    self.tracks[vehicle_id] = Track.of(vehicle_id, mine)

    def positions_of(
        self, vehicle_ids: Iterable[int], *, from_s: float, until_s: float = _EVER_S
    ) -> dict[int, list[Position]]:
        """Return what the log holds of some vehicles within a span, by vehicle."""
        wanted = set(vehicle_ids)
        found: dict[int, list[Position]] = {}
        for vehicle_id, position in self._sorted_out(
            self._log.of_devices(self._book.devices_of(wanted), from_s=from_s, until_s=until_s)
        ):
            if vehicle_id in wanted:
                found.setdefault(vehicle_id, []).append(position)
        return found

    def fold(self, positions: Iterable[Position]) -> Folded:
        """Lay positions, in the order of their arrival, on the tracks."""
        folded = Folded()
        broken: set[int] = set()
        for vehicle_id, position in self._sorted_out(positions):
            since_s = self._since.get(vehicle_id)
            if since_s is None or position.fixed_s < since_s:
                first, last = folded.early.get(vehicle_id, (position.fixed_s, position.fixed_s))
                folded.early[vehicle_id] = min(first, position.fixed_s), max(last, position.fixed_s)
                continue
            folded.touched.add(vehicle_id)
            if vehicle_id in broken:
                continue  # it is in the log, so it is in the track that is made anew
            track = self.tracks.get(vehicle_id)
            if track is None:
                track = self.tracks[vehicle_id] = Track(vehicle_id)
            if not track.add(position):
                broken.add(vehicle_id)
        self.read_anew(broken)
        return folded

    def _sorted_out(self, positions: Iterable[Position]) -> Iterator[tuple[int, Position]]:
        for position in positions:
            vehicle_id = self.vehicle_of(position)
            if vehicle_id is not None:
                # Whoever claimed the device vouches for what it sent without a token.
                yield vehicle_id, position._replace(flags=position.flags & _UNPROVED) if position.flags else position

    def _forget(self, vehicle_id: int) -> None:
        self._since.pop(vehicle_id, None)
        self.tracks.pop(vehicle_id, None)

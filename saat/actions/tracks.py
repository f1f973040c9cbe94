"""Keeping where vehicles were: for as long as each city's policy says, and packed when a day is over.

A crew's track is personal data. It is kept for findings and contests about a round, and then forgotten.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime

from saat.records.device_book import DEFAULT_DAYS, DeviceBook
from saat.records.position_archive import device_ids_in_log, forget_in_log
from saat.records.position_log import PositionLog

# Within the correction period a day is read often, and late positions are compared with it.
PACK_AFTER_DAYS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What was done: days that were packed, days that were deleted, positions that were forgotten."""

    packed: int
    deleted: int
    forgotten: int


def keep_tracks(*, positions: PositionLog, now: datetime) -> Kept:
    """Forget the positions that are older than their city's `track_days`, and pack days that are over.

    What nobody claimed is kept for as long as the most patient city, or 30 days. Can be run again at any time.
    """
    book = DeviceBook()
    book.refresh()
    today, archive = now.astimezone(UTC).date(), positions.archive
    longest = max([DEFAULT_DAYS, *(book.kept_days(city_id) for city_id in book.cities())])
    packed = deleted = forgotten = 0
    for name in [*archive.names(), *positions.closed_names()]:
        age = (today - date.fromisoformat(name)).days
        if age > longest:
            if archive.has(name):
                forgotten += archive.delete(name)
            else:
                forgotten += positions.delete(name)
            deleted += 1
            continue
        if not archive.has(name) and age > PACK_AFTER_DAYS:
            archive.pack(name, positions.path_of(name))
            packed += 1
        forgotten += _forget(positions, name, age, book)
    return Kept(packed=packed, deleted=deleted, forgotten=forgotten)


def _forget(positions: PositionLog, name: str, age: int, book: DeviceBook) -> int:
    """Forget what one day holds of the cities that keep less than that."""
    if not any(book.kept_days(city_id) < age for city_id in book.cities()):
        return 0
    archived = positions.archive.has(name)
    there = positions.archive.device_ids(name) if archived else device_ids_in_log(positions.path_of(name))
    by_city: dict[int | None, set[int]] = defaultdict(set)
    for device_id in there:
        device = book.get(device_id)
        by_city[device.city_id if device is not None else None].add(device_id)
    over = {
        device_id
        for city_id, device_ids in by_city.items()
        if city_id is not None and book.kept_days(city_id) < age
        for device_id in device_ids
    }
    if not over:
        return 0
    return positions.archive.forget(name, over) if archived else forget_in_log(positions.path_of(name), over)

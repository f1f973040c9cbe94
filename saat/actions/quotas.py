"""How often a key was used: counted in memory, written down once a second, so that a call costs no write of its own.

Each process knows what the others had written when it last looked, so a limit can be overrun by what they did within
the last second, and by no more.
"""

from __future__ import annotations

import math
import threading
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from saat.records.models import ApiKey, ApiUse

WRITE_EVERY = timedelta(seconds=1)
_SPANS = {"minute": timedelta(minutes=1), "day": timedelta(days=1)}


class QuotaExceeded(Exception):
    """A key was used too often. retry_after_s: seconds until it may be used again."""

    def __init__(self, *, limit: int, span: str, retry_after_s: int) -> None:
        text = {
            "minute": _("This key may be used %(limit)d times a minute. Try again in %(seconds)d seconds."),
            "day": _("This key may be used %(limit)d times a day. Try again in %(seconds)d seconds."),
        }[span]
        super().__init__(text % {"limit": limit, "seconds": retry_after_s})
        self.retry_after_s = retry_after_s


@dataclass(slots=True)
class _Count:
    """Calls within one span. written: by all processes, as of the last look. new: of this process, not yet written."""

    starts_at: datetime
    written: int = 0
    new: int = 0


class _Meter:
    """The counts of one key in this process."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.counts: dict[str, _Count] = {}
        self.over: list[tuple[str, _Count]] = []  # spans that ended with calls not yet written
        self.looked_at: datetime | None = None

    def use(self, key: ApiKey, now: datetime) -> None:
        """Count one call, or refuse it."""
        with self.lock:
            for span, length in _SPANS.items():
                starts_at = _start(now, length)
                count = self.counts.get(span)
                if count is None or count.starts_at != starts_at:
                    if count is not None and count.new:
                        self.over.append((span, count))
                    self.counts[span] = _Count(starts_at)
                    self.looked_at = None
            if self.looked_at is None or not timedelta(0) <= now - self.looked_at < WRITE_EVERY:
                self._write(key)
                self.looked_at = now
            limits = {"minute": key.per_minute, "day": key.per_day}
            for span, length in _SPANS.items():
                count = self.counts[span]
                if count.written + count.new >= limits[span]:
                    left_s = (count.starts_at + length - now).total_seconds()
                    raise QuotaExceeded(limit=limits[span], span=span, retry_after_s=max(1, math.ceil(left_s)))
            for count in self.counts.values():
                count.new += 1

    def _write(self, key: ApiKey) -> None:
        pending = [*self.over, *((span, count) for span, count in self.counts.items() if count.new)]
        if pending:
            with transaction.atomic():
                for span, count in pending:
                    ApiUse.objects.bulk_create(
                        [ApiUse(api_key=key, span=span, starts_at=count.starts_at)], ignore_conflicts=True
                    )
                    same = ApiUse.objects.filter(api_key=key, span=span, starts_at=count.starts_at)
                    same.update(count=F("count") + count.new)
            for _span, count in pending:
                count.new = 0
            self.over = []
        spans = {count.starts_at: span for span, count in self.counts.items()}
        rows = ApiUse.objects.filter(api_key=key, starts_at__in=spans).values_list("span", "starts_at", "count")
        for span, starts_at, number in rows:
            if self.counts[span].starts_at == starts_at:
                self.counts[span].written = number


_meters: dict[str, _Meter] = {}
_guard = threading.Lock()


def count_use(*, key: ApiKey, now: datetime) -> None:
    """Count one call with a key.

    now: aware.

    :raises QuotaExceeded: if the key was used too often in this minute or this day (of UTC); the call is not counted.
    """
    meter = _meters.get(key.key_sha256)
    if meter is None:
        with _guard:
            meter = _meters.setdefault(key.key_sha256, _Meter())
    meter.use(key, now)


def _start(now: datetime, length: timedelta) -> datetime:
    """Return when the span that holds a moment began."""
    seconds = int(length.total_seconds())
    return datetime.fromtimestamp(int(now.timestamp()) // seconds * seconds, tz=UTC)

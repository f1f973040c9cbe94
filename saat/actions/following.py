"""What the follower writes beside what it found: how far it has read."""

from __future__ import annotations

from datetime import datetime

from saat.records.models import FollowerMark
from saat.records.position_log import LogMark


def keep_mark(*, part: int, mark: LogMark, now: datetime) -> None:
    """Write down how far a follower has read; what it found up to there is written already.

    part: the number of the follower.
    """
    FollowerMark.objects.update_or_create(partition=part, defaults={"log": mark.log, "row": mark.row, "at": now})

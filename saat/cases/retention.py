"""How long a city remembers who reported."""

from __future__ import annotations

from datetime import datetime, timedelta

from saat.terms.policy import CityPolicy


def anonymise_before(*, policy: CityPolicy, now: datetime) -> datetime:
    """Return the moment before which a case must have been closed for its reporters to be forgotten; aware.

    Days are counted as 24 hours from `now`, so that the hour of the run decides nothing. Counts are kept.
    """
    return now - timedelta(days=policy.retention_days)

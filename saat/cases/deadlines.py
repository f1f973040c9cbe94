"""By when a case is promised to be dealt with.

The promise is made once, when the first report comes in, and is always counted from that moment. An edit can show that
the promise should have been another one from the start; it can never start the clock again.
"""

from __future__ import annotations

from datetime import UTC, datetime

from saat.terms.case import ServiceLevel, Urgency
from saat.terms.policy import CityPolicy, due_span


def due_at(
    *, policy: CityPolicy, service_code: str, opened_at: datetime, service_level: ServiceLevel, urgency: Urgency
) -> datetime:
    """Return the moment that the city promises for a case, aware, UTC, after `opened_at`.

    The category's hours, times the share that a place of this level is given, are counted in the city's working time;
    where the category is `round_the_clock`, or people are in danger, every hour counts.

    opened_at: the first report's moment, aware.

    :raises KeyError: if the city has no such category.
    :raises ValueError: if the city's working hours do not hold the promise within ten years.
    """
    category = policy.category(service_code)
    span = due_span(category, policy.service_levels.get(service_level, 1.0))
    if category.round_the_clock or urgency == Urgency.DANGER:
        return opened_at.astimezone(UTC) + span
    return policy.hours.add(opened_at, span)


def due_after_change(
    *,
    policy: CityPolicy,
    service_code: str,
    opened_at: datetime,
    service_level: ServiceLevel,
    urgency: Urgency,
    promised_at: datetime,
    now: datetime,
) -> datetime:
    """Return the promise that holds after a case's category, place or urgency was changed, aware, UTC.

    It is what the policy would have promised from the start, had the case been known as it is now: earlier or later
    than `promised_at`, never counted from `now`. So a report wrongly filed as danger gets its usual time back, and one
    that turns out to be dangerous may be late at once. A promise that has already passed is broken, and no edit mends
    it: then the answer is the earlier of the two.

    service_code, service_level, urgency: as they are after the change. promised_at: the promise before it, aware.

    :raises KeyError: if the city has no such category.
    :raises ValueError: if the city's working hours do not hold the promise within ten years.
    """
    from_the_start = due_at(
        policy=policy, service_code=service_code, opened_at=opened_at, service_level=service_level, urgency=urgency
    )
    if now >= promised_at:
        return min(from_the_start, promised_at.astimezone(UTC))
    return from_the_start

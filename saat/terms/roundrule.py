"""When the collection of a round is in trouble: the part of a city's policy that is about trucks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from saat.terms.entries import PolicyError, Reader


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundRule:
    """When the collection of a round is in trouble, and what follows from it.

    service_code: the category of a missed collection; "" for the first one of the group "collection". grace_min: after
    its window a stop is still in time. not_started_min: after the planned start. stalled_min: without progress, away
    from every site. late_min: behind the promised window. silent_min: without a position. off_round_min: away from the
    round and every site. alert_p: from this probability a stop will be missed; quiet_p: below it that is taken back.
    act_lead_min: what help needs to get there. feed_share: of a contractor's trackers, silent together.
    correction_h: after the planned end outcomes may still change; then penalties may rest on them. track_days: tracks
    are kept. report_days: a missed collection can be reported so long after it. public_trucks: everybody may see
    where trucks on a round are. position_feeds: addresses of GTFS-Realtime VehiclePositions that are read twice a
    minute. Minutes, hours, days, shares 0 to 1.
    """

    service_code: str = ""
    grace_min: float = 15.0
    not_started_min: float = 15.0
    stalled_min: float = 5.0
    late_min: float = 15.0
    silent_min: float = 10.0
    off_round_min: float = 10.0
    alert_p: float = 0.6
    quiet_p: float = 0.4
    act_lead_min: float = 20.0
    feed_share: float = 0.5
    correction_h: float = 48.0
    track_days: int = 30
    report_days: int = 3
    public_trucks: bool = True
    position_feeds: tuple[str, ...] = ()


def round_rule(reader: Reader, codes: Sequence[str]) -> RoundRule:
    """Return the rule written as `[rounds]`, or the usual one. codes: the city's categories.

    :raises PolicyError: if an entry cannot be.
    """
    usual = RoundRule()
    if "rounds" not in reader.data:
        return usual
    entry = reader.table("rounds")
    minutes = ("grace_min", "not_started_min", "stalled_min", "late_min", "silent_min", "off_round_min",
               "act_lead_min", "correction_h")  # fmt: skip
    rule = RoundRule(
        service_code=entry.get("service_code", str, usual.service_code),
        alert_p=entry.number("alert_p", usual.alert_p),
        quiet_p=entry.number("quiet_p", usual.quiet_p),
        feed_share=entry.number("feed_share", usual.feed_share),
        track_days=entry.whole("track_days", usual.track_days, least=1),
        report_days=entry.whole("report_days", usual.report_days, least=1),
        public_trucks=entry.get("public_trucks", bool, usual.public_trucks),
        position_feeds=entry.texts("position_feeds"),
        **{name: entry.number(name, getattr(usual, name)) for name in minutes},
    )
    entry.done()
    if rule.service_code and rule.service_code not in codes:
        raise PolicyError(f"rounds: `service_code` must be one of {', '.join(codes)}, got {rule.service_code!r}.")
    if not 0 < rule.quiet_p <= rule.alert_p < 1:
        raise PolicyError(f"rounds: 0 < quiet_p <= alert_p < 1 must hold, got {rule.quiet_p} and {rule.alert_p}.")
    if not 0 < rule.feed_share <= 1:
        raise PolicyError(f"rounds: `feed_share` must be a share above 0 and up to 1, got {rule.feed_share}.")
    for url in rule.position_feeds:
        if not url.startswith(("http://", "https://")):
            raise PolicyError(f"rounds: `position_feeds` must be web addresses, got {url!r}.")
    for name in ("stalled_min", "silent_min"):
        if not getattr(rule, name) >= 1:
            raise PolicyError(f"rounds: `{name}` must be at least 1, got {getattr(rule, name)}.")
    return rule

"""Findings in words: the one line that stands for a trouble, in the language that is active.

Facts in, sentence out; used for a case's summary (in the city's own language) and on its page (in the reader's).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from saat.terms.run import CrewReason, FindingKind, VehicleState

# Which finding gives a case its line when there are several.
FIRST = (
    FindingKind.FEED_SILENT,
    FindingKind.STALLED,
    FindingKind.NOT_STARTED,
    FindingKind.OFF_ROUND,
    FindingKind.MISSED,
    FindingKind.WILL_MISS,
    FindingKind.SKIPPED,
    FindingKind.UNKNOWN,
    FindingKind.RUNNING_LATE,
    FindingKind.TRACKER_FAULT,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A finding as it is told. since_at: aware. vehicle: what is painted on it, "" if unknown."""

    kind: FindingKind
    since_at: datetime
    probability: float
    stops: int
    facts: Mapping[str, Any]
    round: str = ""
    vehicle: str = ""
    contractor: str = ""


def headline(found: Sequence[Told], *, zone: str) -> str:
    """Return one line for findings of one trouble; "" for none. zone: of the city's clock, an IANA name."""
    if not found:
        return ""
    ordered = sorted(found, key=lambda one: FIRST.index(one.kind))
    return line(ordered[0], zone=zone)


def line(one: Told, *, zone: str) -> str:
    """Return one finding as a sentence without its full stop."""
    since = f"{one.since_at.astimezone(ZoneInfo(zone)):%H:%M}"
    names = {
        "since": since,
        "truck": one.vehicle or _("(unknown)"),
        "round": one.round,
        "contractor": one.contractor,
        "n": one.stops,
        "percent": round(one.probability * 100),
        "minutes": round(one.facts.get("late_s", 0) / 60),
        "silent": one.facts.get("silent", 0),
        "of": one.facts.get("trackers", 0),
        "reason": crew_reason(one.facts.get("reason", "")),
        "faults": ", ".join(fault_name(fault) for fault in one.facts.get("faults", ())),
    }
    return _sentence(one) % names


def _sentence(one: Told) -> str:
    n = one.stops
    if one.kind is FindingKind.STALLED:
        if one.facts.get("crew"):
            return ngettext(
                "Truck %(truck)s is broken, its crew says; %(n)d stop to go",
                "Truck %(truck)s is broken, its crew says; %(n)d stops to go",
                n,
            )
        return ngettext(
            "Truck %(truck)s stands since %(since)s, %(n)d stop to go",
            "Truck %(truck)s stands since %(since)s, %(n)d stops to go",
            n,
        )
    if one.kind is FindingKind.NOT_STARTED:
        if one.facts.get("state") == VehicleState.AT_DEPOT:
            return _("%(round)s has not started at %(since)s as planned; truck %(truck)s is at the depot")
        return _("%(round)s has not started at %(since)s as planned; truck %(truck)s is elsewhere")
    if one.kind is FindingKind.OFF_ROUND:
        return ngettext(
            "Truck %(truck)s is away from its round since %(since)s, %(n)d stop to go",
            "Truck %(truck)s is away from its round since %(since)s, %(n)d stops to go",
            n,
        )
    if one.kind is FindingKind.MISSED:
        return ngettext("%(round)s: %(n)d stop was missed", "%(round)s: %(n)d stops were missed", n)
    if one.kind is FindingKind.WILL_MISS:
        return ngettext(
            "%(round)s: %(n)d stop will probably be missed (%(percent)d %%)",
            "%(round)s: %(n)d stops will probably be missed (%(percent)d %%)",
            n,
        )
    if one.kind is FindingKind.SKIPPED:
        return ngettext(
            "%(round)s: the crew could not collect %(n)d stop: %(reason)s",
            "%(round)s: the crew could not collect %(n)d stops: %(reason)s",
            n,
        )
    if one.kind is FindingKind.RUNNING_LATE:
        return ngettext(
            "%(round)s is late: %(n)d stop will be served up to %(minutes)d minutes after its window",
            "%(round)s is late: %(n)d stops will be served up to %(minutes)d minutes after their windows",
            n,
        )
    if one.kind is FindingKind.TRACKER_FAULT:
        return _("The tracker of truck %(truck)s is faulty: %(faults)s")
    if one.kind is FindingKind.FEED_SILENT:
        return _("%(contractor)s: %(silent)d of %(of)d trackers are silent since %(since)s; nothing is known meanwhile")
    if one.facts.get("silent"):
        if one.facts.get("heard"):
            return ngettext(
                "The tracker of truck %(truck)s is silent since %(since)s; nobody can tell about %(n)d stop",
                "The tracker of truck %(truck)s is silent since %(since)s; nobody can tell about %(n)d stops",
                n,
            )
        return _("%(round)s: no tracker was heard since it should have started at %(since)s")
    return ngettext(
        "%(round)s: nobody can tell whether %(n)d stop was served",
        "%(round)s: nobody can tell whether %(n)d stops were served",
        n,
    )


def crew_reason(reason: str) -> str:
    """Return what a crew says, in words."""
    return {
        CrewReason.DONE: _("done"),
        CrewReason.BLOCKED: _("the way was blocked"),
        CrewReason.NOT_PRESENTED: _("nothing was put out"),
        CrewReason.FULL: _("the truck was full"),
        CrewReason.BROKEN: _("the truck broke down"),
        CrewReason.FLOODED: _("the street was flooded"),
    }.get(reason, _("no reason given"))  # type: ignore[call-overload, no-any-return]


def fault_name(fault: str) -> str:
    """Return what a tracker does wrong, in words."""
    return {
        "clock": _("its clock is wrong"),
        "jumps": _("its position jumps"),
        "mock": _("its position is made up"),
        "battery": _("its battery is nearly empty"),
    }.get(fault, fault)

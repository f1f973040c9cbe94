"""The words of the truck pages: outcomes, what trucks do, what is wrong with a run, what to do next, and evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from saat.actions.finding_text import Told, line
from saat.records.models import FindingRow, Run, StopRun
from saat.terms.run import CrewReason, FindingKind, Outcome, VehicleState
from saat.web.desk import words

# One letter a stop, as in `Run.view["marks"]`, to the mark that is drawn: each has a shape and a colour of its own.
MARK_OF = {
    "c": "served", "l": "late", "p": "partial", "m": "missed", "s": "skipped", "n": "skipped", "x": "skipped",
    "u": "unknown", "e": "expected", "r": "risk",
}  # fmt: skip
LETTER_OF = {
    Outcome.COLLECTED: "c", Outcome.LATE: "l", Outcome.PARTIAL: "p", Outcome.MISSED: "m", Outcome.SKIPPED: "s",
    Outcome.NOT_PRESENTED: "n", Outcome.EXCUSED: "x", Outcome.UNKNOWN: "u", Outcome.EXPECTED: "e",
}  # fmt: skip
MARKS = {
    "served": gettext_lazy("served"),
    "late": gettext_lazy("served late"),
    "partial": gettext_lazy("served in part"),
    "expected": gettext_lazy("expected"),
    "risk": gettext_lazy("at risk"),
    "missed": gettext_lazy("missed"),
    "unknown": gettext_lazy("unknown"),
    "skipped": gettext_lazy("not collected, with a reason"),
}
OUTCOMES = {
    Outcome.EXPECTED: gettext_lazy("Expected"),
    Outcome.COLLECTED: gettext_lazy("Served"),
    Outcome.LATE: gettext_lazy("Served late"),
    Outcome.PARTIAL: gettext_lazy("Served in part"),
    Outcome.MISSED: gettext_lazy("Missed"),
    Outcome.SKIPPED: gettext_lazy("Skipped by the crew"),
    Outcome.NOT_PRESENTED: gettext_lazy("Nothing was put out"),
    Outcome.EXCUSED: gettext_lazy("Called off by the city"),
    Outcome.UNKNOWN: gettext_lazy("Unknown"),
}
REASONS = {
    CrewReason.DONE: gettext_lazy("done"),
    CrewReason.BLOCKED: gettext_lazy("the way is blocked"),
    CrewReason.NOT_PRESENTED: gettext_lazy("nothing was put out"),
    CrewReason.FULL: gettext_lazy("the truck is full"),
    CrewReason.BROKEN: gettext_lazy("the truck broke down"),
    CrewReason.FLOODED: gettext_lazy("the street is flooded"),
}
VEHICLE_STATES = {
    VehicleState.COLLECTING: gettext_lazy("collecting"),
    VehicleState.DRIVING: gettext_lazy("driving"),
    VehicleState.STANDING: gettext_lazy("standing"),
    VehicleState.AT_DEPOT: gettext_lazy("at the depot"),
    VehicleState.AT_DISPOSAL: gettext_lazy("at the disposal site"),
    VehicleState.OFF_ROUND: gettext_lazy("away from the round"),
    VehicleState.SILENT: gettext_lazy("silent"),
    VehicleState.UNSEEN: gettext_lazy("not seen today"),
}
FAULTS = {
    "clock": gettext_lazy("its clock is wrong"),
    "jumps": gettext_lazy("its places jump"),
    "mock": gettext_lazy("its places may be made up"),
    "battery": gettext_lazy("its battery is low"),
}
RUN_STATES = {
    "planned": gettext_lazy("to come"),
    "running": gettext_lazy("on the road"),
    "done": gettext_lazy("done"),
    "called_off": gettext_lazy("called off"),
}
SETTLED_BY = {
    "crew": gettext_lazy("The crew's word would settle it: ask them to tap the stop on their page."),
    "photo": gettext_lazy("A photo of the place would settle it."),
    "resident": gettext_lazy("A resident's word would settle it: was it collected?"),
}
WHYS = {
    "decided": gettext_lazy("decided from the track"),
    "late_positions": gettext_lazy("positions came in late"),
    "crew": gettext_lazy("the crew said so"),
    "resident": gettext_lazy("a resident said so"),
    "contest": gettext_lazy("the contractor contested it, and was right"),
    "official": gettext_lazy("an official decided"),
}
FINDINGS = {
    FindingKind.NOT_STARTED: gettext_lazy("Not started"),
    FindingKind.STALLED: gettext_lazy("Stalled"),
    FindingKind.OFF_ROUND: gettext_lazy("Away from the round"),
    FindingKind.RUNNING_LATE: gettext_lazy("Running late"),
    FindingKind.WILL_MISS: gettext_lazy("Will miss stops"),
    FindingKind.MISSED: gettext_lazy("Missed stops"),
    FindingKind.UNKNOWN: gettext_lazy("Tracker silent"),
    FindingKind.SKIPPED: gettext_lazy("Skipped by the crew"),
    FindingKind.TRACKER_FAULT: gettext_lazy("Tracker at fault"),
    FindingKind.FEED_SILENT: gettext_lazy("Many trackers silent"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """A finding in words. title: in two or three words. wrong: what is wrong. next: what to do now."""

    kind: str
    title: str
    wrong: str
    next: str
    case_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """For whom a trouble is put into words. now: of the trucks' clock. inside: somebody of the contractor's own."""

    now: datetime
    zone: str
    inside: bool = False


def trouble_of(
    finding: FindingRow, *, run: Run, truck: str, reader: Reader, cases: frozenset[int] = frozenset()
) -> Trouble:
    """Return a finding in words. run: that it is shown with, its round and contractor loaded. truck: the label of the
    vehicle, "" if none is known. cases: those that the reader may open.
    """
    kind = FindingKind(finding.kind)
    told = Told(
        kind=kind,
        since_at=finding.since_at,
        probability=finding.probability,
        stops=len(finding.stop_ids),
        facts=finding.facts,
        round=str(run.round),
        vehicle=truck,
        contractor=run.contractor.name if run.contractor else "",
    )
    return Trouble(
        kind=kind,
        title=str(FINDINGS[kind]),
        wrong=_("%(sentence)s.") % {"sentence": line(told, zone=reader.zone)},
        next=" ".join(part for part in (_next(kind, inside=reader.inside), _by(finding, reader)) if part),
        case_id=finding.case_id if finding.case_id in cases else None,
    )


def _next(kind: FindingKind, *, inside: bool) -> str:
    match kind:
        case FindingKind.NOT_STARTED:
            return _("Send a truck, or call the run off.") if inside else _("Ask the dispatcher to send a truck.")
        case FindingKind.STALLED:
            if inside:
                return _("Call the crew. If the truck is broken, send another one for the rest.")
            return _("Call the dispatcher. If the truck is broken, ask for another one for the rest.")
        case FindingKind.OFF_ROUND:
            return _("Ask the crew where they go.") if inside else _("Ask the dispatcher where the truck goes.")
        case FindingKind.RUNNING_LATE | FindingKind.WILL_MISS:
            if inside:
                return _("Send help to the last stops.")
            return _("Ask the dispatcher who can take over the last stops.")
        case FindingKind.MISSED:
            if inside:
                return _("Send somebody back, or say what really happened.")
            return _("Agree with the dispatcher when somebody goes back.")
        case FindingKind.UNKNOWN:
            if inside:
                return _("Call the crew; ask them to tap each stop on their page.")
            return _("Ask the dispatcher to call the crew. Do not take these stops for missed.")
        case FindingKind.SKIPPED:
            return _("Read the crew's reason, clear what stands in the way, and agree when somebody goes back.")
        case FindingKind.TRACKER_FAULT:
            return _("Have the tracker looked after; what it sends counts little until then.")
        case _:
            return _("Ask the company, or whoever runs its trackers, to look at the connection.")


def _by(finding: FindingRow, reader: Reader) -> str:
    """Return by when an act still helps, in words; "" where that is not known or long past."""
    if finding.act_by_at is None:
        return ""
    left_s = (finding.act_by_at - reader.now).total_seconds()
    if left_s <= 0:
        return _("It is too late to save all of them; every stop that is still reached counts.")
    at = clock(finding.act_by_at, zone=reader.zone)
    return _("It helps until %(time)s, for %(span)s more.") % {"time": at, "span": words.span(left_s)}


def clock(at: datetime, *, zone: str) -> str:
    """Return the time of day on the city's clock, such as 20:15."""
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def vehicle_words(vehicle: Mapping[str, Any], *, label: str, now: datetime) -> str:
    """Return what a vehicle of a run's view does, such as "A-12: standing for 7 minutes"."""
    state = VEHICLE_STATES.get(vehicle.get("state", ""), vehicle.get("state", ""))
    since = vehicle.get("since")
    long = now.timestamp() - since if since is not None else 0.0
    if vehicle.get("state") in (VehicleState.STANDING, VehicleState.SILENT, VehicleState.OFF_ROUND) and long >= 60:
        return _("%(truck)s: %(state)s for %(span)s") % {"truck": label, "state": state, "span": words.span(long)}
    return _("%(truck)s: %(state)s") % {"truck": label, "state": state}


def evidence_words(evidence: Sequence[Sequence[Any]]) -> list[tuple[str, str]]:
    """Return each piece of evidence in words, with which way it speaks: "for", "against" or "neither".

    evidence: [kind, log-odds, value, unit], as in `StopRun.evidence`.
    """
    return [(_piece(kind, log_odds, value, unit), _way(log_odds)) for kind, log_odds, value, unit in evidence]


def _way(log_odds: float) -> str:
    return "for" if log_odds > 0.1 else "against" if log_odds < -0.1 else "neither"


def _piece(kind: str, log_odds: float, value: float | None, unit: str) -> str:
    served = log_odds > 0
    if value is None:
        return str(_WORDLESS[kind][0 if served else 1]) if kind in _WORDLESS else kind
    number = {"n": round(value), "x": f"{value:.1f}", "share": round(100 * value)}
    match kind:
        case "position":
            return _("came as near as %(n)d m") % number
        case "dwell":
            return _("stood %(n)d s") % number
        case "speed":
            return _("speed %(x)s m/s") % number
        case "gap":
            return _("no signal for %(n)d s") % number
        case "cover":
            return _("%(share)d %% of the street driven at collecting speed") % number
        case _:
            word = _WORDLESS[kind][0 if served else 1] if kind in _WORDLESS else kind
            return _("%(what)s (%(value)s %(unit)s)") % {"what": word, "value": f"{value:g}", "unit": unit}


# In words where there is no figure: if it speaks for service, and if against.
_WORDLESS = {
    "position": (gettext_lazy("was at the stop"), gettext_lazy("was not at the stop")),
    "dwell": (gettext_lazy("stood there"), gettext_lazy("did not stand there")),
    "speed": (gettext_lazy("was slow enough to collect"), gettext_lazy("drove past too fast to collect")),
    "order": (gettext_lazy("fits the order of the round"), gettext_lazy("does not fit the order of the round")),
    "gap": (gettext_lazy("the signal was lost"), gettext_lazy("the signal was lost")),
    "crew": (gettext_lazy("the crew says that it is done"), gettext_lazy("the crew says that it could not")),
    "photo": (gettext_lazy("a photo of the crew"), gettext_lazy("a photo of the crew")),
    "resident": (gettext_lazy("a resident says that it came"), gettext_lazy("a resident says that it did not come")),
    "cover": (gettext_lazy("the street was driven"), gettext_lazy("the street was not driven")),
    "neighbour": (gettext_lazy("the stops beside it were served"), gettext_lazy("the stops beside it were not served")),
    "prior": (gettext_lazy("it is usually served"), gettext_lazy("it is often left out")),
}


def outcome_words(outcome: StopRun | None) -> str:
    """Return what became of a stop, with the crew's reason; "Expected" where nothing is decided."""
    if outcome is None:
        return str(OUTCOMES[Outcome.EXPECTED])
    said = str(OUTCOMES[Outcome(outcome.outcome)])
    if outcome.reason and outcome.outcome == Outcome.SKIPPED:
        return _("%(outcome)s: %(reason)s") % {"outcome": said, "reason": REASONS[CrewReason(outcome.reason)]}
    return said


def percent(share: float) -> str:
    """Return a share as whole percent; what is nearly sure is never said to be sure."""
    whole = round(100 * share)
    if whole == 100 and share < 1:
        return _("over %(n)d %%") % {"n": 99}
    if whole == 0 and share > 0:
        return _("under %(n)d %%") % {"n": 1}
    return _("%(n)d %%") % {"n": whole}

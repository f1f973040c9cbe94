"""The plan that is ready beside a run in trouble: who could take what, and what it would cost, in words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from saat.actions.proposals import Ready, who_could_go
from saat.records.models import Run
from saat.terms.recovery import Aim, Proposal, Way, Why
from saat.web.desk.trucks_rows import Clock

_AIMS = {
    Aim.FASTEST: gettext_lazy("Soonest"),
    Aim.GENTLEST: gettext_lazy("Keeps the other promises"),
    Aim.SHORTEST: gettext_lazy("Fewest kilometres"),
}
_WHYS = {
    Why.NO_TRUCK: gettext_lazy("no other truck is on the road"),
    Why.LANE: gettext_lazy("no truck there is narrow enough for the lane"),
    Why.FULL: gettext_lazy("it does not fit into any of the trucks"),
    Why.SHIFT: gettext_lazy("no truck could be there before the end of its shift"),
}


def ready_plan(run: Run, *, clock: Clock) -> dict[str, Any] | None:
    """Return what the page shows of a plan for what a run leaves; None where it leaves nothing or is over."""
    ready = who_could_go(run, now=clock.now) if run.state in ("planned", "running") else None
    if ready is None:
        return None
    return {
        "stops": ready.stops,
        "asked": ready.asked,
        "choices": [_choice(proposal, ready, clock=clock) for proposal in ready.proposals],
    }


def _say(moment_s: float, clock: Clock) -> str:
    return clock.say(datetime.fromtimestamp(moment_s, UTC))


def _choice(proposal: Proposal, ready: Ready, *, clock: Clock) -> dict[str, Any]:
    stays: dict[Why, int] = {}
    for _stop_id, why in proposal.left:
        stays[why] = stays.get(why, 0) + 1
    return {
        "name": _AIMS[proposal.aim],
        "taken": proposal.taken,
        "done": _say(proposal.done_s, clock) if proposal.done_s is not None else "",
        "km": proposal.extra_m / 1000,
        "late": proposal.late_stops,
        "ways": [_way(way, ready, clock=clock) for way in proposal.ways],
        "stays": [
            ngettext("%(count)d stop stays: %(why)s", "%(count)d stops stay: %(why)s", count)
            % {"count": count, "why": _WHYS[why]}
            for why, count in stays.items()
        ],
    }


def _way(way: Way, ready: Ready, *, clock: Clock) -> dict[str, Any]:
    first = next(call for call in way.calls if not call.own)
    return {
        "vehicle": ready.vehicles[way.vehicle_id].label,
        "taken": len(way.taken),
        "first": _say(first.arrives_s, clock),
        "km": way.extra_m / 1000,
        "later": _("%(minutes)d min later done with the own round") % {"minutes": round(way.extra_s / 60)},
        "late": way.late_stops,
    }

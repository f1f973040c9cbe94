"""Whether a plan can be driven: worked out anew from the places and the clock, by nothing that made it."""

from __future__ import annotations

from collections.abc import Sequence

from saat.recovery.travel import DETOUR, SPEED_MPS
from saat.terms.geo import Point, distance_m
from saat.terms.recovery import Helper, Left, Proposal

_ROUNDING = 1.01  # a flat map and a round one differ by less than this within a city


def faults_of(proposal: Proposal, *, left: Sequence[Left], helpers: Sequence[Helper]) -> list[str]:
    """Return what is wrong with a proposal, in plain words for a log; empty if it can be driven.

    Checked: every stop is taken once or named as staying; own stops are all there, in their order; nobody arrives
    sooner than the way allows, leaves before the work is done, works after the shift or takes more than fits.
    """
    wanted, known = {stop.stop_id: stop for stop in left}, {helper.vehicle_id: helper for helper in helpers}
    faults = []
    given = [stop_id for way in proposal.ways for stop_id in way.taken] + [stop_id for stop_id, _ in proposal.left]
    if sorted(given) != sorted(wanted):
        faults.append("The stops taken and the stops that stay are not the stops that were left.")
    for way in proposal.ways:
        helper = known.get(way.vehicle_id)
        if helper is None:
            faults.append(f"Nobody knows vehicle {way.vehicle_id}.")
            continue
        own = {stop.stop_id: stop for stop in helper.own}
        if [call.stop_id for call in way.calls if call.own] != list(own):
            faults.append(f"Vehicle {way.vehicle_id} does not keep its own stops in their order.")
            continue
        if helper.free_kg is not None and sum(wanted[stop_id].load_kg for stop_id in way.taken) > helper.free_kg:
            faults.append(f"Vehicle {way.vehicle_id} is asked to take more than fits.")
        if not helper.narrow and any(wanted[stop_id].lane for stop_id in way.taken):
            faults.append(f"Vehicle {way.vehicle_id} is too wide for a lane on its way.")
        here, free_s = Point(lat=helper.lat, lon=helper.lon), helper.from_s
        for call in way.calls:
            stop = own[call.stop_id] if call.own else wanted[call.stop_id]
            there = Point(lat=stop.lat, lon=stop.lon)
            if (call.arrives_s - free_s) * _ROUNDING + 1.0 < distance_m(here, there) * DETOUR / SPEED_MPS:
                faults.append(f"Vehicle {way.vehicle_id} cannot be at stop {call.stop_id} so soon.")
            if call.leaves_s < call.arrives_s + stop.dwell_s - 1.0:
                faults.append(f"Vehicle {way.vehicle_id} leaves stop {call.stop_id} before it is done.")
            here, free_s = there, call.leaves_s
        if way.calls and way.calls[-1].leaves_s > helper.until_s + 1.0:
            faults.append(f"Vehicle {way.vehicle_id} would work after its shift.")
    return faults

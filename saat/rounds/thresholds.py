"""Every threshold of the follower in one place; docs/follower.md says why each has its value and what measured it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The figures by which a truck is followed. Metres, seconds, metres a second; `_log` are natural log-odds.

    Cleaning:
    oldest_s: positions before this moment (2015) come from a device that does not know the time. ahead_s: so far may a
    device's clock be ahead of ours. clock_fast_s, clock_slow_s: from here on a clock that is always ahead, or always
    behind by the same amount, is mended. clock_share, clock_least: this share of at least so many positions must agree.
    fastest_mps: no truck is faster. coarse_m: less accurate positions are signs of life, not places.

    Standing:
    slow_mps: below this the truck stands, by its device's own speed. slow_leg_mps: the same from places alone.
    apart_m: places further apart than this (and half the accuracy) are two visits. rejoin_s: a visit that goes on at
    the same place within this time is one. lost_s: a leg that took so much longer than driving hides a visit.
    gap_s, gap_steps: no position for so long, or for so many usual intervals, is a gap. parked_s: a parked vehicle is
    heard at least as often.

    Matching a visit with a stop:
    place_m: how far from its stop a truck stands (one sigma, without the fix's own error). reach_sigmas: no match
    beyond. drift, drift_m: so often a place is off by so much more than the device says. crawl_mps: a leg is taken to
    need no more time than at this speed. hidden_s, hidden_most: log-odds against a collection that shows only as time
    lost between two positions: hidden_s over the seconds between them, and no more than hidden_most. stray_m: mean way
    between standings that are no collections. twin, twin_m: chance that a stand served a second stop so near to it,
    too. long_s: a stand so long may have held a collection of any stop beside it. skip: prior odds of a stop not being
    served. jump: probability that the order is left. same: weight of a second visit at one stop. reverse: prior of a
    round that is driven backwards. lag: telling visits in a block of the smoothing.

    Deciding:
    served, missed: probabilities from which a stop is collected, to which it is missed. prior_served: share of stops
    that are served where nothing is known of a stop. on_stops, on_m: a truck has gone on when it served so many later
    stops and is so far away. past_m: it came past a stop. off_m: it is off the round. gap_mps, gap_stand_s: how fast a
    truck may have driven unseen, and how long a collection takes at least. gap_astray: how likely a collection fell
    into a gap out of its turn; gap_beside: the same, if it was nearly its turn. unseen: chance that a collection leaves
    no visit where the truck was seen all the time. neighbour: how many stops around one are looked at to know its turn.
    silent_s, silent_steps: a device that is not heard for so long, or for so many usual intervals, is silent.
    over_s: no collection for so long after the planned end: the run is over. late_s: so long after that nobody waits
    for a vehicle that fell silent. slow_feed_s: a tracker that sends more rarely cannot tell single stops.

    Whose run it is:
    helper_stops, helper_near_m, helper_stood_s, helper_late_s: a vehicle serves a run that is not its own when it stood
    near so many of its stops for so long, not later than this after their windows.

    Kerbs:
    kerb_near_m, kerb_mps: a place of a line is covered by a truck that comes so near and so slowly. kerb_wide_m:
    collecting so near beside a line may have been collecting along it. kerb_served, kerb_some: share of the line from
    which it is collected, or partly. kerb_middle: share at which either is as likely.
    """

    oldest_s: float = 1_420_070_400.0
    ahead_s: float = 60.0
    clock_fast_s: float = 60.0
    clock_slow_s: float = 300.0
    clock_share: float = 0.5
    clock_least: int = 10
    fastest_mps: float = 35.0
    coarse_m: float = 300.0

    slow_mps: float = 1.1
    slow_leg_mps: float = 1.6
    apart_m: float = 12.0
    rejoin_s: float = 20.0
    lost_s: float = 4.0
    gap_s: float = 60.0
    gap_steps: float = 3.5
    parked_s: float = 900.0

    place_m: float = 7.0
    reach_sigmas: float = 4.0
    stray_m: float = 400.0
    drift: float = 0.04
    drift_m: float = 30.0
    crawl_mps: float = 3.0
    hidden_s: float = 60.0
    hidden_most: float = 5.5
    twin: float = 0.03
    twin_m: float = 12.0
    long_s: float = 400.0
    skip: float = 0.06
    jump: float = 0.01
    same: float = 0.3
    reverse: float = 0.05
    lag: int = 6

    served: float = 0.9
    missed: float = 0.1
    prior_served: float = 0.95
    on_stops: int = 3
    on_m: float = 300.0
    past_m: float = 40.0
    off_m: float = 500.0
    gap_mps: float = 12.0
    gap_stand_s: float = 8.0
    gap_astray: float = 0.001
    gap_beside: float = 0.02
    unseen: float = 0.001
    neighbour: int = 12
    silent_s: float = 180.0
    silent_steps: float = 5.0
    over_s: float = 1800.0
    late_s: float = 7200.0

    slow_feed_s: float = 45.0

    helper_stops: int = 3
    helper_near_m: float = 30.0
    helper_stood_s: float = 8.0
    helper_late_s: float = 5400.0

    kerb_near_m: float = 25.0
    kerb_wide_m: float = 45.0
    kerb_mps: float = 3.0
    kerb_served: float = 0.8
    kerb_some: float = 0.3
    kerb_middle: float = 0.65


THRESHOLDS = Thresholds()

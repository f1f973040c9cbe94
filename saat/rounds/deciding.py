"""From probabilities to outcomes: served, missed because the truck has clearly gone on, unknown because nobody saw.

METHOD of a missed stop: its probability is low, no gap may hide the visit, and its turn is over: the truck came past
and went on to serve others, or the run is over. Time alone makes a stop unknown at most, and only where a tracker was
silent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from saat.rounds.fitting import Fit, Ground
from saat.rounds.judging import dwell_log, served_probability
from saat.rounds.passing import Gap
from saat.rounds.thresholds import THRESHOLDS
from saat.terms.plan import RunPlan, SiteKind
from saat.terms.position import Flag
from saat.terms.run import CrewReason, CrewWord, Evidence, Outcome

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

_CODE = {outcome: i for i, outcome in enumerate(Outcome)}
_BAD = frozenset({CrewReason.BLOCKED, CrewReason.FULL, CrewReason.BROKEN, CrewReason.FLOODED})


@dataclass(slots=True)
class Told:
    """What is known of each of n stops, as arrays; NaN where unknown. outcome: index in Outcome. by: vehicle, or -1."""

    outcome: NDArray[np.intp]
    p: Floats
    arrived_s: Floats
    left_s: Floats
    by: NDArray[np.intp]
    share: Floats
    blind_from_s: Floats
    blind_to_s: Floats
    words: Floats
    chance: Floats
    unseen: Floats
    hidden: Floats
    near_m: Floats
    stood_s: Floats
    apart_m: Floats
    usual_s: Floats
    settle: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    started_s: float | None = None
    finished_s: float | None = None
    reached: int = -1
    reverse: bool = False
    progress_s: dict[int, float] = field(default_factory=dict)

    def evidence(self, i: int) -> tuple[Evidence, ...]:
        """Return what speaks for and against a stop's having been served, the strongest first."""
        made = []
        if self.stood_s[i] == self.stood_s[i]:
            stood = float(dwell_log(self.stood_s[i : i + 1], self.usual_s[i : i + 1])[0])
            made.append(
                Evidence(kind="dwell", log_odds=round(stood, 2), value=round(float(self.stood_s[i]), 1), unit="s")
            )
        if np.isfinite(self.near_m[i]):
            made.append(
                Evidence(
                    kind="position", log_odds=round(_odds(self.chance[i]), 2), value=round(float(self.near_m[i]), 1),
                    unit="m",
                )
            )  # fmt: skip
        if self.share[i] == self.share[i]:
            made.append(
                Evidence(kind="cover", log_odds=round(_odds(self.chance[i]), 2), value=float(self.share[i].round(2)))
            )
        if round(float(self.hidden[i]), 2) > 0.01:
            value = self.blind_to_s[i] - self.blind_from_s[i]
            made.append(
                Evidence(kind="gap", log_odds=0.0, value=None if value != value else round(float(value)), unit="s")
            )
        if self.words[i]:
            made.append(
                Evidence(kind="crew" if self.reasons[i] else "resident", log_odds=round(float(self.words[i]), 2))
            )
        return tuple(sorted(made, key=lambda e: -abs(e.log_odds)))


def _odds(p: float) -> float:
    # In hundredths, so that evidence does not change with what nobody would notice.
    p = min(max(round(float(p), 2), 0.01), 0.99)
    return float(np.log(p / (1 - p)))


def decide(
    plan: RunPlan, ground: Ground, fits: Sequence[Fit], *, now_s: float, vehicles: Sequence[tuple[int, bool]],
    words: Floats, crew: Sequence[CrewWord], prior: Mapping[int, float] | None,
) -> Told:  # fmt: skip
    """Return what is known of each stop at a moment, from all vehicles of the run together."""
    n = len(plan.stops)
    usual = _priors(plan, prior)
    told = _union(plan, ground, fits, n)
    reverse = told.reverse
    told.words = words
    turns = _turns(told, reverse)
    _blind(ground, fits, told, turns, now_s, plan, vehicles)
    p = served_probability(
        chance=told.chance, unseen=told.unseen, prior=usual, hidden=told.hidden, words=words
    )  # fmt: skip
    lanes, heads = ground.lanes, ground.heads_of_lanes
    if len(lanes):
        p[lanes] = served_probability(
            chance=p[heads] * 0.98, unseen=np.zeros(len(lanes)), prior=usual[lanes], hidden=np.zeros(len(lanes)),
            words=words[lanes],
        )  # fmt: skip
        for values in (told.arrived_s, told.left_s, told.blind_from_s, told.blind_to_s, told.hidden):
            values[lanes] = values[heads]
        told.by[lanes] = told.by[heads]
    told.p = p
    over = _over(plan, ground, fits, told, now_s)
    gone = _gone_on(ground, fits, turns, now_s)
    heard_s = _heard_s(plan, ground, fits, told, now_s)
    ended = gone | over
    # What nobody hears is not missed by the clock: a stop is missed by what had been heard until then.
    sure = (
        ended if heard_s == now_s else _gone_on(ground, fits, turns, heard_s) | _over(plan, ground, fits, told, heard_s)
    )
    ended[lanes], sure[lanes] = ended[heads], sure[heads]
    _outcomes(ground, told, over=over, ended=ended, sure=sure, now_s=now_s, vehicles=vehicles, fits=fits)
    _crew(plan, told, crew)
    done = np.flatnonzero((told.outcome != _CODE[Outcome.EXPECTED]) & (told.outcome != _CODE[Outcome.UNKNOWN]))
    if len(done):
        told.reached = int(done.min() if reverse else done.max())
        if len(done) == n or over:
            told.finished_s = float(np.nanmax(told.left_s)) if np.isfinite(told.left_s).any() else None
    return told


def _priors(plan: RunPlan, prior: Mapping[int, float] | None) -> Floats:
    if not prior:
        return np.full(len(plan.stops), THRESHOLDS.prior_served)
    usual = [prior.get(stop.stop_id, THRESHOLDS.prior_served) for stop in plan.stops]
    return np.clip(np.array(usual), 0.05, 0.99)


def _union(plan: RunPlan, ground: Ground, fits: Sequence[Fit], n: int) -> Told:
    """Put together what each vehicle did."""
    nan = np.full(n, np.nan)
    told = Told(
        outcome=np.zeros(n, dtype=np.intp), p=np.zeros(n), arrived_s=nan.copy(), left_s=nan.copy(),
        by=np.full(n, -1, dtype=np.intp), share=nan.copy(), blind_from_s=nan.copy(), blind_to_s=nan.copy(),
        words=np.zeros(n), chance=np.zeros(n), unseen=np.zeros(n), hidden=np.zeros(n), near_m=np.full(n, np.inf),
        stood_s=nan.copy(), apart_m=nan.copy(), usual_s=ground.dwell_s,
    )  # fmt: skip
    none = np.ones(n)
    best = np.zeros(n)
    back = 0.0
    covered = None
    for fit in fits:
        none *= 1.0 - fit.chance
        better = fit.chance > np.maximum(best, 0.5)
        if better.any():
            told.arrived_s[better], told.left_s[better] = fit.arrived_s[better], fit.left_s[better]
            told.stood_s[better] = fit.left_s[better] - fit.arrived_s[better]
            told.by[better] = fit.track.vehicle_id
            best = np.maximum(best, fit.chance)
            told.progress_s[fit.track.vehicle_id] = float(np.nanmax(fit.left_s[better]))
        told.unseen += fit.passing.unseen + fit.twin
        np.minimum(told.near_m, fit.passing.near_m, out=told.near_m)
        back = max(back, fit.backwards)
        covered = fit.kerbs.covered if covered is None else covered | fit.kerbs.covered
    told.unseen = np.minimum(told.unseen, 0.9)
    told.chance = 1.0 - none
    told.reverse = back > 0.5
    if ground.kerb.any():
        _kerbs(ground, fits, told, covered)
    if np.isfinite(told.arrived_s).any():
        told.started_s = float(np.nanmin(told.arrived_s))
    return told


def _kerbs(ground: Ground, fits: Sequence[Fit], told: Told, covered: Bools | None) -> None:
    """A kerb is judged by the share of its line that all vehicles together covered."""
    kerb = ground.kerb
    if not fits or covered is None:
        told.share[kerb] = 0.0
        return
    share = fits[0].kerbs.shares(covered)
    told.share[kerb] = share[kerb]
    middle = THRESHOLDS.kerb_middle
    told.chance[kerb] = np.clip(1.0 / (1.0 + np.exp(-(share[kerb] - middle) * 16.0)), 0.0, 0.98)
    # A truck that collected along a line beside it may have been wrongly placed: then nobody can tell.
    beside = np.logical_or.reduce([fit.kerbs.beside for fit in fits])
    maybe = fits[0].kerbs.shares(beside)[kerb] >= THRESHOLDS.kerb_middle
    told.chance[kerb] = np.maximum(told.chance[kerb], np.where(maybe, 0.4, 0.0))
    for fit in fits:
        mine = kerb & (fit.kerbs.shares() > THRESHOLDS.kerb_some)
        told.arrived_s[mine], told.left_s[mine] = fit.kerbs.first_s[mine], fit.kerbs.last_s[mine]
        told.by[mine] = fit.track.vehicle_id
        if mine.any():
            vehicle_id = fit.track.vehicle_id
            last_s = float(fit.kerbs.last_s[mine].max())
            told.progress_s[vehicle_id] = max(told.progress_s.get(vehicle_id, last_s), last_s)


@dataclass(slots=True)
class Turns:
    """Between which moments the turn of each of n stops lies.

    first_s: when the stop before it in the driven order was left (-inf if none near was). next_s: when the one after it
    was reached (inf). before_s, after_s: the same with one more stop on either side, since a match may be wrong.
    later: how many later stops were served.
    """

    first_s: Floats
    next_s: Floats
    before_s: Floats
    after_s: Floats
    later: NDArray[np.intp]


def _turns(told: Told, reverse: bool) -> Turns:
    """Return the turns of the stops. By lists: a loop over sixty numbers costs less than as many calls into arrays."""
    n = len(told.chance)
    step = -1 if reverse else 1
    served = (told.chance > 0.5).tolist()[::step]
    arrived, left = told.arrived_s.tolist()[::step], told.left_s.tolist()[::step]
    most = THRESHOLDS.neighbour
    first, before, following, after, later = [0.0] * n, [0.0] * n, [0.0] * n, [0.0] * n, [0] * n
    last_s, second_s, since = -np.inf, -np.inf, most + 1
    for i in range(n):
        first[i], before[i] = (last_s, second_s) if since <= most else (-np.inf, -np.inf)
        since += 1
        if served[i]:
            second_s, last_s, since = min(last_s, left[i]), left[i], 1
    next_s, second_s, since, count = np.inf, np.inf, most + 1, 0
    for i in range(n - 1, -1, -1):
        following[i], after[i] = (next_s, second_s) if since <= most else (np.inf, np.inf)
        later[i] = count
        since += 1
        if served[i]:
            second_s, next_s, since, count = max(next_s, arrived[i]), arrived[i], 1, count + 1
    return Turns(
        np.array(first[::step]), np.array(following[::step]), np.array(before[::step]), np.array(after[::step]),
        np.array(later[::step], dtype=np.intp),
    )  # fmt: skip


def silent_for(fit: Fit, now_s: float) -> float:
    """Return for how many seconds a vehicle has been silent for longer than it usually is; 0 if it has not."""
    for_s = now_s - fit.track.seen_s
    return for_s if for_s > _patience_s(fit) else 0.0


def _patience_s(fit: Fit) -> float:
    """Return for how long nothing need be heard of a vehicle before it counts as silent."""
    usual_s = max(THRESHOLDS.silent_s, THRESHOLDS.silent_steps * fit.track.interval)
    return max(usual_s, THRESHOLDS.parked_s) if fit.track.flags & Flag.HEARTBEAT else usual_s


def _blind(
    ground: Ground, fits: Sequence[Fit], told: Told, turns: Turns, now_s: float, plan: RunPlan,
    vehicles: Sequence[tuple[int, bool]],
) -> None:  # fmt: skip
    """Note for each stop how likely a collection of it fell into a span in which its truck was not heard."""
    # A device most of whose times cannot be true tells nothing of what it did not do.
    heard = {fit.track.vehicle_id for fit in fits if fit.track.faults.get("clock", 0) <= 10 + 0.1 * fit.track.count}
    substituted = any(inferred and vehicle_id in heard for vehicle_id, inferred in vehicles)
    opens_s = plan.midnight_s + plan.starts_s
    if (not substituted and any(vehicle_id not in heard for vehicle_id, _ in vehicles)) or not vehicles:
        told.hidden[:] = 1.0
        told.blind_from_s[:] = opens_s
        told.blind_to_s[:] = max(now_s, opens_s)
        return
    crossed = turns.first_s > turns.next_s
    over_s = _over_s(plan, ground, told)
    for fit in fits:
        track = fit.track
        first_s = track.t0 + track.path[0]
        # Before its first word, and after its last, a truck may have been anywhere.
        unheard = (
            [Gap(opens_s, first_s, track.x, track.y, track.x, track.y)] if first_s > opens_s + THRESHOLDS.gap_s else []
        )
        if silent_for(fit, now_s) and not _home(plan, fit, told.progress_s.get(track.vehicle_id, np.inf)):
            unheard.append(Gap(track.seen_s, now_s, track.x, track.y, track.x, track.y))
        for gap in [*fit.passing.gaps, *unheard]:
            if gap.until_s < ground.from_s or gap.from_s > over_s:
                continue
            turn = ((gap.until_s > turns.first_s - 30.0) & (gap.from_s < turns.next_s + 30.0)) | crossed
            almost = (gap.until_s > turns.before_s) & (gap.from_s < turns.after_s)
            can = np.ones(len(turn), dtype=bool) if gap in unheard else gap.reaches(fit.x_m, fit.y_m)
            weight = np.where(turn, 1.0, np.where(almost, THRESHOLDS.gap_beside, THRESHOLDS.gap_astray)) * can
            more = weight > told.hidden
            if more.any():
                told.hidden[more] = weight[more]
                shown = more & turn
                told.blind_from_s[shown], told.blind_to_s[shown] = gap.from_s, gap.until_s
    if not fits:
        told.hidden[:] = 1.0


def _over(plan: RunPlan, ground: Ground, fits: Sequence[Fit], told: Told, now_s: float) -> bool:
    """Return whether nothing more will be collected on this run."""
    last_s = max(told.progress_s.values(), default=-np.inf)
    ends_s = plan.midnight_s + plan.ends_s
    if now_s > _over_s(plan, ground, told):
        return True
    if not fits or last_s == -np.inf:
        return False
    turned = float((told.chance > 0.5).mean()) >= 0.6
    return (turned or now_s > ends_s - 1800.0) and all(_home(plan, fit, last_s) for fit in fits)


def _over_s(plan: RunPlan, ground: Ground, told: Told) -> float:
    """Return from when on nothing more is expected of the run, unless something more is collected."""
    ends_s = plan.midnight_s + plan.ends_s
    closes_s = float(ground.closes_s.max(initial=ends_s))
    if not told.progress_s:
        return max(ends_s + plan.grace_s, closes_s - plan.grace_s)
    return max(ends_s, closes_s, *told.progress_s.values()) + THRESHOLDS.over_s


def _home(plan: RunPlan, fit: Fit, last_s: float) -> bool:
    """Return whether a vehicle went back to its depot after its last collection and stood there for a while."""
    track = fit.track
    if not track.open or track.began < last_s or track.ended - track.began < 300.0:
        return False
    for site in plan.sites:
        if site.kind is SiteKind.DEPOT:
            x, y = track.xy(np.array([site.lat]), np.array([site.lon]))
            if np.hypot(x[0] - track.vx, y[0] - track.vy) <= site.radius_m + 50.0:
                return True
    return False


def _heard_s(plan: RunPlan, ground: Ground, fits: Sequence[Fit], told: Told, now_s: float) -> float:
    """Return until when anything was heard of the run: now, unless all its vehicles have fallen silent on the road.

    Long after the run it is now again: whoever is not heard by then will not be.
    """
    if not fits or now_s > _over_s(plan, ground, told) + THRESHOLDS.late_s:
        return now_s
    for fit in fits:
        if not silent_for(fit, now_s) or _home(plan, fit, told.progress_s.get(fit.track.vehicle_id, np.inf)):
            return now_s
    return max(fit.track.seen_s + _patience_s(fit) for fit in fits)


def _gone_on(ground: Ground, fits: Sequence[Fit], turns: Turns, now_s: float) -> Bools:
    """Return of which stops the turn is clearly over, because a truck came past or around and went on."""
    far_m = np.full(len(turns.later), np.inf)
    past = np.zeros(len(turns.later), dtype=bool)
    for fit in fits:
        here = np.hypot(fit.x_m - fit.track.x, fit.y_m - fit.track.y)
        np.minimum(far_m, np.maximum(fit.passing.far_m, here), out=far_m)
        past |= (fit.passing.pass_s >= turns.first_s - 60.0) & (fit.passing.pass_s <= turns.next_s + 3600.0)
    done = (turns.later >= THRESHOLDS.on_stops) & (far_m >= THRESHOLDS.on_m)
    between = np.isfinite(turns.first_s) & np.isfinite(turns.next_s) & (turns.first_s <= turns.next_s)
    gone: Bools = done & ((between & past) | (now_s > ground.closes_s))
    return gone


def _outcomes(
    ground: Ground, told: Told, *, over: bool, ended: Bools, sure: Bools, now_s: float,
    vehicles: Sequence[tuple[int, bool]], fits: Sequence[Fit],
) -> None:  # fmt: skip
    """Decide each stop. over: so is the run. ended: its turn is over by the clock; sure: and by what was heard."""
    p = told.p
    due = now_s > ground.closes_s
    served = p >= THRESHOLDS.served
    outcome = np.full(len(p), _CODE[Outcome.EXPECTED], dtype=np.intp)
    blind = told.hidden > 0.5
    silent = any(silent_for(fit, now_s) for fit in fits) or len(fits) < len(vehicles)
    # A stop whose turn is over, and of which too little was seen, is unknown; so is one that is overdue in silence.
    outcome[ended | (due & blind & silent)] = _CODE[Outcome.UNKNOWN]
    missed = sure & (p <= THRESHOLDS.missed) & ~blind
    outcome[missed] = _CODE[Outcome.MISSED]
    kerb = ground.kerb
    if kerb.any():
        some = kerb & ended & ~blind & (told.share > THRESHOLDS.kerb_some) & (told.share < THRESHOLDS.kerb_served)
        outcome[some] = _CODE[Outcome.PARTIAL]
        none = kerb & ended & ~blind & (told.share <= THRESHOLDS.kerb_some) & (p <= THRESHOLDS.missed)
        outcome[none] = _CODE[Outcome.MISSED]
    seen = served & ((told.chance > 0.5) | (told.words > 2.0) | _lanes(ground, told))
    outcome[seen] = _CODE[Outcome.COLLECTED]
    late = seen & (told.arrived_s > ground.closes_s)
    outcome[late] = _CODE[Outcome.LATE]
    told.outcome = outcome
    told.blind_from_s[~blind | seen] = np.nan
    told.blind_to_s[~blind | seen] = np.nan
    unknown = _CODE[Outcome.UNKNOWN]
    # While it is out the crew is asked; after that, those who put the rubbish out.
    ask = "resident" if over else "crew"
    told.settle = [ask if code == unknown else "" for code in outcome.tolist()]
    told.reasons = [""] * len(p)


def _lanes(ground: Ground, told: Told) -> Bools:
    """Return which stops are lanes whose meeting point was served."""
    lanes = np.zeros(len(told.p), dtype=bool)
    lanes[ground.lanes] = told.chance[ground.heads_of_lanes] > 0.5
    return lanes


def _crew(plan: RunPlan, told: Told, crew: Sequence[CrewWord]) -> None:
    """What the crew said of a stop stands beside what was seen; "could not" makes it skipped, not missed."""
    index = {stop.stop_id: i for i, stop in enumerate(plan.stops)} if crew else {}
    for word in sorted(crew, key=lambda one: one.said_s):
        i = index.get(word.stop_id) if word.stop_id is not None else None
        if i is None:
            continue
        told.reasons[i] = word.reason.value
        if word.reason in _BAD:
            told.outcome[i] = _CODE[Outcome.SKIPPED]
        elif word.reason is CrewReason.NOT_PRESENTED:
            told.outcome[i] = _CODE[Outcome.NOT_PRESENTED]
        told.settle[i] = ""

"""What a tracker tells of a motion: fixes at an interval, wrong by metres, late, twice, or not at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import lfilter

from saat.rounds.simulation.driving import Motion
from saat.rounds.simulation.streets import Floats, Plane
from saat.rounds.simulation.troubles import Trouble
from saat.terms.position import Flag, Position

_HEARTBEAT_S = 300.0
_CORRELATED_S = 45.0


@dataclass(frozen=True, slots=True)
class Silence:
    """A span in which nothing comes through, seconds since 1970. kept: what the device took comes when it ends."""

    from_s: float
    to_s: float
    kept: bool = False


def hear(
    motion: Motion, plane: Plane, *, device_id: int, interval_s: float, troubles: frozenset[Trouble],
    noise_m: tuple[float, float], outages: list[Silence], rng: np.random.Generator,
    before_s: float, after_s: float,
) -> list[Position]:  # fmt: skip
    """Return what comes of one vehicle's motion, unsorted.

    interval_s: seconds between fixes while the engine runs; before and after (until before_s, after_s: seconds since
    1970), and while it is parked, there is a sign of life every five minutes. outages: of the whole feed.
    """
    device = rng.uniform(size=4)
    sigma = noise_m[0] + (noise_m[1] - noise_m[0]) * device[0]
    t_s, parked = _moments(motion, interval_s, before_s, after_s, rng)
    t_s, parked = _without(t_s, parked, _gaps(motion, rng) if Trouble.GAPS in troubles else [])
    true_xy = motion.xy(t_s)
    error = _error(t_s, sigma, interval_s, rng)
    tall = np.zeros(len(t_s), dtype=bool)
    if Trouble.DRIFT in troubles:
        tall = _between_houses(motion, true_xy, rng)
        error = error + tall[:, None] * _bend(len(t_s), interval_s, rng)
    seen = true_xy + error
    if Trouble.JUMPS in troubles:
        wild = rng.random(len(t_s)) < 0.004
        seen = seen + wild[:, None] * rng.choice([-1.0, 1.0], (len(t_s), 2)) * rng.uniform(400, 4000, (len(t_s), 2))
    doppler = Trouble.NO_DOPPLER not in troubles
    true_speed = motion.speed_mps(t_s)
    moving = np.maximum(0, true_speed + rng.normal(0, 0.25, len(t_s)))
    speed = np.where(true_speed < 0.2, np.abs(rng.normal(0, 0.15, len(t_s))), moving)
    course = (motion.course_deg(t_s) + rng.normal(0, 6, len(t_s))) % 360
    accuracy = sigma * rng.lognormal(0.1, 0.25, len(t_s)) * np.where(tall, 1.8, 1.0)
    received = t_s + np.minimum(30.0, rng.lognormal(0.4, 0.7, len(t_s)))
    offset = 0.0
    if Trouble.CLOCK in troubles:
        offset = float(rng.choice([-1.0, 1.0]) * rng.uniform(150, 5400))
    received = _kept_back(t_s, received, [*outages, *(_late(motion, rng) if Trouble.LATE in troubles else [])], rng)
    made = []
    for i in np.flatnonzero(np.isfinite(received)):
        lat, lon = plane.latlon(float(seen[i, 0]), float(seen[i, 1]))
        flags = Flag.SIMULATED | (Flag.HEARTBEAT | Flag.IGNITION_OFF if parked[i] else Flag.NONE)
        moves = doppler and true_speed[i] > 0.5
        made.append(
            Position(
                device_id, round(float(t_s[i]) + offset, 1), round(float(received[i]), 2), lat, lon,
                round(float(speed[i]), 2) if doppler else None, round(float(course[i]), 1) if moves else None,
                round(float(accuracy[i]), 1) if device[1] < 0.85 else None, int(flags),
            )
        )  # fmt: skip
    if Trouble.DUPLICATES in troubles:
        twice = [one for one, again in zip(made, rng.random(len(made)) < 0.05, strict=True) if again]
        made += [one._replace(received_s=round(one.received_s + rng.uniform(1, 400), 2)) for one in twice]
    return made


def _moments(
    motion: Motion, interval_s: float, before_s: float, after_s: float, rng: np.random.Generator
) -> tuple[Floats, np.ndarray]:  # type: ignore[type-arg]
    """Return when fixes are taken and which of them are signs of life with the engine off."""
    starts, ends = float(motion.t_s[0]), float(motion.t_s[-1])
    count = int((ends - starts) / interval_s) + 1
    steps = interval_s * np.maximum(0.3, rng.normal(1.0, 0.04, count))
    running = starts + rng.uniform(0, interval_s) + np.cumsum(steps)
    spans = [(before_s, starts), (ends, after_s), *motion.parked]
    running = running[running < ends]
    for start, end in motion.parked:
        running = running[(running < start) | (running > end)]
    still = np.concatenate([np.arange(start + rng.uniform(0, 60), end, _HEARTBEAT_S) for start, end in spans])
    t_s = np.concatenate([running, still])
    parked = np.concatenate([np.zeros(len(running), dtype=bool), np.ones(len(still), dtype=bool)])
    order = np.argsort(t_s)
    return np.round(t_s[order], 1), parked[order]


def _without(t_s: Floats, parked: np.ndarray, gaps: list[tuple[float, float]]) -> tuple[Floats, np.ndarray]:  # type: ignore[type-arg]
    keep = np.ones(len(t_s), dtype=bool)
    for start, end in gaps:
        keep &= (t_s < start) | (t_s > end)
    return t_s[keep], parked[keep]


def _gaps(motion: Motion, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Return spans that the tracker slept through: half of them longer than three minutes, none longer than 15."""
    starts = rng.uniform(motion.t_s[0], motion.t_s[-1], 1 + rng.poisson(2.0))
    return [(float(s), float(s + np.clip(rng.lognormal(np.log(180), 0.9), 45, 900))) for s in starts]


def _error(t_s: Floats, sigma: float, interval_s: float, rng: np.random.Generator) -> Floats:
    """Return errors (n, 2) in metres whose distance has the standard deviation sigma, correlated over 45 s."""
    wander = _wander(len(t_s), interval_s, _CORRELATED_S, rng)
    return wander * np.sqrt(max(0.1, sigma**2 / 2 - 1.0)) + rng.normal(0, 1.0, (len(t_s), 2))


def _wander(count: int, interval_s: float, tau_s: float, rng: np.random.Generator) -> Floats:
    """Return a random walk drawn back to zero: (n, 2), standard deviation 1 on each axis."""
    keep = float(np.exp(-interval_s / tau_s))
    fresh = rng.normal(0, np.sqrt(1 - keep**2), (count, 2))
    if count:
        fresh[0] /= np.sqrt(1 - keep**2)
    return np.asarray(lfilter([1.0], [1.0, -keep], fresh, axis=0))


def _between_houses(motion: Motion, xy: Floats, rng: np.random.Generator) -> np.ndarray:  # type: ignore[type-arg]
    """Return which fixes lie in one of two quarters of tall houses on the way."""
    tall = np.zeros(len(xy), dtype=bool)
    for share in rng.uniform(0.1, 0.9, 2):
        centre = motion.way_xy[int(share * (len(motion.way_xy) - 1))]
        tall |= np.hypot(*(xy - centre).T) < rng.uniform(80, 220)
    return tall


def _bend(count: int, interval_s: float, rng: np.random.Generator) -> Floats:
    return _wander(count, interval_s, 90.0, rng) * rng.uniform(12, 28)


def _late(motion: Motion, rng: np.random.Generator) -> list[Silence]:
    """Return a span whose positions come hours later: it ends when they come."""
    length = motion.t_s[-1] - motion.t_s[0]
    start = float(motion.t_s[0] + length * rng.uniform(0.05, 0.7))
    taken = float(rng.uniform(900, 5400))
    return [Silence(start, min(start + taken, float(motion.t_s[-1])) + float(rng.uniform(0, 60)), kept=True)]


def _kept_back(t_s: Floats, received: Floats, silences: list[Silence], rng: np.random.Generator) -> Floats:
    """Return when each fix is received; NaN: never."""
    received = received.copy()
    for silence in silences:
        inside = (t_s >= silence.from_s) & (t_s < silence.to_s)
        if not silence.kept:
            received[inside] = np.nan
            continue
        # Half of what was kept back comes as soon as the silence ends, half of the devices keep it for hours.
        upload = silence.to_s + (rng.uniform(3600, 5 * 3600) if rng.random() < 0.6 else rng.uniform(5, 60))
        received[inside] = np.fmax(received[inside], upload + 0.02 * np.arange(inside.sum()))
    return received

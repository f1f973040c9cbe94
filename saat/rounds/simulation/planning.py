"""Rounds for a simulated city: which streets each serves, in which order, where it stops and when."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np

from saat.rounds.simulation.rounding import planned_times
from saat.rounds.simulation.streets import Streets, Way
from saat.terms.plan import PlannedStop, RunPlan, SiteKind, SitePlace, StopKind

# Usual distance between stops, metres: doors of a dense quarter, corners, community stops.
SPACINGS_M = (35.0, 70.0, 150.0)
_MEETING_S = 150.0
_WIDE_M = 100.0


def make_city(
    seed: int,
    *,
    streets: Streets | None = None,
    rounds: int = 12,
    stops: int = 45,
    service_day: date = date(2026, 1, 5),
    days: int = 1,
    spacings_m: Sequence[float] = SPACINGS_M,
    apart: float = 0.0,
    contractors: Sequence[int | None] = (1, 2, 3),
    city_id: int = 1,
    first_run_id: int = 1,
    first_vehicle_id: int = 1,
    utc_offset_s: float = 25_200.0,
    starts_s: tuple[float, float] = (18.5 * 3600, 21.5 * 3600),
) -> tuple[RunPlan, ...]:
    """Return the runs of a city's rounds on some days, the days one after another.

    Round and stop keep their ids from day to day; vehicle `first_vehicle_id + i` drives round `i + 1`. Rounds take
    turns with the spacings and contractors. apart: in rounds with a spacing of 100 m or more, no other stop of the
    round lies within this share of it, on other streets too. streets: a drawn grid where none are given.
    starts_s: when rounds begin, seconds since the local midnight.

    :raises ValueError: if the streets are too few for so many rounds.
    """
    streets = streets or Streets.grid()
    rng = np.random.default_rng([seed, 0])
    left = [way for way in streets.ways() if way.length_m >= 30]
    disposal = _site(streets, 900_001, SiteKind.DISPOSAL, int(np.argmin(streets.xy.sum(axis=1))), 120.0)
    depots = {
        contractor: _site(streets, 900_010 + i, SiteKind.DEPOT, int(rng.integers(len(streets.xy))), 70.0)
        for i, contractor in enumerate(contractors)
    }
    made: list[RunPlan] = []
    for i in range(rounds):
        spacing = spacings_m[i % len(spacings_m)]
        alone_m = apart * spacing if spacing >= _WIDE_M else 0.0
        contractor = contractors[i % len(contractors)]
        chosen, left = _take_ways(streets, left, stops * spacing * (1.1 if not alone_m else 1.6), rng)
        planned = _stops(
            streets, _tour(streets, chosen), spacing, stops, first_id=(i + 1) * 1000, rng=rng, alone_m=alone_m
        )
        begins = 60.0 * round(rng.uniform(*starts_s) / 60)
        plan = RunPlan(
            run_id=first_run_id + i, round_id=i + 1, city_id=city_id, contractor_id=contractor,
            service_day=service_day, midnight_s=0.0, starts_s=begins, ends_s=begins, stops=planned,
            vehicle_ids=(first_vehicle_id + i,), sites=(depots[contractor], disposal),
            capacity_kg=float(rng.choice([0.62, 1.4]) * sum(stop.load_kg for stop in planned)), simulated=True,
            facts={"spacing_m": f"{spacing:g}"},
        )  # fmt: skip
        made.append(planned_times(plan, streets, seed))
    whole = []
    for day in range(days):
        on = service_day + timedelta(days=day)
        midnight = datetime(on.year, on.month, on.day, tzinfo=UTC).timestamp() - utc_offset_s
        for plan in made:
            whole.append(replace(plan, run_id=plan.run_id + day * rounds, service_day=on, midnight_s=midnight))
    return tuple(whole)


def _site(streets: Streets, site_id: int, kind: SiteKind, node: int, radius_m: float) -> SitePlace:
    lat, lon = streets.plane.latlon(*streets.xy[node])
    return SitePlace(site_id=site_id, kind=kind, lat=lat, lon=lon, radius_m=radius_m)


def _take_ways(
    streets: Streets, left: list[Way], length_m: float, rng: np.random.Generator
) -> tuple[list[Way], list[Way]]:
    """Return the ways of one compact round, and those that remain."""
    if sum(way.length_m for way in left) < length_m:
        raise ValueError("There are too few streets for so many rounds; ask for fewer, or give more streets.")
    middle = {way: streets.xy[way.nodes[len(way.nodes) // 2]] for way in left}
    centre = middle[left[int(rng.integers(len(left)))]]
    near = sorted(left, key=lambda way: float(np.hypot(*(middle[way] - centre))))
    chosen: list[Way] = []
    total = 0.0
    for way in near:
        if total >= length_m:
            break
        # A crew leaves some streets of its quarter to others.
        if rng.random() < 0.85:
            chosen.append(way)
            total += way.length_m
    taken = set(chosen)
    return chosen, [way for way in left if way not in taken]


def _tour(streets: Streets, ways: list[Way]) -> list[Way]:
    """Return the ways in the order and direction in which they are driven: always the nearest next."""
    left, tour = list(ways), []
    at = left[0].nodes[0]
    while left:
        for limit in (600.0, np.inf):
            far = streets.distances_m(at, limit_m=limit)
            options = [
                (far[end], i, end != way.nodes[0])
                for i, way in enumerate(left)
                for end in (way.nodes[0], way.nodes[-1])
            ]
            distance, i, backwards = min(options)
            if np.isfinite(distance):
                break
        way = left.pop(i)
        tour.append(Way(way.nodes[::-1], way.length_m, way.main) if backwards else way)
        at = tour[-1].nodes[-1]
    return tour


def _stops(
    streets: Streets, tour: list[Way], spacing_m: float, most: int, *, first_id: int,
    rng: np.random.Generator, alone_m: float,
) -> tuple[PlannedStop, ...]:  # fmt: skip
    """Put stops along a tour; some streets are collected along the kerb, some stops take the rubbish of a lane."""
    made: list[PlannedStop] = []
    since = spacing_m / 2
    for way in tour:
        if len(made) >= most:
            break
        along = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(streets.xy[list(way.nodes)], axis=0).T))])
        if 80 <= way.length_m <= 350 and rng.random() < 0.1:
            made.append(_kerb(streets, way, first_id + len(made), len(made), rng))
            since = 0.0
            continue
        for i in range(1, len(way.nodes)):
            since += along[i] - along[i - 1]
            if since < spacing_m * rng.uniform(0.85, 1.15) or len(made) >= most:
                continue
            if not alone_m or _alone(streets, way.nodes[i], made, alone_m):
                since = 0.0
                made += _point(streets, way, i, first_id + len(made), len(made), rng)
    return tuple(made[:most])


def _alone(streets: Streets, node: int, stops: list[PlannedStop], radius_m: float) -> bool:
    here = streets.xy[node]
    others = np.array([streets.plane.xy(stop.lat, stop.lon) for stop in stops if not stop.served_by]).reshape(-1, 2)
    return bool((np.hypot(*(others - here).T) >= radius_m).all())


def _point(
    streets: Streets, way: Way, i: int, stop_id: int, sequence: int, rng: np.random.Generator
) -> list[PlannedStop]:
    """Return a stop at the kerb beside a node; one in twenty takes what a pushcart brings from a lane."""
    here = streets.xy[way.nodes[i]]
    east, north = here - streets.xy[way.nodes[i - 1]]
    length = max(1e-6, float(np.hypot(east, north)))
    aside = rng.choice([-1.0, 1.0]) * rng.uniform(3, 7)
    across = np.array([-north, east]) / length
    meets = rng.random() < 0.05
    kind = StopKind.TRANSFER if meets else StopKind.POINT
    stop = _stop(streets, here + aside * across, stop_id, sequence, kind, rng)
    if not meets:
        return [stop]
    lane = _stop(streets, here + np.sign(aside) * 60.0 * across, stop_id + 1, sequence + 1, StopKind.TRANSFER, rng)
    return [replace(stop, dwell_s=_MEETING_S), replace(lane, served_by=stop_id)]


def _kerb(streets: Streets, way: Way, stop_id: int, sequence: int, rng: np.random.Generator) -> PlannedStop:
    middle = streets.xy[way.nodes[len(way.nodes) // 2]]
    line = tuple(streets.plane.latlon(*streets.xy[node]) for node in way.nodes)
    stop = _stop(streets, middle, stop_id, sequence, StopKind.KERB, rng)
    return replace(stop, line=line, dwell_s=round(way.length_m / 1.1), load_kg=stop.load_kg * way.length_m / 60)


def _stop(
    streets: Streets, place: np.ndarray, stop_id: int, sequence: int, kind: StopKind, rng: np.random.Generator  # type: ignore[type-arg]
) -> PlannedStop:  # fmt: skip
    lat, lon = streets.plane.latlon(float(place[0]), float(place[1]))
    return PlannedStop(
        stop_id=stop_id, number=f"{stop_id // 1000:02d}-{sequence + 1:03d}", sequence=sequence, kind=kind, lat=lat,
        lon=lon, planned_s=0.0, opens_s=0.0, closes_s=0.0, dwell_s=28.0, load_kg=float(round(rng.lognormal(4.6, 0.5))),
    )  # fmt: skip

"""Measure the follower: a position folded, a run looked at once a minute, and a whole day rebuilt.

python -m bench.follower            measures, beside the raw floor
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict

from saat.rounds.assigning import assign
from saat.rounds.following import RunFollower
from saat.rounds.simulation import Troubles, drive, make_city
from saat.rounds.tracks import Track
from saat.terms.position import Position

RUNS, STOPS, EVERY_S = 8, 60, 10.0
ADD_US, LOOK_MS = 10.0, 0.5  # the goals


def positions_by_vehicle() -> tuple[tuple, dict[int, list[Position]]]:
    """Return plans of 60 stops and what their trackers sent on an ordinary night, by vehicle, in order of time."""
    plans = make_city(4077, rounds=RUNS, stops=STOPS)
    night = drive(plans, 4077, Troubles.ordinary(), EVERY_S)
    by: dict[int, list[Position]] = defaultdict(list)
    vehicles = night.vehicle_of_device
    for position in sorted(night.positions, key=lambda p: (p.fixed_s, p.device_id)):
        by[vehicles[position.device_id]].append(position)
    return plans, by


def fold(by: dict[int, list[Position]]) -> dict[str, float]:
    """Time Track.add, and beside it the floor: a loop that only reads each position's time and place."""
    count = sum(map(len, by.values()))
    start = time.process_time()
    for vehicle_id, positions in by.items():
        track = Track(vehicle_id)
        for position in positions:
            track.add(position)
    folded = time.process_time() - start
    start = time.process_time()
    total = 0.0
    for positions in by.values():
        for position in positions:
            total += position.lat + position.lon + position.fixed_s
    floor = time.process_time() - start
    return {"positions": count, "add_us": folded / count * 1e6, "floor_us": floor / count * 1e6}


def look(plans: tuple, by: dict[int, list[Position]]) -> dict[str, float]:
    """Time a look at each run once a minute while positions trickle in, and one that begins from nothing."""
    tracks = {vehicle_id: Track(vehicle_id) for vehicle_id in by}
    followers = [RunFollower(plan) for plan in plans]
    at = dict.fromkeys(by, 0)
    now_s = min(plan.midnight_s + plan.starts_s for plan in plans)
    end_s = max(plan.midnight_s + plan.ends_s for plan in plans)
    spent, looks = 0.0, 0
    while now_s < end_s:
        for vehicle_id, positions in by.items():
            while at[vehicle_id] < len(positions) and positions[at[vehicle_id]].fixed_s <= now_s:
                if not tracks[vehicle_id].add(positions[at[vehicle_id]]):
                    tracks[vehicle_id] = Track.of(vehicle_id, positions[: at[vehicle_id] + 1])
                at[vehicle_id] += 1
        start = time.process_time()
        for plan, follower in zip(plans, followers, strict=True):
            follower.see(tracks, now_s=now_s, vehicles=[(vehicle_id, False) for vehicle_id in plan.vehicle_ids])
        spent += time.process_time() - start
        looks += len(plans)
        now_s += 60.0
    start = time.process_time()
    for plan in plans:
        RunFollower(plan).see(tracks, now_s=end_s, vehicles=[(vehicle_id, False) for vehicle_id in plan.vehicle_ids])
    anew = (time.process_time() - start) / len(plans)
    start = time.process_time()
    assign(plans, tracks, now_s=end_s)
    assigned = (time.process_time() - start) / len(plans)
    size = sum(
        len(track.path) * 4 + len(track.rows) * 8 + sum(map(sys.getsizeof, vars(track).values()))
        for track in tracks.values()
    )  # fmt: skip
    return {
        "looks": looks, "look_ms": spent / looks * 1e3, "anew_ms": anew * 1e3, "assign_ms": assigned * 1e3,
        "track_kb": size / len(tracks) / 1e3,
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    plans, by = positions_by_vehicle()
    folded = fold(by)
    looked = look(plans, by)
    print(f"{folded['positions']:,} positions at {EVERY_S:g} s, {RUNS} runs of {STOPS} stops, one core")
    print(f"a position folded   {folded['add_us']:.1f} us   goal {ADD_US:g} us, floor {folded['floor_us']:.2f} us")
    print(
        f"a look at a run     {looked['look_ms']:.2f} ms  goal {LOOK_MS:g} ms, {looked['looks']:,} looks, one a minute"
    )
    print(f"the same from nothing {looked['anew_ms']:.1f} ms; assigning {looked['assign_ms']:.2f} ms a run")
    print(f"a track of a night  {looked['track_kb']:.0f} kB")


if __name__ == "__main__":
    main()

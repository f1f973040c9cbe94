"""The follower: reads the position log on, keeps tracks, looks at runs, and writes down what changed.

One step reads what came, lays it on tracks, looks at the runs that it concerns and at those that were not looked at for
a minute (silence is noticed by the clock), and writes what is new about them. Everything that it knows is made anew
from the tables and the log at a start, and the same positions end in the same outcomes and findings.

Times: `now` is the wall clock. Runs are looked at by the clock of their city's trucks (see docs/adr/0007), cases live
by the wall clock.
"""

from __future__ import annotations

import heapq
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from saat.actions.findings import settle
from saat.actions.finishing import finish_run
from saat.actions.following import keep_mark
from saat.actions.log import CLOCK, FOLLOWER
from saat.actions.outcomes import Look, issued_of, write_runs
from saat.actions.runs import plan_runs
from saat.records.device_book import DeviceBook
from saat.records.models import City
from saat.records.plan_values import run_plans
from saat.records.position_log import LogMark, PositionLog
from saat.records.queries_crew import crew_words
from saat.records.queries_findings import open_feed_findings, open_findings
from saat.records.queries_following import (
    ALL,
    LEAD,
    TAIL,
    Part,
    RunToFollow,
    fleet,
    followed_cities,
    mark_of,
    newest_crew_note_id,
    runs_by_id,
    runs_to_close,
    runs_to_follow,
    runs_to_revisit,
    runs_with_notes_since,
    vehicles_on,
    words_stamp,
)
from saat.records.queries_stop_words import newest_stop_word_id, resident_words, runs_with_words_since
from saat.records.round_history import histories_of
from saat.records.truck_clock import simulated_speed, truck_now
from saat.rounds.assigning import assign
from saat.rounds.feeds import feed_findings
from saat.rounds.tracks import Track
from saat.stream.looking import Watched, signature
from saat.stream.pacing import Every
from saat.stream.tracking import Tracking
from saat.terms.history import NO_HISTORY
from saat.terms.run import Finding

log = logging.getLogger(__name__)

_BOOK_S = 1.0  # how often to ask whether devices, words or plans changed
_PLANS_S = 10.0
_AHEAD_S = 600.0  # how often runs are made for the days ahead
_ASSIGN_S = 15.0
_ASSIGN_SHARE = 20.0
_FEEDS_S = 10.0
_LATE_S = 5.0
_MARK_S = 5.0
_LEAST_S = 2.0  # between two looks at one run
_MOST_S = 60.0
_SHARE = 0.5  # of one processor
_LATEST_S = 60.0  # by the trucks' clock
_AGAIN_S = 30.0  # after a look that failed
_TOLD_S = 60.0  # findings that changed only in their figures
_BUDGET_S = 0.5  # of looking, before what was seen is written down
_BATCH = 20_000
_SLACK_S = 6 * 3600.0
_LOOK_BACK_S = 3 * 86_400.0  # for runs of a device that is claimed late
_DAYS = 2

Key = tuple[int, int | None]  # city, contractor


@dataclass(slots=True)
class Group:
    """The rounds and vehicles of one contractor in one city. assign_s: when to ask again who is on what."""

    runs: set[int] = field(default_factory=set)
    vehicles: tuple[int, ...] = ()
    assign_s: float = -1e9


class Follower:
    """One follower with its share of all runs.

    clock: seconds on the process's own clock. tells: False where what it finds is to open no cases, as for the past
    days of a demo.
    """

    def __init__(
        self,
        *,
        positions: PositionLog,
        part: Part = ALL,
        clock: Callable[[], float] = time.monotonic,
        tells: bool = True,
    ) -> None:
        self.part = part
        self._tells = tells
        self.book = DeviceBook()
        self.tracking = Tracking(log=positions, book=self.book)
        self.watched: dict[int, Watched] = {}
        self._positions = positions
        self._clock = clock
        self._groups: dict[Key, Group] = {}
        self._runs_of: dict[int, set[int]] = {}
        self._cities: dict[int, City] = {}
        self._feeds: dict[int, tuple[Finding, ...]] = {}
        self._queue: list[tuple[float, int]] = []
        self._late: dict[int, tuple[float, float]] = {}
        self._mark = LogMark()
        self._kept = LogMark()
        self._vehicles_before: dict[int, set[int]] = {}
        self._owners: dict[int, Key] = {}
        self._words_stamp: tuple[object, ...] = ()
        self._note_id = self._word_id = 0
        self._cost_s, self._least_s = 0.0, _LEAST_S
        self._every = {
            "book": Every(_BOOK_S), "plans": Every(_PLANS_S), "ahead": Every(_AHEAD_S), "feeds": Every(_FEEDS_S),
            "late": Every(_LATE_S), "mark": Every(_MARK_S),
        }  # fmt: skip

    def start(self, now: datetime) -> None:
        """Begin where the follower of this share left off: with the tracks of all open runs, made from the log."""
        self._moved(self.book.refresh())
        self._mark = self._kept = mark_of(self.part.number) or self._positions.end()
        self._note_id, self._word_id = newest_crew_note_id(), newest_stop_word_id()
        self._refresh_plans(now)
        self._feeds = {city_id: open_feed_findings(city_id) for city_id in self._cities}

    def step(self, now: datetime) -> int:
        """Do what there is to do; return how much that was.

        now: aware, the wall clock.
        """
        at_s = self._clock()
        if self._every["book"].due(at_s):
            self._refresh_book(now)
            self._hear_words(now)
        if self._every["ahead"].due(at_s):
            self._plan_ahead(now)
        if self._every["plans"].due(at_s):
            self._refresh_plans(now)
        read, self._mark = self._positions.read_on(self._mark, _BATCH)
        if read:
            folded = self.tracking.fold(read)
            for vehicle_id in folded.touched:
                self._touch(self._runs_of.get(vehicle_id, ()))
            for vehicle_id, span in folded.early.items():
                self._note_late(vehicle_id, *span)
        self._assign(now)
        if self._every["feeds"].due(at_s):
            self._ask_feeds(now)
        if self._late and self._every["late"].due(at_s):
            self._take_late(now)
        looked = self._look(now)
        if self._mark != self._kept and not self._late and self._every["mark"].due(at_s):
            self.keep_mark(now)
        return len(read) + looked

    def keep_mark(self, now: datetime) -> None:
        """Write down how far the log was read; what is of open runs beyond it is found again without that."""
        keep_mark(part=self.part.number, mark=self._mark, now=now)
        self._kept = self._mark

    # ------------------------------------------------------------------------------------------------- what there is

    def _plan_ahead(self, now: datetime) -> None:
        """Make the runs of today and tomorrow; one follower does it for all."""
        if self.part.number == 0:
            for city in followed_cities():
                plan_runs(city.pk, days=_DAYS, now=truck_now(city.pk, now), by=CLOCK)

    def _refresh_plans(self, now: datetime) -> None:
        """Begin to follow the runs whose time has come, and close those whose time is over."""
        self._cities = {city.pk: city for city in followed_cities()}
        wanted: dict[int, RunToFollow] = {}
        for city_id in self._cities:
            moment = truck_now(city_id, now)
            wanted |= {run.run_id: run for run in runs_to_follow(city_id, now=moment) if self._is_mine(run)}
        self._close_over(now)
        for run_id in self.watched.keys() - wanted.keys():
            self._drop(run_id)  # called off, or planned anew
        for watched in self._watch(run for run_id, run in wanted.items() if run_id not in self.watched):
            self.watched[watched.plan.run_id] = watched
            self._groups.setdefault(_key(watched), Group()).runs.add(watched.plan.run_id)
            self._touch([watched.plan.run_id])
        self._refresh_fleet()

    def _refresh_fleet(self) -> None:
        """Keep the tracks of all vehicles that may be on an open run, since two hours before the first of them."""
        of_group: dict[Key, list[int]] = defaultdict(list)
        self._owners = fleet()
        for vehicle_id, key in self._owners.items():
            of_group[key].append(vehicle_id)
        since: dict[int, float] = {}
        for key, group in self._groups.items():
            group.vehicles = tuple(sorted(of_group.get(key, ())))
            if group.runs:
                first_s = min(self.watched[run_id].starts_s for run_id in group.runs) - LEAD.total_seconds()
                since |= dict.fromkeys(group.vehicles, first_s)
        anew = self.tracking.keep_from(since) | self.tracking.trim(since, slack_s=_SLACK_S)
        for group in self._groups.values():
            if not anew.isdisjoint(group.vehicles):
                group.assign_s = -1e9
                self._touch(group.runs)

    def _watch(self, runs: Iterable[RunToFollow]) -> list[Watched]:
        """Read what is to be known of some runs."""
        by_day: dict[tuple[int, date], set[int]] = defaultdict(set)
        for run in runs:
            by_day[run.city_id, run.service_day].add(run.run_id)
        plans = [
            plan
            for (city_id, day), run_ids in by_day.items()
            for plan in run_plans(city_id, day)
            if plan.run_id in run_ids and plan.stops
        ]
        if not plans:
            return []
        run_ids = [plan.run_id for plan in plans]
        histories = histories_of({plan.round_id for plan in plans})
        crew, residents = crew_words(run_ids), resident_words(run_ids)
        before, issued = open_findings(run_ids), issued_of(run_ids)
        return [
            Watched(
                plan=plan,
                rule=self._city(plan.city_id).policy_terms().rounds,
                history=histories.get(plan.round_id, NO_HISTORY),
                crew=crew.get(plan.run_id, ()),
                residents=residents.get(plan.run_id, ()),
                findings=before.get(plan.run_id, ()),
                issued=issued.get(plan.run_id, ()),
            )
            for plan in plans
        ]

    def _city(self, city_id: int) -> City:
        return self._cities[city_id]

    def _drop(self, run_id: int) -> None:
        watched = self.watched.pop(run_id)
        self._groups[_key(watched)].runs.discard(run_id)
        for runs in self._runs_of.values():
            runs.discard(run_id)

    def _is_mine(self, run: RunToFollow) -> bool:
        return self.part.has(run.city_id, run.contractor_id)

    def _refresh_book(self, now: datetime) -> None:
        """Notice claimed devices and changed bindings: their positions count from now on, those in the log too."""
        changed = self.book.refresh()
        moved = self._moved(changed)
        if not moved:
            return
        self.tracking.read_anew(moved)
        for vehicle_id in moved:
            self._touch(self._runs_of.get(vehicle_id, ()))
        for group in self._groups.values():
            if not moved.isdisjoint(group.vehicles):
                group.assign_s = -1e9
        # It may have been on a vehicle whose runs are over.
        for device_id in changed:
            device = self.book.get(device_id)
            for from_s, until_s, vehicle_id in device.bindings if device else ():
                now_s = now.timestamp()
                self._note_late(vehicle_id, max(from_s, now_s - _LOOK_BACK_S), min(until_s, now_s))

    def _moved(self, changed: Iterable[int]) -> set[int]:
        """Return the vehicles on which some devices are, or were when this was last asked."""
        moved: set[int] = set()
        for device_id in changed:
            device = self.book.get(device_id)
            vehicles = {vehicle_id for _, _, vehicle_id in device.bindings} if device else set()
            moved |= vehicles | self._vehicles_before.get(device_id, set())
            self._vehicles_before[device_id] = vehicles
        return moved

    def _hear_words(self, now: datetime) -> None:
        """Notice what crews and residents said, of runs that are over too."""
        stamp = words_stamp()
        if stamp == self._words_stamp:
            return
        self._words_stamp = stamp
        crew, residents = crew_words(self.watched), resident_words(self.watched.keys())
        for run_id, watched in self.watched.items():
            words = crew.get(run_id, ()), residents.get(run_id, ())
            if words != (watched.crew, watched.residents):
                watched.crew, watched.residents = words
                self._touch([run_id])
        over = (runs_with_notes_since(self._note_id) | runs_with_words_since(self._word_id)) - self.watched.keys()
        self._note_id, self._word_id = newest_crew_note_id(), newest_stop_word_id()
        self._revisit([run for run in runs_by_id(over) if self._is_mine(run)], {}, now)

    # ------------------------------------------------------------------------------------------------- who is on what

    def _assign(self, now: datetime) -> None:
        """Ask of each group whose turn it is which vehicles are on which runs."""
        at_s = self._clock()
        for key, group in self._groups.items():
            if not group.runs or at_s < group.assign_s:
                continue
            began_s = self._clock()
            plans = [self.watched[run_id].plan for run_id in sorted(group.runs)]
            tracks = {v: self.tracking.tracks[v] for v in group.vehicles if v in self.tracking.tracks}
            found = assign(plans, tracks, now_s=truck_now(key[0], now).timestamp())
            for vehicle_id in group.vehicles:
                self._runs_of[vehicle_id] = set()
            for run_id in group.runs:
                watched = self.watched[run_id]
                pairs = tuple(found.get(run_id, ()))
                for vehicle_id, _ in pairs:
                    self._runs_of.setdefault(vehicle_id, set()).add(run_id)
                if pairs != watched.pairs:
                    watched.pairs = pairs
                    self._touch([run_id])
            # In a large fleet it takes long, and is asked the less often.
            group.assign_s = at_s + max(_ASSIGN_S, _ASSIGN_SHARE * (self._clock() - began_s))

    def _ask_feeds(self, now: datetime) -> None:
        """Notice when a contractor's trackers go silent together, or are heard again."""
        for city_id, city in self._cities.items():
            moment = truck_now(city_id, now)
            going = [
                watched
                for watched in self.watched.values()
                if watched.plan.city_id == city_id and watched.view and watched.starts_s <= moment.timestamp()
            ]
            before = self._feeds.get(city_id, ())
            found = feed_findings(
                [watched.view for watched in going if watched.view],
                {watched.plan.run_id: watched.plan.contractor_id for watched in going},
                rule=city.policy_terms().rounds,
                now_s=moment.timestamp(),
                before=before,
            )
            if signature(found) == signature(before):
                continue
            self._feeds[city_id] = found
            for contractor_id in {one.contractor_id for one in (*found, *before) if one.contractor_id is not None}:
                own = tuple(one for one in found if one.contractor_id == contractor_id)
                settle(city_id, contractor_id=contractor_id, findings=own, now=now, by=FOLLOWER)
                self._touch(self._groups.get((city_id, contractor_id), Group()).runs)

    # ------------------------------------------------------------------------------------------------- looking

    def _touch(self, run_ids: Iterable[int]) -> None:
        """Look at some runs soon."""
        at_s = self._clock()
        for run_id in run_ids:
            watched = self.watched[run_id]
            due_s = max(at_s, watched.looked_s + self._least_s)
            if due_s < watched.due_s or watched.due_s <= watched.looked_s:
                watched.due_s = due_s
                heapq.heappush(self._queue, (due_s, run_id))

    def _look(self, now: datetime) -> int:
        """Look at the runs that are due, for a bounded time, and write what changed; return how many were looked at."""
        worked_s = time.process_time()
        end_s = self._clock() + _BUDGET_S
        seen: dict[int, list[Watched]] = defaultdict(list)
        while self._queue and self._queue[0][0] <= self._clock() < end_s:
            due_s, run_id = heapq.heappop(self._queue)
            watched = self.watched.get(run_id)
            if watched is None or due_s != watched.due_s:
                continue  # it was dropped, or has another turn
            city_id = watched.plan.city_id
            watched.looked_s = self._clock()
            wait_s = _LATEST_S / (simulated_speed(city_id) or 1.0)
            try:
                watched.look(
                    self.tracking.tracks,
                    now_s=truck_now(city_id, now).timestamp(),
                    feeds=self._feeds.get(city_id, ()),
                    whole=False,
                )
                seen[city_id].append(watched)
            except Exception:
                log.exception("Run %s could not be looked at; it is tried again.", run_id)
                wait_s = _AGAIN_S
            watched.due_s = watched.looked_s + max(wait_s, self._least_s)
            heapq.heappush(self._queue, (watched.due_s, run_id))
        for city_id, some in seen.items():
            self._write(city_id, some, now)
        count = sum(map(len, seen.values()))
        if count:
            self._pace((time.process_time() - worked_s) / count)
        return count

    def _pace(self, cost_s: float) -> None:
        """Look the less often at each run the more of them there are, so that half a processor is enough.

        cost_s: processor time of one look with what it wrote.
        """
        self._cost_s += 0.05 * (cost_s - self._cost_s)
        self._least_s = min(_MOST_S, max(_LEAST_S, len(self.watched) * self._cost_s / _SHARE))

    def _write(self, city_id: int, seen: Sequence[Watched], now: datetime) -> None:
        """Write what was seen of some runs of a city: outcomes in one transaction, and findings where they changed."""
        looks = [Look(watched.plan, watched.view, watched.forecasts, watched.pairs) for watched in seen if watched.view]
        write_runs(city_id, looks, now=truck_now(city_id, now), by=FOLLOWER, logged_at=now)
        at_s = self._clock()
        for watched in seen if self._tells else ():
            told = signature(watched.findings)
            if told == watched.settled and not (told and at_s - watched.told_s > _TOLD_S):
                continue
            settle(city_id, run_id=watched.plan.run_id, findings=watched.findings, now=now, by=FOLLOWER)
            watched.settled, watched.told_s = told, at_s

    # ------------------------------------------------------------------------------------------------- late and over

    def _note_late(self, vehicle_id: int, from_s: float, until_s: float) -> None:
        first, last = self._late.get(vehicle_id, (from_s, until_s))
        self._late[vehicle_id] = min(first, from_s), max(last, until_s)

    def _take_late(self, now: datetime) -> None:
        """Look again at runs that are over and of which late positions came."""
        late, self._late = self._late, {}
        again: dict[int, RunToFollow] = {}
        extra: dict[int, set[int]] = defaultdict(set)
        for vehicle_id, (from_s, until_s) in late.items():
            city_id, contractor_id = self._owners.get(vehicle_id, (0, None))
            if city_id not in self._cities or not self.part.has(city_id, contractor_id):
                continue
            if truck_now(city_id, now).timestamp() - from_s < TAIL.total_seconds():
                continue  # it drives between its runs, and none can be over yet
            span = {"from_at": datetime.fromtimestamp(from_s, UTC), "until_at": datetime.fromtimestamp(until_s, UTC)}
            for run in runs_to_revisit(vehicle_id, **span, now=truck_now(city_id, now)):
                again[run.run_id] = run
                extra[run.run_id].add(vehicle_id)
        self._revisit(again.values(), extra, now)

    def _revisit(self, runs: Iterable[RunToFollow], extra: Mapping[int, set[int]], now: datetime) -> list[Watched]:
        """Look once at runs that are not followed any more, with all that the log holds of them, and write it down.

        extra: vehicles to look at beside those that were on each run.
        """
        watched = self._watch(runs)
        on_them = vehicles_on([one.plan.run_id for one in watched])
        for one in watched:
            vehicles = set(on_them[one.plan.run_id]) | extra.get(one.plan.run_id, set())
            span = one.starts_s - LEAD.total_seconds(), one.ends_s + TAIL.total_seconds()
            found = self.tracking.positions_of(vehicles, from_s=span[0], until_s=span[1])
            tracks = {vehicle_id: Track.of(vehicle_id, positions) for vehicle_id, positions in found.items()}
            now_s = truck_now(one.plan.city_id, now).timestamp()
            one.pairs = assign([one.plan], tracks, now_s=now_s).get(one.plan.run_id, ())
            one.look(tracks, now_s=now_s, feeds=self._feeds.get(one.plan.city_id, ()))
            self._write(one.plan.city_id, [one], now)
        return watched

    def _close_over(self, now: datetime) -> None:
        """Close the runs whose time is over: what they taught is learned, their predictions are scored."""
        for city_id in self._cities:
            moment = truck_now(city_id, now)
            over = [run for run in runs_by_id(runs_to_close(city_id, now=moment)) if self._is_mine(run)]
            unseen = [run for run in over if run.run_id not in self.watched]
            for watched in self._revisit(unseen, {}, now):
                self._close(watched, now)
            for run in over:
                if run.run_id in self.watched:
                    watched = self.watched[run.run_id]
                    watched.look(self.tracking.tracks, now_s=moment.timestamp(), feeds=self._feeds.get(city_id, ()))
                    self._write(city_id, [watched], now)
                    self._close(watched, now)
                    self._drop(run.run_id)

    def _close(self, watched: Watched, now: datetime) -> None:
        if watched.view is None:
            return
        finish_run(
            watched.plan.run_id,
            plan=watched.plan,
            view=watched.view,
            issued=watched.issued,
            now=truck_now(watched.plan.city_id, now),
            by=FOLLOWER,
            logged_at=now,
        )


def _key(watched: Watched) -> Key:
    return watched.plan.city_id, watched.plan.contractor_id

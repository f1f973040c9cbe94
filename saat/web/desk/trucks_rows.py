"""Rows of the list of runs: what of tonight must be acted on first, in words, and its stops as one letter each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from saat.actions.citymap import city_map
from saat.actions.finding_text import FIRST
from saat.records import queries_trucks
from saat.records.models import City, FindingRow, Run
from saat.records.scope import Reach
from saat.records.truck_clock import simulated_speed, truck_now
from saat.terms.case import Role
from saat.terms.run import FindingKind
from saat.web.desk import trucks_words, words
from saat.web.desk.trucks_words import MARK_OF, MARKS, Trouble

# What must be acted on first stands first.
LEVELS = ("risk", "missed", "unknown", "late", "running", "planned", "done")
LEVEL_NAMES = {
    "risk": gettext_lazy("At risk"),
    "missed": gettext_lazy("Missed"),
    "unknown": gettext_lazy("Unknown"),
    "late": gettext_lazy("Late"),
    "running": gettext_lazy("On the road"),
    "planned": gettext_lazy("To come"),
    "done": gettext_lazy("Done"),
}
_LEVEL_OF_FINDING = {
    FindingKind.NOT_STARTED: "risk", FindingKind.STALLED: "risk", FindingKind.WILL_MISS: "risk",
    FindingKind.OFF_ROUND: "risk", FindingKind.MISSED: "missed", FindingKind.SKIPPED: "missed",
    FindingKind.UNKNOWN: "unknown", FindingKind.FEED_SILENT: "unknown", FindingKind.RUNNING_LATE: "late",
}  # fmt: skip
_FAR = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """What time it is on the truck pages. now: of the city's trucks. speed: of simulated trucks, None for real ones."""

    now: datetime
    zone: str
    speed: float | None

    @property
    def today(self) -> Any:
        """The calendar day on the city's clock."""
        return self.now.astimezone(ZoneInfo(self.zone)).date()

    def say(self, at: datetime) -> str:
        """Return the time of day on the city's clock."""
        return trucks_words.clock(at, zone=self.zone)


def clock_for(city: City, now: datetime) -> Clock:
    """Return the clock of a city's trucks. now: of the wall clock, aware."""
    return Clock(now=truck_now(city.pk, now), zone=city.policy_terms().hours.zone, speed=simulated_speed(city.pk))


def marks_of(run: Run, stops: int | None = None) -> str:
    """Return the letters of a run's stops; all expected where the follower has not looked yet."""
    return str(run.view.get("marks") or "e" * (run.stops if stops is None else stops))


def is_inside(reach: Reach, run: Run) -> bool:
    """Return whether a run is of the reader's own company."""
    return any(
        grant.role == Role.CONTRACTOR and grant.city_id == run.city_id and grant.contractor_id == run.contractor_id
        for grant in reach.grants
    )


class RunRows:
    """Rows for one reader at one moment; what the rows share is read once, in three queries at most."""

    def __init__(self, reach: Reach, city: City, runs: Sequence[Run], *, clock: Clock) -> None:
        self.reach, self.city, self.runs, self.clock = reach, city, runs, clock
        contractors = {run.contractor_id for run in runs if run.contractor_id is not None}
        found = queries_trucks.open_findings([run.pk for run in runs], contractors) if runs else []
        self._of_run: dict[int, list[FindingRow]] = {}
        self._of_feed: dict[int, list[FindingRow]] = {}
        for finding in found:
            if finding.run_id is not None:
                self._of_run.setdefault(finding.run_id, []).append(finding)
            elif finding.contractor_id is not None:
                self._of_feed.setdefault(finding.contractor_id, []).append(finding)
        self._cases = queries_trucks.seen_cases(reach, (row.case_id for row in found if row.case_id is not None))
        seen = {vehicle["id"] for run in runs for vehicle in run.view.get("vehicles", ())}
        seen |= {row.vehicle_id for row in found if row.vehicle_id is not None}
        self.vehicles = queries_trucks.vehicle_labels(seen) if seen else {}
        self._names = city_map(city).names
        self._language = get_language() or "en"

    def rows(self) -> list[dict[str, Any]]:
        """Return the rows, what must be acted on first at the top."""
        return sorted((self._row(run) for run in self.runs), key=lambda row: row["key"])

    def findings_of(self, run: Run) -> list[FindingRow]:
        """Return the findings that hold for a run now, the most telling first."""
        of_feed = self._of_feed.get(run.contractor_id or 0, []) if run.state == "running" else []
        return sorted(
            [*self._of_run.get(run.pk, []), *of_feed],
            key=lambda finding: (FIRST.index(FindingKind(finding.kind)), finding.since_at),
        )

    def _row(self, run: Run) -> dict[str, Any]:
        findings = self.findings_of(run)
        level = level_of(run, findings)
        act_by = min((row.act_by_at for row in findings if row.act_by_at is not None), default=_FAR)
        return {
            "id": run.pk,
            "name": str(run.round),
            "contractor": run.contractor.name if run.contractor else "",
            "area": self._area(run),
            "level": level,
            "level_text": LEVEL_NAMES[level],
            "key": (LEVELS.index(level), act_by, -self._weight(run, level), run.starts_at, run.pk),
            "state": run.state,
            "state_text": trucks_words.RUN_STATES[run.state],
            "span": f"{self.clock.say(run.starts_at)}\u2013{self.clock.say(run.ends_at)}",
            "counts": counts_of(run),
            "done": run.stops - marks_of(run).count("e") - marks_of(run).count("r") if run.view else 0,
            "stops": run.stops,
            "bar": bar_of(marks_of(run)),
            "troubles": self.troubles(run, findings[:2]),
            "vehicles": [
                trucks_words.vehicle_words(vehicle, label=self.label(vehicle["id"]), now=self.clock.now)
                for vehicle in run.view.get("vehicles", ())
                if run.state == "running"
            ],
            "simulated": run.simulated and self.clock.speed is None,
        }

    def troubles(self, run: Run, findings: Sequence[FindingRow]) -> list[Trouble]:
        """Return findings of a run in words for this reader."""
        reader = trucks_words.Reader(now=self.clock.now, zone=self.clock.zone, inside=is_inside(self.reach, run))
        cases = frozenset(self._cases)
        return [
            trucks_words.trouble_of(finding, run=run, truck=self._truck(finding, run), reader=reader, cases=cases)
            for finding in findings
        ]

    def label(self, vehicle_id: int) -> str:
        """Return what is painted on a vehicle."""
        return self.vehicles.get(vehicle_id, (str(vehicle_id), ""))[0]

    def _truck(self, finding: FindingRow, run: Run) -> str:
        if finding.vehicle_id is not None:
            return self.label(finding.vehicle_id)
        there = run.view.get("vehicles", ())
        return self.label(there[0]["id"]) if len(there) == 1 else ""

    def _area(self, run: Run) -> str:
        names = self._names.get(run.round.area_id or 0, {})
        return names.get(self._language) or next(iter(names.values()), "")

    def _weight(self, run: Run, level: str) -> int:
        return {"risk": run.at_risk, "missed": run.missed, "unknown": run.unknown, "late": run.late}.get(level, 0)


def level_of(run: Run, findings: Sequence[FindingRow]) -> str:
    """Return under which of `LEVELS` a run stands: the first that holds."""
    if run.state == "called_off":
        return "done"
    levels = {_LEVEL_OF_FINDING.get(FindingKind(finding.kind), "") for finding in findings}
    holds: Mapping[str, bool] = {
        "risk": run.at_risk > 0 and run.state != "done",
        "missed": run.missed > 0,
        "unknown": run.unknown > 0,
        "late": run.late > 0 and run.state == "running",
        "running": run.state == "running",
        "planned": run.state == "planned",
    }
    return next((level for level in LEVELS if level in levels or holds.get(level)), "done")


def counts_of(run: Run) -> list[tuple[str, int, str]]:
    """Return (mark, number, words) of a run's stops, those marks that occur, what presses first."""
    letters = marks_of(run)
    numbers: dict[str, int] = {}
    for letter in letters:
        mark = MARK_OF.get(letter, "expected")
        numbers[mark] = numbers.get(mark, 0) + 1
    order = ("risk", "missed", "unknown", "skipped", "partial", "late", "served", "expected")
    return [(mark, numbers[mark], str(MARKS[mark])) for mark in order if mark in numbers]


def bar_of(letters: str, *, wide: int = 240) -> list[tuple[str, float, float]]:
    """Return a run's stops as a bar: (mark, from, length) of each stretch of the same mark, in units of `wide`.

    >>> bar_of("ccme", wide=8)
    [('served', 0.0, 4.0), ('missed', 4.0, 2.0), ('expected', 6.0, 2.0)]
    """
    if not letters:
        return []
    unit = wide / len(letters)
    bar: list[tuple[str, float, float]] = []
    for place, letter in enumerate(letters):
        mark = MARK_OF.get(letter, "expected")
        if bar and bar[-1][0] == mark:
            bar[-1] = (mark, bar[-1][1], round(bar[-1][2] + unit, 2))
        else:
            bar.append((mark, round(place * unit, 2), round(unit, 2)))
    return bar


def summary_of(rows: Sequence[Mapping[str, Any]]) -> str:
    """Return in one sentence how the night stands."""
    pressing = sum(1 for row in rows if row["level"] in ("risk", "missed", "unknown", "late"))
    if not pressing:
        return _("All runs go as planned.")
    return ngettext("%(n)d run needs somebody.", "%(n)d runs need somebody.", pressing) % {"n": pressing}


def days_ago(at: datetime, clock: Clock) -> str:
    """Return a moment on the city's clock, with its day unless it is today."""
    return words.moment(at, zone=clock.zone, today=clock.today)

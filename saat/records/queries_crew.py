"""What a crew's phone may know: whose it is, the vehicle it is on, that vehicle's run; and what crews have said."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet

from saat.records.models import CrewNote, Device, DeviceBinding, Run, Stop, StopRun
from saat.records.plan_values import run_plan
from saat.records.queries_access import digest_of
from saat.records.scope import AREA_ROLES, Reach
from saat.terms.case import Role
from saat.terms.run import CrewReason, CrewWord, Outcome

# A crew looks at its round before it leaves, and still has it before it when it comes back late.
_BEFORE = timedelta(hours=12)
_AFTER = timedelta(hours=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class CrewStop:
    """One stop of a run as its crew sees it.

    Moments are seconds since 1970. closes_s: the end of the window that residents were promised. expected_s: when it
    will probably be served, from the earlier to the later end of an 80 % span; None where nothing is predicted.
    """

    stop: Stop
    sequence: int
    planned_s: float
    closes_s: float
    outcome: Outcome
    reason: str
    expected_s: tuple[float, float] | None


def device_of(token: str) -> Device | None:
    """Return the claimed device whose token somebody shows, with its city; None for any other token."""
    if not token:
        return None
    rows = Device.objects.select_related("city").filter(token_hash=digest_of(token), state="claimed")
    return rows.first()


def binding_at(device_id: int, at: datetime) -> DeviceBinding | None:
    """Return on which vehicle a device was at a moment, with the vehicle and the crew."""
    rows = DeviceBinding.objects.select_related("vehicle", "crew").filter(device_id=device_id, from_at__lte=at)
    return rows.filter(Q(until_at__isnull=True) | Q(until_at__gt=at)).order_by("-from_at").first()


def runs_of_vehicle(vehicle_id: int) -> QuerySet[Run]:
    """Return the runs that a vehicle is planned for, was put on, or was seen serving."""
    on_it = Q(pk__in=Run.objects.filter(vehicles__vehicle_id=vehicle_id).values("pk"))
    return Run.objects.filter(on_it | Q(plan__vehicle_id=vehicle_id)).select_related("round", "plan", "city")


def run_of_vehicle(vehicle_id: int, now: datetime) -> Run | None:
    """Return the run that a vehicle is on: the one under way, or else the next, or else the last of these hours.

    now: by the trucks' clock, see `saat.records.truck_clock`.
    """
    around = runs_of_vehicle(vehicle_id).filter(starts_at__lte=now + _BEFORE, ends_at__gte=now - _AFTER)
    rows = sorted(around.exclude(state="called_off"), key=lambda run: (run.starts_at, run.pk))
    under_way = [run for run in rows if run.state == "running" or run.starts_at <= now <= run.ends_at]
    unfinished = [run for run in under_way if run.state != "done"]
    coming = [run for run in rows if run.starts_at > now and run.state != "done"]
    return next(iter(unfinished or coming or under_way), rows[-1] if rows else None)


def stops_of_run(run: Run) -> list[CrewStop]:
    """Return the stops of a run at which something is collected on its day, in planned order."""
    decided = {row.sequence: row for row in StopRun.objects.filter(run=run)}
    forecasts = {row[0]: (row[1], row[3]) for row in run.view.get("stops", ())}
    plan = run_plan(run)
    rows = Stop.objects.select_related("area").in_bulk([stop.stop_id for stop in plan.stops])
    stops = []
    for planned in plan.stops:
        known = decided.get(planned.sequence)
        stops.append(
            CrewStop(
                stop=rows[planned.stop_id],
                sequence=planned.sequence,
                planned_s=plan.midnight_s + planned.planned_s,
                closes_s=plan.midnight_s + planned.closes_s,
                outcome=Outcome(known.outcome) if known else Outcome.EXPECTED,
                reason=known.reason if known else "",
                expected_s=forecasts.get(planned.sequence),
            )
        )
    return stops


def notes_of_run(run_id: int) -> list[CrewNote]:
    """Return what the crew said on a run and has not taken back, the oldest first."""
    return list(CrewNote.objects.filter(run_id=run_id, taken_back_at__isnull=True).order_by("said_at", "pk"))


def crew_words(run_ids: Iterable[int]) -> dict[int, tuple[CrewWord, ...]]:
    """Return what crews said on these runs and have not taken back, the oldest first; runs without words are left out.

    One query. The order, and so the follower's answer, depends on what was said and not on when it arrived.
    """
    words: dict[int, list[CrewWord]] = defaultdict(list)
    rows = CrewNote.objects.filter(run_id__in=list(run_ids), taken_back_at__isnull=True).order_by(
        "said_at", "client_id"
    )
    for run_id, reason, said_at, stop_id, vehicle_id, photo in rows.values_list(
        "run_id", "reason", "said_at", "stop_id", "vehicle_id", "photo_digest"
    ):
        assert run_id is not None
        words[run_id].append(
            CrewWord(
                reason=CrewReason(reason),
                said_s=said_at.timestamp(),
                stop_id=stop_id,
                vehicle_id=vehicle_id,
                has_photo=bool(photo),
            )
        )
    return {run_id: tuple(said) for run_id, said in words.items()}


def note_for(reach: Reach, note_id: int) -> CrewNote | None:
    """Return what a crew said, for those who see its run: the city's own people, and whose vehicle it was."""
    note = CrewNote.objects.select_related("run", "vehicle").filter(pk=note_id).first()
    if note is None:
        return None
    if note.run is not None:
        contractor_id = note.run.contractor_id
    else:
        contractor_id = note.vehicle.contractor_id if note.vehicle else None
    roles = reach.roles_in(city_id=note.city_id, area_path="", contractor_id=contractor_id, crew_id=None)
    officer = any(grant.city_id == note.city_id and grant.role in AREA_ROLES for grant in reach.grants)
    return note if officer or Role.CONTRACTOR in roles else None

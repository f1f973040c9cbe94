"""A whole plan comes in: every round that differs gets its next version, and what a person must settle is asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from saat.actions.log import Actor, NotAllowed, writing
from saat.actions.plan_questions import ask
from saat.actions.plan_words import say_fault
from saat.actions.plans import PlanRefused, SavedPlan, save_plan
from saat.actions.runs import service_day_of
from saat.records.models import City, Contractor, PlanQuestion, Round, RoundPlan, Site, Vehicle
from saat.records.queries_plans import draft_of
from saat.terms.planning import QuestionDraft, RoundDraft, SiteDraft, StopDraft, VehicleDraft

_MOST_TRIES = 5  # each takes away rows that cannot be taken; what is left may show further ones


@dataclass(slots=True, kw_only=True)
class RoundsReport:
    """What an import did. refused: row and reason, for stops; refused_rounds: code and reason.

    kept: codes of rounds that changed in the file, but were changed here by people. warnings: by kind.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    stops: int = 0
    stops_made: int = 0
    stops_changed: int = 0
    runs: int = 0
    questions: int = 0
    questions_known: int = 0
    from_days: set[date] = field(default_factory=set)
    kept: list[str] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)
    refused_rounds: dict[str, str] = field(default_factory=dict)
    warnings: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What the rounds of a file may name, by name."""

    contractors: dict[str, int]
    vehicles: dict[str, int]
    sites: dict[str, int]


def import_rounds(
    *,
    city: City,
    source: str,
    rounds: Sequence[RoundDraft],
    now: datetime,
    by: Actor,
    questions: Sequence[QuestionDraft] = (),
    sites: Sequence[SiteDraft] = (),
    vehicles: Sequence[VehicleDraft] = (),
    from_day: date | None = None,
    merge: bool = False,
    replace_edited: bool = False,
    dry_run: bool = False,
    tell: Callable[[], None] | None = None,
) -> RoundsReport:
    """Take the rounds of a file into a city; the same file again changes nothing.

    source: what the file is called, by which its stops are known again. from_day: when it begins to hold; None for
    today where a round is new, and for tomorrow where it changes. merge: the stops of the file are put into the
    rounds' present plans, and what those have besides stays. replace_edited: a round that changed in the file is
    changed here, although people here have changed it since it was imported. What a file does not say of a round (its
    contractor, vehicle, depot, disposal site) stays as it is. Rows that cannot be taken are left out and reported, and
    the rest of their round is taken; a round that cannot be driven at all is left as it was. tell: called per round.

    :raises NotAllowed: if it is not for this actor to do.
    """
    if not by.may_in_city("import_data", city.pk):
        raise NotAllowed(_("Only an administrator of the city can import data."))
    report = RoundsReport()
    known = _things(city, source, rounds, sites, vehicles, now=now, by=by, dry_run=dry_run)
    today = service_day_of(city, now)
    there = {row.code: row for row in Round.objects.filter(city=city)}
    newest = _newest_plans(city)
    for draft in rounds:
        row = there.get(draft.code.strip())
        plan = newest.get(row.pk) if row is not None else None
        digest = draft.digest()
        if row is not None and row.source_digest == digest and not merge:
            report.unchanged += 1
            report.stops += len(draft.stops)
        elif plan is not None and plan.made_by_id is not None and not (merge or replace_edited):
            report.kept.append(draft.code)
        else:
            whole = _merged(draft, plan) if merge and plan is not None else draft
            day = from_day or (today + timedelta(days=1) if plan is not None else today)
            given = _given(whole, known, row, plan)
            saved = _save(city, whole, given, report, source=source, day=day, now=now, by=by, dry_run=dry_run)
            if saved is not None:
                _count(report, saved, whole, day)
            whole_taken = not any(stop.row in report.refused for stop in draft.stops)
            if saved is not None and whole_taken and not (merge or dry_run):
                Round.objects.filter(pk=saved.round_id).update(source_digest=digest)
        if tell is not None:
            tell()
    _ask(city, questions, report, source=source, now=now, by=by, dry_run=dry_run)
    return report


def _save(
    city: City, draft: RoundDraft, given: dict[str, int | None], report: RoundsReport, *, source: str, day: date,
    now: datetime, by: Actor, dry_run: bool,
) -> SavedPlan | None:  # fmt: skip
    for _try in range(_MOST_TRIES):
        try:
            return save_plan(
                city_id=city.pk,
                draft=draft,
                from_day=day,
                now=now,
                by=by,
                source=source,
                accept_warnings=True,
                dry_run=dry_run,
                contractor_id=given["contractor_id"],
                vehicle_id=given["vehicle_id"],
                depot_id=given["depot_id"],
                disposal_site_id=given["disposal_site_id"],
            )
        except PlanRefused as error:
            of_round = [fault for fault in error.faults if fault.row is None]
            wrong = {fault.row: fault for fault in reversed(error.faults) if fault.row is not None}
            left = tuple(stop for stop in draft.stops if stop.row not in wrong)
            if of_round or not left:
                report.refused_rounds[draft.code] = say_fault((of_round or list(error.faults))[0])
                return None
            for row, fault in wrong.items():
                report.refused[row] = say_fault(fault, with_row=False)
            draft = replace(draft, stops=left)
    report.refused_rounds[draft.code] = _("Too much of it is wrong.")
    return None


def _count(report: RoundsReport, saved: SavedPlan, draft: RoundDraft, day: date) -> None:
    if not saved.changed:
        report.unchanged += 1
    elif saved.version == 1:
        report.created += 1
    else:
        report.changed += 1
    if saved.changed:
        report.from_days.add(day)
    report.stops += sum(stop.row not in report.refused for stop in draft.stops)
    report.stops_made += saved.stops_made
    report.stops_changed += saved.stops_changed
    report.runs += saved.runs
    for fault in saved.warnings:
        report.warnings[fault.code] += 1
        report.examples.setdefault(fault.code, f"{draft.code}, {say_fault(fault)}")


def _newest_plans(city: City) -> dict[int, RoundPlan]:
    """Return the newest version of each round, by round."""
    rows = RoundPlan.objects.filter(city=city).select_related("round__contractor", "vehicle", "depot", "disposal_site")
    return {plan.round_id: plan for plan in rows.order_by("from_day")}


def _given(draft: RoundDraft, known: _Known, row: Round | None, plan: RoundPlan | None) -> dict[str, int | None]:
    """Return whom and what a round is given: as the file says, or else as it is."""
    present = {
        "contractor_id": row.contractor_id if row is not None else None,
        "vehicle_id": plan.vehicle_id if plan is not None else None,
        "depot_id": plan.depot_id if plan is not None else None,
        "disposal_site_id": plan.disposal_site_id if plan is not None else None,
    }
    said = {
        "contractor_id": known.contractors.get(draft.contractor),
        "vehicle_id": known.vehicles.get(draft.vehicle),
        "depot_id": known.sites.get(draft.depot),
        "disposal_site_id": known.sites.get(draft.disposal),
    }
    return {name: pk if pk is not None else present[name] for name, pk in said.items()}


def _merged(draft: RoundDraft, plan: RoundPlan) -> RoundDraft:
    """Return a round's newest plan with the stops of a draft put into it.

    They go to their places in the order, or, where the file gives none, to where their time belongs. A stop that the
    plan has already, by its source id or, without one, by its place, is the one that changes.
    """
    present = draft_of(plan)
    ids = {stop.source_id for stop in draft.stops if stop.source_id}
    places = {stop.sequence for stop in draft.stops if not stop.source_id and draft.numbered}
    kept: list[StopDraft] = [
        replace(stop, row=-stop.row)
        for stop in present.stops
        if stop.source_id not in ids and not (stop.sequence in places and not stop.source_id)
    ]
    if draft.numbered:
        stops = sorted((*kept, *draft.stops), key=lambda stop: stop.sequence)
    else:
        by_time = sorted((*kept, *draft.stops), key=lambda stop: stop.planned_s)
        stops = [replace(stop, sequence=at) for at, stop in enumerate(by_time, start=1)]
    return replace(present, stops=tuple(stops), starts_s=None, ends_s=None)


def _things(
    city: City,
    source: str,
    rounds: Sequence[RoundDraft],
    sites: Sequence[SiteDraft],
    vehicles: Sequence[VehicleDraft],
    *,
    now: datetime,
    by: Actor,
    dry_run: bool,
) -> _Known:
    """Make the contractors, vehicles and sites that a file names and the city does not have; return all by name."""
    wanted_contractors = {draft.contractor for draft in rounds if draft.contractor}
    capacities: dict[str, float | None] = {draft.vehicle: None for draft in rounds if draft.vehicle}
    capacities |= {vehicle.label: vehicle.capacity_kg for vehicle in vehicles}
    contractors = dict(Contractor.objects.filter(city=city).values_list("name", "pk"))
    labels = dict(Vehicle.objects.filter(city=city).values_list("label", "pk"))
    places = dict(Site.objects.filter(city=city, source=source).values_list("source_id", "pk"))
    by_name = dict(Site.objects.filter(city=city).values_list("name", "pk"))
    new_sites = [site for site in sites if site.source_id not in places]
    missing = (wanted_contractors - set(contractors), set(capacities) - set(labels), new_sites)
    if any(missing) and not dry_run:
        with writing(city.pk, now=now, by=by) as log:
            for name in sorted(missing[0]):
                contractors[name] = Contractor.objects.create(city=city, name=name[:120]).pk
            for label in sorted(missing[1]):
                made = Vehicle.objects.create(city=city, label=label[:40], capacity_kg=capacities[label] or None)
                labels[label] = made.pk
            for site in new_sites:
                places[site.source_id] = Site.objects.create(
                    city=city, kind=site.kind, name=site.name[:120], lat=site.lat, lon=site.lon,
                    radius_m=site.radius_m, source=source, source_id=site.source_id,
                ).pk  # fmt: skip
            facts = {"source": source, "contractors": len(missing[0]), "vehicles": len(missing[1]),
                     "sites": len(new_sites)}  # fmt: skip
            log.append("fleet_imported", subject=f"city:{city.pk}", facts=facts)
    return _Known(contractors=contractors, vehicles=labels, sites=by_name | places)


def _ask(
    city: City,
    questions: Sequence[QuestionDraft],
    report: RoundsReport,
    *,
    source: str,
    now: datetime,
    by: Actor,
    dry_run: bool,
) -> None:
    if dry_run:
        known = set(PlanQuestion.objects.filter(city=city).values_list("row", "why", "text"))
        report.questions = sum((one.row, one.why, one.text) not in known for one in questions)
    elif questions:
        with writing(city.pk, now=now, by=by) as log:
            report.questions = ask(log, city, questions, source=source)
            if report.questions:
                log.append("plan_questions_asked", subject=f"city:{city.pk}", facts={"questions": report.questions})
    report.questions_known = len(questions) - report.questions

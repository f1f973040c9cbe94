"""Findings as rows, and the one case on the desk to which those of one trouble belong.

A finding opens, changes and closes as the follower sees it. All findings of one run share one case, and so do residents
who report one of its stops: ten residents and a stalled truck are one line with one next step. When nothing is wrong
any more, a case that nobody has touched closes itself; one that somebody works on says so in its history instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.db.models import Max, QuerySet
from django.utils import translation

from saat.actions import settling
from saat.actions.citymap import CityMap, city_map
from saat.actions.finding_text import Told, headline
from saat.actions.log import Actor, Log, writing
from saat.cases.deadlines import due_at
from saat.records.models import Case, City, Contractor, FindingRow, Note, Run, ServiceRequest, Stop, StopRun, Vehicle
from saat.rounds.finding import opens_a_case, urgency_of
from saat.terms.case import Ending, ServiceLevel, State, Urgency
from saat.terms.codes import new_code
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.terms.run import Finding, FindingKind, Outcome
from saat.triage.nearby import cell_of

OVER = "over"  # the reason with which a case closes itself
_EVENTS = {
    FindingKind.STALLED: "run.stalled",
    FindingKind.WILL_MISS: "stop_run.at_risk",
    FindingKind.FEED_SILENT: "feed.down",
}
_GREW = 1.5  # a finding that grew by half is told again
_MOVED_S = 60.0
_MOVED_P = 0.05


class _About(NamedTuple):
    """What findings are about: one run, or one contractor's feed."""

    city: City
    run: Run | None
    contractor: Contractor | None


def settle(
    city_id: int,
    *,
    findings: Sequence[Finding],
    now: datetime,
    by: Actor,
    run_id: int | None = None,
    contractor_id: int | None = None,
) -> int | None:
    """Make the open findings of one run, or of one contractor's feed, those that hold now; return the case, if any.

    findings: all that hold; those that stand open and are not among them are closed. Write the run's outcomes first:
    the place of a truck is read from there. now: the wall clock, aware.

    :raises ValueError: unless exactly one of run and contractor is given.
    """
    if (run_id is None) == (contractor_id is None):
        raise ValueError("Findings are of one run, or of one contractor's feed.")
    about_what = {"run_id": run_id} if run_id is not None else {"run": None, "contractor_id": contractor_id}
    rows = FindingRow.objects.filter(city_id=city_id, closed_at__isnull=True, **about_what)
    if _same({row.key: row for row in rows}, findings):
        return None
    with writing(city_id, now=now, by=by) as log:
        known = {row.key: row for row in rows.select_for_update(of=("self",))}
        if _same(known, findings):
            return None
        about = _about(city_id, run_id=run_id, contractor_id=contractor_id)
        wanted = {one.key: one for one in findings}
        opened = [_open(log, one, about) for key, one in wanted.items() if key not in known]
        grown = [row for key, row in known.items() if key in wanted and _renew(log, row, wanted[key])]
        closed = [row for key, row in known.items() if key not in wanted]
        _close(log, closed, still=findings)
        holding = [*opened, *(row for key, row in known.items() if key in wanted)]
        return _settle_case(log, about, holding=holding, opened=opened, grown=grown, closed=closed)


def _same(known: dict[str, FindingRow], findings: Sequence[Finding]) -> bool:
    return known.keys() == {one.key for one in findings} and not any(_differs(known[one.key], one) for one in findings)


def _differs(row: FindingRow, one: Finding) -> bool:
    return (
        row.stop_ids != list(one.stop_ids)
        or abs(row.probability - one.probability) >= _MOVED_P
        or (row.act_by_at is None) != (one.act_by_s is None)
        or abs((row.act_by_at.timestamp() if row.act_by_at else 0.0) - (one.act_by_s or 0.0)) >= _MOVED_S
        or row.settle_by != one.settle_by
    )


def _about(city_id: int, *, run_id: int | None, contractor_id: int | None) -> _About:
    city = City.objects.get(pk=city_id)
    if run_id is None:
        return _About(city, None, Contractor.objects.get(pk=contractor_id or 0, city=city))
    run = Run.objects.select_related("round__area", "contractor").get(pk=run_id, city=city)
    return _About(city, run, run.contractor)


# ----------------------------------------------------------------------------------------------------------- the rows


def _open(log: Log, one: Finding, about: _About) -> FindingRow:
    row = FindingRow(
        city=about.city,
        run=about.run,
        contractor=about.contractor,
        vehicle_id=one.vehicle_id,
        kind=one.kind,
        key=one.key,
        since_at=datetime.fromtimestamp(one.since_s, UTC),
        opened_at=log.now,
        simulated=about.run.simulated if about.run else _feed_is_simulated(about),
    )
    _put(row, one, log.now)
    row.save(force_insert=True)
    return row


def _feed_is_simulated(about: _About) -> bool:
    newest = Run.objects.filter(city=about.city, contractor=about.contractor).order_by("-service_day").first()
    return newest is not None and newest.simulated


def _put(row: FindingRow, one: Finding, now: datetime) -> None:
    row.updated_at = now
    row.probability = one.probability
    row.act_by_at = datetime.fromtimestamp(one.act_by_s, UTC) if one.act_by_s is not None else None
    row.settle_by = one.settle_by
    row.stop_ids = list(one.stop_ids)
    row.facts = dict(one.facts)


def _renew(log: Log, row: FindingRow, one: Finding) -> bool:
    """Bring a finding up to date; return whether it grew so much that it is told again."""
    if not _differs(row, one):
        return False
    gained = [stop_id for stop_id in one.stop_ids if stop_id not in set(row.stop_ids)]
    grew = bool(gained) and len(one.stop_ids) >= _GREW * len(row.stop_ids)
    _put(row, one, log.now)
    row.save(update_fields=["updated_at", "probability", "act_by_at", "settle_by", "stop_ids", "facts"])
    return grew


def _close(log: Log, rows: Sequence[FindingRow], *, still: Sequence[Finding]) -> None:
    """Close findings that hold no more. What was foreseen or held against somebody and is not so was withdrawn."""
    now_missed = {stop_id for one in still if one.kind is FindingKind.MISSED for stop_id in one.stop_ids}
    for row in rows:
        row.closed_at = row.updated_at = log.now
        if row.kind == FindingKind.WILL_MISS:
            row.withdrawn = not now_missed & set(row.stop_ids)
        else:
            row.withdrawn = row.kind in (FindingKind.MISSED, FindingKind.SKIPPED) and not _still_stands(row)
        row.save(update_fields=["closed_at", "updated_at", "withdrawn"])


def _still_stands(row: FindingRow) -> bool:
    outcome = Outcome.MISSED if row.kind == FindingKind.MISSED else Outcome.SKIPPED
    return StopRun.objects.filter(run=row.run, stop_id__in=row.stop_ids, outcome=outcome).exists()


# ----------------------------------------------------------------------------------------------------------- the case


def _settle_case(
    log: Log,
    about: _About,
    *,
    holding: list[FindingRow],
    opened: list[FindingRow],
    grown: list[FindingRow],
    closed: list[FindingRow],
) -> int | None:
    case = case_of(about.run.pk) if about.run is not None else _feed_case(about)
    if case is not None and State(case.state).is_closed and not (opened and _may_reopen(case)):
        # Somebody closed it; only a trouble that is new since then is a line of its own.
        case = None if opened else case
    needs_one = any(opens_a_case(FindingKind(row.kind)) for row in [*opened, *holding] if row.case_id is None)
    policy, ground = about.city.policy_terms(), city_map(about.city)
    if case is None and needs_one:
        case = _new_case(log, about, holding, policy=policy, ground=ground)
    elif case is not None and State(case.state).is_closed and opened:
        _reopen(log, case, policy=policy)
    _tell(log, about, case=case, opened=opened, grown=grown, closed=closed)
    if case is None:
        return None
    loose = [row.pk for row in holding if row.case_id is None]
    FindingRow.objects.filter(pk__in=loose).update(case=case)
    if State(case.state).is_closed:
        return case.pk
    if holding:
        with translation.override(policy.languages[0]):
            told = headline(told_of(holding), zone=policy.hours.zone)
        _renew_case(case, told=told, holding=holding, policy=policy, ground=ground, now=log.now)
    elif closed:
        _all_over(log, case, policy=policy)
    return case.pk


def case_of(run_id: int) -> Case | None:
    """Return the case of a run's findings, wherever it was merged into, locked; None if it has none."""
    return _living(FindingRow.objects.filter(run_id=run_id))


def _feed_case(about: _About) -> Case | None:
    return _living(FindingRow.objects.filter(city=about.city, run__isnull=True, contractor=about.contractor))


def _living(rows: QuerySet[FindingRow]) -> Case | None:
    newest = rows.exclude(case=None).aggregate(newest=Max("case_id"))["newest"]
    cases = Case.objects.select_for_update(of=("self",)).select_related("area", "city")
    case = cases.filter(pk=newest).first() if newest else None
    while case is not None and case.merged_into_id is not None:
        case = cases.filter(pk=case.merged_into_id).first()
    return case


def _may_reopen(case: Case) -> bool:
    return case.state == State.CLOSED and case.reason_code == OVER


def _new_case(log: Log, about: _About, holding: list[FindingRow], *, policy: CityPolicy, ground: CityMap) -> Case:
    point, area_id = _place_of(about, holding, ground)
    landmark = ground.landmark_at(point) if point else None
    urgency = _urgency(holding)
    case = Case(
        city=about.city,
        code=new_code(),
        service_code=policy.missed_code,
        urgency=urgency,
        area_id=area_id,
        place_id=landmark.place_id if landmark else None,
        service_level=landmark.service_level if landmark else ServiceLevel.USUAL,
        lat=point.lat if point else None,
        lon=point.lon if point else None,
        cell=cell_of(point) if point else None,
        voices=0,
        opened_at=log.now,
        last_voice_at=log.now,
        waiting_since=log.now,
        contractor=about.contractor,
        simulated=any(row.simulated for row in holding),
    )
    case.due_at = due_at(
        policy=policy,
        service_code=case.service_code,
        opened_at=log.now,
        service_level=ServiceLevel(case.service_level),
        urgency=urgency,
    )
    settling.settle(case, policy=policy, now=log.now)
    case.save(force_insert=True)
    facts: dict[str, Any] = {"findings": sorted({str(row.kind) for row in holding}), "urgency": str(urgency)}
    if about.run is not None:
        facts["run"] = about.run.pk
    log.append("case_opened", case_id=case.pk, facts=facts)
    return case


def _place_of(about: _About, holding: list[FindingRow], ground: CityMap) -> tuple[Point | None, int | None]:
    """Return where a trouble is: where its truck is, or its first stop; and the area that it lies in."""
    found: Point | None = None
    vehicles = {} if about.run is None else {row["id"]: row for row in about.run.view.get("vehicles", ())}
    for row in holding:
        where = vehicles.get(row.vehicle_id)
        if where is not None and where["lat"] is not None and row.kind != FindingKind.TRACKER_FAULT:
            found = Point(lat=where["lat"], lon=where["lon"])
            break
    stop = Stop.objects.filter(pk__in=[row.stop_ids[0] for row in holding if row.stop_ids][:1]).first()
    if found is None and stop is not None:
        found = Point(lat=stop.lat, lon=stop.lon)
    area_id = ground.index.area_of(found) if found is not None and ground.index is not None else None
    if area_id is None and stop is not None:
        area_id = stop.area_id
    if area_id is None and about.run is not None:
        area_id = about.run.round.area_id
    return found, area_id


def _urgency(holding: Sequence[FindingRow]) -> Urgency:
    found = [
        urgency_of(FindingKind(row.kind), stops=len(row.stop_ids), helps=row.act_by_at is not None) for row in holding
    ]
    return max(found, key=lambda urgency: urgency.level, default=Urgency.NORMAL)


def _renew_case(
    case: Case, *, told: str, holding: Sequence[FindingRow], policy: CityPolicy, ground: CityMap, now: datetime
) -> None:
    """Let an untouched case say what holds now; what residents wrote of it stays."""
    urgency = _urgency(holding)
    raised = not touched(case) and urgency.level > Urgency(case.urgency).level
    said = ServiceRequest.objects.filter(case=case).exclude(words="").exists()
    if said or (case.summary == told[:200] and not raised):
        return
    case.summary = told[:200]
    if raised:
        case.urgency = urgency
    settling.save(case, policy=policy, now=now, also=("summary",))
    settling.index_words(case, said=[case.summary], ground=ground, policy=policy)


def _reopen(log: Log, case: Case, *, policy: CityPolicy) -> None:
    case.state, case.ending, case.reason_code, case.closed_at = State.OPEN, "", "", None
    case.waiting_since = log.now
    settling.save(case, policy=policy, now=log.now)
    log.append("case_reopened", case_id=case.pk, facts={"why": "finding"})


def _all_over(log: Log, case: Case, *, policy: CityPolicy) -> None:
    if touched(case):
        log.append("findings_over", case_id=case.pk)
        Case.objects.filter(pk=case.pk).update(updated_at=log.now)
        return
    before = settling.snapshot(case)
    case.state, case.ending, case.reason_code, case.closed_at = State.CLOSED, Ending.NO_FIX, OVER, log.now
    settling.save(case, policy=policy, now=log.now)
    differing = settling.changed(before, settling.snapshot(case))
    log.append(
        "case_closed",
        case_id=case.pk,
        facts={"ending": str(Ending.NO_FIX), "reason": OVER, "by_itself": True, **differing},
    )


def touched(case: Case) -> bool:
    """Return whether anybody has done or said anything about a case."""
    return (
        case.state != State.OPEN
        or case.voices > 0
        or case.taken_at is not None
        or Note.objects.filter(case=case).exists()
    )


def _tell(
    log: Log,
    about: _About,
    *,
    case: Case | None,
    opened: Sequence[FindingRow],
    grown: Sequence[FindingRow],
    closed: Sequence[FindingRow],
) -> None:
    for row in [*opened, *grown]:
        log.append(
            _EVENTS.get(FindingKind(row.kind), "finding_opened" if row in opened else "finding_grew"),
            case_id=case.pk if case else None,
            subject=_subject(about),
            facts=_facts(row, about),
        )
    for row in closed:
        kind = "finding_withdrawn" if row.withdrawn else "finding_over"
        case_id = row.case_id if case is None else case.pk
        log.append(kind, case_id=case_id, subject=_subject(about), facts=_facts(row, about))


def _subject(about: _About) -> str:
    if about.run is not None:
        return f"run:{about.run.pk}"
    return f"contractor:{about.contractor.pk if about.contractor else 0}"


def _facts(row: FindingRow, about: _About) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "finding": row.pk,
        "kind": str(row.kind),
        "since": row.since_at,
        "probability": round(row.probability, 3),
        "stops": row.stop_ids,
        "contractor": about.contractor.pk if about.contractor else None,
        "vehicle": row.vehicle_id,
    }
    if about.run is not None:
        facts |= {"run": about.run.pk, "service_day": about.run.service_day.isoformat()}
    return facts


def told_of(rows: Sequence[FindingRow]) -> list[Told]:
    """Return findings as they are told; at most three queries."""
    vehicles = dict(Vehicle.objects.filter(pk__in={row.vehicle_id for row in rows}).values_list("pk", "label"))
    runs = {
        run.pk: run.round for run in Run.objects.filter(pk__in={row.run_id for row in rows}).select_related("round")
    }
    names = dict(Contractor.objects.filter(pk__in={row.contractor_id for row in rows}).values_list("pk", "name"))
    return [
        Told(
            kind=FindingKind(row.kind),
            since_at=row.since_at,
            probability=row.probability,
            stops=len(row.stop_ids),
            facts=row.facts,
            round=str(runs[row.run_id]) if row.run_id in runs else "",
            vehicle=vehicles.get(row.vehicle_id or 0, ""),
            contractor=names.get(row.contractor_id or 0, ""),
        )
        for row in rows
    ]

"""Cases of another system come in: as often as their file does, each is written once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.utils.translation import gettext as _

from saat.actions import settling
from saat.actions.cases import Change, reindex
from saat.actions.citymap import CityMap, city_map
from saat.actions.joining import join
from saat.actions.log import Actor, Log, NotAllowed, writing
from saat.actions.reports import shortened
from saat.cases.deadlines import due_at
from saat.cases.escalation import next_escalation
from saat.records.models import Case, City, Event, Note, ServiceRequest
from saat.terms.case import ServiceLevel, State
from saat.terms.codes import new_code, new_token
from saat.terms.imports import ImportedReport
from saat.terms.policy import CityPolicy
from saat.triage.nearby import cell_of
from saat.triage.words import clean_words

_BATCH = 500
_MADE, _RENEWED = "case_imported", "case_import_renewed"
# What the clock and imports do to a case does not make it ours; anything else does.
_NOT_WORK = ("command", "clock")
_CLOCKS_DIFFER = timedelta(days=1)
_ADDRESS = 300


@dataclass(slots=True, kw_only=True)
class ReportsReport:
    """What an import did. refused: source_id and reason. kept: changed in their file, but worked on here since.

    on_time, against: closed cases with a promise for which the other system's flag agrees with its moments, or does
    not. no_parent: duplicates that name a case which is not here.
    """

    created: int = 0
    changed: int = 0
    unchanged: int = 0
    joined: int = 0
    open: int = 0
    placed: int = 0
    on_time: int = 0
    against: int = 0
    kept: list[str] = field(default_factory=list)
    no_parent: list[str] = field(default_factory=list)
    refused: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Known:
    """A row that came in before: its report, its own case (which may live on in another), and what it was."""

    request_id: int
    case_id: int
    digest: str


def import_reports(
    *,
    city: City,
    source: str,
    reports: Sequence[ImportedReport],
    now: datetime,
    by: Actor,
    dry_run: bool = False,
    tell: Callable[[int], None] = lambda done: None,
) -> ReportsReport:
    """Take in the cases of another system, in batches of one transaction each.

    A case is known again by its id there: the same again changes nothing, another content renews it, unless somebody
    has worked on it here. A duplicate that names another case joins it. Deadlines that passed before the import are
    not escalated any more; the other system had its own ladder.

    source: what the other system is called. tell: called with how many more were looked at.

    :raises NotAllowed: if it is not for this actor to do.
    """
    if not by.may_in_city("import_data", city.pk):
        raise NotAllowed(_("Only an administrator of the city can import data."))
    run = _Run(city, source=source, now=now, by=by, dry_run=dry_run)
    good = run.accepted(reports)
    known = run.known(report.source_id for report in good)
    for batch in _batches(good):
        run.take(batch, known)
        tell(len(batch))
    run.join_duplicates([report for report in good if report.parent_id])
    return run.report


class _Run:
    """One import."""

    def __init__(self, city: City, *, source: str, now: datetime, by: Actor, dry_run: bool) -> None:
        self.city, self.source, self.now, self.by, self.dry_run = city, source, now, by, dry_run
        self.policy: CityPolicy = city.policy_terms()
        self.ground: CityMap = city_map(city)
        self.report = ReportsReport()
        self.area_ids: dict[str, int] = {}
        self.accepted_ids: set[str] = set()

    def accepted(self, reports: Sequence[ImportedReport]) -> list[ImportedReport]:
        """Return the reports that can be taken in; why the others cannot goes into the report."""
        seen: set[str] = set()
        good = []
        for report in reports:
            if report.source_id in seen:
                self._refuse(report, "This id stands in the file twice.")
            elif not self.policy.has_category(report.service_code):
                self._refuse(report, f"The city has no category {report.service_code}.")
            elif report.opened_at > self.now + _CLOCKS_DIFFER:
                self._refuse(report, "It was opened in the future.")
            else:
                good.append(report)
            seen.add(report.source_id)
        good = self._inside(good)
        self.accepted_ids = {report.source_id for report in good}
        for report in good:
            self.report.open += report.closed_at is None
            if report.on_time is not None and report.due_at is not None and report.closed_at is not None:
                agrees = (report.closed_at <= report.due_at) == report.on_time
                self.report.on_time += agrees
                self.report.against += not agrees
        return good

    def _refuse(self, report: ImportedReport, why: str) -> None:
        self.report.refused.append((report.source_id, why))

    def _inside(self, reports: list[ImportedReport]) -> list[ImportedReport]:
        """Find the areas of all places at once; what lies outside the city is refused."""
        if self.ground.index is None:
            return reports
        lats = np.array([report.point.lat if report.point else np.nan for report in reports])
        lons = np.array([report.point.lon if report.point else np.nan for report in reports])
        good = []
        for report, area_id in zip(reports, self.ground.index.areas_of(lats, lons).tolist(), strict=True):
            if area_id >= 0:
                self.area_ids[report.source_id] = area_id
            elif report.point is not None:
                self._refuse(report, "Its place lies outside the city.")
                continue
            good.append(report)
        return good

    def known(self, source_ids: Iterable[str]) -> dict[str, _Known]:
        """Return the rows that came in before, with what they were when they last did."""
        wanted = set(source_ids)
        rows = ServiceRequest.objects.filter(city=self.city, source=self.source).exclude(source_id="")
        ids = {pk: source_id for pk, source_id in rows.values_list("pk", "source_id") if source_id in wanted}
        if not ids:
            return {}
        cases = Case.objects.filter(city=self.city, source=self.source).values("pk")
        events = Event.objects.filter(case_id__in=cases, kind__in=(_MADE, _RENEWED)).order_by("pk")
        known = {}
        for event in events.iterator(chunk_size=2000):
            facts = event.facts
            source_id = ids.get(facts["service_request"])
            if source_id is not None and event.case_id is not None:
                known[source_id] = _Known(facts["service_request"], event.case_id, facts["digest"])
        return known

    def take(self, batch: Sequence[ImportedReport], known: dict[str, _Known]) -> None:
        """Write one batch: new rows, and those that differ."""
        new = [report for report in batch if report.source_id not in known]
        differing = [
            report
            for report in batch
            if report.source_id in known and known[report.source_id].digest != report.digest()
        ]
        self.report.unchanged += len(batch) - len(new) - len(differing)
        worked_on = self._worked_on([known[report.source_id].case_id for report in differing])
        renewed = []
        for report in differing:
            if known[report.source_id].case_id in worked_on:
                self.report.kept.append(report.source_id)
            else:
                renewed.append(report)
        self.report.created += len(new)
        self.report.changed += len(renewed)
        self.report.placed += sum(1 for report in new if report.point is not None)
        if self.dry_run or not (new or renewed):
            return
        with writing(self.city.pk, now=self.now, by=self.by) as log:
            self._write(log, new)
            for report in renewed:
                self._renew(log, report, known[report.source_id])

    def _worked_on(self, case_ids: list[int]) -> set[int]:
        events = Event.objects.filter(case_id__in=case_ids).exclude(actor__in=_NOT_WORK)
        return set(events.values_list("case_id", flat=True))  # type: ignore[arg-type]

    def _write(self, log: Log, reports: Sequence[ImportedReport]) -> None:
        cases = Case.objects.bulk_create([self._case(report, code=new_code()) for report in reports])
        requests = ServiceRequest.objects.bulk_create(
            [
                ServiceRequest(
                    city=self.city,
                    case=case,
                    channel=report.channel,
                    source=self.source,
                    source_id=report.source_id,
                    token=new_token(),
                    **_said(report, area_id=case.area_id, place_id=case.place_id),
                )
                for report, case in zip(reports, cases, strict=True)
            ]
        )
        Note.objects.bulk_create(
            [self._note(report, case) for report, case in zip(reports, cases, strict=True) if report.closing_text]
        )
        for report, case, request in zip(reports, cases, requests, strict=True):
            settling.index_words(case, said=[request.words], ground=self.ground, policy=self.policy)
            log.append(_MADE, case_id=case.pk, facts=self._facts(report, request.pk))

    def _case(self, report: ImportedReport, *, code: str) -> Case:
        point = report.point
        landmark = self.ground.landmark_at(point) if point else None
        level = landmark.service_level if landmark else ServiceLevel.USUAL
        category = self.policy.category(report.service_code)
        case = Case(
            city=self.city,
            code=code,
            state=State.CLOSED if report.closed_at else State.OPEN,
            ending=report.ending or "",
            reason_code=report.reason_code,
            service_code=report.service_code,
            urgency=category.urgency,
            service_level=level,
            area_id=self.area_ids.get(report.source_id),
            place_id=landmark.place_id if landmark else None,
            lat=point.lat if point else None,
            lon=point.lon if point else None,
            cell=cell_of(point) if point else None,
            address=_one_line(report.address, _ADDRESS),
            summary=shortened(clean_words(report.words)),
            opened_at=report.opened_at,
            last_voice_at=report.opened_at,
            waiting_since=report.opened_at,
            closed_at=report.closed_at,
            due_at=report.due_at
            or due_at(
                policy=self.policy,
                service_code=report.service_code,
                opened_at=report.opened_at,
                service_level=level,
                urgency=category.urgency,
            ),
            source=self.source,
        )
        case.steps_done = self._steps_passed(case)
        settling.settle(case, policy=self.policy, now=self.now)
        return case

    def _steps_passed(self, case: Case) -> list[int]:
        """Return the rungs of the ladder that lie in the past: an import rings no bells for old cases."""
        done: set[int] = set()
        while True:
            step = next_escalation(
                policy=self.policy,
                waiting_since=case.waiting_since,
                due_at=case.due_at,
                taken=False,
                steps_done=frozenset(done),
            )
            if step is None or step.at > self.now:
                return sorted(done)
            done.add(step.step)

    def _note(self, report: ImportedReport, case: Case) -> Note:
        return Note(
            city=self.city,
            case=case,
            text=clean_words(report.closing_text),
            written_at=report.closed_at or self.now,
            by_name=self.source[:120],
        )

    def _facts(self, report: ImportedReport, request_id: int) -> dict[str, object]:
        return {
            "source": self.source,
            "source_id": report.source_id,
            "service_request": request_id,
            "digest": report.digest(),
            "opened_at": report.opened_at,
            "due_at": report.due_at,
            "closed_at": report.closed_at,
            "ending": str(report.ending or ""),
            "reason": report.reason_code,
        }

    def _renew(self, log: Log, report: ImportedReport, known: _Known) -> None:
        """Bring a case to what its file says now; a duplicate that lives on in another case keeps living there."""
        change = Change(log, known.case_id, "change", merged=True)
        case, fresh = change.case, self._case(report, code=change.case.code)
        kept = {"voices", "steps_done"} | ({"state", "closed_at", "merged_into_id"} if case.merged_into_id else set())
        for column in (*settling.FIELDS, "summary"):
            if column not in kept:
                setattr(case, column, getattr(fresh, column))
        case.steps_done = sorted({*case.steps_done, *fresh.steps_done})
        settling.save(case, policy=self.policy, now=self.now, also=("summary",))
        said = _said(report, area_id=case.area_id, place_id=case.place_id)
        ServiceRequest.objects.filter(pk=known.request_id).update(**said)
        if report.closing_text and not case.notes.filter(text=clean_words(report.closing_text)).exists():
            self._note(report, case).save()
        reindex(case)
        differing = settling.changed(change.before, settling.snapshot(case))
        log.append(_RENEWED, case_id=case.pk, facts={**self._facts(report, known.request_id), **differing})

    def join_duplicates(self, reports: Sequence[ImportedReport]) -> None:
        """Let duplicates join the case that they name, whichever of the two came first."""
        if not reports:
            return
        wanted = {report.source_id for report in reports} | {report.parent_id for report in reports}
        rows = ServiceRequest.objects.filter(city=self.city, source=self.source, source_id__in=wanted)
        lives_in = dict(rows.values_list("source_id", "case_id"))
        for report in reports:
            if report.parent_id not in lives_in and not (self.dry_run and report.parent_id in self.accepted_ids):
                self.report.no_parent.append(report.source_id)
                continue
            if self.dry_run:
                self.report.joined += lives_in.get(report.source_id, -1) != lives_in.get(report.parent_id, -2)
                continue
            with writing(self.city.pk, now=self.now, by=self.by) as log:
                mine = ServiceRequest.objects.get(city=self.city, source=self.source, source_id=report.source_id)
                other = ServiceRequest.objects.get(city=self.city, source=self.source, source_id=report.parent_id)
                # Two that name each other, or that share a case already, are together.
                if mine.case_id == other.case_id or self._worked_on([mine.case_id]):
                    continue
                source, target = Change(log, mine.case_id, "merge"), Change(log, other.case_id, "merge")
                source.case.closed_at = source.case.closed_at or self.now
                join(log, source=source, target=target)
                self.report.joined += 1


def _said(report: ImportedReport, *, area_id: int | None, place_id: int | None) -> dict[str, object]:
    return {
        "service_code": report.service_code,
        "requested_at": report.opened_at,
        "said_at": report.opened_at,
        "lat": report.point.lat if report.point else None,
        "lon": report.point.lon if report.point else None,
        "area_id": area_id,
        "place_id": place_id,
        "address": _one_line(report.address, _ADDRESS),
        "words": clean_words(report.words),
        "language": report.language[:12],
        "attributes": dict(report.attributes),
        "media_url": report.media_url[:500],
    }


def _one_line(text: str, limit: int) -> str:
    return clean_words(text, limit=limit).replace("\n", " ")


def _batches(reports: Sequence[ImportedReport]) -> Iterator[Sequence[ImportedReport]]:
    for start in range(0, len(reports), _BATCH):
        yield reports[start : start + _BATCH]

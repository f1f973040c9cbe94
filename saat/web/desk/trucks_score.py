"""A contractor's score card over a span of days, and the lists of stop-runs that each of its figures leads to."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, QueryDict, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone, translation
from django.utils.translation import get_language, gettext_lazy
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from saat.actions.citymap import city_map
from saat.actions.filters import note_export
from saat.records import queries_score, queries_worklist
from saat.records.models import City, Contractor, StopRun
from saat.records.queries_score import FIGURES, PAGE, ScoreWanted, Tally
from saat.terms.run import CrewReason
from saat.web.desk import trucks_words
from saat.web.desk.exports import harmless
from saat.web.desk.filters import area_options
from saat.web.desk.frame import actor_for, city_for, desk_view, reach_for
from saat.web.desk.trucks_rows import clock_for
from saat.web.desk.words import WEEKDAYS

FEW = 30  # below so many a share says little
_LONGEST_DAYS = 366
_CHUNK_ROWS = 500
NAMES = {
    "served": gettext_lazy("Served"),
    "late": gettext_lazy("of these late"),
    "partial": gettext_lazy("Served in part"),
    "missed": gettext_lazy("Missed"),
    "skipped": gettext_lazy("Skipped, with the crew's reason"),
    "not_presented": gettext_lazy("Nothing was put out"),
    "excused": gettext_lazy("Called off by the city"),
    "unknown": gettext_lazy("Unknown"),
}
# The columns of the tables by round and by weekday, with shorter names.
_COLUMNS = {
    "served": gettext_lazy("Served"),
    "late": gettext_lazy("Late"),
    "missed": gettext_lazy("Missed"),
    "skipped": gettext_lazy("Skipped"),
    "unknown": gettext_lazy("Unknown"),
}


class Asked:
    """What an address asks a score card or a list of stop-runs for; what cannot be used is left out and told."""

    def __init__(self, params: QueryDict, *, city: City, contractors: list[Contractor], today: date) -> None:
        self.faults: list[str] = []
        self._params, ground = params, city_map(city)
        self.last = self._day("to") or today
        self.first = self._day("from") or self.last - timedelta(days=29)
        if self.first > self.last or (self.last - self.first).days > _LONGEST_DAYS:
            self.faults.append(_("A span is from one day to a later one, a year at most; the last 30 days are shown."))
            self.last, self.first = today, today - timedelta(days=29)
        companies = {str(row.pk): row.pk for row in contractors} | {"none": 0}
        self.contractor = self._known("contractor", companies, _("There is no contractor “%(value)s” here."))
        areas = {str(area_id): area_id for area_id in ground.paths}
        self.area_id = self._known("area", areas, _("There is no area “%(value)s” in this city."))
        self.wanted = ScoreWanted(
            first=self.first,
            last=self.last,
            contractor_id=self.contractor,
            area_path=ground.path_of(self.area_id),
            round_id=_number(params.get("round", "")),
            weekday=self._known("weekday", {str(n): n for n in range(7)}, _("There is no weekday “%(value)s”.")),
            figure=self._known("figure", {name: name for name in FIGURES}, _("There is no figure “%(value)s”.")) or "",
            reason=self._known("reason", {r: r for r in CrewReason}, _("There is no reason “%(value)s”.")) or "",
        )

    def _day(self, name: str) -> date | None:
        text = self._params.get(name, "")
        try:
            day = date.fromisoformat(text) if text else None
            if day is None or 1990 <= day.year <= 2200:
                return day
        except ValueError:
            pass
        self.faults.append(_("“%(value)s” is no date like 2026-03-31.") % {"value": text[:60]})
        return None

    def _known(self, name: str, known: dict[Any, Any], fault: str) -> Any:
        text = self._params.get(name, "")
        if text and text not in known:
            self.faults.append(fault % {"value": text[:60]})
        return known.get(text)

    def query(self, **more: Any) -> str:
        """Return the question as a part of an address, with more said."""
        wanted = self.wanted
        parts: dict[str, Any] = {
            "contractor": "none" if self.contractor == 0 else self.contractor,
            "area": self.area_id,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "round": wanted.round_id,
            "weekday": wanted.weekday,
            "figure": wanted.figure,
            "reason": wanted.reason,
        }
        return urlencode([(name, value) for name, value in {**parts, **more}.items() if value not in (None, "")])


def _asked(request: HttpRequest, city: City) -> Asked:
    today = clock_for(city, timezone.now()).today
    return Asked(request.GET, city=city, contractors=queries_worklist.contractors(city), today=today)


@desk_view
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the score card: figures with their links, by round and by weekday, and what they mean."""
    city, reach = city_for(request), reach_for(request)
    asked = _asked(request, city)
    score = queries_score.score(reach, city, asked.wanted)
    rounds = sorted(score.by_round.items(), key=lambda item: score.rounds.get(item[0], ""))
    contractors = queries_worklist.contractors(city)
    context = {
        "section": "trucks",
        "city": city,
        "asked": asked,
        "title": next((row.name for row in contractors if row.pk == asked.contractor), _("All contractors")),
        "contractors": contractors,
        "areas": area_options(city, get_language() or "en"),
        "score": score,
        "share": share_words(score.whole),
        "figures": [
            {"name": NAMES[name], "n": score.whole.figure(name), "query": asked.query(figure=name)}
            for name in FIGURES
            if score.whole.figure(name) or name in _COLUMNS
        ],
        "reasons": [
            {
                "name": trucks_words.REASONS[CrewReason(reason)] if reason else _("without a reason"),
                "n": n,
                "query": asked.query(figure="skipped", reason=reason),
            }
            for reason, n in sorted(score.reasons.items(), key=lambda item: -item[1])
        ],
        "columns": list(_COLUMNS.values()),
        "by_round": [
            _line(tally, name=score.rounds.get(pk, ""), asked=asked, key={"round": pk}) for pk, tally in rounds
        ],
        "by_weekday": [
            _line(tally, name=_(WEEKDAYS[day]), asked=asked, key={"weekday": day})
            for day, tally in score.by_weekday.items()
        ],
        "forecasts": [_forecast(horizon_s, row) for horizon_s, row in score.forecasts.items()],
        "open_runs": score.runs - score.frozen,
        "correction_h": round(city.policy_terms().rounds.correction_h),
        "few": FEW,
        "csv": asked.query(),
    }
    return render(request, "trucks/score.html", context)


def share_words(tally: Tally) -> dict[str, Any]:
    """Return the served share in words, with its range, and whether it is counted from few."""
    share, between = tally.served_share, tally.served_range
    if share is None or between is None:
        return {"text": "–", "range": "", "few": False}
    text = _("%(low)s to %(high)s %%") % {"low": f"{100 * between[0]:.1f}", "high": f"{100 * between[1]:.1f}"}
    return {
        "text": _("%(share)s %%") % {"share": f"{100 * share:.1f}"},
        "range": text,
        "few": tally.judged < FEW,
    }


def _line(tally: Tally, *, name: str, asked: Asked, key: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "query": asked.query(**key),
        "decided": tally.decided,
        "share": share_words(tally),
        "cells": [(tally.figure(figure), asked.query(**key, figure=figure)) for figure in _COLUMNS],
    }


def _forecast(horizon_s: int, row: queries_score.Forecasts) -> dict[str, Any]:
    return {
        "ahead": _("%(n)d min") % {"n": round(horizon_s / 60)},
        "n": row.n,
        "covered": trucks_words.percent(row.covered_share) if row.covered_share is not None else "–",
        "error": _("%(n).1f min") % {"n": row.error_s / 60} if row.error_s is not None else "–",
        "brier": f"{row.brier:.3f}" if row.brier is not None else "–",
        "few": row.n < FEW,
    }


@desk_view
@require_GET
def stops(request: HttpRequest) -> HttpResponse:
    """Show the stop-runs behind a figure, the latest day first."""
    city, reach = city_for(request), reach_for(request)
    asked = _asked(request, city)
    clock = clock_for(city, timezone.now())
    pages = Paginator(queries_score.stop_run_rows(reach, city, asked.wanted), PAGE)
    found = pages.get_page(request.GET.get("page", ""))
    context = {
        "section": "trucks",
        "asked": asked,
        "title": NAMES.get(asked.wanted.figure, _("All stops")),
        "rows": [_row(row, clock.say) for row in found],
        "found": found,
        "query": asked.query(),
        "score": asked.query(figure="", reason="", round="", weekday=""),
    }
    return render(request, "trucks/stops.html", context)


def _row(row: StopRun, say: Any) -> dict[str, Any]:
    return {
        "day": row.service_day,
        "round": str(row.run.round),
        "contractor": row.run.contractor.name if row.run.contractor else "",
        "run": row.run_id,
        "sequence": row.sequence,
        "number": row.stop.number,
        "planned": say(row.planned_at),
        "arrived": say(row.arrived_at) if row.arrived_at else "",
        "mark": trucks_words.MARK_OF[trucks_words.LETTER_OF[row.outcome]],  # type: ignore[index]
        "outcome": trucks_words.outcome_words(row),
        "p_served": trucks_words.percent(row.p_served) if row.p_served is not None else "",
        "final": row.run.frozen_at is not None,
        "revision": row.revision,
        "simulated": row.run.simulated,
    }


@desk_view
@require_GET
def as_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the score card by round as CSV, in UTF-8 with the mark by which spreadsheets know it."""
    city, reach = city_for(request), reach_for(request)
    asked = _asked(request, city)
    score = queries_score.score(reach, city, asked.wanted)
    note_export(city=city, form="csv", group="score", now=timezone.now(), by=actor_for(request))
    lines: list[list[Any]] = [
        [_("Round"), _("From"), _("To"), _("Decided"), *(str(NAMES[name]) for name in FIGURES), _("Served share")]
    ]
    for round_id, tally in sorted(score.by_round.items(), key=lambda item: score.rounds.get(item[0], "")):
        share = f"{tally.served_share:.4f}" if tally.served_share is not None else ""
        figures = [tally.figure(name) for name in FIGURES]
        lines.append([score.rounds.get(round_id, ""), asked.first, asked.last, tally.decided, *figures, share])
    return _download(lines, name=f"saat-score-{asked.first}-{asked.last}.csv")


@desk_view
@require_GET
def stops_csv(request: HttpRequest) -> StreamingHttpResponse:
    """Send the stop-runs behind a figure as CSV."""
    city, reach = city_for(request), reach_for(request)
    asked = _asked(request, city)
    note_export(city=city, form="csv", group="stop_runs", now=timezone.now(), by=actor_for(request))
    rows = queries_score.stop_run_rows(reach, city, asked.wanted)
    say = clock_for(city, timezone.now()).say
    heading = [
        _("Day"), _("Contractor"), _("Round"), _("Stop"), _("Planned"), _("Actual"), _("Outcome"),
        _("Probability that it was served"), _("Times changed"), _("Final"), _("Simulated"),
    ]  # fmt: skip
    language = get_language() or "en"

    def lines() -> Iterator[list[Any]]:
        yield heading
        for row in rows.iterator(chunk_size=_CHUNK_ROWS):
            with translation.override(language):
                told = _row(row, say)
                final, made_up = _("yes") if told["final"] else "", _("yes") if told["simulated"] else ""
            sure = "" if row.p_served is None else f"{row.p_served:.3f}"
            yield [
                told["day"], told["contractor"], told["round"], told["number"], told["planned"], told["arrived"],
                told["outcome"], sure, told["revision"], final, made_up,
            ]  # fmt: skip

    return _download(lines(), name=f"saat-stops-{asked.first}-{asked.last}.csv")


def _download(lines: Iterable[list[Any]], *, name: str) -> StreamingHttpResponse:
    def parts() -> Iterator[bytes]:
        buffer = io.StringIO()
        buffer.write("\ufeff")
        writer = csv.writer(buffer)
        for number, line in enumerate(lines, start=1):
            writer.writerow([harmless(cell) for cell in line])
            if number % _CHUNK_ROWS == 0:
                yield _emptied(buffer)
        yield _emptied(buffer)

    response = StreamingHttpResponse(parts(), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    response.headers["Cache-Control"] = "no-store"
    return response


def _emptied(buffer: io.StringIO) -> bytes:
    text = buffer.getvalue()
    buffer.seek(0)
    buffer.truncate()
    return text.encode()


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None

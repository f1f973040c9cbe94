"""What a draft changes in a plan, line by line, so that somebody sees it before it is saved."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from django.utils.formats import date_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from saat.terms.geo import Point, distance_m
from saat.terms.plan import HolidayRule, ServiceDays, Stream
from saat.terms.planning import RoundDraft, StopDraft
from saat.terms.servicedays import clock_text

_MOVED_M = 1.0  # less than this is rounding


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanChange:
    """One line. what: added, removed, changed, moved, round. row: of the draft, None for the round or a lost stop."""

    what: str
    text: str
    row: int | None = None


def changes_of(old: RoundDraft, new: RoundDraft, *, say_days: Callable[[ServiceDays], str]) -> list[PlanChange]:
    """Return what is different, the round first, then the stops in their new order, then those that are gone.

    say_days: how service days are written.
    """
    changes = _round_changes(old, new, say_days)
    known = {stop.stop_id: stop for stop in old.stops}
    order = _out_of_order([stop.stop_id for stop in old.stops], [stop.stop_id for stop in _ordered(new)])
    for stop in _ordered(new):
        before = known.get(stop.stop_id) if stop.stop_id is not None else None
        if before is None:
            changes.append(PlanChange(what="added", text=_("%(stop)s is new.") % {"stop": _called(stop)}, row=stop.row))
            continue
        parts = _stop_parts(before, stop)
        if stop.stop_id in order:
            places = {"old": _place(old, stop.stop_id), "new": _place(new, stop.stop_id)}
            parts.insert(0, _("place %(old)d becomes %(new)d") % places)
        if parts:
            text = _("%(stop)s: %(what)s.") % {"stop": _called(stop), "what": "; ".join(parts)}
            changes.append(PlanChange(what="changed", text=text, row=stop.row))
    kept = {stop.stop_id for stop in new.stops}
    for stop in old.stops:
        if stop.stop_id not in kept:
            text = _("%(stop)s is not on the round any more.") % {"stop": _called(stop)}
            changes.append(PlanChange(what="removed", text=text))
    return changes


def _round_changes(old: RoundDraft, new: RoundDraft, say_days: Callable[[ServiceDays], str]) -> list[PlanChange]:
    lines = [
        (_("Name"), old.name, new.name),
        (_("Contractor"), old.contractor, new.contractor),
        (_("Vehicle"), old.vehicle, new.vehicle),
        (_("Depot"), old.depot, new.depot),
        (_("Disposal site"), old.disposal, new.disposal),
        (_("Days"), say_days(old.days), say_days(new.days)),
        (_("Span"), _span(old), _span(new)),
        (_("Order"), _order(old), _order(new)),
    ]
    return [
        PlanChange(what="round", text=f"{name}: {before or '–'} → {after or '–'}")
        for name, before, after in lines
        if before != after
    ]


def _stop_parts(old: StopDraft, new: StopDraft) -> list[str]:
    parts = []
    times = [(old.planned_s, new.planned_s), (old.opens_s, new.opens_s), (old.closes_s, new.closes_s)]
    if any(before != after for before, after in times):
        parts.append(f"{_times(old)} → {_times(new)}")
    metres = distance_m(Point(lat=old.lat, lon=old.lon), Point(lat=new.lat, lon=new.lon))
    if metres >= _MOVED_M:
        parts.append(_("moved by %(metres)d m") % {"metres": round(metres)})
    elif old.line != new.line:
        parts.append(_("another line"))
    if dict(old.names) != dict(new.names):
        parts.append(_("another name"))
    if old.kind != new.kind or old.lane != new.lane or (old.served_by != new.served_by):
        parts.append(_("another kind of stop"))
    if dict(old.streams) != dict(new.streams):
        parts.append(_("other days or streams"))
    if old.dwell_s != new.dwell_s or old.load_kg != new.load_kg:
        parts.append(_("other time standing there or load"))
    return parts


def _out_of_order(old: Sequence[int | None], new: Sequence[int | None]) -> set[int | None]:
    """Return the stops that were moved: all but the longest run of stops that keep their order."""
    places = {stop_id: at for at, stop_id in enumerate(old)}
    kept = [stop_id for stop_id in new if stop_id in places]
    # The longest increasing subsequence (Fredman 1975), here in its plain quadratic form: rounds are short.
    best: list[list[int | None]] = []
    for stop_id in kept:
        before = max((run for run in best if places[run[-1]] < places[stop_id]), key=len, default=[])
        best.append([*before, stop_id])
    longest = max(best, key=len, default=[])
    return set(kept) - set(longest)


def _ordered(draft: RoundDraft) -> list[StopDraft]:
    return sorted(draft.stops, key=lambda stop: stop.sequence)


def _place(draft: RoundDraft, stop_id: int | None) -> int:
    return next(at for at, stop in enumerate(_ordered(draft), start=1) if stop.stop_id == stop_id)


def _called(stop: StopDraft) -> str:
    name = stop.names.get(get_language() or "") or next(iter(stop.names.values()), "") or stop.number
    return name or _("Stop in row %(row)d") % {"row": stop.row}


def _times(stop: StopDraft) -> str:
    return f"{clock_text(stop.planned_s)} ({clock_text(stop.opens_s)}–{clock_text(stop.closes_s)})"


def _span(draft: RoundDraft) -> str:
    if draft.starts_s is None or draft.ends_s is None:
        return _("from the stops' times")
    return f"{clock_text(draft.starts_s)}–{clock_text(draft.ends_s)}"


def _order(draft: RoundDraft) -> str:
    return _("as planned") if draft.order_strict else _("the crew chooses")


HOLIDAYS: Mapping[HolidayRule, Callable[[], str]] = {
    HolidayRule.COLLECT: lambda: _("also on public holidays"),
    HolidayRule.SKIP: lambda: _("not on public holidays"),
    HolidayRule.SHIFT: lambda: _("after a public holiday a day later until the week ends"),
}
STREAMS: Mapping[Stream, Callable[[], str]] = {
    Stream.REFUSE: lambda: _("Refuse"),
    Stream.RECYCLING: lambda: _("Recycling"),
    Stream.ORGANIC: lambda: _("Kitchen and garden waste"),
    Stream.BULKY: lambda: _("Bulky waste"),
}


def days_sentence(days: ServiceDays, *, names: Mapping[int, str]) -> str:
    """Return service days in words. names: of the weekdays, Monday is 0."""
    parts = [
        _("every day") if len(days.weekdays) == len(names) else ", ".join(names[day] for day in sorted(days.weekdays))
    ]
    if days.nth:
        which = ", ".join(_("last") if nth < 0 else str(nth) for nth in sorted(days.nth, key=lambda one: one % 10))
        parts.append(_("in the month: %(which)s") % {"which": which})
    if days.every_weeks > 1:
        count = days.every_weeks
        parts.append(ngettext("every %(count)d week", "every %(count)d weeks", count) % {"count": count})
    for day, text in ((days.first, _("from %(day)s")), (days.last, _("until %(day)s"))):
        if day is not None:
            parts.append(text % {"day": date_format(day, "SHORT_DATE_FORMAT")})
    for found, text in ((days.added, _("also %(days)s")), (days.removed, _("not %(days)s"))):
        if found:
            parts.append(text % {"days": ", ".join(day.isoformat() for day in sorted(found))})
    parts.append(HOLIDAYS[days.holidays]())
    return "; ".join(part for part in parts if part)

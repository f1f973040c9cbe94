"""The words of a plan in the making: what somebody drew, typed or imported, before it is checked and saved."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from saat.terms.plan import Line, ServiceDays, StopKind, Stream


@dataclass(frozen=True, slots=True, kw_only=True)
class StopDraft:
    """One stop in a plan that is not saved yet.

    row: where it stands in its file or list, from 1; below zero for a stop of the plan into which a file is merged.
    stop_id: the stop that it is, None where it is known by source_id or number, or is new. lat, lon: degrees; of a
    kerb the middle, which is worked out from `line` where both are NaN. served_by: source id or number of the transfer
    stop to which this lane's rubbish is brought. lane: no truck enters. streams: weekdays of each, None for all of the
    round's. Times: seconds since the local midnight of the service day.
    """

    row: int
    sequence: int
    lat: float
    lon: float
    planned_s: float
    opens_s: float
    closes_s: float
    kind: StopKind = StopKind.POINT
    line: Line = ()
    names: Mapping[str, str] = field(default_factory=dict)
    stop_id: int | None = None
    number: str = ""
    source_id: str = ""
    dwell_s: float = 30.0
    load_kg: float = 0.0
    lane: bool = False
    served_by: str = ""
    streams: Mapping[Stream, frozenset[int] | None] = field(default_factory=lambda: {Stream.REFUSE: None})


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundDraft:
    """A round and how it is to be driven, not saved yet.

    code: what it is called, once in a city. starts_s, ends_s: planned span; None where the stops' times say it.
    numbered: False where the file gives stops no places in the order but their rows.
    vehicle, contractor: label and name, "" for none. depot, disposal: names of sites, "" for none.
    """

    code: str
    days: ServiceDays
    stops: tuple[StopDraft, ...]
    name: str = ""
    starts_s: float | None = None
    ends_s: float | None = None
    order_strict: bool = True
    numbered: bool = True
    contractor: str = ""
    vehicle: str = ""
    depot: str = ""
    disposal: str = ""
    note: str = ""

    def digest(self) -> str:
        """Return the SHA-256 of all of it in hexadecimal, by which a round that changed in its file is known."""
        stops = [
            (repr(replace(stop, row=0, names={}, streams={})), sorted(stop.names.items()), _plain(stop.streams))
            for stop in self.stops
        ]
        none: frozenset[Any] = frozenset()
        days = replace(self.days, weekdays=none, nth=none, added=none, removed=none)
        # Sets have no order of their own, so they are put into one.
        sets = [sorted(one) for one in (self.days.weekdays, self.days.nth, self.days.added, self.days.removed)]
        whole = (repr(replace(self, stops=(), days=days)), sets, stops)
        return hashlib.sha256(repr(whole).encode()).hexdigest()


def _plain(streams: Mapping[Stream, frozenset[int] | None]) -> list[tuple[str, list[int] | None]]:
    return sorted((str(stream), None if days is None else sorted(days)) for stream, days in streams.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFault:
    """What is wrong with a draft. code: which fault. row: the stop's, None for the round as a whole.

    facts: figures for the sentence. warning: it may be meant; a person decides.
    """

    code: str
    row: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class QuestionDraft:
    """Something in an imported plan that only a person can settle.

    round_code, source_id: the round and the stop that it is about, "" for none. row: where it stands in the file, as
    its people would find it again. why: which kind of question. text: the words in doubt.
    """

    row: str
    why: str
    text: str
    round_code: str = ""
    source_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteDraft:
    """A depot, a disposal site or the like that came with a plan. source_id: the file's own id."""

    kind: str
    name: str
    lat: float
    lon: float
    source_id: str
    radius_m: float = 150.0


@dataclass(frozen=True, slots=True, kw_only=True)
class VehicleDraft:
    """A vehicle that came with a plan. capacity_kg: None where unknown."""

    label: str
    capacity_kg: float | None = None

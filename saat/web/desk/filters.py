"""What the work list is asked for: read from the address, so that a view can be shared, kept and come back to.

Whatever in an address cannot be used is left out, and a sentence says so; nothing typed there is an error of ours.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from saat.actions import filters as keeping
from saat.actions.cases import ActRefused
from saat.actions.citymap import city_map
from saat.actions.explain import search_terms
from saat.actions.log import NotAllowed, NotFound
from saat.records.models import City, Contractor
from saat.records.queries_worklist import Box, Group, Proof, Wanted
from saat.terms.case import Urgency
from saat.web.desk.frame import actor_for, back_to, city_for, desk_view

# The parts of an address that say what is listed, in the order in which they are written.
NAMES = (
    "group", "q", "category", "area", "contractor", "urgency", "proof", "reopened", "from", "to", "within",
)  # fmt: skip
_LONGEST_TEXT = 200
_YEARS = (1990, 2200)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What an address asks for.

    text: what was typed into the search box. query: the same question as the clean part of an address after the
    question mark. faults: sentences about what could not be used. narrowed: how many filters there are beside group
    and text.
    """

    wanted: Wanted
    text: str
    area_id: int | None
    since: date | None
    until: date | None
    query: str
    faults: tuple[str, ...]
    narrowed: int

    @property
    def within_text(self) -> str:
        """The part of the map as it stands in an address; "" for none."""
        box = self.wanted.within
        return f"{box.west:.5f},{box.south:.5f},{box.east:.5f},{box.north:.5f}" if box else ""

    def with_group(self, group: Group) -> str:
        """Return the same question about another group."""
        pairs = [(name, value) for name, value in _pairs(self) if name != "group"]
        return urlencode([("group", group), *pairs])


class _Reader:
    """Reads values one by one and collects what is wrong with them."""

    def __init__(self, params: QueryDict) -> None:
        self.params = params
        self.faults: list[str] = []

    def many(self, name: str, known: Callable[[str], Any], fault: str) -> tuple[Any, ...]:
        """Return the usable values of a name, each once; known: returns the value, or raises ValueError."""
        found: dict[Any, None] = {}
        for text in self.params.getlist(name):
            if not text:
                continue
            try:
                found[known(text)] = None
            except ValueError:
                self.faults.append(fault % {"value": text[:60]})
        return tuple(found)

    def one(self, name: str, known: Callable[[str], Any], fault: str) -> Any:
        """Return the last usable value of a name, or None."""
        found = self.many(name, known, fault)
        return found[-1] if found else None


def read_filters(params: QueryDict, *, city: City, contractors: list[Contractor]) -> Asked:
    """Return what an address asks for. contractors: those of the city."""
    policy, ground = city.policy_terms(), city_map(city)
    reader = _Reader(params)
    zone = ZoneInfo(policy.hours.zone)
    area_id = reader.one(
        "area", lambda text: _among(int(text), ground.paths), _("There is no area “%(value)s” in this city.")
    )
    since = reader.one("from", _day, _("“%(value)s” is no date like 2026-03-31."))
    until = reader.one("to", _day, _("“%(value)s” is no date like 2026-03-31."))
    if since and until and until < since:
        reader.faults.append(_("The last day lies before the first one; the last day was left out."))
        until = None
    text = " ".join(params.get("q", "").replace("\x00", "").split())[:_LONGEST_TEXT]
    words = search_terms(text)
    if text and not words:
        reader.faults.append(_("“%(value)s” holds no word to search for.") % {"value": text[:60]})
        text = ""
    by_company = {str(row.pk): row.pk for row in contractors} | {"none": 0}
    codes = {category.service_code for category in policy.categories}
    wanted = Wanted(
        group=reader.one("group", Group, _("There is no list “%(value)s”.")) or Group.OPEN,
        service_codes=reader.many(
            "category", lambda code: _among(code, codes), _("There is no category “%(value)s” in this city.")
        ),
        area_path=ground.paths[area_id] if area_id is not None else "",
        contractor_id=reader.one(
            "contractor", lambda key: by_company[_among(key, by_company)], _("There is no contractor “%(value)s” here.")
        ),
        urgencies=reader.many("urgency", Urgency, _("There is no urgency “%(value)s”.")),
        proof=reader.one("proof", Proof, _("There is no such filter of proofs: “%(value)s”.")) or Proof.ANY,
        reopened=params.get("reopened") == "1",
        words=words,
        since=_begin(since, zone) if since else None,
        until=_begin(until + timedelta(days=1), zone) if until else None,
        within=reader.one("within", box_of, _("“%(value)s” is no part of a map.")),
    )
    asked = Asked(wanted=wanted, text=text, area_id=area_id, since=since, until=until, query="", faults=(), narrowed=0)
    pairs = _pairs(asked)
    narrowed = sum(1 for name, _value in pairs if name not in ("group", "q"))
    return Asked(
        wanted=wanted,
        text=text,
        area_id=area_id,
        since=since,
        until=until,
        query=urlencode(pairs),
        faults=tuple(reader.faults),
        narrowed=narrowed,
    )


def _pairs(asked: Asked) -> list[tuple[str, str]]:
    """Return a question as the names and values of an address, those that differ from the usual; group always."""
    wanted = asked.wanted
    values: dict[str, Any] = {
        "group": wanted.group,
        "q": asked.text,
        "category": wanted.service_codes,
        "area": asked.area_id,
        "contractor": "none" if wanted.contractor_id == 0 else wanted.contractor_id,
        "urgency": wanted.urgencies,
        "proof": wanted.proof,
        "reopened": "1" if wanted.reopened else "",
        "from": asked.since.isoformat() if asked.since else "",
        "to": asked.until.isoformat() if asked.until else "",
        "within": asked.within_text,
    }
    pairs = []
    for name in NAMES:
        value = values[name]
        several = value if isinstance(value, tuple) else (value,)
        pairs += [(name, str(each)) for each in several if each not in (None, "")]
    return pairs


def area_options(city: City, language: str) -> list[dict[str, Any]]:
    """Return the areas that somebody may choose, each below the one it lies in: id, name and level from 1."""
    policy, ground = city.policy_terms(), city_map(city)
    areas: list[tuple[list[str], dict[str, Any]]] = []
    for area_id, path in ground.paths.items():
        trail = [policy.say(ground.names.get(int(part), {}), language) for part in path.split("/") if part]
        areas.append((trail, {"id": area_id, "name": trail[-1] if trail else "", "level": ground.levels[area_id]}))
    return [area for _trail, area in sorted(areas, key=lambda pair: pair[0]) if area["level"] > 0]


def box_of(text: str) -> Box:
    """Return the rectangle "west,south,east,north" in degrees.

    :raises ValueError: if it is none.
    """
    west, south, east, north = (float(part) for part in text.split(","))
    if not all(math.isfinite(side) for side in (west, south, east, north)):
        raise ValueError(text)
    west, east = max(-180.0, west), min(180.0, east)
    south, north = max(-90.0, south), min(90.0, north)
    if not (west <= east and south <= north):
        raise ValueError(text)
    return Box(south=south, west=west, north=north, east=east)


def _among(value: Any, known: Any) -> Any:
    if value not in known:
        raise ValueError(value)
    return value


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if not _YEARS[0] <= day.year <= _YEARS[1]:
        raise ValueError(text)
    return day


def _begin(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone)


@desk_view
@require_POST
def save(request: HttpRequest) -> HttpResponse:
    """Keep the list's filter under a name."""
    city = city_for(request)
    try:
        kept = keeping.save_filter(
            city=city,
            name=request.POST.get("name", ""),
            query=_clean(request.POST.get("query", "")),
            is_default=request.POST.get("is_default") == "1",
            now=timezone.now(),
            by=actor_for(request),
        )
    except (ActRefused, NotAllowed) as error:
        messages.error(request, str(error))
        return redirect(back_to(request))
    messages.success(request, _("The filter “%(name)s” is kept.") % {"name": kept.name})
    return redirect(f"/desk/?{kept.query}")


@desk_view
@require_POST
def forget(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Delete one of a person's own filters."""
    try:
        name = keeping.delete_filter(
            city=city_for(request), filter_id=filter_id, now=timezone.now(), by=actor_for(request)
        )
    except (NotFound, NotAllowed) as error:
        messages.error(request, str(error))
    else:
        messages.success(request, _("The filter “%(name)s” is deleted.") % {"name": name})
    return redirect(back_to(request))


@desk_view
@require_POST
def open_with(request: HttpRequest, filter_id: int) -> HttpResponse:
    """Let the desk open with one of a person's own filters; 0 for none."""
    try:
        keeping.choose_default(
            city=city_for(request), filter_id=filter_id or None, now=timezone.now(), by=actor_for(request)
        )
    except (NotFound, NotAllowed) as error:
        messages.error(request, str(error))
    else:
        done = _("The desk opens with this filter.") if filter_id else _("The desk opens with all open cases.")
        messages.success(request, done)
    return redirect(back_to(request))


def _clean(query: str) -> str:
    """Return of a query only what says what is listed."""
    params = QueryDict(query[:2000])
    return urlencode([(name, value) for name in NAMES for value in params.getlist(name) if value])

"""Where a caller means: areas and landmarks to choose from, held to those where an official may write calls down."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from saat.actions.citymap import CityMap, city_map
from saat.cases.permission import may
from saat.records import queries_areas
from saat.records.models import City
from saat.records.scope import Reach
from saat.terms.geo import Point
from saat.terms.policy import Names
from saat.triage.finding import NameFinder

_PLACES_BEGIN = 1 << 40  # the finder's keys are one kind of number: ids of areas, and above this those of landmarks
_MOST_PLACES = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class Whereabout:
    """An area or a landmark that can be chosen.

    kind: "khan", "market" and so on. is_area: what `id` is the id of. above: names of the areas it lies in, from the
    smallest up, without the city itself. area_id: the area, or the one that the landmark lies in. point: of a landmark.
    """

    id: int
    is_area: bool
    kind: str
    names: Names
    above: tuple[Names, ...]
    area_id: int | None
    point: Point | None = None


@dataclass(frozen=True, slots=True)
class _Known:
    version: int
    by_key: dict[int, Whereabout]
    finder: NameFinder


_known: dict[int, _Known] = {}
_guard = threading.Lock()


def may_report_anywhere(*, city: City, reach: Reach) -> bool:
    """Return whether a person may write down calls for the whole city, also where the area is not known."""
    return may(reach.roles_in(city_id=city.pk, area_path="", contractor_id=None, crew_id=None), "report")


def found_where(text: str, *, city: City, reach: Reach, most: int = 8) -> list[Whereabout]:
    """Return the areas and landmarks whose names fit what was typed, the best first; only where the person may report.

    Khmer or Latin letters, also misspelt; see `saat.triage.finding`.
    """
    known = _whereabouts(city)
    keys = known.finder.find(text, most=most, allowed=_allowed(known, city=city, reach=reach))
    return [known.by_key[key] for key in keys]


def called_so(text: str, *, city: City, reach: Reach) -> list[Whereabout]:
    """Return the areas and landmarks that are called exactly so, in any language; only where the person may report."""
    known = _whereabouts(city)
    allowed = _allowed(known, city=city, reach=reach)
    return [known.by_key[key] for key in known.finder.called(text) if allowed(key)]


def all_where(*, city: City, reach: Reach) -> list[Whereabout]:
    """Return everything that a person may choose: areas from above downwards, then landmarks."""
    known = _whereabouts(city)
    allowed = _allowed(known, city=city, reach=reach)
    return [where for key, where in known.by_key.items() if allowed(key)]


def this_where(value: str, *, city: City, reach: Reach) -> Whereabout | None:
    """Return what "area:12" or "place:7" stands for; None if there is none, or not for this person."""
    kind, _sign, number = value.partition(":")
    if kind not in ("area", "place") or not (number.isascii() and number.isdigit() and len(number) < 12):
        return None
    known = _whereabouts(city)
    key = int(number) + (_PLACES_BEGIN if kind == "place" else 0)
    return known.by_key[key] if key in known.by_key and _allowed(known, city=city, reach=reach)(key) else None


def area_at(point: Point, *, city: City) -> int | None:
    """Return the area that holds a point, None outside the city."""
    ground = city_map(city)
    return ground.index.area_of(point) if ground.index else None


def names_upwards(area_id: int | None, *, city: City) -> tuple[Names, ...]:
    """Return what an area and those above it are called, from the smallest up, without the city itself."""
    return _chain(area_id, city_map(city))


def _allowed(known: _Known, *, city: City, reach: Reach) -> Callable[[int], bool]:
    ground = city_map(city)
    answers: dict[str, bool] = {}

    def allowed(key: int) -> bool:
        path = ground.path_of(known.by_key[key].area_id)
        if path not in answers:
            roles = reach.roles_in(city_id=city.pk, area_path=path, contractor_id=None, crew_id=None)
            answers[path] = may(roles, "report")
        return answers[path]

    return allowed


def _whereabouts(city: City) -> _Known:
    known = _known.get(city.pk)
    if known is not None and known.version == city.areas_version:
        return known
    with _guard:
        known = _known.get(city.pk)
        if known is None or known.version != city.areas_version:
            by_key = _read(city)
            names = {key: _all_names(where) for key, where in by_key.items()}
            known = _known[city.pk] = _Known(city.areas_version, by_key, NameFinder(names))
        return known


def _read(city: City) -> dict[int, Whereabout]:
    ground = city_map(city)
    by_key = {}
    for option in queries_areas.area_options(city):
        if option.level == 0 or not option.names:
            continue  # the city itself says nothing of where
        chain = _chain(option.area_id, ground)
        by_key[option.area_id] = Whereabout(
            id=option.area_id,
            is_area=True,
            kind=option.kind,
            names=option.names,
            above=chain[1:],
            area_id=option.area_id,
        )
    for pk, kind, names, lat, lon, area_id in queries_areas.landmarks(city, most=_MOST_PLACES):
        by_key[_PLACES_BEGIN + pk] = Whereabout(
            id=pk,
            is_area=False,
            kind=kind,
            names=names,
            above=_chain(area_id, ground),
            area_id=area_id,
            point=Point(lat=lat, lon=lon),
        )
    return by_key


def _all_names(where: Whereabout) -> list[str]:
    """Return what somebody may type: the names, and the names with those of the areas above in the same language."""
    own = where.names.items()
    whole = [" ".join([text, *(names.get(language, "") for names in where.above)]) for language, text in own]
    return [*where.names.values(), *whole]


def _chain(area_id: int | None, ground: CityMap) -> tuple[Names, ...]:
    path = [int(part) for part in ground.path_of(area_id).split("/") if part]
    return tuple(ground.names.get(part, {}) for part in reversed(path[1:] or path))

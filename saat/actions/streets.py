"""The streets that a city's maps show."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import shapely
from django.db.models import Max, Min
from django.utils.translation import gettext as _
from shapely.geometry.base import BaseGeometry

from saat.actions.log import Actor, NotAllowed, writing
from saat.records import streets_store
from saat.records.models import Area, City

_AROUND_DEG = 0.02  # streets so far beyond the city are still shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """One street. line: a LineString or MultiLineString, x is the longitude. main: a through street."""

    line: BaseGeometry
    names: Mapping[str, str]
    main: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StreetsReport:
    """What an import did."""

    kept: int
    outside: int
    not_lines: int


def import_streets(
    *,
    city: City,
    streets: Sequence[Street],
    now: datetime,
    by: Actor,
    schematic: bool = False,
    attribution: str = "",
    dry_run: bool = False,
) -> StreetsReport:
    """Put the streets of a file in the place of the city's former ones.

    What is no line, or lies outside the city's surroundings, is left out and counted.

    :raises NotAllowed: if it is not for this actor to do.
    """
    if not by.may_in_city("import_data", city.pk):
        raise NotAllowed(_("Only an administrator of the city can import data."))
    around = _surroundings(city)
    features, outside, not_lines = [], 0, 0
    for street in streets:
        if street.line.geom_type not in ("LineString", "MultiLineString") or street.line.is_empty:
            not_lines += 1
            continue
        if around is not None and not around.intersects(street.line):
            outside += 1
            continue
        geometry = shapely.geometry.mapping(shapely.set_precision(street.line, 1e-6, mode="pointwise"))
        properties = {"names": dict(street.names), "main": street.main}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    if features and not dry_run:
        with writing(city.pk, now=now, by=by) as log:
            streets_store.keep(city.jurisdiction_id, features=features, schematic=schematic, attribution=attribution)
            facts = {"kept": len(features), "outside": outside}
            log.append("streets_imported", subject=f"city:{city.pk}", facts=facts)
    return StreetsReport(kept=len(features), outside=outside, not_lines=not_lines)


def _surroundings(city: City) -> BaseGeometry | None:
    edges = Area.objects.filter(city=city, min_lat__isnull=False).aggregate(
        west=Min("min_lon"), south=Min("min_lat"), east=Max("max_lon"), north=Max("max_lat")
    )
    if edges["west"] is None:
        return None
    return shapely.box(edges["west"], edges["south"], edges["east"], edges["north"]).buffer(_AROUND_DEG)

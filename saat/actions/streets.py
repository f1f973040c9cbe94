"""The streets that a city's maps show."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Min
from django.utils.translation import gettext as _

from saat.actions.log import Actor, NotAllowed, writing
from saat.records import streets_store
from saat.records.models import Area, City
from saat.triage.outlines import Edges, Line, kept_line

_AROUND_DEG = 0.02  # streets so far beyond the city are still shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    """One street. line: a GeoJSON LineString or MultiLineString. main: a through street."""

    line: Mapping[str, Any] | None
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
    around = _edges(city)
    features, left_out = [], Counter[Line]()
    for street in streets:
        geometry, became = kept_line(street.line, around=around, margin_deg=_AROUND_DEG)
        left_out[became] += 1
        if geometry is not None:
            properties = {"names": dict(street.names), "main": street.main}
            features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    if features and not dry_run:
        with writing(city.pk, now=now, by=by) as log:
            streets_store.keep(city.jurisdiction_id, features=features, schematic=schematic, attribution=attribution)
            facts = {"kept": len(features), "outside": left_out[Line.OUTSIDE]}
            log.append("streets_imported", subject=f"city:{city.pk}", facts=facts)
    return StreetsReport(kept=len(features), outside=left_out[Line.OUTSIDE], not_lines=left_out[Line.NO_LINE])


def _edges(city: City) -> Edges | None:
    found = Area.objects.filter(city=city, min_lat__isnull=False).aggregate(
        west=Min("min_lon"), south=Min("min_lat"), east=Max("max_lon"), north=Max("max_lat")
    )
    return None if found["west"] is None else Edges(**found)

"""Finding areas by what people call them. Areas are public."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from saat.records.models import Area, AreaCode, AreaName, City, Place
from saat.terms.case import ServiceLevel


def names_by_area(area_ids: Iterable[int]) -> dict[int, dict[str, str]]:
    """Return area → language → name; one query."""
    names: dict[int, dict[str, str]] = {}
    rows = AreaName.objects.filter(area_id__in=list(area_ids))
    for area_id, language, text in rows.values_list("area_id", "language", "text"):
        names.setdefault(area_id, {})[language] = text
    return names


def area_with_code(city: City, *, code_list: str, code: str) -> Area | None:
    """Return the area that has a code in one list."""
    row = AreaCode.objects.select_related("area").filter(city=city, code_list=code_list, code=code).first()
    return row.area if row else None


def path_of(city: City, area_id: int) -> str:
    """Return the path of one of the city's areas, "" if it is none of them; one query."""
    return Area.objects.filter(city=city, pk=area_id).values_list("path", flat=True).first() or ""


def areas_called(city: City, plain_names: Sequence[str]) -> list[Area]:
    """Return the areas with the last of these names that lie in areas with the names before it, by id.

    plain_names: from above downwards, in the form in which names are compared.
    """
    named = Area.objects.filter(city=city, names__plain=plain_names[-1]).distinct().order_by("pk")
    found = list(named)
    for plain in plain_names[:-1]:
        above = set(Area.objects.filter(city=city, names__plain=plain).values_list("pk", flat=True))
        found = [area for area in found if above & _ids_above(area)]
    return found


def _ids_above(area: Area) -> set[int]:
    return {int(part) for part in area.path.split("/") if part} - {area.pk}


def outlines(city: City) -> list[tuple[int, int, bytes]]:
    """Return (area, level, outline as WKB) of all areas that have one, by id."""
    rows = Area.objects.filter(city=city).exclude(wkb=b"").order_by("pk").values_list("pk", "level", "wkb")
    return [(pk, level, bytes(wkb)) for pk, level, wkb in rows]


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaOption:
    """An area as somebody may choose it. above: names of the areas it lies in, from the top, a dictionary for each."""

    area_id: int
    kind: str
    level: int
    parent_id: int | None
    names: dict[str, str]
    above: tuple[dict[str, str], ...]
    is_leaf: bool


def area_options(city: City) -> list[AreaOption]:
    """Return all areas of a city, those above before those within them; two queries."""
    rows = list(Area.objects.filter(city=city).order_by("level", "pk").values_list("pk", "level", "parent_id", "kind"))
    names: dict[int, dict[str, str]] = {}
    for area_id, language, text in AreaName.objects.filter(city=city).values_list("area_id", "language", "text"):
        names.setdefault(area_id, {})[language] = text
    parents = {parent_id for _pk, _level, parent_id, _kind in rows}
    lines: dict[int, tuple[dict[str, str], ...]] = {}
    options = []
    for pk, level, parent_id, kind in rows:
        above = (*lines[parent_id], names.get(parent_id, {})) if parent_id in lines else ()
        lines[pk] = above
        options.append(
            AreaOption(
                area_id=pk,
                kind=kind,
                level=level,
                parent_id=parent_id,
                names=names.get(pk, {}),
                above=above,
                is_leaf=pk not in parents,
            )
        )
    return options


def landmarks(city: City, *, most: int = 2000) -> list[tuple[int, str, dict[str, str], float, float, int | None]]:
    """Return (place, kind, names, lat, lon, area) of landmarks, those that ask for most care first, then by id."""
    care = [ServiceLevel.HIGHEST, ServiceLevel.RAISED, ServiceLevel.USUAL]
    rows = Place.objects.filter(city=city).values_list("pk", "kind", "names", "lat", "lon", "area_id", "service_level")
    found = sorted(rows, key=lambda row: (care.index(ServiceLevel(row[6])), row[0]))
    return [row[:6] for row in found[:most]]

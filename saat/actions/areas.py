"""The parts of a city: taken from a list or a map file, joined to the areas that are known, doubts told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import F
from django.utils.translation import gettext as _

from saat.actions.log import Actor, NotAllowed, writing
from saat.records.models import Area, AreaCode, AreaName, City
from saat.triage.names import Doubt, NameIndex, match_name, plain_name
from saat.triage.outlines import edges_of, place_in
from saat.triage.places import AreaIndex, AreaShape

_LONGEST_TAG = 7  # so that a language tag with a list's name fits its column


@dataclass(frozen=True, slots=True, kw_only=True)
class AreaEntry:
    """One area as a list or a map file has it.

    row: where it stands in its file, from 1. level: depth below the city, from 1. names: language to name.
    code, parent_code: in the list that is imported, "" where it has none. parent_names: what the area above is called.
    wkb: the mended outline, b"" where the file has none.
    """

    row: int
    level: int
    kind: str
    names: Mapping[str, str]
    code: str = ""
    parent_code: str = ""
    parent_names: tuple[str, ...] = ()
    wkb: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unjoined:
    """An entry that was left out, and why. could_be: the areas that it might be, by their names."""

    row: int
    level: int
    name: str
    code: str
    why: str
    could_be: tuple[str, ...] = ()


@dataclass(slots=True, kw_only=True)
class AreasReport:
    """What an import did. Counts by level; joined holds those that were known before, changed or not."""

    read: Counter[int] = field(default_factory=Counter)
    created: Counter[int] = field(default_factory=Counter)
    joined: Counter[int] = field(default_factory=Counter)
    changed: int = 0
    unjoined: list[Unjoined] = field(default_factory=list)
    without_entry: Counter[int] = field(default_factory=Counter)


def import_areas(
    *,
    city: City,
    entries: Sequence[AreaEntry],
    now: datetime,
    by: Actor,
    code_list: str = "",
    create: bool = True,
    schematic: bool = False,
    dry_run: bool = False,
) -> AreasReport:
    """Take the areas of a list or a map file into a city, from above downwards.

    An entry is joined to a known area by its code in the same list, or else by its names within the area above.
    What is not known is made if `create`, and otherwise reported; what is in doubt is always reported and never
    guessed. The same file again changes nothing. Areas that the file lacks stay as they are.

    code_list: the name of the official list that the entries' codes are of; codes without a list are not kept.

    :raises NotAllowed: if it is not for this actor to do.
    """
    if not by.may_in_city("import_data", city.pk):
        raise NotAllowed(_("Only an administrator of the city can import data."))
    with writing(city.pk, now=now, by=by) as log:
        joining = _Joining(city, code_list=code_list, create=create, schematic=schematic, dry_run=dry_run)
        for level in sorted({entry.level for entry in entries}):
            joining.take([entry for entry in entries if entry.level == level])
        report = joining.report
        if not dry_run and (report.changed or report.created):
            City.objects.filter(pk=city.pk).update(areas_version=F("areas_version") + 1)
            facts = {
                "list": code_list,
                "created": sum(report.created.values()),
                "changed": report.changed,
                "unjoined": len(report.unjoined),
            }
            log.append("areas_imported", subject=f"city:{city.pk}", facts=facts)
    city.refresh_from_db(fields=["areas_version"])
    return report


def set_names(*, area: Area, names: Mapping[str, str]) -> int:
    """Write what an area is called in some languages; other languages stay. Return how many names are new or differ."""
    known = dict(AreaName.objects.filter(area=area).values_list("language", "text"))
    changed = 0
    for language, text in names.items():
        tidy = " ".join(text.split())[:200]
        if tidy and known.get(language) != tidy:
            AreaName.objects.update_or_create(
                area=area,
                language=language,
                defaults={"city_id": area.city_id, "text": tidy, "plain": plain_name(tidy)[:200]},
            )
            changed += 1
    return changed


class _InDoubt(Exception):
    """It cannot be told which area an entry is."""

    def __init__(self, why: str, could_be: tuple[int, ...]) -> None:
        super().__init__(why)
        self.could_be = could_be


@dataclass(slots=True)
class _Known:
    """One area in memory while entries are joined; pk 0 until it is written."""

    row: Area
    names: dict[str, str]
    codes: dict[str, str]


class _Joining:
    """Joins entries to the areas of a city, level by level, and writes what follows."""

    def __init__(self, city: City, *, code_list: str, create: bool, schematic: bool, dry_run: bool) -> None:
        self.city, self.code_list, self.create = city, code_list, create
        self.schematic, self.dry_run = schematic, dry_run
        self.report = AreasReport()
        self.known: dict[int, _Known] = {}
        self.by_code: dict[str, int] = {}
        self._imagined = 0  # ids of areas that a dry run only imagines are negative
        for row in Area.objects.filter(city=city):
            self.known[row.pk] = _Known(row, {}, {})
        for area_id, language, text in AreaName.objects.filter(city=city).values_list("area_id", "language", "text"):
            self.known[area_id].names[language] = text
        for area_id, of_list, code in AreaCode.objects.filter(city=city).values_list("area_id", "code_list", "code"):
            self.known[area_id].codes[of_list] = code
            if of_list == code_list:
                self.by_code[code] = area_id
        self._names: dict[tuple[int, int | None], NameIndex] = {}
        self.root_id = next(pk for pk, area in self.known.items() if area.row.level == 0)

    def take(self, entries: list[AreaEntry]) -> None:
        """Join the entries of one level, whose parents have been joined before."""
        level = entries[0].level
        self.report.read[level] += len(entries)
        above = self._index(level - 1)
        self._names.clear()
        taken: dict[int, int] = {}
        new: list[tuple[AreaEntry, int]] = []
        found: list[tuple[AreaEntry, int]] = []
        for entry in entries:
            parent_id = self._parent(entry, above)
            if isinstance(parent_id, str):
                self._leave_out(entry, parent_id)
                continue
            try:
                area_id = self._known_area(entry, parent_id)
            except _InDoubt as doubt:
                self._leave_out(entry, str(doubt), doubt.could_be)
                continue
            if area_id is None:
                new.append((entry, parent_id))
            elif area_id in taken:
                self._leave_out(entry, _why(Doubt.TAKEN, row=taken[area_id]), (area_id,))
            else:
                taken[area_id] = entry.row
                found.append((entry, area_id))
        self.report.joined[level] += len(found)
        for entry, area_id in found:
            self._change(entry, self.known[area_id])
        self._make(self._told_apart(new))
        self.report.without_entry[level] = sum(
            1 for area in self.known.values() if area.row.level == level and area.row.pk not in taken
        ) - (self.report.created[level] if not self.dry_run else 0)

    def _index(self, level: int) -> AreaIndex:
        shapes = [
            AreaShape(area_id=pk, level=level, wkb=bytes(area.row.wkb))
            for pk, area in self.known.items()
            if area.row.level == level and area.row.wkb
        ]
        return AreaIndex(shapes)

    def _parent(self, entry: AreaEntry, above: AreaIndex) -> int | str:
        """Return the area above an entry, or the sentence that says why it is not known."""
        if entry.level == 1:
            return self.root_id
        if entry.parent_code:
            parent_id = self.by_code.get(entry.parent_code)
            if parent_id is None:
                return f"The area above it, with the code {entry.parent_code}, was not joined."
            return parent_id
        if entry.parent_names:
            match = self._named(entry.level - 1, None).match(entry.parent_names)
            if match.key is None:
                return f"The area above it, {' / '.join(entry.parent_names)}, is not known."
            return match.key
        if entry.wkb:
            parent_id = above.area_of(place_in(entry.wkb))
            if parent_id is not None:
                return parent_id
            return "It lies in no known area of the level above."
        return "The file does not say which area it lies in."

    def _known_area(self, entry: AreaEntry, parent_id: int) -> int | None:
        """Return the area that an entry is, or None if it is to be made.

        :raises _InDoubt: if it cannot be told, or is not known and nothing is to be made.
        """
        by_code = self.by_code.get(entry.code) if entry.code and self.code_list else None
        match = self._named(entry.level, parent_id).match(entry.names.values())
        if by_code is not None:
            if by_code == match.key or (match.key is None and self._shares_a_name(entry, by_code)):
                return by_code
            could_be = (by_code, *([match.key] if match.key is not None else []))
            raise _InDoubt(f"The list gives the code {entry.code} to another area.", could_be)
        if match.key is not None:
            other = self.known[match.key].codes.get(self.code_list) if self.code_list else None
            if entry.code and other is not None and other != entry.code:
                raise _InDoubt(f"The area of this name has the code {other} in this list.", (match.key,))
            return match.key
        if match.doubt is Doubt.UNKNOWN and self.create:
            return None
        elsewhere = self._of_the_same_name(entry) if match.doubt is Doubt.UNKNOWN else match.could_be
        assert match.doubt is not None
        raise _InDoubt(_why(match.doubt), elsewhere)

    def _shares_a_name(self, entry: AreaEntry, area_id: int) -> bool:
        return match_name(entry.names.values(), {area_id: self.known[area_id].names.values()}).key is not None

    def _of_the_same_name(self, entry: AreaEntry) -> tuple[int, ...]:
        everywhere = self._named(entry.level, None).match(entry.names.values())
        return everywhere.could_be if everywhere.key is None else (everywhere.key,)

    def _named(self, level: int, parent_id: int | None) -> NameIndex:
        """Return the names of a level, of one parent or of all (None)."""
        index = self._names.get((level, parent_id))
        if index is None:
            index = self._names[level, parent_id] = NameIndex(
                {
                    pk: area.names.values()
                    for pk, area in self.known.items()
                    if area.row.level == level and parent_id in (None, area.row.parent_id)
                }
            )
        return index

    def _told_apart(self, new: list[tuple[AreaEntry, int]]) -> list[tuple[AreaEntry, int]]:
        """Return the new entries but for those that share a code, or a name within one parent: none of them is made."""
        rows: dict[tuple[int, str], set[int]] = {}
        codes: dict[str, set[int]] = {}
        for entry, parent_id in new:
            codes.setdefault(entry.code, set()).add(entry.row)
            for name in entry.names.values():
                rows.setdefault((parent_id, plain_name(name)), set()).add(entry.row)
        kept = []
        for entry, parent_id in new:
            called = set().union(*(rows[parent_id, plain_name(name)] for name in entry.names.values())) - {entry.row}
            coded = codes[entry.code] - {entry.row} if entry.code else set()
            if not entry.names:
                self._leave_out(entry, "It has no name.")
            elif coded:
                self._leave_out(entry, f"Row {min(coded)} has the same code.")
            elif called and not entry.code:
                self._leave_out(entry, f"Row {min(called)} has the same name within the same area.")
            else:
                kept.append((entry, parent_id))
        return kept

    def _leave_out(self, entry: AreaEntry, why: str, could_be: Iterable[int] = ()) -> None:
        self.report.unjoined.append(
            Unjoined(
                row=entry.row,
                level=entry.level,
                name=" / ".join(entry.names.values()),
                code=entry.code,
                why=why,
                could_be=tuple(self._label(pk) for pk in could_be),
            )
        )

    def _label(self, area_id: int) -> str:
        area = self.known[area_id]
        own = area.names.get("en") or next(iter(area.names.values()), f"area {area_id}")
        above = self.known.get(area.row.parent_id or 0)
        if above is None or above.row.level == 0:
            return own
        return f"{above.names.get('en') or next(iter(above.names.values()), '?')} / {own}"

    def _change(self, entry: AreaEntry, area: _Known) -> None:
        changed = False
        if entry.wkb and bytes(area.row.wkb) != entry.wkb:
            _outline(area.row, entry.wkb)
            area.row.schematic = self.schematic
            changed = True
            if not self.dry_run:
                area.row.save(update_fields=["wkb", "min_lat", "min_lon", "max_lat", "max_lon", "schematic"])
        fresh = self._new_names(entry, area)
        if fresh:
            area.names.update(fresh)
            changed = True
            if not self.dry_run:
                set_names(area=area.row, names=fresh)
        if entry.code and self.code_list and self.code_list not in area.codes:
            area.codes[self.code_list] = entry.code
            self.by_code[entry.code] = area.row.pk
            changed = True
            if not self.dry_run:
                AreaCode.objects.create(city=self.city, area=area.row, code_list=self.code_list, code=entry.code)
        self.report.changed += changed

    def _new_names(self, entry: AreaEntry, area: _Known) -> dict[str, str]:
        """Return the names that an area lacks; where a list spells one otherwise, its spelling is kept as the list's.

        The language tag of another spelling is "en-x-mef": in BCP 47 what follows the x is private.
        """
        fresh = {}
        for language, text in entry.names.items():
            known = area.names.get(language)
            tag = f"{language}-x-{self.code_list[:_LONGEST_TAG]}"
            if not _is_whole(text):
                continue
            if known is None:
                fresh[language] = text
            elif self.code_list and tag not in area.names and plain_name(known) != plain_name(text):
                fresh[tag] = text
        return fresh

    def _make(self, pairs: list[tuple[AreaEntry, int]]) -> None:
        if not pairs:
            return
        rows = []
        for entry, parent_id in pairs:
            row = Area(
                city=self.city,
                parent_id=parent_id,
                level=entry.level,
                kind=entry.kind,
                schematic=self.schematic and bool(entry.wkb),
            )
            if entry.wkb:
                _outline(row, entry.wkb)
            rows.append(row)
        if self.dry_run:
            for row in rows:
                self._imagined -= 1
                row.pk = self._imagined
        else:
            rows = Area.objects.bulk_create(rows)
        names, codes = [], []
        for row, (entry, parent_id) in zip(rows, pairs, strict=True):
            row.path = f"{self.known[parent_id].row.path}{row.pk}/"
            texts = {language: " ".join(text.split())[:200] for language, text in entry.names.items() if text.strip()}
            known = self.known[row.pk] = _Known(row, texts, {})
            for language, text in texts.items():
                plain = plain_name(text)[:200]
                names.append(AreaName(city=self.city, area=row, language=language, text=text, plain=plain))
            if entry.code and self.code_list:
                known.codes[self.code_list] = entry.code
                self.by_code[entry.code] = row.pk
                codes.append(AreaCode(city=self.city, area=row, code_list=self.code_list, code=entry.code))
            self.report.created[entry.level] += 1
        if not self.dry_run:
            Area.objects.bulk_update(rows, ["path"])
            AreaName.objects.bulk_create(names)
            AreaCode.objects.bulk_create(codes)


def _outline(row: Area, wkb: bytes) -> None:
    row.wkb = wkb
    edges = edges_of(wkb)
    row.min_lat, row.min_lon, row.max_lat, row.max_lon = edges.south, edges.west, edges.north, edges.east


def _is_whole(name: str) -> bool:
    return bool(name.strip()) and not name.rstrip().endswith("*")


def _why(doubt: Doubt, *, row: int = 0) -> str:
    """Return the sentence that tells the operator why an entry was left out."""
    return {
        Doubt.UNKNOWN: "No area of this name lies in the area above it.",
        Doubt.SEVERAL: "Its names fit several areas.",
        Doubt.SHORT: "Its name was cut too short to tell which area it is.",
        Doubt.TAKEN: f"Row {row} was joined to the same area before.",
    }[doubt]

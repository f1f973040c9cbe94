"""A mapping file: what the columns and words of another system mean, so that its rows become `ImportedReport`."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping as AnyMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from saat.links.tables.reading import Row
from saat.terms.case import Channel, Ending
from saat.terms.geo import Point, distance_m
from saat.terms.imports import ImportedReport
from saat.terms.policy import CityPolicy

_COLUMNS = (
    "id", "opened", "due", "closed", "category", "status", "words", "address", "lat", "lon", "closing_text", "on_time",
    "channel", "language", "media_url",
)  # fmt: skip
_NEEDED = ("id", "opened", "category")
_AT_NO_PLACE_M = 5.0  # how near to a position that stands for "unknown" a row lies to mean that


class MappingRefused(Exception):
    """A mapping file cannot be used; the message names the entry and says what it should be."""


class RowRefused(Exception):
    """A row cannot be taken in; the message says what is wrong with which column."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a closing text means: the first rule that is found in it decides."""

    found: re.Pattern[str]
    ending: Ending | None = None
    reason: str = ""
    parent: str = ""  # with {parent} for what the pattern's group of that name holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """A mapping file that was checked.

    source: what the other system is called, by which its cases are known again. columns: our word to their columns.
    """

    source: str
    columns: dict[str, tuple[str, ...]]
    zone: ZoneInfo
    formats: tuple[str, ...]
    categories: dict[str, str]
    category_else: str
    opened: frozenset[str]
    closed: frozenset[str]
    on_time: dict[str, bool]
    channels: dict[str, Channel]
    duplicates: tuple[_Rule, ...]
    closings: tuple[_Rule, ...]
    closing_else: _Rule
    nowhere: tuple[Point, ...]
    attributes: dict[str, str]
    file: dict[str, Any] = field(default_factory=dict)

    def wanted_columns(self) -> list[str]:
        """Return every column that the other system's file must have."""
        return sorted({name for names in self.columns.values() for name in names} | set(self.attributes.values()))

    def check(self, policy: CityPolicy) -> None:
        """Check that the city knows the categories and reasons that the mapping leads to.

        :raises MappingRefused: if it does not.
        """
        codes = {*self.categories.values(), *([self.category_else] if self.category_else else [])}
        unknown = sorted(code for code in codes if not policy.has_category(code))
        if unknown:
            raise MappingRefused(f"The city {policy.jurisdiction_id} has no category {', '.join(unknown)}.")
        reasons = {rule.reason for rule in (*self.closings, self.closing_else) if rule.reason}
        missing = sorted(reasons - {reason.code for reason in policy.closing_reasons})
        if missing:
            raise MappingRefused(f"The city {policy.jurisdiction_id} has no closing reason {', '.join(missing)}.")

    def report(self, row: Row) -> ImportedReport:
        """Return a row in our own words.

        :raises RowRefused: if something in it is missing or has no meaning.
        """
        source_id = self._text(row, "id")
        if not source_id:
            raise RowRefused(f"{self._name('id')} is empty.")
        if len(source_id) > 80:
            raise RowRefused(f"{self._name('id')} is longer than 80 letters.")
        opened_at = self._moment(row, "opened")
        if opened_at is None:
            raise RowRefused(f"{self._name('opened')} is empty.")
        closed_at = self._moment(row, "closed")
        due_at = self._moment(row, "due")
        is_closed = self._is_closed(row, closed_at)
        if is_closed and closed_at is None:
            raise RowRefused(f"It is closed, but {self._name('closed')} is empty.")
        if closed_at is not None and closed_at < opened_at:
            raise RowRefused(f"{self._name('closed')} ({row.text(self.columns['closed'][0])}) is before it was opened.")
        if due_at is not None and due_at <= opened_at:
            raise RowRefused(f"{self._name('due')} ({row.text(self.columns['due'][0])}) is not after it was opened.")
        text = self._text(row, "closing_text")
        rule = self._rule(text) if is_closed else _Rule(re.compile(""))
        parent_id = self._parent(text) if is_closed else ""
        return ImportedReport(
            source_id=source_id,
            service_code=self._category(row),
            opened_at=opened_at,
            due_at=due_at,
            closed_at=closed_at if is_closed else None,
            ending=rule.ending if is_closed else None,
            reason_code=rule.reason,
            parent_id="" if parent_id == source_id else parent_id,
            words=self._text(row, "words"),
            address=self._text(row, "address"),
            point=self._point(row),
            closing_text=text if is_closed else "",
            on_time=self._on_time(row),
            channel=self._channel(row),
            language=self._text(row, "language"),
            media_url=self._text(row, "media_url"),
            attributes=tuple((code, value) for code, name in self.attributes.items() if (value := row.text(name))),
        )

    def _name(self, word: str) -> str:
        return " and ".join(self.columns.get(word, (word,)))

    def _text(self, row: Row, word: str) -> str:
        return "\n".join(text for name in self.columns.get(word, ()) if (text := row.text(name)))

    def _moment(self, row: Row, word: str) -> datetime | None:
        if word not in self.columns:
            return None
        value = row.cells.get(self.columns[word][0])
        if isinstance(value, datetime):
            return self._in_zone(value)
        text = row.text(self.columns[word][0])
        if not text:
            return None
        for form in self.formats:
            try:
                moment = datetime.fromisoformat(text) if form == "iso" else datetime.strptime(text, form)  # noqa: DTZ007
            except ValueError:
                continue
            return self._in_zone(moment)
        raise RowRefused(f"{self._name(word)} is {text!r}, which is no moment written as {' or '.join(self.formats)}.")

    def _in_zone(self, moment: datetime) -> datetime:
        return (moment if moment.tzinfo else moment.replace(tzinfo=self.zone)).astimezone(UTC)

    def _is_closed(self, row: Row, closed_at: datetime | None) -> bool:
        if "status" not in self.columns:
            return closed_at is not None
        status = self._text(row, "status")
        if status in self.closed:
            return True
        if status in self.opened:
            return False
        known = ", ".join(sorted(self.opened | self.closed))
        raise RowRefused(f"{self._name('status')} is {status!r}; the mapping knows {known}.")

    def _category(self, row: Row) -> str:
        value = self._text(row, "category")
        code = self.categories.get(value) or self.category_else
        if not code:
            raise RowRefused(f"{self._name('category')} is {value!r}, which the mapping does not know.")
        return code

    def _rule(self, text: str) -> _Rule:
        return next((rule for rule in self.closings if rule.found.search(text)), self.closing_else)

    def _parent(self, text: str) -> str:
        for rule in self.duplicates:
            found = rule.found.search(text)
            if found:
                return rule.parent.format(parent=found["parent"])
        return ""

    def _point(self, row: Row) -> Point | None:
        if "lat" not in self.columns:
            return None
        lat, lon = self._text(row, "lat"), self._text(row, "lon")
        if not lat and not lon:
            return None
        try:
            point = Point(lat=float(lat), lon=float(lon))
        except ValueError as error:
            raise RowRefused(f"{self._name('lat')} and {self._name('lon')} are no place: {error}") from error
        return None if any(distance_m(point, one) < _AT_NO_PLACE_M for one in self.nowhere) else point

    def _on_time(self, row: Row) -> bool | None:
        return self.on_time.get(self._text(row, "on_time")) if "on_time" in self.columns else None

    def _channel(self, row: Row) -> Channel:
        return self.channels.get(self._text(row, "channel"), Channel.IMPORT)


def read_mapping(text: str) -> Mapping:
    """Return the mapping written as TOML; docs/operate.md describes the entries.

    :raises MappingRefused: if it is not TOML, or an entry is missing, unknown or of the wrong kind.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise MappingRefused(f"The mapping is not valid TOML: {error}.") from error
    known = {
        "source", "file", "columns", "dates", "categories", "category_else", "status", "on_time", "channels",
        "duplicate", "closing", "closing_else", "place", "attributes",
    }  # fmt: skip
    _only(data, known, "the mapping")
    source = data.get("source")
    if not isinstance(source, str) or not re.fullmatch(r"[a-z0-9][a-z0-9_.-]{0,59}", source):
        raise MappingRefused("`source` must name the other system in small letters, digits, dots and dashes.")
    columns = _columns(_table(data, "columns"))
    dates, status, place = _table(data, "dates"), _table(data, "status"), _table(data, "place")
    _only(dates, {"time_zone", "formats"}, "dates")
    _only(status, {"open", "closed"}, "status")
    _only(place, {"unknown"}, "place")
    if "status" in columns and not (status.get("open") and status.get("closed")):
        raise MappingRefused("A `status` column needs [status] with the words for `open` and for `closed`.")
    return Mapping(
        source=source,
        columns=columns,
        zone=_zone(dates.get("time_zone")),
        formats=tuple(_texts(dates.get("formats", ["iso"]), "dates.formats")),
        categories=_words(_table(data, "categories"), "categories"),
        category_else=str(data.get("category_else", "")),
        opened=frozenset(_texts(status["open"], "status.open") if "open" in status else ()),
        closed=frozenset(_texts(status["closed"], "status.closed") if "closed" in status else ()),
        on_time=_on_time(_table(data, "on_time")),
        channels=_channels(_table(data, "channels")),
        duplicates=tuple(_duplicate(entry, i) for i, entry in enumerate(_tables(data, "duplicate"))),
        closings=tuple(_closing(entry, f"closing[{i}]") for i, entry in enumerate(_tables(data, "closing"))),
        closing_else=_closing(_table(data, "closing_else") or {"ending": "claimed"}, "closing_else"),
        nowhere=tuple(_nowhere(entry) for entry in place.get("unknown", [])),
        attributes=_words(_table(data, "attributes"), "attributes"),
        file=_table(data, "file"),
    )


def _only(data: AnyMapping[str, Any], known: set[str], where: str) -> None:
    unknown = sorted(set(data) - known)
    if unknown:
        raise MappingRefused(f"{where}: unknown entries {', '.join(unknown)}; is one misspelt?")


def _table(data: AnyMapping[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key, {})
    if not isinstance(value, dict):
        raise MappingRefused(f"[{key}] must be a table.")
    return value


def _tables(data: AnyMapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = data.get(key, [])
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        raise MappingRefused(f"[[{key}]] must be a list of tables.")
    return value


def _texts(value: Any, where: str) -> list[str]:
    if not isinstance(value, list) or not value or not all(isinstance(text, str) for text in value):
        raise MappingRefused(f"`{where}` must be a list of texts.")
    return value


def _words(data: AnyMapping[str, Any], where: str) -> dict[str, str]:
    if not all(isinstance(value, str) for value in data.values()):
        raise MappingRefused(f"[{where}] must give one text for each entry.")
    return dict(data)


def _columns(data: AnyMapping[str, Any]) -> dict[str, tuple[str, ...]]:
    _only(data, set(_COLUMNS), "columns")
    missing = [word for word in _NEEDED if word not in data]
    if missing:
        raise MappingRefused(f"[columns] must say which column holds {', '.join(missing)}.")
    if ("lat" in data) != ("lon" in data):
        raise MappingRefused("[columns] must name both `lat` and `lon`, or neither.")
    return {word: tuple(_texts([value] if isinstance(value, str) else value, word)) for word, value in data.items()}


def _zone(value: Any) -> ZoneInfo:
    try:
        return ZoneInfo(str(value))
    except (KeyError, ValueError, OSError) as error:
        raise MappingRefused(
            f"`dates.time_zone` must be an IANA name such as America/New_York, got {value!r}."
        ) from error


def _on_time(data: AnyMapping[str, Any]) -> dict[str, bool]:
    _only(data, {"yes", "no"}, "on_time")
    return dict.fromkeys(data.get("yes", []), True) | dict.fromkeys(data.get("no", []), False)


def _channels(data: AnyMapping[str, Any]) -> dict[str, Channel]:
    try:
        return {name: Channel(value) for name, value in data.items()}
    except ValueError as error:
        raise MappingRefused(f"[channels] may lead to {', '.join(Channel)}: {error}.") from error


def _pattern(entry: AnyMapping[str, Any], where: str) -> re.Pattern[str]:
    try:
        return re.compile(entry["match"])
    except KeyError as error:
        raise MappingRefused(f"{where} needs `match`, a regular expression.") from error
    except (re.error, TypeError) as error:
        raise MappingRefused(f"{where}: `match` is no regular expression: {error}.") from error


def _duplicate(entry: AnyMapping[str, Any], at: int) -> _Rule:
    where = f"duplicate[{at}]"
    _only(entry, {"match", "parent"}, where)
    found = _pattern(entry, where)
    if "parent" not in found.groupindex:
        raise MappingRefused(f"{where}: `match` needs a group (?P<parent>…) that holds the other case's id.")
    parent = str(entry.get("parent", "{parent}"))
    try:
        parent.format(parent="1")
    except (KeyError, IndexError, ValueError) as error:
        raise MappingRefused(f"{where}: `parent` may hold only {{parent}}, got {parent!r}.") from error
    return _Rule(found, parent=parent)


def _closing(entry: AnyMapping[str, Any], where: str) -> _Rule:
    _only(entry, {"match", "ending", "reason"}, where)
    found = re.compile("") if where == "closing_else" else _pattern(entry, where)
    ending, reason = entry.get("ending"), str(entry.get("reason", ""))
    if ending not in (Ending.CLAIMED, Ending.NO_FIX):
        raise MappingRefused(f'{where}: `ending` must be "claimed" or "no_fix"; nothing imported is proved.')
    if (ending == Ending.NO_FIX) != bool(reason):
        raise MappingRefused(f"{where}: `no_fix` needs a `reason`, and only that has one.")
    return _Rule(found, Ending(ending), reason)


def _nowhere(entry: Any) -> Point:
    try:
        return Point(lat=float(entry[0]), lon=float(entry[1]))
    except (TypeError, ValueError, IndexError) as error:
        raise MappingRefused(f"place.unknown: {entry!r} is no [latitude, longitude].") from error

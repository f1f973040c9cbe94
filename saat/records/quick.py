"""The few statements that every report and every act need, with their SQL made once instead of for each row.

Django makes SQL from Python objects anew for every query, which takes several times as long as running it. Where
thousands of reports come in an hour, that is the difference. What is written and read is the same as by the models'
own `save` and `get`; tests compare the two, on both databases.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

from django.db import connection
from django.db.models import (
    AutoField,
    BooleanField,
    CharField,
    DateTimeField,
    Field,
    FloatField,
    ForeignKey,
    IntegerField,
    Model,
    TextField,
)

from saat.records.models import Area, Case, ChainHead, City

M = TypeVar("M", bound=Model)

_HEAD = "SELECT seq, hash FROM records_chainhead WHERE city_id = %s"
_HEAD_LOCKED = f"{_HEAD} FOR UPDATE"


@dataclass(frozen=True, slots=True)
class _Insert:
    """How one model's rows are written. columns: attribute and what turns its value into the database's."""

    sql: str
    columns: tuple[tuple[str, Callable[[Any], Any]], ...]


@dataclass(frozen=True, slots=True)
class _Select:
    """How one model's rows are read. names: attributes in the order of the columns; converters: by position."""

    sql: str
    names: tuple[str, ...]
    converters: tuple[tuple[int, Any, tuple[Callable[..., Any], ...]], ...]


_inserts: dict[tuple[str, type[Model]], _Insert] = {}
_selects: dict[tuple[str, type[Model]], _Select] = {}
_texts: dict[tuple[str, str, int], str] = {}
# Values of these go to the database as they are, but for texts that are members of an enum.
_PLAIN = (IntegerField, FloatField, BooleanField, ForeignKey)
_TEXT = (CharField, TextField)


def insert(row: Model) -> None:
    """Write a new row, as `row.save(force_insert=True)` does, within the caller's transaction; sets its id."""
    made = _inserts.get((connection.vendor, type(row)))
    if made is None:
        made = _inserts[connection.vendor, type(row)] = _make_insert(type(row))
    held = row.__dict__
    with connection.cursor() as cursor:
        cursor.execute(made.sql, [prepare(held[name]) for name, prepare in made.columns])
        row.pk = cursor.fetchone()[0]
    row._state.adding = False
    row._state.db = connection.alias


def rows(model: type[M], where: str, params: Sequence[Any]) -> list[M]:
    """Return the rows that a condition holds to, as `objects.raw` does, with all their columns.

    where: what follows the table's name, with %s for each of `params`; names only, never anybody's words.
    params: as the database's driver takes them; a moment goes through `moment`.
    """
    made = _selects.get((connection.vendor, model))
    if made is None:
        made = _selects[connection.vendor, model] = _make_select(model)
    with connection.cursor() as cursor:
        cursor.execute(f"{made.sql} {where}", params)
        found = cursor.fetchall()
    read = []
    for row in found:
        values = list(row)
        for at, column, converters in made.converters:
            for convert in converters:
                values[at] = convert(values[at], column, connection)
        read.append(model.from_db(connection.alias, made.names, values))
    return read


def moment(value: datetime) -> Any:
    """Return an aware moment as the database's driver takes it."""
    return _as_sqlite_moment(value) if connection.vendor == "sqlite" else value


def locked() -> str:
    """Return what ends a statement that locks what it reads until the transaction ends."""
    return " FOR UPDATE" if connection.features.has_select_for_update else ""


def _make_select(model: type[Model]) -> _Select:
    quote = connection.ops.quote_name
    fields = model._meta.concrete_fields
    converters = []
    for at, field in enumerate(fields):
        column = field.get_col(model._meta.db_table)
        found = (*connection.ops.get_db_converters(column), *column.get_db_converters(connection))
        if found:
            converters.append((at, column, found))
    names = ", ".join(quote(str(field.column)) for field in fields)
    return _Select(
        f"SELECT {names} FROM {quote(model._meta.db_table)}",  # noqa: S608 - names only
        tuple(field.attname for field in fields),
        tuple(converters),
    )


def _make_insert(model: type[Model]) -> _Insert:
    quote = connection.ops.quote_name
    # An id that the database gives is left out; `_meta.concrete_fields` are the columns in their order.
    fields = [field for field in model._meta.concrete_fields if not isinstance(field, AutoField)]
    names = ", ".join(quote(str(field.column)) for field in fields)
    marks = ", ".join(["%s"] * len(fields))
    key, table = quote(str(model._meta.pk.column)), quote(model._meta.db_table)
    return _Insert(
        f"INSERT INTO {table} ({names}) VALUES ({marks}) RETURNING {key}",  # noqa: S608 - names only
        tuple((field.attname, _preparation(field)) for field in fields),
    )


def _preparation(field: Field[Any, Any]) -> Callable[[Any], Any]:
    if isinstance(field, _TEXT):
        return lambda value: value if value is None or type(value) is str else str(value)
    if isinstance(field, _PLAIN):
        return lambda value: value
    if isinstance(field, DateTimeField) and connection.vendor == "sqlite":
        return _as_sqlite_moment
    return lambda value: field.get_db_prep_save(value, connection)


def _as_sqlite_moment(value: datetime | None) -> str | None:
    """Return an aware moment as Django keeps it in SQLite: UTC, as text, without its zone."""
    return None if value is None else str(value.astimezone(UTC).replace(tzinfo=None))


def head_of(city_id: int) -> ChainHead | None:
    """Return the end of a city's chain, locked until the transaction ends; None if there is no such city."""
    lock = connection.features.has_select_for_update
    with connection.cursor() as cursor:
        cursor.execute(_HEAD_LOCKED if lock else _HEAD, [city_id])
        found = cursor.fetchone()
    return None if found is None else ChainHead(city_id=city_id, seq=found[0], hash=found[1])


def move_head(head: ChainHead) -> None:
    """Write where a city's chain ends now."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE records_chainhead SET seq = %s, hash = %s WHERE city_id = %s", [head.seq, head.hash, head.city_id]
        )


def update_many(model: type[Model], names: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Set columns of rows that are there, each to its own values, within the caller's transaction.

    names: attributes such as "owner_id". rows: the values in that order, and the row's id last.
    """
    if not rows:
        return
    key = (connection.vendor, f"{model.__name__}:{','.join(names)}", 0)
    fields = {field.attname: field for field in model._meta.concrete_fields}
    if key not in _texts:
        quote = connection.ops.quote_name
        sets = ", ".join(f"{quote(str(fields[name].column))} = %s" for name in names)
        table, own = quote(model._meta.db_table), quote(str(model._meta.pk.column))
        _texts[key] = f"UPDATE {table} SET {sets} WHERE {own} = %s"  # noqa: S608 - names only
    prepare = [_preparation(fields[name]) for name in names]
    with connection.cursor() as cursor:
        cursor.executemany(
            _texts[key], [(*(make(value) for make, value in zip(prepare, row, strict=False)), row[-1]) for row in rows]
        )


def keep_words(case_id: int, words: str) -> None:
    """Write the words by which a case is found, in the place of those before."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO records_casesearch (case_id, words) VALUES (%s, %s) "
            "ON CONFLICT (case_id) DO UPDATE SET words = excluded.words",
            [case_id, words],
        )


def city_of(case_id: int) -> int | None:
    """Return the city of a case, None if there is no such case."""
    if case_id >= 2**63:  # no database counts so far
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT city_id FROM records_case WHERE id = %s", [case_id])
        found = cursor.fetchone()
    return found[0] if found else None


def last_event_of(case_id: int) -> int:
    """Return the id of the latest event of a case, 0 if there is none."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT max(id) FROM records_event WHERE case_id = %s", [case_id])
        found = cursor.fetchone()
    return found[0] or 0


def case_of(case_id: int, *, city_id: int) -> Case | None:
    """Return a case of a city, locked until the transaction ends, with its city and its area; None if there is none."""
    found = rows(Case, f"WHERE id = %s AND city_id = %s{locked()}", [case_id, city_id])
    if not found:
        return None
    case = found[0]
    (case.city,) = rows(City, "WHERE id = %s", [city_id])
    case.area = rows(Area, "WHERE id = %s", [case.area_id])[0] if case.area_id else None
    return case


# What the duplicate score looks at, in the order in which `open_cases_near` returns it.
NEAR_COLUMNS = (
    "id", "service_code", "lat", "lon", "area_id", "opened_at", "last_voice_at", "summary", "place_id", "has_photo",
)  # fmt: skip
_MOMENTS = (NEAR_COLUMNS.index("opened_at"), NEAR_COLUMNS.index("last_voice_at"))


def open_cases_near(*, city_id: int, cells: Sequence[int], since: datetime, most: int) -> list[tuple[Any, ...]]:
    """Return the open cases in some cells that were last heard of since a moment, the latest first.

    Returns rows of `NEAR_COLUMNS`; moments are aware.
    """
    key = (connection.vendor, "near", len(cells))
    sql = _texts.get(key)
    if sql is None:
        columns, marks = ", ".join(NEAR_COLUMNS), ", ".join(["%s"] * len(cells))
        sql = _texts[key] = (
            f"SELECT {columns} FROM records_case WHERE city_id = %s AND closed_at IS NULL "  # noqa: S608 - names only
            f"AND cell IN ({marks}) AND last_voice_at >= %s ORDER BY last_voice_at DESC LIMIT %s"
        )
    field = Case._meta.get_field("last_voice_at")
    with connection.cursor() as cursor:
        cursor.execute(sql, [city_id, *cells, field.get_db_prep_value(since, connection), most])
        rows = cursor.fetchall()
    if not rows or rows[0][_MOMENTS[0]].tzinfo is not None:
        return rows
    return [_with_zone(row) for row in rows]


def _with_zone(row: Sequence[Any]) -> tuple[Any, ...]:
    """Return a row with its moments aware; SQLite's driver reads them without their zone, which is always UTC."""
    values = list(row)
    for at in _MOMENTS:
        values[at] = values[at].replace(tzinfo=UTC)
    return tuple(values)

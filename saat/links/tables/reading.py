"""Reading a table as it comes: CSV of any delimiter, XLSX or YAML, row by row, with nothing guessed silently."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import openpyxl
import yaml

_DELIMITERS = (",", ";", "\t", "|")
_LONGEST_CELL = 1_000_000
# Tried, in this order, only to tell the operator what the file may be; the operator decides.
_LIKELY = ("cp1252", "cp1258", "cp874", "utf-16")
_BOMS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))

Cell = str | int | float | bool | datetime | None


class FileRefused(Exception):
    """A file cannot be read as a table; the message says where and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row. number: the line in a CSV file, the row in a sheet or the place in a list, from 1, as people count."""

    number: int
    cells: Mapping[str, Cell]

    def text(self, column: str) -> str:
        """Return a cell as text without spaces around it, "" where it is empty; whole numbers without a point.

        >>> Row(number=2, cells={"zip": 2109.0, "name": " Ann "}).text("zip")
        '2109'
        """
        value = self.cells.get(column)
        if value is None:
            return ""
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return str(value).strip()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A whole table. kind: csv, xlsx or yaml. encoding, delimiter: of a CSV file, as it was read."""

    path: Path
    kind: str
    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    encoding: str = "utf-8"
    delimiter: str = ","
    sheet: str = ""

    def need(self, columns: Sequence[str]) -> None:
        """Check that the table has these columns.

        :raises FileRefused: if one is missing.
        """
        missing = [column for column in columns if column not in self.columns]
        if missing:
            known = ", ".join(repr(column) for column in self.columns)
            raise FileRefused(f"{self.path.name} has no column {', '.join(map(repr, missing))}; it has {known}.")


def read_table(path: Path, *, encoding: str = "", delimiter: str = "", sheet: str = "", header_row: int = 0) -> Table:
    """Return the table in a file, told by its ending: .csv, .tsv, .txt, .xlsx, .yml or .yaml.

    encoding: of a CSV file; "" for UTF-8, with or without a mark, or UTF-16 with one. delimiter: "" to tell it from the
    first line. sheet: "" for the first. header_row: row that names the columns, from 1; 0 for the first that is filled.

    :raises FileRefused: if the file cannot be read, has another encoding, or has no rows that name columns.
    """
    ending = path.suffix.lower()
    try:
        data = path.read_bytes()
    except OSError as error:
        raise FileRefused(f"{path} cannot be read: {error.strerror or error}.") from error
    if ending == ".xlsx":
        return _xlsx(path, data, sheet=sheet, header_row=header_row)
    if ending in (".yml", ".yaml"):
        return _yaml(path, data)
    if ending in (".csv", ".tsv", ".txt"):
        return _csv(path, data, encoding=encoding, delimiter=delimiter, header_row=header_row)
    raise FileRefused(f"{path.name} is no table that can be read; give a .csv, .tsv, .xlsx or .yaml file.")


def decoded(path: Path, data: bytes, encoding: str) -> tuple[str, str]:
    """Return a file's text and its encoding.

    :raises FileRefused: if the bytes are not text in that encoding, or are UTF-8 although another one was named.
    """
    mark = next((name for bom, name in _BOMS if data.startswith(bom)), "")
    wanted = mark or encoding or "utf-8"
    try:
        codecs.lookup(wanted)
    except LookupError as error:
        raise FileRefused(f"{wanted!r} is no encoding; use utf-8, cp1252, utf-16 or another.") from error
    is_utf8 = _reads_as(data, "utf-8") and not data.isascii()
    if not mark and encoding and codecs.lookup(encoding).name != "utf-8" and is_utf8:
        raise FileRefused(f"{path.name} is UTF-8 and not {encoding}; leave the encoding out.")
    try:
        return data.decode(wanted), wanted
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        likely = next((name for name in _LIKELY if _reads_as(data, name)), "")
        advice = f"; it may be {likely}: look at it and say --encoding {likely} if that is right" if likely else ""
        raise FileRefused(
            f"{path.name} is not {wanted}: byte 0x{data[error.start]:02X} in line {line} cannot stand there{advice}."
        ) from error


def _reads_as(data: bytes, encoding: str) -> bool:
    try:
        data.decode(encoding)
    except UnicodeDecodeError:
        return False
    return True


def _csv(path: Path, data: bytes, *, encoding: str, delimiter: str, header_row: int) -> Table:
    text, used = decoded(path, data, encoding)
    if "\x00" in text:
        raise FileRefused(f"{path.name} holds zero bytes; it is no CSV file, or is UTF-16 without a mark.")
    lines = text.splitlines()
    first = next((line for line in lines[max(0, header_row - 1) :] if line.strip()), "")
    parted = delimiter or max(_DELIMITERS, key=first.count)
    csv.field_size_limit(_LONGEST_CELL)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=parted)
    try:
        columns, rows = _rows(_numbered(reader), header_row=header_row)
    except csv.Error as error:
        raise FileRefused(f"{path.name}, line {reader.line_num}: {error}.") from error
    if not columns:
        raise FileRefused(f"{path.name} is empty.")
    return Table(path=path, kind="csv", columns=columns, rows=rows, encoding=used, delimiter=parted)


def _numbered(reader: Any) -> Iterator[tuple[int, list[Cell]]]:
    before = 0
    for cells in reader:
        yield before + 1, cells
        before = reader.line_num


def _xlsx(path: Path, data: bytes, *, sheet: str, header_row: int) -> Table:
    try:
        book = openpyxl.load_workbook(io.BytesIO(data), read_only=True, data_only=True)
    except (BadZipFile, KeyError, ValueError, OSError) as error:
        raise FileRefused(f"{path.name} is no XLSX workbook: {error}.") from error
    try:
        if sheet and sheet not in book.sheetnames:
            raise FileRefused(f"{path.name} has no sheet {sheet!r}; it has {', '.join(map(repr, book.sheetnames))}.")
        chosen = book[sheet] if sheet else book.worksheets[0]
        numbered = ((number, list(cells)) for number, cells in enumerate(chosen.iter_rows(values_only=True), start=1))
        columns, rows = _rows(numbered, header_row=header_row)
        if not columns:
            raise FileRefused(f"The sheet {chosen.title!r} of {path.name} is empty.")
        return Table(path=path, kind="xlsx", columns=columns, rows=rows, sheet=chosen.title)
    finally:
        book.close()


def _yaml(path: Path, data: bytes) -> Table:
    """Read a list of mappings, or a mapping of codes to mappings; inner keys are joined by dots, the code is `key`."""
    try:
        whole = yaml.safe_load(decoded(path, data, "")[0])
    except yaml.YAMLError as error:
        raise FileRefused(f"{path.name} is not YAML: {' '.join(str(error).split())}.") from error
    if isinstance(whole, dict) and len(whole) == 1 and isinstance(next(iter(whole.values())), dict | list):
        whole = next(iter(whole.values()))  # a title around it all
    entries: list[dict[str, Any]]
    if isinstance(whole, dict) and whole and all(isinstance(value, dict) for value in whole.values()):
        entries = [{"key": str(key), **value} for key, value in whole.items()]
    elif isinstance(whole, list) and whole and all(isinstance(value, dict) for value in whole):
        entries = whole
    else:
        raise FileRefused(f"{path.name} is no list of entries and no mapping of codes to entries.")
    rows = tuple(Row(number=i, cells=_flat(entry)) for i, entry in enumerate(entries, start=1))
    columns = tuple(dict.fromkeys(column for row in rows for column in row.cells))
    return Table(path=path, kind="yaml", columns=columns, rows=rows)


def _flat(entry: Mapping[str, Any], before: str = "") -> dict[str, Cell]:
    cells: dict[str, Cell] = {}
    for key, value in entry.items():
        if isinstance(value, dict):
            cells |= _flat(value, f"{before}{key}.")
        else:
            cells[f"{before}{key}"] = value if isinstance(value, str | int | float | bool | None) else str(value)
    return cells


def _rows(
    numbered: Iterator[tuple[int, list[Cell]]] | Any, *, header_row: int
) -> tuple[tuple[str, ...], tuple[Row, ...]]:
    """Return columns and rows; columns without a name are called by their number, and rows without a cell left out."""
    columns: tuple[str, ...] = ()
    rows = []
    for number, cells in numbered:
        filled = any(cell not in (None, "") for cell in cells)
        if not columns:
            if filled and number >= max(1, header_row):
                columns = _named(cells)
            continue
        if filled:
            plain = [_plain(cell) for cell in cells]
            if len(plain) > len(columns) and any(cell not in (None, "") for cell in plain[len(columns) :]):
                raise FileRefused(f"Row {number} has {len(plain)} cells, but there are {len(columns)} columns.")
            rows.append(Row(number=number, cells=dict(zip(columns, plain, strict=False))))
    return columns, tuple(rows)


def _named(cells: Sequence[Cell]) -> tuple[str, ...]:
    names: list[str] = []
    for place, cell in enumerate(cells, start=1):
        name = " ".join(str(cell).split()) if cell not in (None, "") else f"column {place}"
        names.append(name if name not in names else f"{name} ({place})")
    while names and names[-1] == f"column {len(names)}":
        names.pop()
    return tuple(names)


def _plain(cell: Any) -> Cell:
    if isinstance(cell, datetime) or cell is None or isinstance(cell, str | int | float | bool):
        return cell
    if isinstance(cell, date):
        return datetime(cell.year, cell.month, cell.day)  # noqa: DTZ001 - the mapping's time zone is put on it
    return str(cell)

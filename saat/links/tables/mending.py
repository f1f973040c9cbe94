"""The rows that could not be taken, written as they came with the reason beside them, to be mended and fed back."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path

import openpyxl

from saat.links.tables.reading import Row, Table

ERROR_COLUMN = "saat_error"


def errors_name(table: Table) -> str:
    """Return what the file is called for the rows that could not be taken; a file of errors keeps its name."""
    name = table.path.name
    stem, ending = name.rsplit(".", 1) if "." in name else (name, "csv")
    stem = stem.removesuffix(".errors")
    return f"{stem}.errors.{ending}"


def write_errors(table: Table, refused: Sequence[tuple[Row, str]], path: Path) -> None:
    """Write rows in their file's own format, with one column more that says what is wrong.

    :raises OSError: if the file cannot be written.
    """
    columns = [column for column in table.columns if column != ERROR_COLUMN]
    if table.kind == "xlsx":
        book = openpyxl.Workbook(write_only=True)
        sheet = book.create_sheet(table.sheet or "errors")
        sheet.append([*columns, ERROR_COLUMN])
        for row, why in refused:
            sheet.append([*(row.cells.get(column) for column in columns), why])
        book.save(path)
        return
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=table.delimiter)
    # A column without a name goes back without one, so that its number stays the same.
    writer.writerow(["" if _is_unnamed(column, columns) else column for column in columns] + [ERROR_COLUMN])
    for row, why in refused:
        writer.writerow([*("" if row.cells.get(c) is None else row.cells.get(c) for c in columns), why])
    path.write_bytes(text.getvalue().encode(table.encoding, errors="replace"))


def _is_unnamed(column: str, columns: Sequence[str]) -> bool:
    return column == f"column {columns.index(column) + 1}"

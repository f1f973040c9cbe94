"""Positions in a Parquet file, with the column names of our other batches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import polars as pl
from django.utils.translation import gettext as _

from saat.links.batch import Read, read_row
from saat.terms.position import FixRefused

_AT_ONCE = 10_000


def read_parquet(path: Path, *, uid: str = "", speed_unit: str = "") -> Iterator[Read]:
    """Yield the positions of a file's rows, counted from 1.

    :raises FixRefused: if it is no Parquet file.
    """
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise FixRefused(_("This is no Parquet file.")) from error
    frame = frame.rename({name: name.strip().lower() for name in frame.columns})
    for start in range(0, frame.height, _AT_ONCE):
        for number, row in enumerate(frame.slice(start, _AT_ONCE).iter_rows(named=True), start + 1):
            try:
                yield number, read_row(row, uid=uid, speed_unit=speed_unit)
            except FixRefused as refused:
                yield number, refused

"""`saat import positions`: tracks of every kind of file, errors row by row, nothing twice."""

from __future__ import annotations

import json
from argparse import Namespace

import polars as pl
import pytest
from django.db import connections

from saat.config.commands.base import Refused
from saat.config.importing.positions import positions_from_file
from saat.records.models import Device
from saat.records.position_log import LogMark, position_log
from tests.city import AT_MARKET, MONDAY_MORNING, make_city

pytestmark = pytest.mark.django_db(transaction=True)

NOW_S = MONDAY_MORNING.timestamp()
GPX = """<?xml version="1.0"?>
<gpx version="1.1" creator="t" xmlns="http://www.topografix.com/GPX/1/1"><trk><name>Truck 4</name><trkseg>
<trkpt lat="11.5480" lon="104.9100"><time>2026-03-02T03:00:00Z</time></trkpt>
<trkpt lat="11.5481" lon="104.9101"><time>2026-03-02T03:00:10Z</time></trkpt>
<trkpt lat="11.5482" lon="104.9102"></trkpt>
</trkseg></trk></gpx>"""
ROWS = [{"id": "T-1", "time": NOW_S + 5 * n, "lat": AT_MARKET.lat, "lon": AT_MARKET.lon, "speed": 36} for n in range(9)]


@pytest.fixture
def bring(tmp_path, settings, capsys):
    """Write a file, import it, and return what was said and what is in the log."""
    settings.VAR = tmp_path
    city = make_city().city

    def bring(name: str, data: bytes | None, **options):
        path = tmp_path / name
        if data is not None:
            path.write_bytes(data)
        chosen = Namespace(
            **{"file": str(path), "device": "", "speed_unit": "", "claim": False, "dry_run": False} | options
        )
        code = positions_from_file(chosen, city, var=tmp_path)
        log = position_log()
        kept = log.read_on(LogMark(), 1_000_000)[0]
        log.close()
        return code, capsys.readouterr().out, kept

    yield bring
    connections.close_all()


def ndjson() -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in ROWS)


def test_a_file_is_taken_once_and_its_devices_claimed(bring):
    code, said, kept = bring("night.ndjson", ndjson(), speed_unit="kmh", claim=True)
    assert (code, len(kept)) == (0, 9)
    assert "Taken: 9. There already: 0. Rejected: 0." in said
    assert {position.speed_mps for position in kept} == {10.0}
    assert Device.objects.get(uid="T-1").state == "claimed"
    assert "There already: 9" in bring("night.ndjson", None, speed_unit="kmh")[1]


def test_a_trial_writes_nothing(bring):
    _, said, kept = bring("night.ndjson", ndjson(), speed_unit="kmh", dry_run=True)
    assert "Would be taken: 9. Rejected: 0." in said
    assert kept == []
    assert not Device.objects.exists()


def test_what_cannot_be_is_told_row_by_row(bring, tmp_path):
    table = f"id,time,lat,lon,speed_mps\nT-1,{NOW_S},11.548,104.91,3\nT-1,{NOW_S},0,0,3\nT-1,soon,11.5,104.9,3\nT-1,1\n"
    code, said, kept = bring("night.csv", table.encode())
    assert (code, len(kept)) == (0, 1)
    assert "row 3: 0, 0 is no place" in said
    errors = (tmp_path / "imports" / "night.errors.csv").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in errors] == ["row", "3", "4", "5"]


def test_a_track_of_a_receiver_is_taken(bring):
    _, said, kept = bring("night.gpx", GPX.encode())
    assert [position.fixed_s for position in kept] == [NOW_S, NOW_S + 10]
    assert "row 3: The row does not say when" in said
    assert Device.objects.get().uid == "Truck 4"


def test_a_parquet_file_is_taken(bring, tmp_path):
    pl.DataFrame(ROWS).write_parquet(tmp_path / "night.parquet")
    assert len(bring("night.parquet", None, speed_unit="kmh")[2]) == 9


@pytest.mark.parametrize(
    ("name", "data", "why"),
    [
        ("a.gpx", b"<html>", "no GPX"), ("a.parquet", b"PAR", "no Parquet"),
        ("a.pdf", b"%PDF", "no file with positions"),
        ("a.csv", None, "There is no file"),
    ],
)  # fmt: skip
def test_what_is_no_file_of_positions_is_refused(bring, name, data, why):
    with pytest.raises(Refused, match=why):
        bring(name, data)


def test_a_real_feed_s_day_with_repeated_fixes_is_kept_once_each(bring, shared_data):
    source = next((shared_data / "ktmb-gtfs-rt").glob("*2026-06-16.csv"))
    lines = source.read_bytes().splitlines()
    fixes = {tuple(line.split(b",")[i] for i in (0, 2)) for line in lines[1:]}
    code, said, kept = bring("ktmb.csv", source.read_bytes(), speed_unit="kmh", claim=True)
    assert code == 0
    assert len(kept) == len(fixes) < len(lines) - 1
    assert f"There already: {len(lines) - 1 - len(fixes)}. Rejected: 0." in said

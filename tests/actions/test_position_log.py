"""The position log: durable, in order, once each, from one day to the next."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from datetime import UTC, datetime

import pytest

from saat.records.position_log import LogMark, PositionLog
from saat.terms.position import Position

EVENING_S = datetime(2026, 3, 2, 13, 0, tzinfo=UTC).timestamp()
MIDNIGHT_S = datetime(2026, 3, 3, 0, 0, tzinfo=UTC).timestamp()


def fix(device_id: int = 1, fixed_s: float = EVENING_S, *, received_s: float | None = None, **more) -> Position:
    received_s = fixed_s + 1 if received_s is None else received_s
    return Position(device_id=device_id, fixed_s=fixed_s, received_s=received_s, lat=11.5, lon=104.9, **more)


@pytest.fixture
def log(tmp_path):
    log = PositionLog(tmp_path / "positions")
    yield log
    log.close()


def test_what_was_appended_is_read_as_it_was_in_order_of_arrival(log):
    positions = [
        fix(3, EVENING_S + 0.123456, speed_mps=4.1, course_deg=12.5, accuracy_m=8.0, flags=9, battery_share=0.5),
        fix(1, EVENING_S),
        fix(2, EVENING_S - 3600),
    ]
    assert log.append(positions) == 3
    found, mark = log.read_on(LogMark(), 100)
    assert found == positions
    assert mark == log.end() == LogMark("2026-03-02", 3)
    assert log.read_on(mark, 100) == ([], mark)


@pytest.mark.parametrize("count", [1, 2, 3, 64, 65, 2048, 2049, 5000])
def test_a_batch_of_any_size_is_kept_whole(log, count):
    positions = [fix(number % 7, EVENING_S + number) for number in range(count)]
    assert log.append(positions) == count
    assert log.read_on(LogMark(), count + 1)[0] == positions


def test_a_device_and_moment_are_kept_once(log):
    assert log.append([fix(), fix(), fix(2)]) == 2
    assert log.append([fix(), fix(fixed_s=EVENING_S + 1)]) == 1
    assert log.end().row == 3


def test_a_reader_follows_by_small_steps_into_the_next_day(log, tmp_path):
    reader = PositionLog(log.folder)
    positions = [fix(1, MIDNIGHT_S - 50 + 10 * number) for number in range(10)]
    read, mark = [], LogMark()
    for position in positions:
        log.append([position])
        found, mark = reader.read_on(mark, 1)
        read += found
    assert read == positions
    assert log.names() == ["2026-03-02", "2026-03-03"]
    assert mark.log == "2026-03-03"
    assert reader.read_on(LogMark(), 100)[0] == positions
    reader.close()


def test_a_writer_whose_clock_is_behind_cannot_write_into_a_day_that_is_closed(log):
    slow = PositionLog(log.folder)
    slow.append([fix(1, MIDNIGHT_S - 10)])
    mark = log.end()
    log.append([fix(2, MIDNIGHT_S + 1)])
    found, mark = log.read_on(mark, 10)
    assert [position.device_id for position in found] == [2]
    assert slow.append([fix(3, MIDNIGHT_S - 5)]) == 1
    found, mark = log.read_on(mark, 10)
    assert [position.device_id for position in found] == [3]
    slow.close()


def test_what_was_received_yesterday_is_known_today(log):
    log.append([fix(1, MIDNIGHT_S - 600)])
    assert log.append([fix(1, MIDNIGHT_S - 600, received_s=MIDNIGHT_S + 60), fix(1, MIDNIGHT_S + 50)]) == 1


def test_a_span_of_some_devices_is_found_also_where_it_was_uploaded_late(log):
    log.append([fix(1, MIDNIGHT_S - 60), fix(2, MIDNIGHT_S - 60), fix(1, MIDNIGHT_S - 4000)])
    log.append([fix(1, MIDNIGHT_S + 5), fix(1, MIDNIGHT_S - 120, received_s=MIDNIGHT_S + 6)])
    found = log.of_devices([1], from_s=MIDNIGHT_S - 600, until_s=MIDNIGHT_S + 5)
    assert [position.fixed_s - MIDNIGHT_S for position in found] == [-120, -60, 5]
    both = log.of_devices([2, 1, 9], from_s=MIDNIGHT_S - 600, until_s=MIDNIGHT_S)
    assert [(position.device_id, position.fixed_s - MIDNIGHT_S) for position in both] == [(1, -120), (1, -60), (2, -60)]


def test_few_and_many_devices_of_a_long_day_are_found_alike(log):
    log.append([fix(device, EVENING_S + 7 * number) for number in range(500) for device in (1, 2, 3)])
    span = {"from_s": EVENING_S + 100, "until_s": EVENING_S + 2000}
    apart = [position for device in (1, 2, 3) for position in log.of_devices([device], **span)]
    assert log.of_devices([*range(1, 1000)], **span) == apart
    assert len(apart) == 3 * 271


def test_a_device_is_found_by_the_index_and_not_by_reading_the_day(log):
    from saat.records import position_log

    log.append([fix()])
    plan = str(
        log._reader("2026-03-02")
        .execute(f"EXPLAIN QUERY PLAN {position_log._OF_DEVICES}", ("[1]", "[1]", 0, 1))
        .fetchall()
    )
    assert "SEARCH position USING INDEX one_fix (<expr>=? AND device_id=? AND fixed_s>? AND fixed_s<?)" in plan
    has = str(log._reader("2026-03-02").execute(f"EXPLAIN QUERY PLAN {position_log._HAS}", (0, 1, 0.0)).fetchall())
    assert "SEARCH position USING COVERING INDEX one_fix (<expr>=? AND device_id=? AND fixed_s>? AND fixed_s<?)" in has


def test_threads_and_processes_may_write_at_once_and_nothing_is_lost_or_doubled(log):
    def write(seed: int) -> None:
        own = PositionLog(log.folder)
        chance = random.Random(seed)
        for start in range(0, 600, 20):
            own.append([fix(chance.choice((1, 2)), EVENING_S + start + number) for number in range(20)])
        own.close()

    threads = [threading.Thread(target=write, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found, mark = log.read_on(LogMark(), 10_000)
    keys = [(position.device_id, position.fixed_s) for position in found]
    assert len(keys) == len(set(keys)) == mark.row
    assert {fixed_s for _, fixed_s in keys} == {EVENING_S + number for number in range(600)}


_WRITER = """
import sys
from pathlib import Path
from saat.records.position_log import PositionLog
from saat.terms.position import Position

log = PositionLog(Path(sys.argv[1]))
for number in range(1_000_000):
    log.append([Position(1, {0} + number, {0} + number, 11.5, 104.9)])
    print(number, flush=True)
"""


def test_what_was_acknowledged_is_there_after_kill_9(log):
    writer = subprocess.Popen(
        [sys.executable, "-c", _WRITER.format(EVENING_S), str(log.folder)], stdout=subprocess.PIPE, text=True
    )
    told = [writer.stdout.readline() for _ in range(200)]
    writer.send_signal(signal.SIGKILL)
    told += writer.stdout.readlines()
    writer.wait()
    acknowledged = [int(line) for line in told if line.endswith("\n")]
    found, _ = log.read_on(LogMark(), 1_000_000)
    assert len(found) in (len(acknowledged), len(acknowledged) + 1)
    assert [position.fixed_s for position in found] == [EVENING_S + number for number in range(len(found))]


def test_an_empty_log_has_nothing_and_an_end(log):
    assert log.end() == LogMark()
    assert log.read_on(LogMark(), 10) == ([], LogMark())
    assert log.of_devices([1], from_s=0, until_s=EVENING_S) == []

"""The machine on which figures were measured, without which they mean nothing."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any


def facts() -> dict[str, Any]:
    """Return what a reader needs to compare figures with those of another machine."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "fdatasync_ms": round(fdatasync_ms(), 3),
        "load_before": round(os.getloadavg()[0], 2),  # of others: how much of the machine was not ours
    }


def fdatasync_ms(rounds: int = 200) -> float:
    """Return the median time to make 4 KiB durable, appended to a file in the temporary folder."""
    took = []
    with tempfile.TemporaryDirectory() as folder:
        file = os.open(Path(folder) / "probe", os.O_CREAT | os.O_WRONLY)
        try:
            for _ in range(rounds):
                began = time.perf_counter()
                os.write(file, bytes(4096))
                os.fdatasync(file)
                took.append(time.perf_counter() - began)
        finally:
            os.close(file)
    return statistics.median(took) * 1000


def memory_mb(pid: int) -> float:
    """Return the memory that a process holds, pages shared with others counted by their share (PSS)."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    raise LookupError(f"The system tells nothing of the memory of process {pid}.")


def cpu_s(pid: int) -> float:
    """Return the processor time that the threads of a process have used since they began, exact to microseconds."""
    used = 0
    for task in Path(f"/proc/{pid}/task").iterdir():
        try:
            used += int((task / "schedstat").read_text().split()[0])
        except (FileNotFoundError, ProcessLookupError):
            continue  # it ended while we looked
    return used / 1e9


def children(pid: int) -> list[int]:
    """Return the processes that a process started."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()

"""`saat serve` as a service manager sees it: ready soon, one at a time, up again after a crash, gone when told."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.server import ROOT, SAAT, LiveSaat, database_of_its_own, free_port, start, stop, wait_until_ready

pytestmark = [pytest.mark.live, pytest.mark.xdist_group("live")]
ENOUGH_S = 30


@pytest.fixture(scope="module")
def env() -> Iterator[dict[str, str]]:
    with database_of_its_own() as database:
        kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SAAT_TESTING")}
        yield kept | database | {"PYTHONUNBUFFERED": "1"}


@pytest.fixture(scope="module")
def var(tmp_path_factory, env) -> Path:
    """A folder with a city in it."""
    folder = tmp_path_factory.mktemp("serve")
    done = saat(env, "init", "--var", str(folder))
    assert done.returncode == 0, done.stderr
    return folder


def saat(env, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*SAAT, *arguments], env=env, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def served(var: Path, env: dict[str, str]) -> Iterator[LiveSaat]:
    running = start(var, port=free_port(), env=env)
    try:
        wait_until_ready(running)
        yield running
    finally:
        stop(running)


def children(of: int) -> dict[str, int]:
    """Return the process ids of the server's children by what they are."""
    found = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parent = int((folder / "stat").read_text().rsplit(")", 1)[1].split()[1])
                words = (folder / "cmdline").read_bytes().decode().split("\0")
            except (OSError, ValueError):
                continue
            if parent == of and "saat.config.server" in words:
                found[words[words.index("saat.config.server") + 1]] = int(folder.name)
    return found


def all_parts(running: LiveSaat) -> dict[str, int]:
    """Return the server's children; the follower is started as soon as the site answers."""
    eventually(lambda: set(children(running.process.pid)) == {"web", "stream", "follower"})
    return children(running.process.pid)


def eventually(what) -> None:
    until = time.monotonic() + ENOUGH_S
    while not what():
        assert time.monotonic() < until, "it did not happen in time"
        time.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state != "Z"


def is_up(url: str) -> bool:
    try:
        return httpx.get(f"{url}/healthz", timeout=2).status_code == 200
    except httpx.TransportError:
        return False


def test_a_second_server_on_the_same_folder_or_port_is_refused_in_one_sentence(var, env):
    with served(var, env) as running:
        port = running.url.rsplit(":", 1)[1]
        for arguments, why in (
            (("--port", "0", "--var", str(var)), f"Another server (process {running.process.pid}) serves {var}"),
            (("--port", port, "--var", str(var / "other")), f"127.0.0.1:{port} is taken"),
        ):
            done = saat(env, "serve", *arguments)
            assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
            assert why in done.stderr
        refused = saat(env, "restore", str(ROOT / "README.md"), "--var", str(var))
        assert "A server runs in" in refused.stderr


def test_a_part_that_dies_is_started_again(var, env):
    with served(var, env) as running:
        before = all_parts(running)
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        eventually(
            lambda: len(now := children(running.process.pid)) == 3 and not set(now.values()) & set(before.values())
        )
        eventually(lambda: is_up(running.url))
        assert "The web process ended (signal SIGKILL); it starts again" in running.log()


def test_everything_stops_in_order_when_told_to_and_the_port_is_free(var, env):
    running = start(var, port=free_port(), env=env)
    wait_until_ready(running)
    parts = all_parts(running)
    port = int(running.url.rsplit(":", 1)[1])
    with socket.create_connection(("127.0.0.1", port)):  # somebody who stays connected holds nothing up
        began = time.monotonic()
        assert stop(running) == 0
        assert time.monotonic() - began < 10
    assert not any(is_alive(pid) for pid in parts.values())
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(("127.0.0.1", port))


def test_nothing_is_left_behind_when_the_server_itself_is_killed(var, env):
    running = start(var, port=free_port(), env=env)
    wait_until_ready(running)
    parts = all_parts(running)
    running.process.kill()
    running.process.wait()
    eventually(lambda: not any(is_alive(pid) for pid in parts.values()))
    with served(var, env) as again:
        assert is_up(again.url)


def test_a_server_without_a_city_says_what_to_do(tmp_path):
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "SAAT_TESTING")}
    with served(tmp_path, kept | {"PYTHONUNBUFFERED": "1"}) as running:
        assert "There is no city yet: run `saat init --city FILE`" in running.log()


def test_a_demo_tells_where_it_is_and_how_to_get_in(live):
    facts = json.loads((live.var / "demo.json").read_text(encoding="utf-8"))
    assert (facts["base_url"], facts["city"]) == (live.url, "phnompenh.kh")
    assert facts["open311_url"] == f"{live.url}/open311/v2"
    assert facts["open311_api_key"]
    assert len(facts["devices"]) == 12
    assert all(set(device) == {"id", "token", "vehicle"} and device["token"] for device in facts["devices"])
    assert set(facts["simulated_clock"]) == {"speed", "starts_at", "epoch_wall"}
    roles = {
        "sangkat_officer", "khan_officer", "city_duty", "contractor", "crew", "director", "auditor", "administrator",
    }  # fmt: skip
    assert {user["role"] for user in facts["users"]} == roles
    assert all(set(user) == {"role", "username", "password", "area"} for user in facts["users"])
    assert (live.var / "demo.json").stat().st_mode & 0o077 == 0
    assert f"Saat serves {live.url}" in live.log()


def test_a_demo_has_something_on_every_screen(live):
    facts = live.demo
    found = httpx.get(f"{facts['open311_url']}/requests.json", params={"jurisdiction_id": facts["city"]}).json()
    assert {entry["status"] for entry in found} == {"open", "closed"}
    services = httpx.get(f"{facts['open311_url']}/services.json", params={"jurisdiction_id": facts["city"]}).json()
    assert len(services) == 7

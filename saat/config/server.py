"""The processes of one installation: `saat serve` looks after a web process and those that work beside it.

    saat serve                          keeps all alive, stops all
      ├─ python -m saat.config.server web       Granian, one worker, the whole site
      ├─ python -m saat.config.server stream    outbox, deadline clock, webhooks
      ├─ python -m saat.config.server follower  follows the trucks; SAAT_FOLLOWERS says how many share the work
      └─ python -m saat.config.server trucks    of a demo: simulated trucks that drive

A child reads its standard input, on which nothing is ever written: when it ends, the parent is gone, and the child
stops too, even if the parent was killed.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import http.client
import os
import resource
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

READY_S = 240.0  # a busy machine, or one that makes the demo city beside other work, takes its time
STOP_S = 10.0
_BACKOFF_S = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_STEADY_S = 60.0  # a child that lived so long begins anew with the shortest wait
_LOOK_S = 0.2


class NotReady(Exception):
    """The web process did not come up; the message says what happened."""


@dataclass(slots=True)
class Child:
    """One process that is kept alive."""

    name: str
    command: list[str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    failures: int = 0
    start_again_at: float = field(default=0.0)

    def start(self) -> None:
        """Start it, in a session of its own, so that Ctrl-C reaches only the parent, which then stops it in order."""
        self.started = time.monotonic()
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, start_new_session=True)

    def ended(self) -> int | None:
        """Return its exit code if it has ended."""
        return self.process.poll() if self.process else None

    def look_after(self, now: float, tell: Callable[[str], None]) -> None:
        """Start it again if it has ended, the later the more often that happened."""
        code = self.ended()
        if code is None:
            return
        if not self.start_again_at:
            if now - self.started > _STEADY_S:
                self.failures = 0
            wait = _BACKOFF_S[min(self.failures, len(_BACKOFF_S) - 1)]
            self.failures += 1
            self.start_again_at = now + wait
            tell(f"The {self.name} process ended ({_how(code)}); it starts again in {wait:g} s.")
        elif now >= self.start_again_at:
            self.start_again_at = 0.0
            self.start()


class Supervisor:
    """Looks after the children until told to stop."""

    def __init__(
        self, *, host: str, port: int, tell: Callable[[str], None], followers: int = 1, trucks: bool = False
    ) -> None:
        """Prepare them. followers: how many follow the trucks. trucks: whether simulated ones drive."""
        self._host, self._port, self._tell = host, port, tell
        here = [sys.executable, "-m", "saat.config.server"]
        self.web = Child("web", [*here, "web", "--host", host, "--port", str(port)])
        self.stream = Child("stream", [*here, "stream"])
        self.followers = tuple(
            Child("follower" if followers == 1 else f"follower {part}", [*here, "follower", "--part", str(part)])
            for part in range(followers)
        )
        self.trucks = (Child("trucks", [*here, "trucks"]),) if trucks else ()
        self._stop = threading.Event()

    def run(self, *, when_ready: Callable[[], None]) -> int:
        """Start all, say when the site answers, and keep them until SIGTERM or SIGINT; return the exit code.

        :raises NotReady: if the site does not answer within `READY_S`.
        """
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, lambda *_: self._stop.set())
        children = (self.web, self.stream, *self.followers, *self.trucks)
        try:
            self.web.start()
            self.stream.start()
            self._wait_until_ready()
            # They read a lot before they begin, which must not make anybody wait for the site.
            for child in (*self.followers, *self.trucks):
                child.start()
            if not self._stop.is_set():
                when_ready()
            while not self._stop.wait(_LOOK_S):
                for child in children:
                    child.look_after(time.monotonic(), self._tell)
        finally:
            stop(children, self._tell)
        return 0

    def _wait_until_ready(self) -> None:
        until = time.monotonic() + READY_S
        while not self._stop.is_set():
            code = self.web.ended()
            if code is not None:
                raise NotReady(f"The web process ended while it started ({_how(code)}); its message stands above.")
            if _answers(self._host, self._port):
                return
            if time.monotonic() > until:
                raise NotReady(f"The site did not answer within {READY_S:g} s.")
            self._stop.wait(0.05)


def stop(children: tuple[Child, ...], tell: Callable[[str], None]) -> None:
    """Ask all to end, wait for it, and kill what does not within `STOP_S`."""
    running = [child for child in children if child.process is not None and child.process.poll() is None]
    for child in running:
        assert child.process is not None
        child.process.terminate()
    until = time.monotonic() + STOP_S
    for child in running:
        assert child.process is not None
        try:
            child.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            tell(f"The {child.name} process did not stop within {STOP_S:g} s and was killed.")
            child.process.kill()
            child.process.wait()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_taken(host: str, port: int) -> bool:
    """Return whether somebody listens on this address, or it is not ours to listen on."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return True
    return False


def _answers(host: str, port: int) -> bool:
    reach = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    connection = http.client.HTTPConnection(reach, port, timeout=5)
    try:
        connection.request("GET", "/healthz", headers={"Host": "localhost"})
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _how(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return f"signal {signal.Signals(-code).name}"
    except ValueError:
        return f"signal {-code}"


# ------------------------------------------------------------------------------------------------- in the children


def end_with_parent() -> None:
    """End this process, as SIGTERM does, when the parent's end of standard input closes."""

    def wait() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, name="parent", daemon=True).start()


async def serve_web(*, host: str, port: int) -> None:
    """Serve the site until SIGTERM or SIGINT."""
    # Every tracker keeps a connection: as many open files as the machine allows, not the few that it gives unasked.
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    with contextlib.suppress(OSError, ValueError):  # where even the most is not for us, the few must do
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    from granian.constants import Interfaces
    from granian.server.embed import Server

    from saat.config.asgi import application

    server = Server(
        application,
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        backlog=1024,
        websockets=False,
        log_enabled=False,
    )
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, server.stop)
    await server.serve()


def drive_trucks() -> None:
    """Let a demo's trucks drive until SIGTERM or SIGINT."""
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "saat.config.settings")
    django.setup()
    from saat.config.demo.driving import main as drive

    drive()


def main() -> None:
    """Be one of the children."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("child", choices=("web", "stream", "follower", "trucks"))
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--part", type=int, default=0)
    chosen = parser.parse_args()
    end_with_parent()
    if chosen.child == "web":
        asyncio.run(serve_web(host=chosen.host, port=chosen.port))
    elif chosen.child == "trucks":
        drive_trucks()
    else:
        module, options = {
            "stream": ("saat.stream", []),
            "follower": ("saat.stream.follow", ["--part", str(chosen.part)]),
        }[chosen.child]
        sys.argv = [sys.argv[0], *options]
        runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()

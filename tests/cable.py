"""A network cable between a browser and the server: it can be pulled, and it can lose what the server answers."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_BAD_GATEWAY = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
_CHUNK = 65_536


class Cable:
    """A TCP proxy between the two.

    state: "whole"; "pulled"; or, where the server does hear what is asked, "answers lost" (the line breaks), "answers
    held" (nothing comes) or "answers 502". url: what the browser is given. down_bytes: everything that came from the
    server, headers included. lost: how many answers were lost.
    """

    def __init__(self, server_url: str) -> None:
        self._server = (urlsplit(server_url).hostname, urlsplit(server_url).port)
        self.state = "whole"
        self.down_bytes = 0
        self.lost = 0
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, state: str) -> None:
        """Change the state; pulling it ends what is under way."""
        self.state = state
        if state == "pulled":
            for end in list(self._open):
                self._close(end)

    def close(self) -> None:
        """Take the cable away."""
        self.set("pulled")
        self._listener.close()

    def _accept(self) -> None:
        while True:
            try:
                browser, _address = self._listener.accept()
            except OSError:
                return
            if self.state == "pulled":
                browser.close()
                continue
            try:
                server = socket.create_connection(self._server, timeout=30)
            except OSError:
                browser.close()
                continue
            server.settimeout(None)
            self._open |= {browser, server}
            threading.Thread(target=self._up, args=(browser, server), daemon=True).start()
            threading.Thread(target=self._down, args=(browser, server), daemon=True).start()

    def _up(self, browser: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while chunk := browser.recv(_CHUNK):
                server.sendall(chunk)
        self._close(server)
        self._close(browser)

    def _down(self, browser: socket.socket, server: socket.socket) -> None:
        with suppress(OSError):
            while chunk := server.recv(_CHUNK):
                if self.state.startswith("answers"):
                    self.lost += 1
                    if self.state == "answers held":
                        continue
                    if self.state == "answers 502":
                        browser.sendall(_BAD_GATEWAY)
                    break
                self.down_bytes += len(chunk)
                browser.sendall(chunk)
        self._close(browser)
        self._close(server)

    def _close(self, end: socket.socket) -> None:
        self._open.discard(end)
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        end.close()


@contextmanager
def cable_to(server_url: str) -> Iterator[Cable]:
    """Lay a cable to a server for the length of a block."""
    cable = Cable(server_url)
    try:
        yield cable
    finally:
        cable.close()

"""A real mail server on this machine, which takes, refuses or drops what it is told to."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller

from tests.server import free_port


@dataclass
class Postbox:
    """What a server received. answers: for an address, what the server says to it instead of taking its letter."""

    url: str = ""
    answers: dict[str, str] = field(default_factory=dict)
    after_data: str = "250 taken"
    received: list[tuple[str, EmailMessage]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        self.tried.append(address)
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        if self.after_data.startswith("250"):
            parsed = message_from_bytes(envelope.content, policy=policy.default)
            self.received += [(address, parsed) for address in envelope.rcpt_tos]
        return self.after_data

    def texts(self) -> list[str]:
        """Return the bodies of all letters."""
        return [message.get_content() for _address, message in self.received]


@contextmanager
def mail_server(**options: Any) -> Iterator[Postbox]:
    """Run a mail server for the length of a block; options go to the server (such as `require_starttls`)."""
    postbox = Postbox()
    controller = Controller(postbox, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    postbox.url = f"smtp://127.0.0.1:{controller.port}"
    try:
        yield postbox
    finally:
        controller.stop()


@contextmanager
def scripted_server(*says: bytes, then_close: bool = True) -> Iterator[str]:
    """Run a server that says the first line at once and each further one to a line of the client's.

    After the last it closes, or else says nothing more and keeps the connection.
    """
    listener = socket.create_server(("127.0.0.1", 0))
    held: list[socket.socket] = []

    def serve() -> None:
        while True:
            try:
                client, _address = listener.accept()
            except OSError:
                return
            held.append(client)
            lines = client.makefile("rb")
            try:
                for number, line in enumerate(says):
                    if number and not lines.readline():
                        break
                    if number and says[number - 1].startswith(b"354"):
                        while lines.readline() not in (b".\r\n", b""):
                            pass
                    client.sendall(line)
            except OSError:
                pass
            if then_close:
                client.shutdown(socket.SHUT_RDWR)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        listener.close()
        for client in held:
            client.close()

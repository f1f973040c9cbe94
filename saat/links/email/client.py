"""Hands letters to a mail server, or, as its Null twin does, puts them into a folder."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from typing import Protocol
from urllib.parse import parse_qs, unquote, urlsplit


class NotSent(Exception):
    """A letter was not handed over. for_good: trying again would not help."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message to one address. letter_id: the same for every try, so that a receiver can tell a repetition.

    written_at: aware.
    """

    to: str
    subject: str
    text: str
    letter_id: str
    written_at: datetime


class EmailClient(Protocol):
    """Whoever can hand over a letter."""

    def send(self, letter: Letter) -> None:
        """Hand a letter over.

        :raises NotSent: if it was not taken.
        """


def message_of(letter: Letter, *, sender: str, legible: bool = False) -> EmailMessage:
    """Return the letter as an RFC 5322 message in UTF-8.

    legible: the text stands in it as it is, for people who open the file; otherwise in Base64, because old mail servers
    break long lines of eight-bit text, and Khmer has no spaces at which to break.

    :raises NotSent: if the address cannot be one, or would smuggle in another header.
    """
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    try:
        address = Address(addr_spec=letter.to)
        if not address.domain or not address.username:
            raise ValueError("it has no name or no domain")
        message["To"] = address
    except (ValueError, IndexError, HeaderParseError) as error:
        raise NotSent(f"The address is not valid: {error}", for_good=True) from error
    message["Subject"] = " ".join(letter.subject.split())
    message["Date"] = letter.written_at
    domain = sender.rpartition("@")[2].strip("> ") or "localhost"
    message["Message-ID"] = f"<{letter.letter_id}@{domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers, please
    message.set_content(letter.text, cte="8bit" if legible else "base64")
    return message


class SmtpClient:
    """A mail server: smtp://user:password@host:port, smtps:// for TLS from the start, ?starttls for TLS after hello."""

    def __init__(self, url: str, *, sender: str, timeout_s: float = 15.0, whole_s: float = 45.0) -> None:
        """timeout_s: for each answer of the server. whole_s: for a whole letter, however the server dribbles."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
            raise ValueError(f"A mail server is named as smtp://host:port, got {parts.scheme}://…")
        self._host, self._tls = parts.hostname, parts.scheme == "smtps"
        self._port = parts.port or (465 if self._tls else 25)
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._starttls = "starttls" in parse_qs(parts.query, keep_blank_values=True)
        self._sender, self._timeout_s, self._whole_s = sender, timeout_s, whole_s

    def send(self, letter: Letter) -> None:
        """Hand a letter to the server."""
        message = message_of(letter, sender=self._sender)
        try:
            with self._connected() as server:
                server.send_message(message)
        except smtplib.SMTPRecipientsRefused as error:
            code = next(iter(error.recipients.values()))[0]
            raise NotSent(f"The mail server refuses the address ({code}).", for_good=500 <= code < 600) from error
        except smtplib.SMTPNotSupportedError as error:
            raise NotSent("The mail server cannot write to such an address.", for_good=True) from error
        except smtplib.SMTPResponseException as error:
            raise NotSent(f"The mail server answered {error.smtp_code}.", for_good=False) from error
        except (OSError, smtplib.SMTPException) as error:
            raise NotSent(f"The mail server cannot be reached: {type(error).__name__}.") from error

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        kind: type[smtplib.SMTP] = smtplib.SMTP_SSL if self._tls else smtplib.SMTP
        more = {"context": ssl.create_default_context()} if self._tls else {}
        server = kind(timeout=self._timeout_s, **more)  # type: ignore[arg-type]
        # The name against which certificates are checked. The library notes it only where it connects at once, and
        # then nobody could break off a server that does not finish its greeting.
        server._host = self._host  # type: ignore[attr-defined]
        alarm = threading.Timer(self._whole_s, _cut, args=(server,))
        alarm.daemon = True
        alarm.start()
        try:
            server.connect(self._host, self._port)
            if self._starttls:
                server.starttls(context=ssl.create_default_context())
            if self._user:
                server.login(self._user, self._password)
            yield server
            _take_leave(server)
        finally:
            alarm.cancel()
            server.close()


def _take_leave(server: smtplib.SMTP) -> None:
    # The letter is taken by now: a server that does not say goodbye does not change that.
    with suppress(OSError, smtplib.SMTPException):
        server.quit()


def _cut(server: smtplib.SMTP) -> None:
    with suppress(OSError):
        if server.sock is not None:
            server.sock.shutdown(socket.SHUT_RDWR)


class FolderClient:
    """The Null twin: letters become files in a folder, where an operator without a mail server can read them."""

    def __init__(self, folder: Path, *, sender: str) -> None:
        self._folder, self._sender = folder, sender

    def send(self, letter: Letter) -> None:
        """Write the letter; the same letter again replaces itself."""
        message = message_of(letter, sender=self._sender, legible=True)
        self._folder.mkdir(parents=True, exist_ok=True)
        name = "".join(sign if sign.isalnum() or sign in "-." else "-" for sign in letter.letter_id)
        (self._folder / f"{name}.eml").write_bytes(bytes(message))


def email_client(url: str, *, folder: Path, sender: str) -> EmailClient:
    """Return the client for a server's URL, or the Null twin where none is given."""
    return SmtpClient(url, sender=sender) if url else FolderClient(folder, sender=sender)

"""The signature of a webhook: `Saat-Signature: t=<unix seconds>,v1=<hexadecimal HMAC-SHA-256 of "t.body">`."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime, timedelta

HEADER = "Saat-Signature"
TOLERANCE = timedelta(minutes=5)


class SignatureRefused(Exception):
    """A message did not come from whom it claims, or came too late; the message says which."""


def sign(body: bytes, *, secret: str, now: datetime) -> str:
    """Return the header for a body sent at this moment (aware)."""
    at = int(now.timestamp())
    return f"t={at},v1={_mac(body, secret=secret, at=str(at))}"


def verify(body: bytes, header: str, secret: str, now: datetime, *, tolerance: timedelta = TOLERANCE) -> datetime:
    """Return when a message was signed, if it was signed with this secret and not long ago.

    body: the bytes as they came. header: the value of `Saat-Signature`; several v1 may stand in it while a secret is
    being changed. now: aware.

    :raises SignatureRefused: if the header cannot be read, the signature is another's, or its moment is further from
        `now` than the tolerance, in either direction.
    """
    at, given = "", []
    for part in header.split(","):
        name, _sign, value = part.strip().partition("=")
        if name == "t":
            at = value
        elif name == "v1":
            given.append(value)
    if not (at.isascii() and at.isdigit() and len(at) <= 12) or not given:
        raise SignatureRefused("The signature header cannot be read.")
    expected = _mac(body, secret=secret, at=at)
    # Every one is compared, in the same time whatever is wrong with it.
    fits = [hmac.compare_digest(expected.encode(), value.encode("utf-8", "replace")) for value in given]
    if not any(fits):
        raise SignatureRefused("The signature does not fit the message.")
    signed_at = datetime.fromtimestamp(int(at), tz=now.tzinfo)
    if abs(now - signed_at) > tolerance:
        raise SignatureRefused("The message was signed too long ago, or in the future.")
    return signed_at


def _mac(body: bytes, *, secret: str, at: str) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()

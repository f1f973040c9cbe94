"""The signature of webhooks, and how receivers check it."""

from __future__ import annotations

import hashlib
import hmac
from datetime import UTC, datetime, timedelta

import pytest

from saat.links.webhook.signature import TOLERANCE, SignatureRefused, sign, verify

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
BODY = '{"type":"saat.case_closed","data":"ស្អាត"}'.encode()
SECRET = "b" * 64


def test_a_signature_is_the_hmac_of_moment_and_body_as_documented():
    mac = hmac.new(SECRET.encode(), b"1772420400." + BODY, hashlib.sha256).hexdigest()
    assert sign(BODY, secret=SECRET, now=NOW) == f"t=1772420400,v1={mac}"


def test_a_receiver_accepts_what_was_signed_with_its_secret_not_long_ago():
    header = sign(BODY, secret=SECRET, now=NOW)
    assert verify(BODY, header, SECRET, NOW) == NOW
    assert verify(BODY, header, SECRET, NOW + TOLERANCE) == NOW
    assert verify(BODY, f"v1=0000,{header.replace(',', ' , ')}", SECRET, NOW) == NOW, "while a secret is being changed"


@pytest.mark.parametrize(
    ("body", "secret", "change", "now", "why"),
    [
        (BODY + b" ", SECRET, str, NOW, "does not fit"),
        (BODY, "another", str, NOW, "does not fit"),
        (BODY, SECRET, lambda header: header[:-1] + "z", NOW, "does not fit"),
        (BODY, SECRET, lambda header: header.replace("t=1772420400", "t=1772420401"), NOW, "does not fit"),
        (BODY, SECRET, lambda header: header.replace("v1=", "v1=é"), NOW, "does not fit"),
        (BODY, SECRET, str, NOW + TOLERANCE + timedelta(seconds=1), "too long ago"),
        (BODY, SECRET, str, NOW - TOLERANCE - timedelta(seconds=1), "in the future"),
        (BODY, SECRET, lambda header: "", NOW, "cannot be read"),
        (BODY, SECRET, lambda header: header.replace("v1=", "v0="), NOW, "cannot be read"),
        (BODY, SECRET, lambda header: header.replace("t=1", "t=-1"), NOW, "cannot be read"),
        (BODY, SECRET, lambda header: "t=9999999999999999,v1=ab", NOW, "cannot be read"),
        (BODY, SECRET, lambda header: "t=１２３,v1=ab", NOW, "cannot be read"),
    ],
)
def test_a_forged_or_old_message_is_refused(body, secret, change, now, why):
    header = change(sign(BODY, secret=SECRET, now=NOW))
    with pytest.raises(SignatureRefused, match=why):
        verify(body, header, secret, now)

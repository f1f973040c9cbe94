"""Sends webhooks, but never into the house: an address that others chose must not reach what only we can reach."""

from __future__ import annotations

import ipaddress
import json
import socket
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import httpx

from saat.links.webhook.signature import HEADER, SignatureRefused, sign, verify
from saat.terms.webhook import WebhookDelivery

__all__ = [
    "HEADER",
    "NullWebhookClient",
    "SignatureRefused",
    "WebhookClient",
    "WebhookNotSent",
    "body_of",
    "sign",
    "verify",
    "webhook_client",
]

CONTENT_TYPE = "application/cloudevents+json; charset=utf-8"
_TIMEOUT = httpx.Timeout(10.0, connect=5.0)
_PORTS = {"http": 80, "https": 443}
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


class WebhookNotSent(Exception):
    """A message was not taken. for_good: trying again would not help."""

    def __init__(self, why: str, *, for_good: bool = False) -> None:
        super().__init__(why)
        self.for_good = for_good


class WebhookClient(Protocol):
    """Whoever can hand over an event."""

    def send(self, delivery: WebhookDelivery, *, now: datetime) -> None:
        """Hand an event over.

        :raises WebhookNotSent: if it was not taken.
        """


def body_of(delivery: WebhookDelivery) -> bytes:
    """Return an event as a CloudEvent in JSON (structured mode)."""
    event = {
        "specversion": "1.0",
        "id": delivery.event_id,
        "source": f"urn:saat:{delivery.jurisdiction_id}",
        "type": f"saat.{delivery.kind}",
        "subject": delivery.subject,
        "time": delivery.at.astimezone(UTC).isoformat(timespec="milliseconds"),
        "datacontenttype": "application/json",
        "data": {**delivery.data, "actor": delivery.actor},
    }
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


class HttpWebhookClient:
    """Posts events over HTTP, without following redirects and without any proxy."""

    def __init__(
        self, *, private_allowed: bool = False, resolve: Callable[[str, int], list[str]] | None = None
    ) -> None:
        """private_allowed: also to this machine and its own network. resolve: host and port to addresses."""
        self._private_allowed = private_allowed
        self._resolve = resolve or _addresses
        self._http = httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=False, headers={"Accept": "*/*"})

    def send(self, delivery: WebhookDelivery, *, now: datetime) -> None:
        """Post an event; any answer from 200 to 299 means that it was taken."""
        parts = urlsplit(delivery.url)
        try:
            host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme]
        except (KeyError, ValueError) as error:
            raise WebhookNotSent("The address is no web address.", for_good=True) from error
        address = self._checked(host, port)
        body = body_of(delivery)
        # The name is looked up once: what was checked is what is called.
        shown = f"[{address}]" if ":" in address else address
        request = self._http.build_request(
            "POST",
            urlunsplit((parts.scheme, f"{shown}:{port}", parts.path or "/", parts.query, "")),
            content=body,
            headers={
                "Host": parts.netloc,
                "Content-Type": CONTENT_TYPE,
                "User-Agent": "Saat-Webhook/1",
                "Idempotency-Key": delivery.event_id,
                HEADER: sign(body, secret=delivery.secret, now=now),
            },
            extensions={"sni_hostname": host},
        )
        try:
            answer = self._http.send(request, stream=True)  # what it says beside its status is not read
            answer.close()
        except httpx.TimeoutException as error:
            raise WebhookNotSent("The address did not answer in time.") from error
        except httpx.HTTPError as error:
            raise WebhookNotSent(f"The address cannot be reached: {type(error).__name__}.") from error
        if answer.status_code == 410:
            raise WebhookNotSent("The address answered 410: it is gone.", for_good=True)
        if not 200 <= answer.status_code < 300:
            raise WebhookNotSent(f"The address answered {answer.status_code}.")

    def _checked(self, host: str, port: int) -> str:
        """Return the address to call, if every address of this name may be called."""
        try:
            found = self._resolve(host, port)
        except (OSError, UnicodeError) as error:
            raise WebhookNotSent(f"The name {host[:80]} is not known.") from error
        if not found:
            raise WebhookNotSent(f"The name {host[:80]} is not known.")
        if not self._private_allowed and not all(is_public(address) for address in found):
            raise WebhookNotSent("The address lies in a private network, where webhooks are not sent.", for_good=True)
        return found[0]


class NullWebhookClient:
    """The Null twin: keeps what it was given instead of sending it."""

    def __init__(self) -> None:
        self.sent: list[WebhookDelivery] = []

    def send(self, delivery: WebhookDelivery, *, now: datetime) -> None:
        """Keep the event."""
        self.sent.append(delivery)


def webhook_client(*, private_allowed: bool = False) -> WebhookClient:
    """Return the client that really sends."""
    return HttpWebhookClient(private_allowed=private_allowed)


def is_public(address: str) -> bool:
    """Return whether an IP address belongs to the public internet, also where one protocol hides within another.

    >>> is_public("93.184.215.14"), is_public("10.0.0.7"), is_public("::ffff:127.0.0.1"), is_public("169.254.169.254")
    (True, False, False, False)
    """
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in _NAT64:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not ip.is_reserved


def _addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))

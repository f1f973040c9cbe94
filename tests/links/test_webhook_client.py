"""Webhooks to a real server on this machine, and to the many addresses to which none may be sent."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from saat.links.webhook.client import (
    HEADER,
    HttpWebhookClient,
    NullWebhookClient,
    WebhookNotSent,
    is_public,
    verify,
    webhook_client,
)
from saat.terms.webhook import WebhookDelivery

NOW = datetime(2026, 3, 2, 3, 0, tzinfo=UTC)
DELIVERY = WebhookDelivery(
    url="", secret="c" * 64, event_id="phnompenh.kh-17", jurisdiction_id="phnompenh.kh", kind="case_closed",
    subject="case:4", at=NOW, actor="user", data={"kind": "case_closed", "case_code": "K7Q2-9M4X"},
)  # fmt: skip


class Receiver(ThreadingHTTPServer):
    """Somebody's server: keeps what it is sent and answers what it is told to."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[str, dict[str, str], bytes]] = []
        self.status, self.headers = 204, {}

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hooks?for=saat"


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers), body))
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def test_an_event_arrives_signed_and_as_a_cloud_event(receiver):
    client = HttpWebhookClient(private_allowed=True)
    client.send(replace(DELIVERY, url=receiver.url), now=NOW)
    ((path, headers, body),) = receiver.got
    assert path == "/hooks?for=saat"
    assert verify(body, headers[HEADER], DELIVERY.secret, NOW) == NOW
    assert headers["Content-Type"] == "application/cloudevents+json; charset=utf-8"
    assert headers["Idempotency-Key"] == "phnompenh.kh-17"
    assert json.loads(body) == {
        "specversion": "1.0",
        "id": "phnompenh.kh-17",
        "source": "urn:saat:phnompenh.kh",
        "type": "saat.case_closed",
        "subject": "case:4",
        "time": "2026-03-02T03:00:00.000+00:00",
        "datacontenttype": "application/json",
        "data": {"kind": "case_closed", "case_code": "K7Q2-9M4X", "actor": "user"},
    }


def test_the_name_that_was_checked_is_called_and_told_in_the_host_header(receiver):
    asked = []

    def resolve(host: str, port: int) -> list[str]:
        asked.append((host, port))
        return ["127.0.0.1"]

    url = f"http://hooks.example:{receiver.server_port}/x"
    HttpWebhookClient(private_allowed=True, resolve=resolve).send(replace(DELIVERY, url=url), now=NOW)
    assert asked == [("hooks.example", receiver.server_port)], "looked up once, so that it cannot change in between"
    assert receiver.got[0][1]["Host"] == f"hooks.example:{receiver.server_port}"


@pytest.mark.parametrize(("status", "for_good"), [(500, False), (302, False), (404, False), (429, False), (410, True)])
def test_any_other_answer_means_not_taken_and_a_redirect_is_not_followed(receiver, status, for_good):
    receiver.status, receiver.headers = status, {"Location": receiver.url.replace("hooks", "elsewhere")}
    with pytest.raises(WebhookNotSent, match=str(status)) as caught:
        HttpWebhookClient(private_allowed=True).send(replace(DELIVERY, url=receiver.url), now=NOW)
    assert caught.value.for_good is for_good
    assert len(receiver.got) == 1


def test_a_server_that_is_not_there_is_tried_again_later():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with pytest.raises(WebhookNotSent, match="cannot be reached") as caught:
        HttpWebhookClient(private_allowed=True).send(replace(DELIVERY, url=f"http://127.0.0.1:{port}/"), now=NOW)
    assert caught.value.for_good is False


def test_nothing_is_sent_into_the_house_unless_the_operator_allows_it(receiver):
    with pytest.raises(WebhookNotSent, match="private network") as caught:
        webhook_client().send(replace(DELIVERY, url=receiver.url), now=NOW)
    assert caught.value.for_good is True
    assert receiver.got == []
    webhook_client(private_allowed=True).send(replace(DELIVERY, url=receiver.url), now=NOW)
    assert len(receiver.got) == 1


def test_a_name_that_points_inside_with_one_of_its_addresses_is_refused(receiver):
    client = HttpWebhookClient(resolve=lambda host, port: ["93.184.215.14", "127.0.0.1"])
    with pytest.raises(WebhookNotSent, match="private network"):
        client.send(replace(DELIVERY, url=f"http://hooks.example:{receiver.server_port}/"), now=NOW)
    assert receiver.got == []


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.9.1", "10.0.0.7", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0",
        "224.0.0.1", "255.255.255.255", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "::ffff:10.0.0.1",
        "::ffff:127.0.0.1", "2002:7f00:1::", "64:ff9b::7f00:1", "fe80::1%eth0", "nonsense", "",
    ],
)  # fmt: skip
def test_an_address_that_only_we_can_reach_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.215.14", "8.8.8.8", "2606:2800:21f:cb07:6820:80da:af6b:8b2c"])
def test_an_address_of_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize("url", ["ftp://a.example/", "http://a.example:99999999/", "nonsense", "http://"])
def test_what_is_no_web_address_is_given_up(url):
    with pytest.raises(WebhookNotSent) as caught:
        HttpWebhookClient(resolve=lambda host, port: []).send(replace(DELIVERY, url=url), now=NOW)
    assert caught.value.for_good or "not known" in str(caught.value)


def test_a_name_that_nobody_knows_is_tried_again_later():
    def resolve(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(WebhookNotSent, match="not known") as caught:
        HttpWebhookClient(resolve=resolve).send(replace(DELIVERY, url="http://gone.example/"), now=NOW)
    assert caught.value.for_good is False


def test_the_null_twin_keeps_what_it_is_given():
    client = NullWebhookClient()
    client.send(DELIVERY, now=NOW)
    assert client.sent == [DELIVERY]

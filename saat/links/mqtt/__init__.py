"""Positions by MQTT: OwnTracks on `owntracks/<user>/<device>`, and our own JSON on `saat/<uid>`.

The address is `mqtt://user:password@host:port` or `mqtts://…`. With `?trusted=1` the broker is believed to hold each
device to its own topic, and positions count without a token; otherwise `saat/…` messages carry `token`.
A message is acknowledged only when its positions are on disk.
"""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote, urlsplit

import aiomqtt
from django.utils.translation import gettext as _

from saat.links import owntracks
from saat.links.batch import read_row
from saat.terms.position import Fix, FixRefused

OWNTRACKS, PLAIN = "owntracks/+/+", "saat/+"
_LONGEST = 256 * 1024
_MOST_AT_ONCE = 1000
# The broker keeps what comes while we are away for a client that it knows by name.
_NAME = "saat"


class MqttRefused(Exception):
    """The address is none, or the broker does not let us in; the message says which."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Broker:
    """Where a broker is and how to be let in. trusted: it holds each device to its own topic."""

    host: str
    port: int
    user: str | None = None
    password: str | None = None
    tls: bool = False
    trusted: bool = False


def broker_of(url: str) -> Broker:
    """Return the broker of an address.

    :raises MqttRefused: if it is no address of a broker.

    >>> broker_of("mqtts://saat:a%2Fb@broker.example?trusted=1")
    Broker(host='broker.example', port=8883, user='saat', password='a/b', tls=True, trusted=True)
    """
    parts = urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        port = None
    if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
        raise MqttRefused("MQTT_URL must be like mqtt://user:password@host:1883 or mqtts://host.")
    tls = parts.scheme == "mqtts"
    return Broker(
        host=parts.hostname,
        port=port or (8883 if tls else 1883),
        user=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=tls,
        trusted=parse_qs(parts.query).get("trusted") == ["1"],
    )


def read_message(topic: str, payload: bytes) -> Fix | None:
    """Return the position in a message; None where it says nothing of a place.

    :raises FixRefused: if it should be a position and is none.
    """
    if len(payload) > _LONGEST:
        raise FixRefused(_("The message is too long."))
    if topic.startswith("owntracks/"):
        return owntracks.read_json(payload, topic=topic) if payload.strip() else None
    uid = topic.partition("/")[2]
    try:
        row = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise FixRefused(_("The message is not JSON."), uid=uid) from error
    if not isinstance(row, dict):
        raise FixRefused(_("The message is no JSON object."), uid=uid)
    # The topic says who it is: a device may not speak for another one.
    return read_row({name: value for name, value in row.items() if name not in _NAMES}, uid=uid)


_NAMES = frozenset({"id", "uid", "device_id", "deviceid", "device", "vehicle_id"})


@dataclass(frozen=True, slots=True)
class Message:
    """What came on a topic."""

    topic: str
    payload: bytes


async def listen(broker: Broker, take: Callable[[list[Message]], Awaitable[None]]) -> None:
    """Hand on what comes, some messages at a time, and acknowledge them when `take` has returned; never ends.

    :raises aiomqtt.MqttError: if the connection breaks; what was not acknowledged comes again after the next one.
    """
    async with _connected(broker) as client:
        messages = client.messages
        while True:
            some = [await anext(messages)]
            while len(some) < _MOST_AT_ONCE and len(messages):
                some.append(await anext(messages))
            await take([Message(str(message.topic), bytes(message.payload or b"")) for message in some])
            for message in some:
                # The library acknowledges by itself, before anything is on disk, unless the client below it is told.
                client._client.ack(message.mid, message.qos)


@asynccontextmanager
async def _connected(broker: Broker) -> AsyncIterator[aiomqtt.Client]:
    client = aiomqtt.Client(
        broker.host, broker.port, username=broker.user, password=broker.password, identifier=_NAME,
        clean_session=False, tls_context=ssl.create_default_context() if broker.tls else None, timeout=20,
    )  # fmt: skip
    client._client.manual_ack_set(True)
    async with client:
        await client.subscribe([(OWNTRACKS, 1), (PLAIN, 1)])
        yield client


async def listen_for_ever(
    broker: Broker, take: Callable[[list[Message]], Awaitable[None]], *, tell: Callable[[str], None], again_s: float
) -> None:
    """Listen, and begin again after a while whatever fails: what was not acknowledged comes again.

    Ends when it is cancelled.
    """
    while True:
        try:
            await listen(broker, take)
        except Exception as error:  # noqa: BLE001 - the broker, the network, or our own disk
            tell(f"MQTT {broker.host}:{broker.port}: {type(error).__name__}: {error}")
        await asyncio.sleep(again_s)

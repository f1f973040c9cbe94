"""Trackers and phones: noticed, claimed, bound to vehicles, given tokens, retired.

Whoever changes a device or its bindings counts it up in `changes`, so that the processes that hold devices in memory
read it again (`saat.records.device_book`).
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from saat.actions.fleet import FleetRefused, check_may_manage_fleet, may_manage_fleet
from saat.actions.log import Actor, Log, NotFound, writing
from saat.records.models import Contractor, Crew, Device, DeviceBinding, Vehicle
from saat.records.queries_access import digest_of
from saat.triage.words import clean_words

# Strangers cost rows and attention; honest ones try again, and find room once somebody has looked through the list.
MOST_STRANGERS = 2000
FORGET_STRANGERS = timedelta(days=30)
_AHEAD = timedelta(minutes=5)
_TOGETHER = 500
_LONGEST_UID, _LONGEST_WHY = 120, 200


class TooManyStrangers(Exception):
    """No more devices that nobody knows are written down until somebody claims some; the message says so."""


@transaction.atomic
def quarantine_device(*, uid: str, protocol: str, now: datetime) -> Device:
    """Write down a device that nobody knows, so that it is seen and its positions are kept. Twice is harmless.

    There is no city yet in whose log this could stand.

    :raises TooManyStrangers: if too many wait to be claimed.
    """
    known = Device.objects.filter(uid=uid).first()
    if known is not None:
        return known
    if Device.objects.filter(state="quarantined").count() >= MOST_STRANGERS:
        raise TooManyStrangers(_("Too many unknown devices wait to be claimed; ask the city to look at its devices."))
    device, _made = Device.objects.get_or_create(
        uid=uid, defaults={"protocol": protocol[:24], "state": "quarantined", "first_seen_at": now, "seen_at": now}
    )
    return device


def add_device(
    *,
    city_id: int,
    uid: str,
    now: datetime,
    by: Actor,
    contractor_id: int | None = None,
    label: str = "",
    protocol: str = "",
    needs_token: bool = True,
    simulated: bool = False,
) -> Device:
    """Register a device before it is heard of; one that waits unclaimed under this name is claimed.

    :raises FleetRefused: if the name is missing, or somebody else's.
    :raises NotAllowed: unless it is this actor's to look after.
    :raises NotFound: if there is no such contractor in the city.
    """
    uid = uid.strip()
    if not uid or len(uid) > _LONGEST_UID or not uid.isprintable():
        raise FleetRefused(_("Please say what the device calls itself."), field="uid")
    with writing(city_id, now=now, by=by) as log:
        check_may_manage_fleet(by, city_id=city_id, contractor_id=contractor_id)
        _check_contractor(city_id, contractor_id)
        known = Device.objects.select_for_update().filter(uid=uid).first()
        if known is not None:
            if known.state == "quarantined":
                return _claim(log, known, contractor_id=contractor_id, label=label, needs_token=needs_token)
            raise FleetRefused(_("There is a device with this identifier already."), field="uid")
        try:
            with transaction.atomic():
                device = Device.objects.create(
                    city_id=city_id, contractor_id=contractor_id, uid=uid, label=_label(label), protocol=protocol[:24],
                    state="claimed", needs_token=needs_token, claimed_at=now, simulated=simulated,
                )  # fmt: skip
        except IntegrityError as error:
            raise FleetRefused(_("There is a device with this identifier already."), field="uid") from error
        log.append("device_added", subject=_subject(device), facts={"contractor": contractor_id})
        return device


def claim_device(
    *,
    device_id: int,
    city_id: int,
    now: datetime,
    by: Actor,
    contractor_id: int | None = None,
    label: str = "",
    needs_token: bool = True,
) -> Device:
    """Say that a device is the city's, or a contractor's; what it sent before counts from the moment it is bound.

    needs_token: what it sends from now on counts only with its token, see `make_token`; what it sent while nobody
    knew it is vouched for by claiming it.

    :raises NotAllowed: unless it would be this actor's to look after.
    :raises NotFound: if there is no such device, or it is another city's.
    """
    with writing(city_id, now=now, by=by) as log:
        check_may_manage_fleet(by, city_id=city_id, contractor_id=contractor_id)
        _check_contractor(city_id, contractor_id)
        ours_or_nobodys = Q(city__isnull=True) | Q(city_id=city_id)
        device = Device.objects.select_for_update().filter(ours_or_nobodys, pk=device_id).first()
        if device is None or (
            device.city_id and not may_manage_fleet(by, city_id=city_id, contractor_id=device.contractor_id)
        ):
            raise NotFound(_("There is no such device for you."))
        return _claim(log, device, contractor_id=contractor_id, label=label, needs_token=needs_token)


def bind_device(
    *,
    device_id: int,
    vehicle_id: int,
    from_at: datetime,
    now: datetime,
    by: Actor,
    crew_id: int | None = None,
    until_at: datetime | None = None,
) -> DeviceBinding:
    """Say on which vehicle a device is from a moment on (in the past, if need be), until another or until it is moved.

    What was said before about the same span gives way: it ends where this begins, and goes on where this ends.

    :raises FleetRefused: if the span is empty or begins in the future, or the device is not claimed.
    :raises NotAllowed: unless both are this actor's to look after.
    :raises NotFound: if there is no such device, vehicle or crew for this actor.
    """
    if until_at is not None and until_at <= from_at:
        raise FleetRefused(_("The span must end after it starts."), field="until_at")
    if from_at > now + _AHEAD:
        raise FleetRefused(_("The device cannot be on a vehicle from a moment in the future."), field="from_at")
    with _changing(device_id, now=now, by=by) as (log, device):
        if device.state != "claimed":
            raise FleetRefused(_("The device must be claimed first."), field="device")
        vehicle = Vehicle.objects.filter(pk=vehicle_id, city_id=log.city_id).first()
        if vehicle is None or not may_manage_fleet(by, city_id=log.city_id, contractor_id=vehicle.contractor_id):
            raise NotFound(_("There is no such vehicle for you."))
        if crew_id is not None and not Crew.objects.filter(pk=crew_id, city_id=log.city_id).exists():
            raise NotFound(_("There is no such crew."))
        _make_room(device, from_at, until_at)
        binding = DeviceBinding.objects.create(
            city_id=log.city_id, device=device, vehicle=vehicle, crew_id=crew_id, from_at=from_at, until_at=until_at,
            by=by.user,
        )  # fmt: skip
        facts = {"vehicle": vehicle_id, "crew": crew_id, "from": from_at, "until": until_at}
        log.append("device_bound", subject=_subject(device), facts=facts)
        return binding


def unbind_device(*, device_id: int, at: datetime, now: datetime, by: Actor) -> None:
    """Say that a device is on no vehicle from a moment on. Twice is harmless.

    :raises NotAllowed: unless it is this actor's to look after.
    :raises NotFound: if there is no such device for this actor.
    """
    with _changing(device_id, now=now, by=by) as (log, device):
        if device.bindings.filter(Q(until_at__isnull=True) | Q(until_at__gt=at)).exists():
            _make_room(device, at, None)
            log.append("device_unbound", subject=_subject(device), facts={"from": at})


def make_token(*, device_id: int, now: datetime, by: Actor, needed: bool = True) -> str:
    """Return a new token of a device, in the place of the one before. It is shown once; only its digest is kept.

    needed: positions without it are kept but do not count.

    :raises NotAllowed: unless it is this actor's to look after.
    :raises NotFound: if there is no such device for this actor.
    """
    token = secrets.token_urlsafe(18)
    with _changing(device_id, now=now, by=by) as (log, device):
        device.token_hash, device.needs_token = digest_of(token), needed
        device.save(update_fields=["token_hash", "needs_token"])
        log.append("device_token_made", subject=_subject(device), facts={"needed": needed})
    return token


def vouch_device(*, device_id: int, now: datetime, by: Actor, vouched: bool = True) -> Device:
    """Let what a device sends count without its token, also what it sent before; or (not vouched) only with it.

    :raises NotAllowed: unless it is this actor's to look after.
    :raises NotFound: if there is no such device for this actor.
    """
    with _changing(device_id, now=now, by=by) as (log, device):
        if device.needs_token == vouched:
            device.needs_token = not vouched
            device.save(update_fields=["needs_token"])
            log.append("device_vouched" if vouched else "device_held_to_token", subject=_subject(device))
        return device


def retire_device(*, device_id: int, now: datetime, by: Actor) -> Device:
    """Put a device out of use: it is on no vehicle any more, its token is void, what it sends is refused.

    :raises NotAllowed: unless it is this actor's to look after.
    :raises NotFound: if there is no such device for this actor.
    """
    with _changing(device_id, now=now, by=by) as (log, device):
        if device.state != "retired":
            _make_room(device, now, None)
            device.state, device.token_hash = "retired", ""
            device.save(update_fields=["state", "token_hash"])
            log.append("device_retired", subject=_subject(device))
        return device


@transaction.atomic
def note_traffic(*, seen: Mapping[int, float], refused: Mapping[int, tuple[int, str]], now: datetime) -> int:
    """Write down which devices were heard of since the last time, and what was refused; return how many rows.

    seen: device to seconds since 1970; devices are written together, each with the latest moment of its group.
    refused: device to how many positions and why the last of them. Such notes are no events: they say what machines
    did.
    """
    latest = sorted(seen, key=lambda pk: seen[pk])
    for at in range(0, len(latest), _TOGETHER):
        group = latest[at : at + _TOGETHER]
        Device.objects.filter(pk__in=group).update(seen_at=datetime.fromtimestamp(seen[group[-1]], UTC))
    for pk, (count, why) in refused.items():
        Device.objects.filter(pk=pk).update(
            refused=F("refused") + count, refused_why=why[:_LONGEST_WHY], refused_at=now
        )
    return len(seen) + len(refused)


def forget_strangers(*, now: datetime) -> int:
    """Delete the devices that nobody claimed and that were not heard of for a month; return how many."""
    old = Device.objects.filter(state="quarantined", city__isnull=True, seen_at__lt=now - FORGET_STRANGERS)
    return old.delete()[0]


@contextmanager
def _changing(device_id: int, *, now: datetime, by: Actor) -> Iterator[tuple[Log, Device]]:
    """Open a transaction on a device of some city, which is locked; count up its changes."""
    city_id = Device.objects.filter(pk=device_id).values_list("city_id", flat=True).first()
    if city_id is None:
        raise NotFound(_("There is no such device for you."))
    with writing(city_id, now=now, by=by) as log:
        device = Device.objects.select_for_update().filter(pk=device_id, city_id=city_id).first()
        if device is None:
            raise NotFound(_("There is no such device for you."))
        check_may_manage_fleet(by, city_id=city_id, contractor_id=device.contractor_id)
        yield log, device
        Device.objects.filter(pk=device_id).update(changes=F("changes") + 1)


def _claim(log: Log, device: Device, *, contractor_id: int | None, label: str, needs_token: bool) -> Device:
    device.city_id, device.contractor_id, device.state = log.city_id, contractor_id, "claimed"
    device.label = _label(label) or device.label
    device.claimed_at, device.needs_token = log.now, needs_token
    device.save(update_fields=["city", "contractor", "state", "label", "claimed_at", "needs_token"])
    Device.objects.filter(pk=device.pk).update(changes=F("changes") + 1)
    facts: dict[str, Any] = {"contractor": contractor_id, "needs_token": needs_token}
    log.append("device_claimed", subject=_subject(device), facts=facts)
    return device


def _make_room(device: Device, from_at: datetime, until_at: datetime | None) -> None:
    """Take a span out of what is said about where a device was."""
    for old in device.bindings.filter(Q(until_at__isnull=True) | Q(until_at__gt=from_at)).order_by("from_at"):
        if until_at is not None and old.from_at >= until_at:
            continue
        after = until_at is not None and (old.until_at is None or old.until_at > until_at)
        if old.from_at < from_at:
            rest_until, old.until_at = old.until_at, from_at
            old.save(update_fields=["until_at"])
            if after and until_at is not None:
                DeviceBinding.objects.create(
                    city_id=old.city_id, device=device, vehicle_id=old.vehicle_id, crew_id=old.crew_id,
                    from_at=until_at, until_at=rest_until, by_id=old.by_id,
                )  # fmt: skip
        elif after and until_at is not None:
            old.from_at = until_at
            old.save(update_fields=["from_at"])
        else:
            old.delete()


def _check_contractor(city_id: int, contractor_id: int | None) -> None:
    if contractor_id is not None and not Contractor.objects.filter(pk=contractor_id, city_id=city_id).exists():
        raise NotFound(_("There is no such contractor."))


def _label(text: str) -> str:
    return clean_words(text, limit=80).replace("\n", " ")


def _subject(device: Device) -> str:
    return f"device:{device.pk}"

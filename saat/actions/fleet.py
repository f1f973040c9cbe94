"""Vehicles and the places that they go to: added, changed, put out of use."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, NotAllowed, NotFound, writing
from saat.cases.permission import may
from saat.records.models import Contractor, Site, Vehicle
from saat.terms.geo import Point
from saat.terms.plan import SiteKind, VehicleKind
from saat.triage.words import clean_words

HEAVIEST_KG = 60_000.0
WIDEST_M = 5.0
LEAST_RADIUS_M, LARGEST_RADIUS_M = 20.0, 2_000.0


class FleetRefused(Exception):
    """A vehicle, a place or a device cannot be as asked; the message says why. field: the one at fault."""

    def __init__(self, message: str, *, field: str = "") -> None:
        super().__init__(message)
        self.field = field


def may_manage_fleet(by: Actor, *, city_id: int, contractor_id: int | None) -> bool:
    """Return whether somebody looks after what belongs to a contractor, or to the city itself (None)."""
    if by.kind != "user":
        return by.may_in_city("manage_fleet", city_id)
    roles = by.reach.roles_in(city_id=city_id, area_path="", contractor_id=contractor_id, crew_id=None)
    return may(roles, "manage_fleet")


def check_may_manage_fleet(by: Actor, *, city_id: int, contractor_id: int | None) -> None:
    """Let only those go on who look after what belongs to a contractor, or to the city itself (None).

    :raises NotAllowed: for everybody else.
    """
    if not may_manage_fleet(by, city_id=city_id, contractor_id=contractor_id):
        raise NotAllowed(_("Vehicles and devices are looked after by the city's duty desk and by whose they are."))


def save_vehicle(
    *,
    city_id: int,
    label: str,
    now: datetime,
    by: Actor,
    vehicle_id: int | None = None,
    contractor_id: int | None = None,
    kind: VehicleKind = VehicleKind.COMPACTOR,
    capacity_kg: float | None = None,
    width_m: float | None = None,
    enters_lanes: bool = False,
    active: bool = True,
) -> Vehicle:
    """Add a vehicle (vehicle_id None), or change one. label: what is painted on it, once in a city.

    :raises FleetRefused: if the label is missing or taken, or a figure is not possible.
    :raises NotAllowed: unless it is this actor's to look after, before the change and after it.
    :raises NotFound: if there is no such vehicle or contractor in the city.
    """
    label = clean_words(label, limit=40).replace("\n", " ")
    if not label:
        raise FleetRefused(_("Please say what is painted on the vehicle."), field="label")
    _check_between(capacity_kg, 1.0, HEAVIEST_KG, field="capacity_kg")
    _check_between(width_m, 0.5, WIDEST_M, field="width_m")
    with writing(city_id, now=now, by=by) as log:
        check_may_manage_fleet(by, city_id=city_id, contractor_id=contractor_id)
        _check_contractor(city_id, contractor_id)
        if vehicle_id is None:
            vehicle = Vehicle(city_id=city_id)
        else:
            found = Vehicle.objects.filter(pk=vehicle_id, city_id=city_id).first()
            if found is None or not may_manage_fleet(by, city_id=city_id, contractor_id=found.contractor_id):
                raise NotFound(_("There is no such vehicle for you."))
            vehicle = found
        if Vehicle.objects.filter(city_id=city_id, label__iexact=label).exclude(pk=vehicle.pk).exists():
            raise FleetRefused(_("There is a vehicle “%(label)s” already.") % {"label": label}, field="label")
        wanted = {
            "label": label,
            "contractor_id": contractor_id,
            "kind": VehicleKind(kind),
            "capacity_kg": capacity_kg,
            "width_m": width_m,
            "enters_lanes": enters_lanes,
            "active": active,
        }
        _save(log, vehicle, wanted, what="vehicle")
        return vehicle


def save_site(
    *,
    city_id: int,
    kind: SiteKind,
    name: str,
    at: Point,
    now: datetime,
    by: Actor,
    site_id: int | None = None,
    radius_m: float = 150.0,
) -> Site:
    """Add a depot, a disposal site or the like (site_id None), or change one. radius_m: who is within is there.

    :raises FleetRefused: if the name is missing or a figure is not possible.
    :raises NotAllowed: unless the actor looks after the whole city's fleet.
    :raises NotFound: if there is no such place in the city.
    """
    name = clean_words(name, limit=120).replace("\n", " ")
    if not name:
        raise FleetRefused(_("Please say what the place is called."), field="name")
    _check_between(radius_m, LEAST_RADIUS_M, LARGEST_RADIUS_M, field="radius_m")
    with writing(city_id, now=now, by=by) as log:
        check_may_manage_fleet(by, city_id=city_id, contractor_id=None)
        site = Site(city_id=city_id) if site_id is None else Site.objects.filter(pk=site_id, city_id=city_id).first()
        if site is None:
            raise NotFound(_("There is no such place."))
        _save(
            log,
            site,
            {"kind": SiteKind(kind), "name": name, "lat": at.lat, "lon": at.lon, "radius_m": radius_m},
            what="site",
        )
        return site


def _save(log: Log, row: Any, wanted: dict[str, Any], *, what: str) -> None:
    """Write what differs, and what it was before; nothing happens where nothing differs."""
    new = row.pk is None
    changed = {
        name: None if new else getattr(row, name) for name, value in wanted.items() if getattr(row, name) != value
    }
    if not (changed or new):
        return
    for name, value in wanted.items():
        setattr(row, name, value)
    row.save()
    now_so = {name: wanted[name] for name in changed}
    facts = {what: row.pk, "now": now_so} if new else {what: row.pk, "before": changed, "now": now_so}
    log.append(f"{what}_added" if new else f"{what}_changed", subject=f"{what}:{row.pk}", facts=facts)


def _check_between(value: float | None, least: float, most: float, *, field: str) -> None:
    if value is not None and not (math.isfinite(value) and least <= value <= most):
        message = _("This must be a number from %(least)g to %(most)g.")
        raise FleetRefused(message % {"least": least, "most": most}, field=field)


def _check_contractor(city_id: int, contractor_id: int | None) -> None:
    if contractor_id is not None and not Contractor.objects.filter(pk=contractor_id, city_id=city_id).exists():
        raise NotFound(_("There is no such contractor in the city."))

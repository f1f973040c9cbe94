"""Devices, vehicles and sites as those see them who look after them; and how devices send."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby, pairwise
from statistics import median

from django.db.models import Max, Min, Q, QuerySet

from saat.records.models import Area, City, Contractor, Device, DeviceBinding, Site, Vehicle
from saat.records.position_log import position_log
from saat.records.scope import Reach
from saat.terms.case import Role
from saat.terms.position import Flag, Position

MOST_STRANGERS = 60
_LOOKED_BACK = timedelta(days=2)
_ABOUT_DEG = 0.5  # about 55 km: depots and landfills lie outside the city that they serve


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeper:
    """What somebody looks after in a city: all of it (whole), or what belongs to these contractors."""

    city: City
    whole: bool
    contractor_ids: tuple[int, ...]

    def own(self) -> Q:
        """Return the condition on devices and vehicles that holds a query to what is theirs."""
        return Q(city=self.city) if self.whole else Q(city=self.city, contractor_id__in=self.contractor_ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """How a device sent in the last two days. last: its latest position. interval_s: usual time between two of them.

    unproved: how many came without its token.
    """

    count: int = 0
    last: Position | None = None
    interval_s: float | None = None
    unproved: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRow:
    """A device with the vehicle that it is on now."""

    device: Device
    binding: DeviceBinding | None


def keeper_of(reach: Reach, city: City) -> Keeper:
    """Return what a person looks after in a city."""
    grants = [grant for grant in reach.grants if grant.city_id == city.pk]
    whole = any(grant.role in (Role.ADMINISTRATOR, Role.CITY_DUTY) and not grant.area_path for grant in grants)
    own = {grant.contractor_id for grant in grants if grant.role == Role.CONTRACTOR}
    return Keeper(city=city, whole=whole, contractor_ids=tuple(sorted(pk for pk in own if pk is not None)))


def devices_of(keeper: Keeper, *, words: str = "") -> list[DeviceRow]:
    """Return the devices that somebody looks after, those in use first, then by name."""
    rows = Device.objects.filter(keeper.own()).select_related("contractor")
    if words:
        on_such = DeviceBinding.objects.filter(until_at__isnull=True, vehicle__label__icontains=words)
        rows = rows.filter(Q(uid__icontains=words) | Q(label__icontains=words) | Q(pk__in=on_such.values("device_id")))
    found = sorted(rows[:1000], key=lambda row: (row.state == "retired", str(row).lower()))
    return _with_bindings(found)


def strangers_for(keeper: Keeper) -> list[tuple[Device, Traffic]]:
    """Return the devices that nobody has claimed and that may be this city's, the latest heard of first.

    May be: they were near it, or nobody knows where, or there is no other city. Only for those who look after all of a
    city; a dispatcher claims a device by its identifier.
    """
    if not keeper.whole:
        return []
    nobodys = Device.objects.filter(state="quarantined").filter(Q(city__isnull=True) | Q(city=keeper.city))
    devices = list(nobodys.order_by("-seen_at", "-pk")[:MOST_STRANGERS])
    traffic = traffic_of([device.pk for device in devices])
    alone = not City.objects.exclude(pk=keeper.city.pk).exists()
    edges = Area.objects.filter(city=keeper.city).aggregate(
        south=Min("min_lat"), west=Min("min_lon"), north=Max("max_lat"), east=Max("max_lon")
    )
    found = []
    for device in devices:
        last = traffic[device.pk].last
        if alone or last is None or edges["south"] is None or _near(last, edges):
            found.append((device, traffic[device.pk]))
    return found


def device_for(keeper: Keeper, device_id: int) -> DeviceRow | None:
    """Return one device, if it is this person's to look after, or nobody's yet and among the strangers shown."""
    device = Device.objects.select_related("contractor").filter(keeper.own(), pk=device_id).first()
    if device is None and keeper.whole:
        device = next((stranger for stranger, _traffic in strangers_for(keeper) if stranger.pk == device_id), None)
    return _with_bindings([device])[0] if device else None


def bindings_of(device: Device, *, most: int = 20) -> list[DeviceBinding]:
    """Return on which vehicles a device was, the latest first."""
    return list(device.bindings.select_related("vehicle", "by").order_by("-from_at")[:most])


def traffic_of(device_ids: Sequence[int]) -> dict[int, Traffic]:
    """Return how devices sent in the last two days, as far as the log reaches back from its newest entry."""
    found = dict.fromkeys(device_ids, Traffic())
    if not device_ids:
        return found
    seen = Device.objects.filter(pk__in=device_ids).aggregate(last=Max("seen_at"))["last"]
    if seen is None:
        return found
    until_s = seen.timestamp() + _LOOKED_BACK.total_seconds()  # clocks of devices may be ahead
    from_s = seen.timestamp() - _LOOKED_BACK.total_seconds()
    with closing(position_log()) as log:
        positions = log.of_devices(device_ids, from_s=from_s, until_s=until_s)
    for device_id, rows in groupby(positions, key=lambda position: position.device_id):
        sent = list(rows)
        gaps = [later.fixed_s - earlier.fixed_s for earlier, later in pairwise(sent)]
        found[device_id] = Traffic(
            count=len(sent),
            last=sent[-1],
            interval_s=median(gaps) if gaps else None,
            unproved=sum(1 for position in sent if position.flags & Flag.UNPROVED),
        )
    return found


def vehicles_of(keeper: Keeper) -> list[Vehicle]:
    """Return the vehicles that somebody looks after, those in use first, then by label."""
    return list(Vehicle.objects.filter(keeper.own()).select_related("contractor").order_by("-active", "label"))


def vehicle_for(keeper: Keeper, vehicle_id: int) -> Vehicle | None:
    """Return one vehicle, if it is this person's to look after."""
    return Vehicle.objects.filter(keeper.own(), pk=vehicle_id).first()


def sites_of(keeper: Keeper) -> list[Site]:
    """Return a city's depots, disposal sites and the like; they serve everybody, so everybody sees them."""
    return list(Site.objects.filter(city=keeper.city).order_by("kind", "name"))


def site_for(keeper: Keeper, site_id: int) -> Site | None:
    """Return one place of the city."""
    return Site.objects.filter(city=keeper.city, pk=site_id).first()


def contractors_for(keeper: Keeper) -> list[Contractor]:
    """Return the contractors whose vehicles and devices somebody looks after, by name."""
    rows: QuerySet[Contractor] = Contractor.objects.filter(city=keeper.city, active=True)
    if not keeper.whole:
        rows = rows.filter(pk__in=keeper.contractor_ids)
    return list(rows.order_by("name"))


def _with_bindings(devices: Iterable[Device]) -> list[DeviceRow]:
    rows = list(devices)
    now_on = {
        binding.device_id: binding
        for binding in DeviceBinding.objects.select_related("vehicle").filter(
            device__in=[row.pk for row in rows], until_at__isnull=True
        )
    }
    return [DeviceRow(device=row, binding=now_on.get(row.pk)) for row in rows]


def _near(position: Position, edges: dict[str, float]) -> bool:
    return (
        edges["south"] - _ABOUT_DEG <= position.lat <= edges["north"] + _ABOUT_DEG
        and edges["west"] - _ABOUT_DEG <= position.lon <= edges["east"] + _ABOUT_DEG
    )

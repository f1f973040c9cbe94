"""Which devices there are, in memory: eleven thousand positions a second cannot ask the tables for each.

A book is read whole once, and afterwards only where something changed. Whether it did is one small query, which the
book's owner asks every second or so.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest

from django.db.models import Count, Max, Min, Q, Sum

from saat.records.models import Area, City, Device, DeviceBinding
from saat.records.queries_access import digest_of
from saat.terms.position import Flag, Position

_COLUMNS = (
    "pk", "uid", "city_id", "contractor_id", "state", "token_hash", "needs_token", "simulated", "changes",
)  # fmt: skip
_ABOUT_DEG = 1.0  # landfills, workshops and neighbouring cities lie within some 110 km
DEFAULT_DAYS = 30  # for how long the positions of devices are kept that are no city's
_MOST_ASKED = 900  # values in one query


@dataclass(slots=True, eq=False)
class KnownDevice:
    """A device's row as it was a moment ago. bindings: (from_s, until_s, vehicle_id), the latest first."""

    id: int
    uid: str
    city_id: int | None
    contractor_id: int | None
    state: str
    token_hash: str
    needs_token: bool
    simulated: bool
    changes: int
    bindings: tuple[tuple[float, float, int], ...] = ()
    _proved: str = field(default="", repr=False)

    def accepts(self, token: str) -> bool:
        """Return whether this is the device's token."""
        if token == self._proved and token:  # it was compared before
            return True
        if not self.token_hash or not compare_digest(digest_of(token), self.token_hash):
            return False
        self._proved = token
        return True


@dataclass(frozen=True, slots=True)
class Box:
    """What lies around a city, in degrees."""

    south: float
    west: float
    north: float
    east: float

    def __contains__(self, place: tuple[float, float]) -> bool:
        lat, lon = place
        return self.south <= lat <= self.north and self.west <= lon <= self.east


class DeviceBook:
    """The devices of the installation; empty until `refresh`. One thread refreshes it, others may look meanwhile."""

    def __init__(self) -> None:
        self._devices: dict[int, KnownDevice] = {}
        self._by_uid: dict[str, KnownDevice] = {}
        self._by_hash: dict[str, KnownDevice] = {}
        self._around: dict[int, Box] = {}
        self._days: dict[int | None, int] = {}
        self._stamp: tuple[object, ...] = ()
        self._bindings_stamp: tuple[object, ...] = ()
        self._cities_stamp: tuple[object, ...] = ()

    def __len__(self) -> int:
        return len(self._devices)

    def get(self, device_id: int) -> KnownDevice | None:
        """Return a device by its row."""
        return self._devices.get(device_id)

    def by_uid(self, uid: str) -> KnownDevice | None:
        """Return the device that calls itself so."""
        return self._by_uid.get(uid)

    def by_token(self, token: str) -> KnownDevice | None:
        """Return the device that has this token."""
        return self._by_hash.get(digest_of(token)) if token else None

    def vehicle_at(self, device_id: int, fixed_s: float) -> int | None:
        """Return on which vehicle a device was at a moment, None if on none; an end belongs to what comes after."""
        device = self._devices.get(device_id)
        if device is not None:
            for from_s, until_s, vehicle_id in device.bindings:
                if from_s <= fixed_s < until_s:
                    return vehicle_id
        return None

    def devices_of(self, vehicle_ids: Iterable[int]) -> list[int]:
        """Return the devices that are or were on some vehicles, in order."""
        wanted = set(vehicle_ids)
        return sorted(
            device.id
            for device in self._devices.values()
            if any(vehicle_id in wanted for _, _, vehicle_id in device.bindings)
        )

    def counts(self, position: Position) -> bool:
        """Return whether a position may say something about a vehicle: its device is claimed, and it is proved or
        somebody vouches for the device. What a device sent before it was retired goes on counting."""
        device = self._devices.get(position.device_id)
        if device is None or device.state == "quarantined":
            return False
        return not (position.flags & Flag.UNPROVED and device.needs_token)

    def around(self, city_id: int | None) -> Box | None:
        """Return what lies around a city, None where its edges are not known."""
        return self._around.get(city_id) if city_id is not None else None

    def seems_swapped(self, device: KnownDevice, lat: float, lon: float) -> bool:
        """Return whether a place is far from the device's city (from every city, for a stranger's), and would not be
        if latitude and longitude were exchanged."""
        own = self._around.get(device.city_id) if device.city_id is not None else None
        if own is not None and own.south <= lat <= own.north and own.west <= lon <= own.east:
            return False  # the usual case, in a hurry
        boxes = (own,) if own is not None else tuple(self._around.values())
        if any((lat, lon) in box for box in boxes):
            return False
        return any((lon, lat) in box for box in boxes)

    def kept_days(self, city_id: int | None) -> int:
        """Return for how many days a city keeps where its devices were."""
        return self._days.get(city_id, DEFAULT_DAYS)

    def cities(self) -> list[int]:
        """Return the cities that there are."""
        return [city_id for city_id in self._days if city_id is not None]

    def refresh(self) -> set[int]:
        """Read what changed since the last time; return the ids of the devices that did, gone ones with them."""
        stamp = tuple(Device.objects.aggregate(n=Count("pk"), last=Max("pk"), changes=Sum("changes")).values())
        bindings = tuple(DeviceBinding.objects.aggregate(n=Count("pk"), last=Max("pk")).values())
        cities = tuple(
            City.objects.aggregate(n=Count("pk"), areas=Sum("areas_version"), policy=Max("policy_changed_at")).values()
        )
        if cities != self._cities_stamp:
            self._around = _boxes()
            self._days = {city.pk: city.policy_terms().rounds.track_days for city in City.objects.all()}
            self._cities_stamp = cities
        changed: set[int] = set()
        if stamp != self._stamp:
            changed = self._read_devices()
            self._stamp = stamp
        if bindings != self._bindings_stamp:
            changed |= self._read_bindings(None)
            self._bindings_stamp = bindings
        elif changed:
            self._read_bindings(changed)
        return changed

    def _read_devices(self) -> set[int]:
        now = dict(Device.objects.values_list("pk", "changes"))
        gone = self._devices.keys() - now.keys()
        changed = {pk for pk, changes in now.items() if pk not in self._devices or self._devices[pk].changes != changes}
        for some in _portions(changed):
            for row in Device.objects.filter(some).values_list(*_COLUMNS):
                self._put(KnownDevice(*row))
        for pk in gone:
            device = self._devices.pop(pk)
            self._by_uid.pop(device.uid, None)
            self._by_hash.pop(device.token_hash, None)
        return changed | gone

    def _put(self, device: KnownDevice) -> None:
        """Put a device in the place of what was known of it; at no moment is it not there, for those who look."""
        before = self._devices.get(device.id)
        if before is not None:
            device.bindings = before.bindings
        self._devices[device.id] = self._by_uid[device.uid] = device
        if device.token_hash:
            self._by_hash[device.token_hash] = device
        if before is not None and before.token_hash != device.token_hash:
            self._by_hash.pop(before.token_hash, None)
        if before is not None and before.uid != device.uid:
            self._by_uid.pop(before.uid, None)

    def _read_bindings(self, of: set[int] | None) -> set[int]:
        """Read the bindings of some devices, or all; return whose are not as they were."""
        found: dict[int, list[tuple[float, float, int]]] = defaultdict(list)
        rows = DeviceBinding.objects.order_by("-from_at", "-pk").values_list(
            "device_id", "from_at", "until_at", "vehicle_id"
        )
        for some in [Q()] if of is None else _portions(of, column="device_id__in"):
            for device_id, from_at, until_at, vehicle_id in rows.filter(some):
                until_s = until_at.timestamp() if until_at else float("inf")
                found[device_id].append((from_at.timestamp(), until_s, vehicle_id))
        changed = set()
        for device in self._devices.values():
            if of is not None and device.id not in of:
                continue
            bindings = tuple(found.get(device.id, ()))
            if bindings != device.bindings:
                device.bindings = bindings
                changed.add(device.id)
        return changed


def _portions(ids: set[int], column: str = "pk__in") -> list[Q]:
    """Return conditions that together mean all of some ids."""
    ordered = sorted(ids)
    return [Q(**{column: ordered[at : at + _MOST_ASKED]}) for at in range(0, len(ordered), _MOST_ASKED)]


def _boxes() -> dict[int, Box]:
    edges = (
        Area.objects.filter(min_lat__isnull=False)
        .values("city_id")
        .annotate(south=Min("min_lat"), west=Min("min_lon"), north=Max("max_lat"), east=Max("max_lon"))
    )
    return {
        row["city_id"]: Box(
            row["south"] - _ABOUT_DEG, row["west"] - _ABOUT_DEG, row["north"] + _ABOUT_DEG, row["east"] + _ABOUT_DEG
        )
        for row in edges
    }

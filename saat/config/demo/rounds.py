"""The demo's collection: depots, the landfill, trucks with trackers, and the rounds of three contractors.

Rounds are laid on the demo's own streets, each contractor's within some khans of its zone. They begin one after another
from the evening to the next morning, so that something drives most of the time. All of it is marked as simulated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from shapely.geometry.base import BaseGeometry

from saat.actions.devices import add_device, bind_device, make_token
from saat.actions.fleet import save_site, save_vehicle
from saat.actions.log import COMMAND
from saat.actions.plans import save_plan
from saat.config.demo.ground import CODE_LIST
from saat.config.demo.network import Network
from saat.config.demo.people import People
from saat.config.demo_facts import DemoDevice
from saat.records.models import Area, AreaCode, City, Contractor, Site, Stop, Vehicle
from saat.rounds.simulation import Streets, make_city
from saat.rounds.simulation.rounding import planned_times
from saat.terms.geo import Point
from saat.terms.plan import PlannedStop, RunPlan, ServiceDays, SiteKind, SitePlace, StopKind, Stream, VehicleKind
from saat.terms.planning import RoundDraft, StopDraft

SOURCE = "demo rounds"
# In which khans of each contractor's zone the demo's rounds are; the first is where its depot stands.
_KHANS = (("1204",), ("1202", "1203"), ("1201", "1213"))
_LANDFILL = (11.4713, 104.8653)  # about where Dangkor's landfill in Cheung Aek would be on the drawn map
# When rounds begin (hours after midnight of the service day) and which of the contractor's trucks drives them.
_STARTS = ((18.67, 0), (20.17, 1), (22.0, 2), (24.67, 0), (30.0, 1), (33.5, 2))
_TRUCKS = 4  # each contractor's; the last stands by, and its tracker is free to be tried out
_STOPS = 40
_RECYCLING = frozenset({2, 5})  # Wednesday and Saturday
_SEED = 20260306


@dataclass(frozen=True, slots=True)
class _Base:
    """What one contractor has. trucks: those that drive first, then the one that stands by."""

    contractor: Contractor
    depot: Site
    trucks: tuple[Vehicle, ...]


def lay_rounds(
    city: City, people: People, outlines: Mapping[str, BaseGeometry], *, from_day: date, now: datetime
) -> list[DemoDevice]:
    """Write the demo's rounds; return the trackers, first those of trucks that stand by, which may be tried out.

    from_day: the first day on which rounds run. now: when all is set up.

    Where the operator's own streets are too few for rounds there are none.
    """
    network = Network.of_city(city.jurisdiction_id)
    zones = [(khans, network.within([outlines[code] for code in khans if code in outlines])) for khans in _KHANS]
    drawn = [(khans[0], _draw(streets, number)) for number, (khans, streets) in enumerate(zones) if streets is not None]
    if not drawn:
        return []
    streets = network.around([[(stop.lat, stop.lon) for plan in plans for stop in plan.stops] for _, plans in drawn])
    landfill = _site(city, SiteKind.DISPOSAL, "Dangkor landfill (demo)", streets, _LANDFILL, radius_m=300.0, now=now)
    standing_by: list[DemoDevice] = []
    driving: list[DemoDevice] = []
    for khan, plans in drawn:
        base = _base(city, people.contractors[khan], streets, plans[0].sites[0], now=now)
        *theirs, spare = _trackers(city, base, now=now)
        driving += theirs
        standing_by.append(spare)
        where = _names_of(city, khan)
        for number, (plan, (hour, truck)) in enumerate(zip(plans, _STARTS, strict=True), start=1):
            sites = (_place(base.depot), _place(landfill))
            starts_s = round(hour * 60) * 60.0
            timed = planned_times(replace(plan, sites=sites, starts_s=starts_s), streets, _SEED)
            code = f"{base.contractor.name.split()[0].upper()}-{number}"
            draft = draft_of(timed, code=code, name=f"{where} {number}")
            save_plan(
                city_id=city.pk, draft=draft, from_day=from_day, now=now, by=COMMAND, source=SOURCE, simulated=True,
                contractor_id=base.contractor.pk, vehicle_id=base.trucks[truck].pk, depot_id=base.depot.pk,
                disposal_site_id=landfill.pk, accept_warnings=True,
            )  # fmt: skip
    Stop.objects.filter(city=city, source=SOURCE).update(simulated=True)
    Site.objects.filter(city=city).update(simulated=True)
    Vehicle.objects.filter(city=city).update(simulated=True)
    return standing_by + driving


def _draw(streets: Streets, number: int) -> Sequence[RunPlan]:
    rounds = len(_STARTS)
    return make_city(_SEED + number, streets=streets, rounds=rounds, stops=_STOPS, contractors=(None,))


def _base(city: City, contractor: Contractor, streets: Streets, depot: SitePlace, *, now: datetime) -> _Base:
    """Write one contractor's depot and trucks."""
    short = contractor.name.split()[0]
    at = depot.lat, depot.lon
    site = _site(city, SiteKind.DEPOT, f"{short} depot (demo)", streets, at, radius_m=90.0, now=now)
    trucks = tuple(
        save_vehicle(
            city_id=city.pk, label=f"{short} {number:02d}", contractor_id=contractor.pk, kind=VehicleKind.COMPACTOR,
            capacity_kg=8000.0, width_m=2.5, now=now, by=COMMAND,
        )
        for number in range(1, _TRUCKS + 1)
    )  # fmt: skip
    return _Base(contractor, site, trucks)


def _site(
    city: City, kind: SiteKind, name: str, streets: Streets, at: tuple[float, float], *, radius_m: float, now: datetime
) -> Site:
    lat, lon = streets.plane.latlon(*streets.xy[streets.nearest(*at)])
    return save_site(
        city_id=city.pk, kind=kind, name=name, at=Point(lat=lat, lon=lon), radius_m=radius_m, now=now, by=COMMAND
    )


def _place(site: Site) -> SitePlace:
    return SitePlace(site_id=site.pk, kind=SiteKind(site.kind), lat=site.lat, lon=site.lon, radius_m=site.radius_m)


def _trackers(city: City, base: _Base, *, now: datetime) -> list[DemoDevice]:
    """Give each truck a tracker with a token."""
    made = []
    for truck in base.trucks:
        uid = f"demo-{truck.label.lower().replace(' ', '-')}"
        device = add_device(
            city_id=city.pk, uid=uid, label=truck.label, contractor_id=base.contractor.pk, protocol="batch",
            simulated=True, now=now, by=COMMAND,
        )  # fmt: skip
        token = make_token(device_id=device.pk, now=now, by=COMMAND)
        bind_device(device_id=device.pk, vehicle_id=truck.pk, from_at=now, now=now, by=COMMAND)
        made.append(DemoDevice(id=uid, token=token, vehicle=truck.label))
    return made


def _names_of(city: City, khan: str) -> str:
    area = Area.objects.get(pk=AreaCode.objects.get(city=city, code_list=CODE_LIST, code=khan).area_id)
    names = dict(area.names.values_list("language", "text"))
    return names.get("en", khan)


def draft_of(plan: RunPlan, *, code: str, name: str) -> RoundDraft:
    """Return a simulated plan as what a planner would save."""
    return RoundDraft(
        code=code,
        name=name,
        days=ServiceDays(weekdays=frozenset(range(7))),
        stops=tuple(_stop(stop, code) for stop in plan.stops),
        starts_s=plan.starts_s,
        ends_s=plan.ends_s,
    )


def _stop(stop: PlannedStop, code: str) -> StopDraft:
    lane = stop.served_by is not None
    refuse: dict[Stream, frozenset[int] | None] = {Stream.REFUSE: None}
    return StopDraft(
        row=stop.sequence + 1,
        sequence=stop.sequence,
        lat=stop.lat,
        lon=stop.lon,
        planned_s=stop.planned_s,
        opens_s=stop.opens_s,
        closes_s=stop.closes_s,
        kind=stop.kind,
        line=stop.line,
        source_id=f"{code}:{stop.stop_id}",
        dwell_s=stop.dwell_s,
        load_kg=stop.load_kg,
        lane=lane,
        served_by=f"{code}:{stop.served_by}" if lane else "",
        streams=refuse | ({Stream.RECYCLING: _RECYCLING} if stop.kind is StopKind.KERB else {}),
    )

"""NGSI-LD as we give it away: vehicles and containers by the Smart Data Models, rounds and stops by our own words.

No public model has a round of collection or a stop that was missed, so `WasteRound`, `WasteRoundRun` and
`WasteStopRun` are ours; what they mean stands in the context that `context` returns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from saat.terms.given import GivenRound, GivenRun, GivenStop
from saat.terms.plan import StopKind
from saat.terms.run import Outcome

CORE = "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.8.jsonld"
_MODELS = "https://smartdatamodels.org/dataModel."
_OURS = ("WasteRound", "WasteRoundRun", "WasteStopRun")
_OUR_NAMES = (
    "refRound", "refRoundRun", "refWasteContainer", "stopNumber", "stopSequence", "serviceDay", "runState", "outcome",
    "plannedAt", "windowEndsAt", "expectedFrom", "expectedUntil", "collectedAt", "startedAt", "plannedStart",
    "plannedEnd", "stopCount", "servedCount", "missedCount", "unknownCount", "nextServiceDays", "simulated",
)  # fmt: skip
Entity = dict[str, Any]


def context(base: str) -> dict[str, Any]:
    """Return the context that says what our words mean. base: address of the page that explains them."""
    terms = {name: f"{base}#{name}" for name in (*_OURS, *_OUR_NAMES)}
    terms["Vehicle"] = f"{_MODELS}Transportation/Vehicle"
    terms["WasteContainer"] = f"{_MODELS}WasteManagement/WasteContainer"
    for name in ("dateLastEmptying", "nextActuationDeadline"):
        terms[name] = f"{_MODELS}WasteManagement/{name}"
    for name in ("vehicleType", "serviceProvided", "serviceStatus", "bearing", "speed"):
        terms[name] = f"{_MODELS}Transportation/{name}"
    return {"@context": [terms, CORE]}


def entities(kind: str, *, city: str, runs: Iterable[GivenRun], rounds: Iterable[GivenRound]) -> list[Entity]:
    """Return all entities of one type, in normalised form.

    :raises KeyError: if there is no such type here.
    """
    return TYPES[kind](city, list(runs), list(rounds))


def simplified(entity: Entity) -> Entity:
    """Return an entity as plain keys and values."""
    return {
        name: value if not isinstance(value, dict) else value.get("value", value.get("object"))
        for name, value in entity.items()
    }


def urn(kind: str, city: str, *parts: object) -> str:
    """Return an entity's id."""
    return ":".join(["urn:ngsi-ld", kind, city, *map(str, parts)])


def _vehicles(city: str, runs: list[GivenRun], _rounds: list[GivenRound]) -> list[Entity]:
    found = {}
    for run in runs:
        for vehicle in run.vehicles:
            at = _iso(vehicle.seen_s)
            entity: Entity = {
                "id": urn("Vehicle", city, vehicle.number),
                "type": "Vehicle",
                "name": _property(vehicle.label),
                "vehicleType": _property("trash"),
                "serviceProvided": _property(["garbageCollection"]),
                "serviceStatus": _property("onRoute", at),
                "location": {**_point(vehicle.lat, vehicle.lon), "observedAt": at},
                "refRoundRun": _relation(urn("WasteRoundRun", city, run.run_id)),
                **_label(run.simulated),
            }
            if vehicle.speed_mps is not None:
                entity["speed"] = {**_property(round(vehicle.speed_mps * 3.6, 1), at), "unitCode": "KMH"}
            if vehicle.course_deg is not None:
                entity["bearing"] = _property(vehicle.course_deg, at)
            found[entity["id"]] = entity
    return list(found.values())


def _containers(city: str, runs: list[GivenRun], _rounds: list[GivenRound]) -> list[Entity]:
    found: dict[str, Entity] = {}
    for run in runs:
        for stop in run.stops:
            if stop.kind is not StopKind.POINT:
                continue
            entity = found.setdefault(
                stop.number,
                {
                    "id": urn("WasteContainer", city, stop.number),
                    "type": "WasteContainer",
                    "name": _property(stop.number),
                    "location": _point(stop.lat, stop.lon),
                    **_label(run.simulated),
                },
            )
            if stop.outcome.is_served and stop.arrived_s is not None:
                entity["dateLastEmptying"] = _moment(stop.arrived_s)
            elif stop.outcome is Outcome.EXPECTED and not run.called_off:
                entity["nextActuationDeadline"] = _moment(stop.closes_s)
    return list(found.values())


def _rounds_given(city: str, _runs: list[GivenRun], rounds: list[GivenRound]) -> list[Entity]:
    found: dict[str, Entity] = {}
    for one in rounds:
        days = [day.isoformat() for day in one.days]
        entity = found.setdefault(
            one.code,
            {
                "id": urn("WasteRound", city, one.code),
                "type": "WasteRound",
                "name": _property(one.name),
                "stopCount": _property(len(one.stops)),
                "nextServiceDays": _property([]),
                **_label(one.simulated),
            },
        )
        entity["nextServiceDays"] = _property(sorted({*entity["nextServiceDays"]["value"], *days}))
    return list(found.values())


def _round_runs(city: str, runs: list[GivenRun], _rounds: list[GivenRound]) -> list[Entity]:
    return [
        {
            "id": urn("WasteRoundRun", city, run.run_id),
            "type": "WasteRoundRun",
            "refRound": _relation(urn("WasteRound", city, run.code)),
            "serviceDay": _property(run.service_day.isoformat()),
            "runState": _property(run.state),
            "plannedStart": _moment(run.starts_s),
            "plannedEnd": _moment(run.ends_s),
            **({"startedAt": _moment(run.started_s)} if run.started_s is not None else {}),
            "stopCount": _property(len(run.stops)),
            "servedCount": _property(_count(run, *(outcome for outcome in Outcome if outcome.is_served))),
            "missedCount": _property(_count(run, Outcome.MISSED)),
            "unknownCount": _property(_count(run, Outcome.UNKNOWN)),
            **_label(run.simulated),
        }
        for run in runs
    ]


def _stop_runs(city: str, runs: list[GivenRun], _rounds: list[GivenRound]) -> list[Entity]:
    return [_stop_run(city, run, stop) for run in runs for stop in run.stops]


def _stop_run(city: str, run: GivenRun, stop: GivenStop) -> Entity:
    entity: Entity = {
        "id": urn("WasteStopRun", city, run.run_id, stop.sequence),
        "type": "WasteStopRun",
        "refRoundRun": _relation(urn("WasteRoundRun", city, run.run_id)),
        "stopNumber": _property(stop.number),
        "stopSequence": _property(stop.sequence),
        "location": _point(stop.lat, stop.lon),
        "outcome": _property(str(stop.outcome)),
        "plannedAt": _moment(stop.planned_s),
        "windowEndsAt": _moment(stop.closes_s),
        **_label(run.simulated),
    }
    if stop.kind is StopKind.POINT:
        entity["refWasteContainer"] = _relation(urn("WasteContainer", city, stop.number))
    if stop.p10_s is not None and stop.p90_s is not None:
        entity |= {"expectedFrom": _moment(stop.p10_s), "expectedUntil": _moment(stop.p90_s)}
    if stop.arrived_s is not None:
        entity["collectedAt"] = _moment(stop.arrived_s)
    return entity


TYPES: dict[str, Callable[[str, list[GivenRun], list[GivenRound]], list[Entity]]] = {
    "Vehicle": _vehicles,
    "WasteContainer": _containers,
    "WasteRound": _rounds_given,
    "WasteRoundRun": _round_runs,
    "WasteStopRun": _stop_runs,
}


def _count(run: GivenRun, *outcomes: Outcome) -> int:
    return sum(1 for stop in run.stops if stop.outcome in outcomes)


def _property(value: Any, observed_at: str = "") -> dict[str, Any]:
    told = {"type": "Property", "value": value}
    return told | {"observedAt": observed_at} if observed_at else told


def _moment(moment_s: float) -> dict[str, Any]:
    return _property({"@type": "DateTime", "@value": _iso(moment_s)})


def _relation(goal: str) -> dict[str, Any]:
    return {"type": "Relationship", "object": goal}


def _point(lat: float, lon: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


def _label(simulated: bool) -> dict[str, Any]:
    return {"simulated": _property(True)} if simulated else {}


def _iso(moment_s: float) -> str:
    return datetime.fromtimestamp(round(moment_s), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

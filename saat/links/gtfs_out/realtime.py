"""What is known now, as GTFS-Realtime: trip updates and vehicle positions.

As in the rest of Saat, blind is not missed: a stop whose tracker was silent has no data, and only a stop that got no
collection is skipped. Delays are seconds, late positive.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.transit import gtfs_realtime_pb2 as gtfs

from saat.terms.given import GivenRun, GivenStop, GivenVehicle
from saat.terms.run import Outcome

VERSION = "2.0"
_SKIPPED = frozenset({Outcome.MISSED, Outcome.SKIPPED, Outcome.EXCUSED})


def trip_updates(runs: Iterable[GivenRun], *, now_s: float) -> bytes:
    """Return a feed message with a trip update for each run."""
    feed = _feed(now_s)
    for run in runs:
        entity = feed.entity.add()
        entity.id = f"run-{run.run_id}"
        update = entity.trip_update
        _describe(update.trip, run)
        if run.as_of_s is not None:
            update.timestamp = int(run.as_of_s)
        if run.called_off:
            update.trip.schedule_relationship = gtfs.TripDescriptor.CANCELED
            continue
        for vehicle in run.vehicles[:1]:
            update.vehicle.id, update.vehicle.label = str(vehicle.number), _label(run, vehicle)
        for stop in run.stops:
            _tell_stop(update.stop_time_update.add(), stop)
    return bytes(feed.SerializeToString())


def vehicle_positions(runs: Iterable[GivenRun], *, now_s: float) -> bytes:
    """Return a feed message with a position for each vehicle on a round."""
    feed = _feed(now_s)
    for run in runs:
        coming = next((stop for stop in run.stops if stop.outcome is Outcome.EXPECTED), None)
        for vehicle in run.vehicles:
            entity = feed.entity.add()
            entity.id = f"vehicle-{vehicle.number}-{run.run_id}"
            told = entity.vehicle
            _describe(told.trip, run)
            told.vehicle.id, told.vehicle.label = str(vehicle.number), _label(run, vehicle)
            told.position.latitude, told.position.longitude = vehicle.lat, vehicle.lon
            if vehicle.course_deg is not None:
                told.position.bearing = vehicle.course_deg
            if vehicle.speed_mps is not None:
                told.position.speed = vehicle.speed_mps
            told.timestamp = int(vehicle.seen_s)
            if coming is not None:
                told.current_stop_sequence, told.stop_id = coming.sequence, coming.number
                told.current_status = gtfs.VehiclePosition.IN_TRANSIT_TO
    return bytes(feed.SerializeToString())


def _feed(now_s: float) -> gtfs.FeedMessage:
    feed = gtfs.FeedMessage()
    feed.header.gtfs_realtime_version = VERSION
    feed.header.incrementality = gtfs.FeedHeader.FULL_DATASET
    feed.header.timestamp = int(now_s)
    return feed


def _describe(trip: gtfs.TripDescriptor, run: GivenRun) -> None:
    trip.trip_id, trip.route_id = run.trip_id, run.code
    trip.start_date = run.service_day.strftime("%Y%m%d")
    trip.schedule_relationship = gtfs.TripDescriptor.SCHEDULED


def _label(run: GivenRun, vehicle: GivenVehicle) -> str:
    """Return what is painted on a vehicle; one that is not real says so, since the format has no other place for it."""
    return f"{vehicle.label} (simulated)" if run.simulated else vehicle.label


def _tell_stop(told: gtfs.TripUpdate.StopTimeUpdate, stop: GivenStop) -> None:
    told.stop_sequence, told.stop_id = stop.sequence, stop.number
    relation = gtfs.TripUpdate.StopTimeUpdate
    if stop.outcome in _SKIPPED:
        told.schedule_relationship = relation.SKIPPED
        return
    moment_s = stop.arrived_s if stop.outcome is not Outcome.EXPECTED else stop.p50_s
    if moment_s is None or stop.outcome is Outcome.UNKNOWN:
        told.schedule_relationship = relation.NO_DATA
        return
    told.schedule_relationship = relation.SCHEDULED
    told.arrival.time = round(moment_s)
    told.arrival.delay = round(moment_s - stop.planned_s)
    if stop.outcome is not Outcome.EXPECTED:
        told.arrival.uncertainty = 0
        if stop.left_s is not None:
            told.departure.time = max(round(stop.left_s), told.arrival.time)
    elif stop.p10_s is not None and stop.p90_s is not None:
        # Half of the span that holds the moment in four cases of five.
        told.arrival.uncertainty = max(1, round((stop.p90_s - stop.p10_s) / 2))

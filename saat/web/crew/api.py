"""What a crew's phone asks and says: its run, a word about a stop, a photo, and taking a word back."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST
from pydantic import BaseModel, ConfigDict, Field, Strict, ValidationError

from saat.actions.crewnotes import CrewRefused, add_photo, take_back, take_note
from saat.actions.log import NotFound
from saat.records.models import Run
from saat.records.queries_crew import CrewStop, binding_at, notes_of_run, run_of_vehicle, stops_of_run
from saat.records.truck_clock import simulated_speed
from saat.terms.geo import Point
from saat.terms.report import ReportRefused
from saat.terms.run import CrewReason
from saat.web.crew.caller import Caller, problem, with_device
from saat.web.crew.naming import StopNames
from saat.web.photos import decode_photo

_EARLIEST_MS, _LATEST_MS = 0, 4_102_444_800_000  # 1970 and 2100
_MOST_ID = 2**63 - 1
_Ms = Annotated[float, Field(ge=_EARLIEST_MS, le=_LATEST_MS, allow_inf_nan=False)]
_RowId = Annotated[int, Strict(), Field(ge=1, le=_MOST_ID)]


class NoteIn(BaseModel):
    """A word of the crew. said_ms, sent_ms: milliseconds since 1970 by the phone's own clock."""

    model_config = ConfigDict(extra="forbid")

    client_id: Annotated[str, Field(max_length=200)]
    reason: CrewReason
    said_ms: _Ms
    sent_ms: _Ms
    run: _RowId | None = None
    stop: _RowId | None = None
    lat: Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)] | None = None
    lon: Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)] | None = None


@require_GET
@with_device
def run(request: HttpRequest, *, caller: Caller) -> HttpResponse:
    """Answer with the vehicle that the phone is on, and that vehicle's run now."""
    binding = binding_at(caller.device.pk, caller.truck_now) or binding_at(caller.device.pk, caller.now)
    found = run_of_vehicle(binding.vehicle_id, caller.truck_now) if binding else None
    return JsonResponse(
        {
            "device": str(caller.device),
            "vehicle": binding.vehicle.label if binding else None,
            "office": caller.policy.say(caller.policy.office, caller.language),
            "phone": caller.policy.phone,
            "now_s": caller.truck_now.timestamp(),
            "speed": simulated_speed(caller.city.pk),
            "zone": caller.policy.hours.zone,
            "run": _run(found, caller) if found else None,
        }
    )


def _run(found: Run, caller: Caller) -> dict[str, Any]:
    names = StopNames(caller.city, language=caller.language)
    stops = stops_of_run(found)
    return {
        "id": found.pk,
        "name": str(found.round),
        "service_day": found.service_day.isoformat(),
        "starts_s": found.starts_at.timestamp(),
        "ends_s": found.ends_at.timestamp(),
        "simulated": found.simulated,
        "stops": [_stop(stop, names) for stop in stops],
        "said": [
            {
                "client_id": note.client_id,
                "reason": note.reason,
                "stop": note.stop_id,
                "said_s": note.said_at.timestamp(),
                "mine": note.device_id == caller.device.pk,
            }
            for note in notes_of_run(found.pk)
        ],
    }


def _stop(row: CrewStop, names: StopNames) -> dict[str, Any]:
    name, near = names.of(row.stop)
    return {
        "id": row.stop.pk,
        "number": row.stop.number,
        "name": name,
        "near": near,
        "lane": row.stop.lane,
        "planned_s": row.planned_s,
        "closes_s": row.closes_s,
        "outcome": row.outcome,
        "reason": row.reason,
        "expected_s": row.expected_s,
    }


@require_POST
@with_device
def note(request: HttpRequest, *, caller: Caller) -> HttpResponse:
    """Take in one word; the same again answers the same."""
    try:
        told = NoteIn.model_validate_json(request.body)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, fault["loc"])) or "body" for fault in error.errors()}))
        return problem(422, "malformed", _("This cannot be read: %(fields)s.") % {"fields": fields})
    place = Point(lat=told.lat, lon=told.lon) if told.lat is not None and told.lon is not None else None
    try:
        taken = take_note(
            device=caller.device,
            client_id=told.client_id,
            reason=told.reason,
            said_at=_moment(told.said_ms),
            sent_at=_moment(told.sent_ms),
            now=caller.now,
            run_id=told.run,
            stop_id=told.stop,
            at=place,
        )
    except CrewRefused as error:
        return problem(422, error.code, str(error))
    except NotFound as error:
        return problem(404, "unknown", str(error))
    return JsonResponse({"taken": taken.note.client_id, "again": taken.again})


@require_POST
@with_device
def photo(request: HttpRequest, client_id: str, *, caller: Caller) -> HttpResponse:
    """Put a photo to a word."""
    upload = request.FILES.get("photo")
    if upload is None:
        return problem(422, "malformed", _("There is no photo in this."))
    try:
        clean = decode_photo(upload, policy=caller.policy)
        add_photo(device=caller.device, client_id=client_id, photo=clean, now=caller.now)
    except ReportRefused as error:
        return problem(422, error.code or "photo", str(error))
    except CrewRefused as error:
        return problem(422, error.code, str(error))
    except NotFound as error:
        return problem(404, "unknown", str(error))
    return JsonResponse({"taken": client_id})


@require_POST
@with_device
def back(request: HttpRequest, client_id: str, *, caller: Caller) -> HttpResponse:
    """Take a word back."""
    try:
        take_back(device=caller.device, client_id=client_id, now=caller.now)
    except CrewRefused as error:
        return problem(422, error.code, str(error))
    except NotFound as error:
        return problem(404, "unknown", str(error))
    return JsonResponse({"taken": client_id})


def _moment(ms: float) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)

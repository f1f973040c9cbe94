"""Trackers and crews' phones: strangers that wait, what each is on, tokens, and putting out of use."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import segno
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from saat.actions import devices
from saat.actions.fleet import FleetRefused
from saat.actions.log import NotAllowed, NotFound
from saat.records import queries_fleet as queries
from saat.records.models import City
from saat.records.queries_fleet import DeviceRow, Keeper
from saat.web.admin.frame import asked_for, city_view
from saat.web.desk import devices_words as words
from saat.web.desk.frame import actor_for, reach_for
from saat.web.desk.words import moment

_EVERY_S = 10  # what we ask of a tracker on a round; see docs/crew.md


@city_view("manage_fleet")
@require_safe
def page(request: HttpRequest, *, city: City) -> HttpResponse:
    """List the devices that wait for somebody to claim them, and those in use."""
    keeper = queries.keeper_of(reach_for(request), city)
    asked = asked_for(request, "q")
    rows = queries.devices_of(keeper, words=asked)
    context = {
        **frame(keeper, "devices"),
        "asked": asked,
        "strangers": [
            (device, _heard(device, traffic, city)) for device, traffic in queries.strangers_for(keeper) if not asked
        ],
        "rows": [(row, words.STATES[row.device.state], _seen(row, city)) for row in rows],
    }
    return render(request, "devices/list.html", context)


@city_view("manage_fleet")
@require_http_methods(["GET", "POST"])
def add(request: HttpRequest, *, city: City) -> HttpResponse:
    """Register a device, or claim one that waits by the identifier that it sends."""
    keeper = queries.keeper_of(reach_for(request), city)
    error = None
    if request.method == "POST":
        try:
            device = devices.add_device(
                city_id=city.pk,
                uid=request.POST.get("uid", ""),
                label=request.POST.get("label", ""),
                contractor_id=number(request, "contractor"),
                now=timezone.now(),
                by=actor_for(request),
            )
        except (FleetRefused, NotAllowed) as refused:
            error = refused
        except NotFound as missing:
            raise Http404 from missing
        else:
            return HttpResponseRedirect(reverse("desk_device", args=[device.pk]))
    context = {**frame(keeper, "devices"), "typed": request.POST, "error": error}
    return render(request, "devices/add.html", context, status=422 if error else 200)


@city_view("manage_fleet")
@require_safe
def device(request: HttpRequest, *, city: City, device_id: int) -> HttpResponse:
    """Show one device."""
    return _show(request, city, device_id)


def _show(
    request: HttpRequest, city: City, device_id: int, *, error: Exception | None = None, status: int = 200
) -> HttpResponse:
    keeper = queries.keeper_of(reach_for(request), city)
    row = _found(keeper, device_id)
    zone = city.policy_terms().hours.zone
    traffic = queries.traffic_of([device_id])[device_id]
    context = {
        **frame(keeper, "devices"),
        "row": row,
        "state": words.STATES[row.device.state],
        "heard": _heard(row.device, traffic, city),
        "bindings": [
            (binding, moment(binding.from_at, zone=zone), binding.until_at and moment(binding.until_at, zone=zone))
            for binding in queries.bindings_of(row.device)
        ],
        "vehicles": [vehicle for vehicle in queries.vehicles_of(keeper) if vehicle.active],
        "now_local": f"{timezone.now().astimezone(ZoneInfo(zone)):%Y-%m-%dT%H:%M}",
        "zone": zone,
        "typed": request.POST,
        "error": error,
    }
    return render(request, "devices/device.html", context, status=status)


def _claim(request: HttpRequest, city: City, device_id: int) -> str:
    devices.claim_device(
        device_id=device_id,
        city_id=city.pk,
        contractor_id=number(request, "contractor"),
        label=request.POST.get("label", ""),
        needs_token=request.POST.get("vouched") != "on",
        now=timezone.now(),
        by=actor_for(request),
    )
    return _("The device is claimed. Say now on which vehicle it is.")


def _bind(request: HttpRequest, city: City, device_id: int) -> str:
    devices.bind_device(
        device_id=device_id,
        vehicle_id=number(request, "vehicle") or 0,
        from_at=_moment(request, "from_at", city),
        now=timezone.now(),
        by=actor_for(request),
    )
    return _("It is written down on which vehicle the device is.")


def _unbind(request: HttpRequest, city: City, device_id: int) -> str:
    now = timezone.now()
    devices.unbind_device(device_id=device_id, at=now, now=now, by=actor_for(request))
    return _("The device is on no vehicle any more.")


def _vouch(request: HttpRequest, city: City, device_id: int) -> str:
    vouched = request.POST.get("vouched") == "yes"
    devices.vouch_device(device_id=device_id, vouched=vouched, now=timezone.now(), by=actor_for(request))
    if vouched:
        return _("What the device sends counts now, with a token or without.")
    return _("What the device sends counts only with its token now.")


def _retire(request: HttpRequest, city: City, device_id: int) -> str:
    devices.retire_device(device_id=device_id, now=timezone.now(), by=actor_for(request))
    return _("The device is out of use. What it sends is refused.")


_ACTS: dict[str, Callable[[HttpRequest, City, int], str]] = {
    "claim": _claim, "bind": _bind, "unbind": _unbind, "vouch": _vouch, "retire": _retire,
}  # fmt: skip


@city_view("manage_fleet")
@require_POST
def act(request: HttpRequest, *, city: City, device_id: int, name: str) -> HttpResponse:
    """Change one device."""
    if name not in _ACTS:
        raise Http404
    try:
        said = _ACTS[name](request, city, device_id)
    except NotFound as error:
        raise Http404 from error
    except (FleetRefused, NotAllowed) as error:
        return _show(request, city, device_id, error=error, status=403 if isinstance(error, NotAllowed) else 422)
    messages.success(request, said)
    return HttpResponseRedirect(reverse("desk_device", args=[device_id]))


@city_view("manage_fleet")
@require_POST
def token(request: HttpRequest, *, city: City, device_id: int) -> HttpResponse:
    """Make a new token and show it this once, as codes for the crew's page and for Traccar Client."""
    keeper = queries.keeper_of(reach_for(request), city)
    row = _found(keeper, device_id)
    try:
        secret = devices.make_token(device_id=device_id, now=timezone.now(), by=actor_for(request))
    except NotFound as error:
        raise Http404 from error
    base = settings.PUBLIC_URL
    crew_link = f"{base}{reverse('crew_start')}#{secret}"
    server = f"{base}/positions/osmand"
    # Traccar Client can be told one word only: its identifier; our door knows a device by its token as well.
    asked = {"id": secret, "interval": _EVERY_S, "distance": 0, "accuracy": "high", "buffer": "true"}
    context = {
        **frame(keeper, "devices"),
        "row": row,
        "secret": secret,
        "crew_link": crew_link,
        "crew_code": _code(crew_link),
        "server": server,
        "traccar_code": _code(f"{server}?{urlencode(asked)}"),
        "insecure": not base.startswith("https://"),
    }
    response = render(request, "devices/token.html", context)
    response.headers["Cache-Control"] = "no-store"
    return response


def frame(keeper: Keeper, part: str) -> dict[str, Any]:
    """Return what all these pages share."""
    return {
        "section": "fleet",
        "part": part,
        "keeper": keeper,
        "contractors": queries.contractors_for(keeper),
        "site_kinds": words.SITE_KINDS.items(),
        "vehicle_kinds": words.VEHICLE_KINDS.items(),
    }


def number(request: HttpRequest, name: str) -> int | None:
    """Return a row's number from a form, None where none is given."""
    text = request.POST.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _found(keeper: Keeper, device_id: int) -> DeviceRow:
    row = queries.device_for(keeper, device_id)
    if row is None:
        raise Http404
    return row


def _heard(device: Any, traffic: queries.Traffic, city: City) -> words.Heard:
    return words.heard_of(device, traffic, city=city, language=get_language() or "en")


def _seen(row: DeviceRow, city: City) -> str:
    zone = city.policy_terms().hours.zone
    return moment(row.device.seen_at, zone=zone) if row.device.seen_at else ""


def _moment(request: HttpRequest, name: str, city: City) -> datetime:
    """Return a moment typed on the city's clock."""
    zone = ZoneInfo(city.policy_terms().hours.zone)
    try:
        return datetime.fromisoformat(request.POST.get(name, "")).replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise FleetRefused(_("Please give day and time."), field=name) from error


def _code(text: str) -> str:
    """Return a QR code as an address that an <img> can show."""
    return segno.make(text, error="m").svg_data_uri(scale=5, border=4)

"""Vehicles, and the places that they go to: lists and plain forms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from saat.actions.fleet import FleetRefused, save_site, save_vehicle
from saat.actions.log import NotAllowed, NotFound
from saat.records import queries_fleet as queries
from saat.records.models import City, Site, Vehicle
from saat.terms.geo import Point
from saat.terms.plan import SiteKind, VehicleKind
from saat.web.admin.frame import city_view
from saat.web.desk import devices_words as words
from saat.web.desk.devices import frame, number
from saat.web.desk.frame import actor_for, reach_for

K = TypeVar("K", VehicleKind, SiteKind)


@city_view("manage_fleet")
@require_safe
def vehicles(request: HttpRequest, *, city: City) -> HttpResponse:
    """List the vehicles."""
    keeper = queries.keeper_of(reach_for(request), city)
    rows = [(vehicle, words.VEHICLE_KINDS[vehicle.kind]) for vehicle in queries.vehicles_of(keeper)]
    return render(request, "devices/vehicles.html", {**frame(keeper, "vehicles"), "rows": rows})


@city_view("manage_fleet")
@require_http_methods(["GET", "POST"])
def vehicle(request: HttpRequest, *, city: City, vehicle_id: int | None = None) -> HttpResponse:
    """Add a vehicle, or change one."""
    keeper = queries.keeper_of(reach_for(request), city)
    known = queries.vehicle_for(keeper, vehicle_id) if vehicle_id is not None else None
    if vehicle_id is not None and known is None:
        raise Http404

    def save() -> str:
        return save_vehicle(
            city_id=city.pk,
            vehicle_id=vehicle_id,
            label=request.POST.get("label", ""),
            contractor_id=number(request, "contractor"),
            kind=_kind(VehicleKind, request),
            capacity_kg=_figure(request, "capacity_kg"),
            width_m=_figure(request, "width_m"),
            enters_lanes=request.POST.get("enters_lanes") == "on",
            active=request.POST.get("active") == "on",
            now=timezone.now(),
            by=actor_for(request),
        ).label

    shown = {**frame(keeper, "vehicles"), "known": known}
    return _form(request, "devices/vehicle.html", shown, values=_values(known), save=save, back="desk_vehicles")


@city_view("manage_fleet")
@require_safe
def sites(request: HttpRequest, *, city: City) -> HttpResponse:
    """List the depots, disposal sites and the like."""
    keeper = queries.keeper_of(reach_for(request), city)
    rows = [(site, words.SITE_KINDS[site.kind]) for site in queries.sites_of(keeper)]
    return render(request, "devices/sites.html", {**frame(keeper, "sites"), "rows": rows})


@city_view("manage_fleet")
@require_http_methods(["GET", "POST"])
def site(request: HttpRequest, *, city: City, site_id: int | None = None) -> HttpResponse:
    """Add a place that vehicles go to, or change one."""
    keeper = queries.keeper_of(reach_for(request), city)
    known = queries.site_for(keeper, site_id) if site_id is not None else None
    if not keeper.whole or (site_id is not None and known is None):
        raise Http404

    def save() -> str:
        return save_site(
            city_id=city.pk,
            site_id=site_id,
            kind=_kind(SiteKind, request),
            name=request.POST.get("name", ""),
            at=_place(request),
            radius_m=_figure(request, "radius_m") or 0.0,
            now=timezone.now(),
            by=actor_for(request),
        ).name

    shown = {**frame(keeper, "sites"), "known": known}
    return _form(request, "devices/site.html", shown, values=_site_values(known), save=save, back="desk_sites")


def _form(
    request: HttpRequest,
    template: str,
    shown: dict[str, Any],
    *,
    values: dict[str, object],
    save: Callable[[], str],
    back: str,
) -> HttpResponse:
    """Show a form, or save what was typed: what is refused stays typed, with the reason.

    values: what stands in the form at first. save: writes, and returns what the thing is called. back: the list.
    """
    error = None
    if request.method == "POST":
        try:
            name = save()
        except (FleetRefused, NotAllowed) as refused:
            error = refused
        except NotFound as missing:
            raise Http404 from missing
        else:
            messages.success(request, _("“%(name)s” is saved.") % {"name": name})
            return HttpResponseRedirect(reverse(back))
    typed = request.POST if request.method == "POST" else values
    return render(request, template, {**shown, "typed": typed, "error": error}, status=422 if error else 200)


def _values(vehicle: Vehicle | None) -> dict[str, object]:
    if vehicle is None:
        return {"kind": VehicleKind.COMPACTOR, "active": "on"}
    return {
        "label": vehicle.label,
        "contractor": str(vehicle.contractor_id or ""),
        "kind": vehicle.kind,
        "capacity_kg": _shown(vehicle.capacity_kg),
        "width_m": _shown(vehicle.width_m),
        "enters_lanes": "on" if vehicle.enters_lanes else "",
        "active": "on" if vehicle.active else "",
    }


def _site_values(site: Site | None) -> dict[str, object]:
    if site is None:
        return {"kind": SiteKind.DEPOT, "radius_m": "150"}
    return {
        "kind": site.kind,
        "name": site.name,
        "at": f"{site.lat:.6f}, {site.lon:.6f}",
        "radius_m": _shown(site.radius_m),
    }


def _shown(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _kind(kinds: type[K], request: HttpRequest) -> K:
    try:
        return kinds(request.POST.get("kind", ""))
    except ValueError as error:
        raise FleetRefused(_("Please choose a kind."), field="kind") from error


def _figure(request: HttpRequest, name: str) -> float | None:
    text = request.POST.get(name, "").strip().replace(",", ".")
    if not text:
        return None
    try:
        value = float(text)
    except ValueError as error:
        raise FleetRefused(_("This is no number."), field=name) from error
    if not math.isfinite(value):
        raise FleetRefused(_("This is no number."), field=name)
    return value


def _place(request: HttpRequest) -> Point:
    """Return a place typed or pasted as a map shows it: latitude, longitude."""
    parts = request.POST.get("at", "").replace(";", ",").split(",")
    try:
        lat, lon = (float(part) for part in parts)
        return Point(lat=lat, lon=lon)
    except ValueError as error:
        message = _("Please give latitude and longitude, such as 11.5564, 104.9282.")
        raise FleetRefused(message, field="at") from error

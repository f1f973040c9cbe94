"""What the pages about devices, vehicles and sites say."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from saat.actions.citymap import city_map
from saat.records.models import City
from saat.records.queries_fleet import Traffic
from saat.terms.geo import Point
from saat.terms.position import Position
from saat.web.desk.words import moment, span

STATES = {
    "quarantined": gettext_lazy("nobody's yet"),
    "claimed": gettext_lazy("in use"),
    "retired": gettext_lazy("out of use"),
}
VEHICLE_KINDS = {
    "compactor": gettext_lazy("Compactor truck"),
    "tipper": gettext_lazy("Tipper truck"),
    "tricycle": gettext_lazy("Tricycle or tuk-tuk"),
    "pushcart": gettext_lazy("Pushcart"),
    "boat": gettext_lazy("Boat"),
}
SITE_KINDS = {
    "depot": gettext_lazy("Depot"),
    "disposal": gettext_lazy("Disposal site"),
    "transfer": gettext_lazy("Transfer station"),
    "fuel": gettext_lazy("Fuel station"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How a device sends, in words. where: "" for nowhere. problem: what is wrong with it, "" for nothing."""

    when: str
    where: str
    often: str
    problem: str


def heard_of(device: Any, traffic: Traffic, *, city: City, language: str) -> Heard:
    """Return how a device sends, for people who know the city and not the device."""
    zone = city.policy_terms().hours.zone
    when = _("never") if device.seen_at is None else moment(device.seen_at, zone=zone)
    often = ""
    if traffic.count:
        often = ngettext("%(count)d position in two days", "%(count)d positions in two days", traffic.count)
        often %= {"count": traffic.count}
        if traffic.interval_s is not None:
            often += ", " + _("about every %(span)s") % {"span": _short(traffic.interval_s)}
    problem = ""
    if device.refused:
        problem = ngettext("%(count)d was refused: %(why)s", "%(count)d were refused: %(why)s", device.refused)
        problem %= {"count": device.refused, "why": device.refused_why}
    elif traffic.unproved and device.state == "claimed" and device.needs_token:
        problem = _("It sends without its token, so what it sends does not count.")
    where = place_of(traffic.last, city=city, language=language) if traffic.last else ""
    return Heard(when=when, where=where, often=often, problem=problem)


def place_of(position: Position, *, city: City, language: str) -> str:
    """Return where a position is: the part of the city, or its figures where it is in none."""
    policy, ground = city.policy_terms(), city_map(city)
    figures = f"{position.lat:.5f}, {position.lon:.5f}"
    area_id = ground.index.area_of(Point(lat=position.lat, lon=position.lon)) if ground.index else None
    if area_id is None:
        return _("outside the city (%(figures)s)") % {"figures": figures}
    chain = [int(part) for part in ground.path_of(area_id).split("/") if part][1:]
    names = [policy.say(ground.names.get(part, {}), language) for part in reversed(chain)]
    return ", ".join(name for name in names if name) + f" ({figures})"


def _short(seconds: float) -> str:
    return _("%(seconds)d s") % {"seconds": round(seconds)} if seconds < 120 else span(seconds)

"""A proof photo at the door, for the desk and for signed links: what came with it, and where the phone was."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _

from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.terms.report import ReportRefused
from saat.web.photos import decode_photo


def proof_of(request: HttpRequest, *, policy: CityPolicy) -> dict[str, Any]:
    """Return what `saat.actions.proof.prove_case` takes of a posted form, beside the case, the moment and the person.

    :raises ReportRefused: if there is no photo, or it cannot be read as one.
    """
    upload = request.FILES.get("photo")
    if upload is None:
        raise ReportRefused(_("Please take or choose a photo."), field="photo", code="photo_missing")
    return {
        "photo": decode_photo(upload, policy=policy),
        "code": request.POST.get("code", "")[:32],
        "camera": request.POST.get("camera") == "1",
        "phone_point": _phone_point(request),
        "phone_accuracy_m": _number(request.POST.get("accuracy", "")),
        "note": request.POST.get("note", ""),
    }


def _phone_point(request: HttpRequest) -> Point | None:
    """Return where the phone says it is; a phone that says nothing, or nonsense, is nowhere."""
    lat, lon = _number(request.POST.get("phone_lat", "")), _number(request.POST.get("phone_lon", ""))
    if lat is None or lon is None:
        return None
    try:
        return Point(lat=lat, lon=lon)
    except ValueError:
        return None


def _number(text: str) -> float | None:
    try:
        return float(text) if text and len(text) < 40 else None
    except ValueError:
        return None

"""What every page knows."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest


def everywhere(request: HttpRequest) -> dict[str, Any]:
    """Return the languages that the visitor may choose from."""
    return {"LANGUAGES": settings.LANGUAGES}

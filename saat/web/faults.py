"""Pages for what goes wrong before a view is reached, or because none is meant for it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """Answer a form without a valid token: most often a page that was open for too long, or cookies that are off.

    reason: Django's own words for the log; they are not shown.
    """
    return render(request, "403_csrf.html", status=403)

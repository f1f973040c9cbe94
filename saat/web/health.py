"""Is it alive, is it ready, and how busy is it."""

from __future__ import annotations

from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone

from saat.records import queries_health


def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 while the process serves."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if the tables can be read, 503 with the reason if not."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM records_city")
            cities = cursor.fetchone()[0]
    except DatabaseError as error:
        return JsonResponse({"ready": False, "why": type(error).__name__}, status=503)
    return JsonResponse({"ready": True, "cities": cities})


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer the figures an operator watches, in the Prometheus text format."""
    lines = []
    for name, (help_text, value) in queries_health.gauges(now=timezone.now()).items():
        lines += [f"# HELP saat_{name} {help_text}", f"# TYPE saat_{name} gauge", f"saat_{name} {value}"]
    return HttpResponse("\n".join(lines) + "\n", content_type="text/plain; version=0.0.4")

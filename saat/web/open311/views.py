"""The same door for Django's address table: for tests, for `runserver`, and wherever another server is used."""

from __future__ import annotations

from typing import BinaryIO, cast

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from saat.web.open311.call import Ask
from saat.web.open311.door import answer


@csrf_exempt
def open311(request: HttpRequest, path: str) -> HttpResponse:
    """Answer a call to any address below /open311/."""
    ask = Ask(
        method=request.method or "GET",
        path=path,
        query=request.META.get("QUERY_STRING", ""),
        headers={name.lower(): value for name, value in request.headers.items()},
        body=cast(BinaryIO, request),
        size=int(request.META.get("CONTENT_LENGTH") or 0),
    )
    reply = answer(ask, now=timezone.now())
    response = HttpResponse(reply.body, status=reply.status)
    for name, value in reply.headers.items():
        response.headers[name] = value
    return response

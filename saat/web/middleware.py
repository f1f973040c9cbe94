"""What happens to every request: the visitor's language, what browsers may do with the answer, how it travels."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware
from django.utils import translation
from django.utils.translation.trans_real import parse_accept_lang_header

_KNOWN = dict(settings.LANGUAGES)


class LanguageMiddleware:
    """Chooses the language: `?lang=km` (remembered in a cookie), then the cookie, then what the browser asks for.

    request.asked_language: the language that the visitor asked for in one of these ways, "" if in none; a page of a
    city may then speak the city's own.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        chosen = request.GET.get("lang", "")
        asked = chosen if chosen in _KNOWN else _asked(request)
        request.asked_language = asked  # type: ignore[attr-defined]
        language = asked or settings.LANGUAGE_CODE
        with translation.override(language):
            request.LANGUAGE_CODE = language  # type: ignore[attr-defined]
            response = self.get_response(request)
        response.headers.setdefault("Content-Language", language)
        if chosen in _KNOWN:
            response.set_cookie(
                settings.LANGUAGE_COOKIE_NAME,
                chosen,
                max_age=31_536_000,
                samesite="Lax",
                secure=settings.HTTPS,
                httponly=settings.LANGUAGE_COOKIE_HTTPONLY,
            )
        return response


class GuardMiddleware:
    """Says on every answer what Django's own middleware does not say.

    What a signed-in person or the holder of a link sees is kept by nobody: on a shared computer the back button shows
    nothing after signing out. Pages may ask for the camera and the position, and for nothing else of the device.
    """

    _OURS_ALONE = ("/desk/", "/accounts/", "/api/", "/c/", "/crew/api/")
    _DEVICE = "camera=(self), geolocation=(self), microphone=(), payment=(), usb=(), serial=(), midi=()"

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Permissions-Policy", self._DEVICE)
        if request.path.startswith(self._OURS_ALONE):
            response.headers.setdefault("Cache-Control", "no-store")
            response.headers.setdefault("Cross-Origin-Resource-Policy", "same-origin")
        return response


def _asked(request: HttpRequest) -> str:
    cookie = request.COOKIES.get(settings.LANGUAGE_COOKIE_NAME, "")
    if cookie in _KNOWN:
        return cookie
    for wanted, _weight in parse_accept_lang_header(request.headers.get("Accept-Language", "")):
        with suppress(LookupError):
            return translation.get_supported_language_variant(wanted)
    return ""


class GZipTextMiddleware(GZipMiddleware):
    """Compresses what is text; a photo would only cost time."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        kind = response.headers.get("Content-Type", "")
        if kind.startswith(("image/", "video/", "application/zip", "application/octet-stream")):
            return response
        return super().process_response(request, response)

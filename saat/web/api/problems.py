"""Errors as problem details (RFC 9457), in the caller's language."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import RequestDataTooBig, SuspiciousOperation
from django.db import Error as AnyDatabaseError
from django.http import Http404, HttpRequest, HttpResponse
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from ninja import NinjaAPI, Schema
from ninja.errors import AuthenticationError, HttpError, ValidationError

from saat.actions.access import AccessRefused, QuotaExceeded
from saat.actions.advice import MoveNotAllowed
from saat.actions.cases import ActRefused, ChangedMeanwhile
from saat.actions.log import NotAllowed, NotFound
from saat.terms.report import ReportRefused
from saat.web.api.caller import NotSignedIn

log = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"


class FieldProblem(Schema):
    """What is wrong with one field."""

    field: str
    message: str


class Problem(Schema):
    """What is wrong. detail: a sentence that a person may read. code: a stable word for programs."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    errors: list[FieldProblem] = []


_KINDS: tuple[type[Exception], ...] = (
    NotSignedIn, AuthenticationError, NotAllowed, NotFound, Http404, ActRefused, MoveNotAllowed, ChangedMeanwhile,
    ReportRefused, AccessRefused, QuotaExceeded, ValidationError, HttpError, SuspiciousOperation,
    MultiPartParserError, UnicodeDecodeError, AnyDatabaseError, Exception,
)  # fmt: skip
# What any operation may answer beside what it is for.
PROBLEMS = dict.fromkeys((400, 401, 403, 404, 409, 413, 422, 429, 503), Problem)
_TITLES = {
    400: "The request cannot be read",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    409: "Not possible any more",
    413: "Too large",
    422: "Something is missing or wrong",
    429: "Too often",
    500: "Something went wrong here",
    503: "Not kept",
}


def problem(
    status: int, detail: str, *, code: str, errors: list[dict[str, str]] | None = None, retry_after_s: int | None = None
) -> HttpResponse:
    """Return an answer that says what is wrong."""
    values = Problem(
        type=f"urn:saat:problem:{code}",
        title=_TITLES.get(status, "Error"),
        status=status,
        detail=detail,
        code=code,
        errors=[FieldProblem(**error) for error in errors or []],
    )
    response = HttpResponse(values.model_dump_json(), status=status, content_type=CONTENT_TYPE)
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(retry_after_s)
    return response


def handle_all(api: NinjaAPI) -> None:
    """Give the API an answer for everything that its calls raise."""

    def _answer(request: HttpRequest, error: Any) -> HttpResponse:
        return _problem_of(error)

    for kind in _KINDS:
        api.add_exception_handler(kind, _answer)


def _problem_of(error: Exception) -> HttpResponse:
    if isinstance(error, NotSignedIn):
        return problem(error.status, str(error), code="not_signed_in" if error.status == 401 else "csrf")
    if isinstance(error, AuthenticationError):
        return problem(401, _("Sign in, or send a key as Authorization: Bearer."), code="not_signed_in")
    if isinstance(error, NotAllowed):
        return problem(403, str(error), code="not_allowed")
    if isinstance(error, NotFound | Http404):
        return problem(404, str(error) or _("There is no such thing for you."), code="not_found")
    if isinstance(error, MoveNotAllowed):
        return problem(409, str(error), code="move_not_allowed")
    if isinstance(error, ChangedMeanwhile):
        return problem(409, str(error), code="changed_meanwhile")
    if isinstance(error, ReportRefused):
        return problem(422, str(error), code=error.code, errors=_field(error.field, str(error)))
    if isinstance(error, ActRefused | AccessRefused):
        return problem(422, str(error), code="refused", errors=_field(error.field, str(error)))
    if isinstance(error, QuotaExceeded):
        return problem(429, str(error), code="too_often", retry_after_s=error.retry_after_s)
    return _of_the_framework(error)


def _of_the_framework(error: Exception) -> HttpResponse:
    if isinstance(error, ValidationError):
        errors = [
            {"field": ".".join(str(part) for part in one["loc"][1:]) or str(one["loc"][0]), "message": str(one["msg"])}
            for one in error.errors
        ]
        return problem(422, _("Some fields are missing or wrong."), code="invalid", errors=errors)
    if isinstance(error, HttpError):
        return problem(error.status_code, str(error), code="unreadable")
    if isinstance(error, RequestDataTooBig):
        return problem(413, _("The request is too large."), code="too_large")
    if isinstance(error, SuspiciousOperation | MultiPartParserError | UnicodeDecodeError):
        return problem(400, _("The request cannot be read."), code="unreadable")
    if isinstance(error, AnyDatabaseError):
        log.error("API: the tables could not be used.", exc_info=error)
        return problem(503, _("Nothing was kept. Please send it again."), code="busy", retry_after_s=5)
    log.error("API: a call failed.", exc_info=error)
    return problem(500, _("Something went wrong here. Please tell us."), code="failed")


def _field(field: str, message: str) -> list[dict[str, str]]:
    return [{"field": field, "message": message}] if field else []

"""One call as the door sees it, and what is common to all of them: formats, fields, keys, cities, languages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any, BinaryIO, cast
from urllib.parse import parse_qs

from django.conf import settings
from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.core.files.uploadedfile import UploadedFile
from django.core.files.uploadhandler import MemoryFileUploadHandler, TemporaryFileUploadHandler
from django.http.multipartparser import MultiPartParser, MultiPartParserError
from django.utils.translation import gettext as _
from django.utils.translation.trans_real import parse_accept_lang_header

from saat.actions.access import QuotaExceeded, count_use
from saat.links.open311.errors import Open311Error
from saat.links.open311.wire import JSON, XML
from saat.records import queries_access
from saat.records.models import City
from saat.records.queries_access import KnownKey

_MOST_FIELDS = 400
_LONGEST_QUERY = 64 * 1024
_FORM = "application/x-www-form-urlencoded"
_KNOWN = tuple(code for code, _name in settings.LANGUAGES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """A request without any framework around it.

    path: below /open311/, without a slash in front. headers: names in lower case. size: of the body in bytes.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: BinaryIO
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer without any framework around it."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, kw_only=True)
class Call:
    """A call that is being answered. fields: of the address, and, once they were read, of the form."""

    ask: Ask
    now: datetime
    wire: str
    fields: dict[str, list[str]]
    files: list[UploadedFile] = field(default_factory=list)

    def read_form(self) -> None:
        """Read the body's fields and files into this call; the form's fields count before those of the address.

        :raises Open311Error: if the body is no form, too large, or not UTF-8.
        """
        kind = self.ask.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind in ("", _FORM):
            if self.ask.size > settings.DATA_UPLOAD_MAX_MEMORY_SIZE:
                raise too_large()
            text = self.ask.body.read()
            fields = fields_of(text.decode("ascii", "surrogateescape"))
        elif kind == "multipart/form-data":
            fields = self._multipart()
        else:
            message = _("The body must be a form (%(form)s or multipart/form-data), not %(kind)s.")
            raise Open311Error(400, message % {"form": _FORM, "kind": kind[:60]})
        self.fields = {**self.fields, **fields}

    def _multipart(self) -> dict[str, list[str]]:
        told = {"CONTENT_TYPE": self.ask.headers["content-type"], "CONTENT_LENGTH": str(self.ask.size)}
        handlers = [MemoryFileUploadHandler(), TemporaryFileUploadHandler()]
        try:
            post, files = MultiPartParser(told, cast(Any, self.ask.body), handlers, "utf-8").parse()
        except RequestDataTooBig as error:
            raise too_large() from error
        except (TooManyFieldsSent, TooManyFilesSent) as error:
            raise Open311Error(400, _("The form has too many fields or files.")) from error
        except (MultiPartParserError, UnicodeError, LookupError) as error:
            raise Open311Error(400, _("The multipart form cannot be read.")) from error
        self.files = [upload for _name, uploads in files.lists() for upload in uploads]
        fields = {str(name): [str(value) for value in values] for name, values in post.lists()}
        if any("\ufffd" in value for values in fields.values() for value in values):
            raise not_utf8()
        return fields

    def key(self, *, needed: bool) -> KnownKey | None:
        """Return the caller's key, counted as used.

        :raises Open311Error: 403 if it is missing though needed, or not valid; 429 if it was used too often.
        """
        secret = (self.fields.get("api_key") or [""])[0].strip()
        if not secret:
            scheme, _space, bearer = self.ask.headers.get("authorization", "").partition(" ")
            secret = bearer.strip() if scheme.lower() == "bearer" else ""
        if not secret:
            if needed:
                raise Open311Error(403, _("api_key is missing. The discovery document says how to get one."))
            return None
        known = queries_access.key_of(secret, now=self.now)
        if known is None:
            raise Open311Error(403, _("This api_key is not valid, or not any more."))
        try:
            count_use(key=known.key, now=self.now)
        except QuotaExceeded as error:
            raise Open311Error(429, str(error), headers={"Retry-After": str(error.retry_after_s)}) from error
        return known

    def city(self, known: KnownKey | None) -> City:
        """Return the city that the call is about.

        :raises Open311Error: 404 if there is no such city, 400 if it must be said which, 403 if the key is another's.
        """
        wanted = (self.fields.get("jurisdiction_id") or [""])[0].strip()
        if known is not None and (known.city.jurisdiction_id == wanted or (not wanted and known.cities == 1)):
            return known.city
        cities = queries_access.cities()
        if not wanted:
            if len(cities) == 1:
                return cities[0]
            if cities:
                message = _("jurisdiction_id is missing; this endpoint serves %(known)s.")
                raise Open311Error(400, message % {"known": ", ".join(city.jurisdiction_id for city in cities)})
            raise Open311Error(404, _("No city was set up here yet."))
        found = next((city for city in cities if city.jurisdiction_id == wanted), None)
        if found is None:
            raise Open311Error(404, _("There is no jurisdiction_id “%(city)s” here.") % {"city": wanted[:80]})
        if known is not None:
            raise Open311Error(403, _("This api_key is for another city."))
        return found

    def language(self, languages: Sequence[str]) -> str:
        """Return the language to answer in: what the client asks for, or else the first of these."""
        asked = (self.fields.get("lang") or [""])[0]
        if asked in languages:
            return asked
        return _accepted(self.ask.headers.get("accept-language", "")[:500], tuple(languages))


def language_without_city(headers: Mapping[str, str]) -> str:
    """Return the language for a call of which the city is not known."""
    return _accepted(headers.get("accept-language", "")[:500], (settings.LANGUAGE_CODE, *_KNOWN))


@lru_cache(maxsize=1024)
def _accepted(header: str, languages: tuple[str, ...]) -> str:
    for code, _share in parse_accept_lang_header(header):
        if code == "*":
            break
        for language in (code, code.partition("-")[0]):
            if language in languages:
                return language
    return languages[0]


def fields_of(text: str) -> dict[str, list[str]]:
    """Return the fields of an address or of a form.

    :raises Open311Error: if they are not UTF-8, or too many.
    """
    try:
        # What is no ASCII here came unescaped; it must be UTF-8 as well.
        text = text.encode("utf-8", "surrogateescape").decode("utf-8")
        return parse_qs(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
    except UnicodeError as error:
        raise not_utf8() from error
    except ValueError as error:
        raise Open311Error(400, _("The form has too many fields or files.")) from error


def read_path(path: str, accept: str) -> tuple[str, str]:
    """Return the resource below /open311/ and the format, from its ending or else from the Accept header.

    :raises Open311Error: if the ending is no format that is offered.
    """
    path = path.rstrip("/")
    stem, dot, ending = path.rpartition(".")
    if dot and "/" not in ending and ending != "":
        wire = ending.lower()
        if wire in (JSON, XML):
            return stem, wire
        if path != "v2":
            message = _("There is no format “%(format)s”. Ask for .xml or .json.")
            raise Open311Error(400, message % {"format": ending[:20]})
    return path, format_without_ending(accept)


def format_without_ending(accept: str) -> str:
    """Return the format for an address that names none: XML, which the standard requires, unless JSON is asked for."""
    return JSON if "json" in accept.lower() else XML


def too_large() -> Open311Error:
    """Return the error for a body that is larger than any door takes."""
    return Open311Error(413, _("The request is too large."))


def not_utf8() -> Open311Error:
    """Return the error for bytes that are no text."""
    return Open311Error(400, _("The request is not valid UTF-8."))


Answer = tuple[str, Any]

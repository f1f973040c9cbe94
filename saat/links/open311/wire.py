"""One answer, two formats: plain values become JSON by the Spark convention, or the XML that it was derived from.

Spark: where XML has a container of equal elements, JSON has a list, even of one; the root's name is left out. Nothing
is ever null: what is not known is left out, because clients in use parse a null as the word "null", or fail.
"""

from __future__ import annotations

import json
import re
from typing import Any

JSON, XML = "json", "xml"
CONTENT_TYPES = {JSON: "application/json; charset=utf-8", XML: "text/xml; charset=utf-8"}

# What the elements of a container are called in XML.
_ELEMENTS = {
    "services": "service",
    "attributes": "attribute",
    "values": "value",
    "service_requests": "request",
    "service_request_updates": "request_update",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
    "photos": "photo",
    "notes": "note",
}
# Characters that XML 1.0 cannot hold, not even escaped.
_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_MARKUP = re.compile("[&<>\r]")
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"}


def encode(root: str, value: Any, wire: str) -> bytes:
    """Return a value in a format.

    root: the name of the XML root, such as `service_requests`. value: dictionaries, lists, texts, numbers, booleans;
    None is left out. wire: "json" or "xml".
    """
    if wire == JSON:
        text = json.dumps(_without_nothing(value), ensure_ascii=False, separators=(",", ":"))
        return _SURROGATES.sub("\ufffd", text).encode()
    parts = ['<?xml version="1.0" encoding="utf-8"?>\n']
    _write(parts, root, value)
    return "".join(parts).encode()


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nothing(inner) for key, inner in value.items() if inner is not None}
    if isinstance(value, list | tuple):
        return [_without_nothing(inner) for inner in value if inner is not None]
    return value


def _write(parts: list[str], name: str, value: Any) -> None:
    if value is None:
        return
    parts.append(f"<{name}>")
    if isinstance(value, dict):
        for key, inner in value.items():
            _write(parts, key, inner)
    elif isinstance(value, list | tuple):
        element = _ELEMENTS[name]
        for inner in value:
            _write(parts, element, inner)
    else:
        parts.append(_text(value))
    parts.append(f"</{name}>")


def _text(value: Any) -> str:
    if value is True or value is False:
        return "true" if value else "false"
    if isinstance(value, str):
        return _MARKUP.sub(lambda found: _ESCAPES[found[0]], _NOT_XML.sub("\ufffd", value))
    return str(value)

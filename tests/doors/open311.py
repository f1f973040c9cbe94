"""A partner with a key, and what a strict client demands of every answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
from django.http import HttpResponse
from django.test import Client
from lxml import etree

from saat.actions.access import make_key
from saat.actions.log import COMMAND
from saat.records.models import ApiKey
from tests.city import MONDAY_MORNING, TestCity

GRAMMAR = etree.RelaxNG(etree.parse(Path(__file__).parent / "georeport.rng"))
_PARSER = etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=False)

# What clients in use demand of one request, taken together: these are there, of these kinds, and nothing is null.
STRICT_REQUEST = {
    "type": "object",
    "required": [
        "service_request_id", "status", "status_notes", "service_name", "service_code", "description",
        "agency_responsible", "service_notice", "requested_datetime", "updated_datetime", "expected_datetime",
        "address", "address_id", "zipcode",
    ],
    "properties": {
        "status": {"enum": ["open", "closed"]},
        "address": {"type": "string", "minLength": 1},
        "lat": {"type": "number", "minimum": -90, "maximum": 90},
        "long": {"type": "number", "minimum": -180, "maximum": 180},
        "media_url": {"type": "string", "pattern": "^https?://"},
        "attributes": {"type": "array"},
        "notes": {"type": "array"},
        "extended_attributes": {"type": "object"},
    },
    "patternProperties": {
        "_datetime$": {"type": "string", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|[+-]\d\d:\d\d)$"},
        "^(?!lat$|long$|attributes$|notes$|extended_attributes$)": {"type": "string"},
    },
}  # fmt: skip


@dataclass
class Partner:
    """Another system with a key of its own."""

    ground: TestCity
    key: ApiKey
    secret: str
    client: Client = field(default_factory=Client)

    def get(self, path: str, **arguments: Any) -> HttpResponse:
        """Read something below /open311/v2/ without a key."""
        return self.client.get(f"/open311/v2/{path}", arguments)

    def list(self, **arguments: Any) -> list[dict[str, Any]]:
        """Return the service requests that strict clients read, in JSON."""
        return checked_json(self.get("requests.json", **arguments))

    def post(
        self, path: str = "requests.json", *, headers: dict[str, str] | None = None, **fields: Any
    ) -> HttpResponse:
        """Bring something with the key."""
        return self.client.post(f"/open311/v2/{path}", {"api_key": self.secret, **fields}, headers=headers)

    def bring(self, **fields: Any) -> int:
        """Bring a report of a heap by the river, or with other fields, and return its id."""
        response = self.post(**(HEAP | fields))
        assert response.status_code == 200, response.content.decode()
        return int(checked_json(response)[0]["service_request_id"])


HEAP = {"service_code": "pile", "lat": "11.5450", "long": "104.9350", "description": "A heap of bags by the river"}


def make_partner(
    ground: TestCity, *, name: str = "FixMyStreet", now: datetime = MONDAY_MORNING, **limits: Any
) -> Partner:
    """Write a partner's key and return the partner."""
    made = make_key(city=ground.city, name=name, now=now, by=COMMAND, **limits)
    return Partner(ground=ground, key=made.key, secret=made.secret)


def checked_xml(response: HttpResponse) -> etree._Element:
    """Return the root of an XML answer that fits the grammar, or fail and say where it does not."""
    assert response["Content-Type"] == "text/xml; charset=utf-8"
    assert response.content.startswith(b'<?xml version="1.0" encoding="utf-8"?>')
    root = etree.fromstring(response.content, _PARSER)
    assert GRAMMAR.validate(root), f"{GRAMMAR.error_log}\n{response.content.decode()}"
    return root


def checked_json(response: HttpResponse) -> Any:
    """Return the values of a JSON answer in which nothing is null, requests as strict clients demand them."""
    assert response["Content-Type"] == "application/json; charset=utf-8"
    values = json.loads(response.content, parse_constant=_no_constant)
    assert not list(_nulls(values)), f"null at {list(_nulls(values))}"
    if isinstance(values, list):
        for value in values:
            if "requested_datetime" in value:
                jsonschema.validate(value, STRICT_REQUEST)
    return values


def errors_of(response: HttpResponse, status: int) -> list[str]:
    """Return the sentences of an error body in either format, whose code must be this one."""
    assert response.status_code == status, response.content.decode()
    if "xml" in response["Content-Type"]:
        root = checked_xml(response)
        assert root.tag == "errors"
        found = [(int(error.findtext("code")), error.findtext("description")) for error in root]
    else:
        found = [(error["code"], error["description"]) for error in checked_json(response)]
    assert found
    assert all(code == status for code, _text in found), found
    return [text for _code, text in found]


def _nulls(value: Any, at: str = "") -> Any:
    if value is None:
        yield at
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _nulls(inner, f"{at}.{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _nulls(inner, f"{at}[{number}]")


def _no_constant(text: str) -> None:
    raise AssertionError(f"{text} is no JSON")

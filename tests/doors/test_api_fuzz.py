"""Every operation of the API, called with whatever its own description allows and with what it does not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, Phase, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from saat.records.models import Event
from saat.terms.case import Role
from tests.city import AT_HOSPITAL, AT_MARKET, AT_RIVER, make_user, new_report
from tests.hall import make_hall

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]
schema = schemathesis.openapi.from_wsgi("/api/openapi.json", get_wsgi_application())
# Who calls is this test's own matter; what happens to strangers is tested beside it.
schema.config.generation.update(with_security_parameters=False)


@pytest.fixture
def official(db) -> Iterator[dict[str, Any]]:
    """What a signed-in administrator sends with every call, and the ids of what there is: the city has three cases."""
    hall = make_hall()
    reports = [
        hall.report(new_report(point=AT_MARKET)),
        hall.report(new_report(point=AT_HOSPITAL)),
        hall.report(new_report(point=AT_RIVER, service_code="missed-collection")),
    ]
    case_ids = [report.case_id for report in reports]
    client = Client()
    client.force_login(make_user(hall.city, Role.ADMINISTRATOR))
    token = "a" * 32
    # The calls share this test's transaction, so nobody may tidy its connection away in between.
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    yield {
        "sent": {
            "headers": {"X-CSRFToken": token, "Accept-Encoding": "identity"},
            "cookies": {"sessionid": client.cookies["sessionid"].value, "csrftoken": token},
        },
        "known": {
            "city": [hall.city.jurisdiction_id],
            "case_id": case_ids,
            "into": case_ids[::-1],
            "service_code": ["pile", "missed-collection"],
            "reason_code": ["nothing-found"],
            "area_id": [area.pk for area in hall.ground.sangkats.values()],
            "place_id": [place.pk for place in hall.ground.places.values()],
            "service_request_id": [report.service_request_id for report in reports],
            "user_id": [user.pk for user in hall.people.values()],
            "crew_id": [crew.pk for crew in hall.crews.values()],
            "contractor_id": [contractor.pk for contractor in hall.contractors.values()],
            "event_id": list(Event.objects.values_list("pk", flat=True)),
        },
    }
    for signal in (signals.request_started, signals.request_finished):
        signal.connect(close_old_connections)


def aimed(values: Any, known: dict[str, list[Any]]) -> Any:
    """Return what was drawn, with most names and numbers of things replaced by those of things that there are."""
    if not isinstance(values, dict):
        return values
    told = {}
    for name, value in values.items():
        there = known.get(name)
        if there and isinstance(value, int) and not isinstance(value, bool):
            value = value if value % 5 == 4 else there[value % len(there)]
        elif there and isinstance(value, str):
            value = value if len(value) % 7 == 6 else there[len(value) % len(there)]
        told[name] = value
    return told


@schema.parametrize()
@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_the_api_keeps_what_it_promises_whatever_it_is_sent(case, official):
    if case.meta is None or case.meta.generation.mode == GenerationMode.POSITIVE:
        case.path_parameters = aimed(case.path_parameters, official["known"])
        case.query = aimed(case.query, official["known"])
        case.body = aimed(case.body, official["known"])
    case.call_and_validate(checks=CHECKS, **official["sent"])

"""What tests of the desk share: somebody signed in, a case of this moment, the words of a page."""

from __future__ import annotations

import re
from typing import Any

from django.http import HttpResponseBase
from django.test import Client
from django.utils import timezone

from saat.actions.log import RESIDENT
from saat.actions.reports import receive_report
from saat.records.models import Case, Event
from saat.terms.report import NewReport
from tests.city import new_report
from tests.hall import Hall


def signed_in(hall: Hall, name: str) -> Client:
    """Return a browser in which somebody of the hall is signed in, reading English."""
    client = Client(headers={"accept-language": "en"})
    client.force_login(hall.people[name])
    return client


def now_case(hall: Hall, report: NewReport | None = None) -> Case:
    """Return a case that was reported this moment."""
    receipt = receive_report(city=hall.city, report=report or new_report(), now=timezone.now(), by=RESIDENT)
    return Case.objects.get(pk=receipt.case_id)


def page_of(case: Case) -> str:
    """Return the address of a case's page."""
    return f"/desk/cases/{case.pk}"


def act_on(client: Client, case: Case, name: str, **fields: Any) -> Any:
    """Send the form of an act, with what its page would carry, and follow where it leads."""
    last = Event.objects.filter(case_id=case.pk).latest("pk").pk
    return client.post(f"{page_of(case)}/act/{name}", {"read_up_to": last, **fields}, follow=True)


def reread(case: Case) -> Case:
    """Return a case as it is by now."""
    return Case.objects.get(pk=case.pk)


def text_of(response: HttpResponseBase) -> str:
    """Return the words of a page, without its markup."""
    body = re.search(r"<body.*</body>", response.content.decode(), re.DOTALL)  # type: ignore[attr-defined]
    return " ".join(re.sub(r"<[^>]+>", " ", body[0] if body else "").split())

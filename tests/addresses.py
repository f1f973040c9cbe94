"""Every address that Saat answers, from the real URLconf, with a real row wherever one is asked for."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from typing import Any

from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone

from saat.actions.cases import Assignee, assign_case, close_case
from saat.actions.contests import contest_stop
from saat.actions.links import token_of
from saat.actions.outbox import queue
from saat.actions.texts import save_text
from saat.records.models import (
    Alert,
    Case,
    CrewNote,
    Device,
    Duty,
    Membership,
    Outbox,
    Photo,
    PlanQuestion,
    Run,
    SavedFilter,
    ServiceRequest,
    SignedLink,
    Site,
    Stop,
    Vehicle,
)
from tests.city import AT_HOSPITAL, AT_RIVER, new_report
from tests.hall import Hall, later
from tests.trucks import make_trucks

_NAMED = re.compile(r"\(\?P<(\w+)>[^()]*(?:\([^()]*\)[^()]*)*\)")
_CONVERTED = re.compile(r"<(?:\w+:)?(\w+)>")


@dataclass(frozen=True, slots=True)
class Address:
    """One address. pattern: as the URLconf has it. path: with real values in it."""

    pattern: str
    path: str

    def __str__(self) -> str:
        return self.pattern


def patterns() -> list[str]:
    """Return every pattern of the URLconf, in its order, each once."""
    return list(dict.fromkeys(_walk(get_resolver().url_patterns, "")))


def _walk(found: list[URLPattern | URLResolver], before: str) -> Iterator[str]:
    for one in found:
        whole = before + str(one.pattern).lstrip("^").rstrip("$")
        if isinstance(one, URLResolver):
            yield from _walk(one.url_patterns, whole)
        else:
            yield whole


def address_of(pattern: str, values: dict[str, Any]) -> Address:
    """Return the address of a pattern; a value that is not known stops the tests, so that it is thought about."""
    names = _NAMED.findall(pattern) + _CONVERTED.findall(_NAMED.sub("", pattern))
    unknown = [name for name in names if name not in values]
    assert not unknown, f"tests/addresses.py knows no value of {unknown} for {pattern}"
    path = _NAMED.sub(lambda found: str(values[found[1]]), pattern)
    path = _CONVERTED.sub(lambda found: str(values[found[1]]), path)
    return Address(pattern=pattern, path=f"/{path}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Furnished:
    """A hall with one row of everything that has an address. case: open, at the market; closed: at the hospital."""

    hall: Hall
    case: Case
    closed: Case
    far: Case
    values: dict[str, Any]

    def addresses(self, *prefixes: str) -> list[Address]:
        """Return every address whose pattern begins with one of these; all without any."""
        return [
            address_of(pattern, self.values) for pattern in patterns() if not prefixes or pattern.startswith(prefixes)
        ]


def furnish(hall: Hall) -> Furnished:
    """Put one row of everything into a hall."""
    case, closed, far = hall.case(), hall.case(new_report(point=AT_HOSPITAL)), hall.case(new_report(point=AT_RIVER))
    officer = hall.by("daun penh")
    north = hall.contractors["north"]
    assign_case(case_id=case.pk, to=Assignee(contractor_id=north.pk), now=later(minutes=1), by=officer)
    close_case(case_id=closed.pk, now=later(minutes=2), by=officer)
    request = ServiceRequest.objects.filter(case=case).get()
    photo = Photo.objects.create(
        city=hall.city, case=case, service_request=request, kind="report", digest="0" * 64, phash=1, width=8, height=8,
        added_at=later(),
    )  # fmt: skip
    text = save_text(
        city_id=hall.city.pk, name="Thanks", texts={"km": "អរគុណ", "en": "Thanks"}, now=later(), by=hall.by("duty")
    )
    duty = Duty.objects.create(
        city=hall.city, user=hall.people["kandal"], starts_at=later(hours=-1), ends_at=later(days=9)
    )
    alert = Alert.objects.create(
        city=hall.city, case=case, user=hall.people["kandal"], why="untaken", raised_at=later(),
        answer_by=later() + timedelta(days=9),
    )  # fmt: skip
    queue(city_id=hall.city.pk, kind="reporter.closed", dedupe_key="dead", facts={"case": case.pk}, now=later())
    Outbox.objects.filter(dedupe_key="dead").update(dead_at=later(), last_error="The mail server refuses.")
    kept = SavedFilter.objects.create(city=hall.city, user=hall.people["kandal"], name="Mine", query="state=open")
    link = SignedLink.objects.filter(case=case, revoked_at__isnull=True).first()
    values = {
        "case_id": case.pk, "code": case.code, "photo_id": photo.pk, "size": "thumb",
        "user_id": hall.people["kandal"].pk,
        "membership_id": Membership.objects.get(user=hall.people["kandal"]).pk,
        "outbox_id": Outbox.objects.get(dedupe_key="dead").pk,
        "text_id": getattr(text, "pk", 1), "duty_id": duty.pk, "alert_id": alert.pk,
        "filter_id": kept.pk, "request_id": request.pk, "key": request.token, "what": "me-too", "name": "take",
        "token": token_of(link) if link else "0" * 26, "path": "v2/services.json", "provider_id": "city", "pk": 1,
        "uidb36": "1", "key_id": 1, "endpoint_id": 1,
    }  # fmt: skip
    values |= _on_a_round(hall)
    return Furnished(hall=hall, case=case, closed=closed, far=far, values=values)


def _on_a_round(hall: Hall) -> dict[str, Any]:
    """Put a run with a contested stop on the road; return what names it in addresses."""
    trucks = make_trucks(hall)
    run = trucks.followed("North", "cccmeeeeee", now=timezone.now())
    contest = contest_stop(run_id=run.pk, sequence=4, words="We came.", now=timezone.now(), by=hall.by("north"))
    there = {"run_id": run.pk, "sequence": 4, "contest_id": contest.pk}
    return there | {"vehicle_id": trucks.vehicles["North"].pk} | _of_its_crew(run, trucks.vehicles["North"])


def _of_its_crew(run: Run, vehicle: Vehicle) -> dict[str, Any]:
    """Put a crew's phone on a truck, let it say something, and return what names all that in addresses."""
    city = run.city
    device = Device.objects.create(city=city, contractor=run.contractor, uid="phone of north", state="claimed")
    site = Site.objects.create(city=city, kind="depot", name="North depot", lat=11.56, lon=104.91)
    note = CrewNote.objects.create(
        city=city, run=run, vehicle=vehicle, device=device, reason="blocked", said_at=run.starts_at,
        received_at=run.starts_at, client_id="tap-of-north",
    )  # fmt: skip
    stop = Stop.objects.filter(city=city).order_by("pk")[0]
    return {
        "device_id": device.pk, "site_id": site.pk, "note_id": note.pk, "client_id": note.client_id,
        "jurisdiction_id": city.jurisdiction_id, "number": stop.number,
        "round_id": run.round_id,
        "question_id": PlanQuestion.objects.create(city=city, text="On fine days.", why="text", asked_at=later()).pk,
    }  # fmt: skip


class _Inline(HTMLParser):
    """Collects what a strict content security policy would not run."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        have = dict(attrs)
        data_only = have.get("type") in ("application/json", "application/ld+json")
        if tag == "script" and not have.get("src") and not data_only:
            self.found.append("a script in the page")
        if tag == "style":
            self.found.append("a style in the page")
        for name, value in attrs:
            text = (value or "").strip().lower()
            if name.startswith("on"):
                self.found.append(f"{tag} {name}")
            if name == "style":
                self.found.append(f"{tag} style={value}")
            if name in ("href", "src", "action", "formaction", "data") and text.startswith(
                ("javascript:", "vbscript:")
            ):
                self.found.append(f"{tag} {name}={value}")
            loads = name in ("src", "href") and tag in ("script", "link", "img", "iframe", "object", "source")
            if loads and text.startswith(("http:", "https:", "//")):
                self.found.append(f"{tag} loads {value}")


def inline_in(html: str) -> list[str]:
    """Return what in a page is script or style of its own, or comes from another site."""
    parser = _Inline()
    parser.feed(html)
    return parser.found


def signed_in(furnished: Furnished, who: str) -> Client:
    """Return a browser in which somebody of the hall is signed in."""
    client = Client()
    client.force_login(furnished.hall.people[who])
    return client


def body(answer: Any) -> str:
    """Return what an answer holds, also one that is streamed."""
    content = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return content.decode(errors="replace")

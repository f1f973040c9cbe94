"""The Open311 door of the real ASGI application: many at once, one commit for all, large bodies, no cookies."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import wait
from datetime import datetime
from typing import Any

import httpx
import pytest
from django.conf import settings
from django.db import connection, connections

from saat.actions.together import run_together
from saat.records.models import Case, Event, ServiceRequest
from saat.web.open311 import lane
from tests.city import make_city
from tests.doors.open311 import HEAP, errors_of, make_partner

pytestmark = pytest.mark.django_db(transaction=True)

MEGABYTE = bytes(1024 * 1024)


@pytest.fixture
def partner():
    return make_partner(make_city(), per_minute=10_000)


@pytest.fixture
def application() -> Iterator[Any]:
    """The application with threads of its own, whose connections are closed at the end."""
    from saat.config.asgi import Application

    application = Application()
    yield application
    application.lane.stop()
    together = threading.Barrier(application.pool._max_workers)

    def close() -> None:
        together.wait(10)
        connections.close_all()

    wait([application.pool.submit(close) for _ in range(application.pool._max_workers)])
    application.pool.shutdown()


def calls(application: Any, *posts: Callable[[httpx.AsyncClient], Any]) -> list[httpx.Response]:
    """Make all calls at once and return their answers."""

    async def all_at_once() -> list[httpx.Response]:
        transport = httpx.ASGITransport(application)
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver", timeout=60) as client:
            return list(await asyncio.gather(*(post(client) for post in posts)))

    return asyncio.run(all_at_once())


def posting(partner: Any, path: str = "requests.json", **fields: Any) -> Callable[[httpx.AsyncClient], Any]:
    return lambda client: client.post(
        f"/open311/v2/{path}", data={"api_key": partner.secret, **fields}, headers={"Accept-Language": "en"}
    )


class Answer:
    """An httpx answer with the few names by which the tests' checks ask a Django one."""

    def __init__(self, response: httpx.Response) -> None:
        self.status_code, self.content, self.headers = response.status_code, response.content, response.headers

    def __getitem__(self, name: str) -> str:
        return self.headers[name]


def test_the_same_report_a_hundred_times_at_once_is_one_report(application, partner):
    answers = calls(application, *[posting(partner, **HEAP, client_id="the-same")] * 100)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert ServiceRequest.objects.count() == 1
    assert Event.objects.filter(kind="case_opened").count() == 1


def test_many_reports_at_once_are_all_kept_and_the_chain_is_whole(application, partner):
    places = [f"{11.541 + n / 1000:.4f}" for n in range(36)]
    answers = calls(application, *[posting(partner, **(HEAP | {"lat": lat})) for lat in places])
    assert {answer.status_code for answer in answers} == {200}
    numbers = {answer.json()[0]["service_request_id"] for answer in answers}
    assert numbers == {str(pk) for pk in ServiceRequest.objects.values_list("pk", flat=True)}
    assert len(numbers) == len(places)
    assert list(Event.objects.order_by("seq").values_list("seq", flat=True)) == list(
        range(1, Event.objects.count() + 1)
    )


def test_those_who_wait_share_a_commit_and_one_that_is_refused_spoils_no_other(application, partner, monkeypatch):
    together = []
    real = run_together

    def counted(some):
        results = real(some)
        together.append(len(results))
        return results

    monkeypatch.setattr(lane, "run_together", counted)
    good = [posting(partner, **(HEAP | {"lat": f"{11.541 + n / 1000:.4f}"})) for n in range(20)]
    bad = [posting(partner, **(HEAP | {"lat": "0"})), posting(partner, **(HEAP | {"service_code": "none"}))]
    answers = calls(application, *good[:10], *bad, *good[10:])
    assert sorted(answer.status_code for answer in answers) == [200] * 20 + [400, 404]
    assert ServiceRequest.objects.count() == 20
    assert max(together) > 1, "nobody shared a commit"


def test_a_commit_that_fails_is_tried_again_one_by_one():
    city = make_city().city
    made = []

    def write(name: str) -> Callable[[], str]:
        def call() -> str:
            made.append(name)
            with connection.cursor() as cursor:
                cursor.execute("UPDATE records_city SET is_demo = NOT is_demo WHERE id = %s", [city.pk])
            if name == "second" and made.count("second") == 1:
                connection.needs_rollback = True  # as a disk that is full leaves it
            return name

        return call

    assert run_together([write("first"), write("second"), write("third")]) == ["first", "second", "third"]
    assert made == ["first", "second", "first", "second", "third"]
    city.refresh_from_db()
    assert city.is_demo is True, "written three times by the second try, and not at all by the first"


def test_a_body_of_fifty_megabytes_is_refused_in_the_format_asked_for(application, partner):
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(50):
            yield MEGABYTE

    def large(wire: str) -> Callable[[httpx.AsyncClient], Any]:
        kind = {"Content-Type": "multipart/form-data; boundary=x"}
        return lambda client: client.post(f"/open311/v2/requests.{wire}", content=chunks(), headers=kind)

    for wire, answer in zip(("xml", "json"), calls(application, large("xml"), large("json")), strict=True):
        assert "too large" in errors_of(Answer(answer), 413)[0]
        assert wire in answer.headers["Content-Type"]
    form = posting(partner, description="x" * (settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1))
    assert "too large" in errors_of(Answer(calls(application, form)[0]), 413)[0]
    assert not Case.objects.exists()


def test_a_file_and_a_form_take_different_ways_to_the_same_report(application, partner):
    files = {"media": ("a.txt", b"no picture", "text/plain")}
    with_file, without = calls(
        application,
        lambda client: client.post(
            "/open311/v2/requests.json", data={"api_key": partner.secret, **HEAP}, files=files,
            headers={"Accept-Language": "en"},
        ),
        posting(partner, **HEAP),
    )  # fmt: skip
    assert "a.txt" in errors_of(Answer(with_file), 400)[0]
    assert without.status_code == 200


def test_no_cookie_is_set_and_every_answer_is_guarded(application, partner):
    answers = calls(
        application,
        posting(partner, **HEAP),
        lambda client: client.get("/open311/v2/services.xml"),
        lambda client: client.get("/open311/nothing"),
        lambda client: client.options("/open311/v2/requests.json"),
        lambda client: client.get("/open311/v2/requests.json?" + "&".join(f"f{n}=1" for n in range(500))),
        lambda client: client.get("/open311/v2/requests.json?start_date=%ff"),
    )
    assert [answer.status_code for answer in answers] == [200, 200, 404, 204, 400, 400]
    for answer in answers:
        assert "set-cookie" not in answer.headers
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["x-frame-options"] == "DENY"


def test_reports_and_readers_do_not_hold_each_other_up(application, partner):
    reads = [lambda client: client.get("/open311/v2/requests.json") for _ in range(10)]
    writes = [posting(partner, **(HEAP | {"lat": f"{11.541 + n / 1000:.4f}"})) for n in range(10)]
    answers = calls(application, *[call for pair in zip(reads, writes, strict=True) for call in pair])
    assert {answer.status_code for answer in answers} == {200}
    (last,) = calls(application, reads[0])
    assert len(last.json()) == len(writes)
    assert datetime.fromisoformat(last.json()[0]["requested_datetime"]).tzinfo is not None

"""The log for auditors and administrators: found, taken along, checked; and messages that could not be sent."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client

from saat.actions.cases import close_case, take_case
from saat.actions.log import chained
from saat.records.models import ChainHead, Event, Outbox
from saat.terms.codes import spoken
from tests.city import AT_HOSPITAL, make_city, new_report
from tests.hall import Hall, later, make_hall

LOG = "/desk/log/"


@pytest.fixture
def hall(db) -> Hall:
    cache.clear()
    return make_hall()


def signed_in(hall: Hall, who: str) -> Client:
    client = Client()
    client.force_login(hall.people[who])
    return client


def numbers(page: str) -> list[int]:
    return [int(found) for found in re.findall(r"<summary>event (\d+)</summary>", page)]


def lived(hall: Hall):
    case, other = hall.case(), hall.case(new_report(point=AT_HOSPITAL), now=later(days=1))
    take_case(case_id=case.pk, now=later(days=2), by=hall.by("kandal"))
    close_case(case_id=case.pk, now=later(days=3), by=hall.by("kandal"))
    return case, other


@pytest.mark.parametrize(("who", "status"), [("auditor", 200), ("admin", 200), ("duty", 403), ("kandal", 403),
                                             ("director", 403), ("north", 403), ("north crew", 403)])  # fmt: skip
def test_auditors_and_administrators_read_the_log_and_nobody_else(hall, who, status):
    client = signed_in(hall, who)
    assert [client.get(LOG).status_code, client.get(f"{LOG}log.csv").status_code] == [status, status]
    assert client.post(f"{LOG}check").status_code == (302 if status == 200 else 403)


def test_the_latest_stands_first_with_who_what_and_which_case(hall):
    case, _other = lived(hall)
    page = signed_in(hall, "auditor").get(LOG).content.decode()
    assert numbers(page) == sorted(numbers(page), reverse=True)
    assert "<strong>kandal</strong> took the case" in page
    assert spoken(case.code) in page
    assert "5 Mar 2026, 10:00:00" in page, "the city's own time"


@pytest.mark.parametrize(
    ("asked", "kinds"),
    [
        ("actor=KANDAL", {"case_taken", "case_closed"}),
        ("actor=resident", {"case_opened"}),
        ("actor=nobody", set()),
        ("actor=clock", set()),
        ("kind=case_taken", {"case_taken"}),
        ("from=2026-03-04&to=2026-03-04", {"case_taken"}),
        ("from=2026-03-05", {"case_closed"}),
        ("to=2026-03-01", set()),
        ("from=nonsense&kind=case_taken", {"case_taken"}),
        ("case=ZZZZ-ZZZZ", set()),
    ],
)
def test_the_log_is_asked_by_actor_kind_and_day(hall, asked, kinds):
    lived(hall)
    page = signed_in(hall, "auditor").get(f"{LOG}?{asked}").content.decode()
    assert {Event.objects.get(city=hall.city, seq=seq).kind for seq in numbers(page)} == kinds


def test_the_log_of_one_case_is_found_by_its_code_as_people_write_it(hall):
    case, _other = lived(hall)
    for written in (case.code, spoken(case.code), spoken(case.code).lower()):
        page = signed_in(hall, "auditor").get(LOG, {"case": written}).content.decode()
        found = Event.objects.filter(city=hall.city, seq__in=numbers(page))
        assert {event.case_id for event in found} == {case.pk}


def test_a_long_log_is_read_page_by_page_without_a_gap(hall):
    for number in range(120):
        hall.report(new_report(client_id=str(number)), now=later(minutes=number))
    client, seen, address = signed_in(hall, "auditor"), [], LOG
    while address:
        page = client.get(address).content.decode()
        seen += numbers(page)
        older = re.search(r'href="(\?[^"]*before=\d+)"', page)
        address = f"{LOG}{older[1].replace('&amp;', '&')}" if older else ""
    assert seen == list(range(120, 0, -1))


def test_what_is_taken_along_can_be_checked_elsewhere(hall):
    lived(hall)
    answer = signed_in(hall, "auditor").get(f"{LOG}log.csv")
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    before = "0" * 64
    for row, event in zip(rows, Event.objects.filter(city=hall.city).order_by("seq"), strict=True):
        assert row["hash"] == chained(
            before=before, city_id=hall.city.pk, seq=int(row["seq"]), at=event.at, kind=row["kind"],
            subject=row["subject"], case_id=event.case_id, actor=row["actor"], facts_json=row["facts"],
        )  # fmt: skip
        before = row["hash"]
    assert rows[-1]["kind"] == "list_exported", "that it was taken along is written down too"


def test_a_log_that_is_whole_is_said_to_be(hall):
    lived(hall)
    answer = signed_in(hall, "auditor").post(f"{LOG}check", follow=True)
    head = ChainHead.objects.get(city=hall.city)
    assert f"All {head.seq} events are as they were written." in answer.content.decode()
    assert head.hash in answer.content.decode()


def test_a_log_that_somebody_bent_is_said_to_be_broken_and_where(hall):
    lived(hall)
    with connection.cursor() as cursor:  # whoever can do this owns the database
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER event_is_not_changed")
        else:
            cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
            cursor.execute("ALTER TABLE records_event DISABLE TRIGGER event_is_kept")
        cursor.execute("UPDATE records_event SET actor = 'user:999' WHERE seq = 3")
    answer = signed_in(hall, "auditor").post(f"{LOG}check", follow=True)
    assert "The log is broken at event 3" in answer.content.decode()


def test_the_log_of_another_city_stays_there(hall):
    other = make_city(jurisdiction_id="other.kh")
    Event.objects.create(
        city=other.city, seq=1, at=later(), kind="secret_kind", subject="x", actor="clock", hash="0" * 64
    )
    client = signed_in(hall, "auditor")
    for path in (LOG, f"{LOG}?city=other.kh", f"{LOG}log.csv?city=other.kh"):
        answer = client.get(path)
        text = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert b"secret_kind" not in text


def test_dead_messages_are_shown_with_the_reason_and_sent_again(hall):
    case, _other = lived(hall)
    row = Outbox.objects.create(
        city=hall.city, kind="reporter.closed", dedupe_key="dead", facts={"case": case.pk}, queued_at=later(),
        next_try_at=later(), dead_at=later() + timedelta(days=2), attempts=9, last_error="It answered 451.",
    )  # fmt: skip
    client = signed_in(hall, "admin")
    page = client.get("/desk/unsent/").content.decode()
    for shown in ("To the reporter: what was done", "answered 451", "after 9 tries", spoken(case.code)):
        assert shown in page
    assert client.get(f"/desk/unsent/{row.pk}/again").status_code == 405
    assert client.post(f"/desk/unsent/{row.pk}/again").status_code == 302
    row.refresh_from_db()
    assert (row.dead_at, row.attempts) == (None, 0)
    assert client.post(f"/desk/unsent/{row.pk}/again").status_code == 404
    assert "Every message was sent" in client.get("/desk/unsent/").content.decode()
    assert Event.objects.filter(kind="message_revived").count() == 1


def test_the_pages_take_few_queries(hall, django_assert_max_num_queries):
    for number in range(80):
        hall.report(new_report(client_id=str(number)))
    client = signed_in(hall, "auditor")
    with django_assert_max_num_queries(18):
        client.get(LOG)

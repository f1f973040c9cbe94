"""Letters go out once: past servers that refuse or hang, past workers that die, and beside other workers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection

from saat.actions.log import RESIDENT
from saat.actions.outbox import BACKOFF_S, LEASE, lease, queue
from saat.actions.reports import receive_report
from saat.links.email.client import SmtpClient
from saat.records.models import Contact, Outbox
from saat.stream.letters import Desk
from saat.stream.runner import Job, Runner
from saat.stream.sender import send_due, send_letters
from saat.terms.report import Contact as NewContact
from tests.city import make_city, new_report
from tests.hall import Hall, later, make_hall
from tests.mailserver import mail_server, scripted_server

ROOT = Path(__file__).resolve().parents[2]
DESK = Desk(url="https://saat.city.example", answer_link=lambda case_id, contractor_id: "")
SENDER = "saat@city.example"


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def letters_to(hall: Hall, *addresses: str) -> None:
    for number, address in enumerate(addresses):
        hall.report(new_report(contact=NewContact(email=address), client_id=f"{number}-{address}"))


def send(url: str, *, minutes: float = 0, **options: float) -> int:
    client = SmtpClient(url, sender=SENDER, **options)
    return send_letters(client=client, desk=DESK, now=lambda: later(minutes=minutes))


def test_each_letter_is_sent_once_however_often_the_sender_looks(hall):
    letters_to(hall, "a@home.example", "b@home.example")
    with mail_server() as postbox:
        assert send(postbox.url) == 2
        assert send(postbox.url, minutes=1) == 0
        assert send(postbox.url, minutes=10_000) == 0
        assert sorted(postbox.tried) == ["a@home.example", "b@home.example"]


def test_an_address_that_is_none_is_given_up_at_once_and_does_not_hold_up_the_others(hall):
    letters_to(hall, "gone@home.example", "b@home.example", "c@home.example")
    Contact.objects.filter(email="c@home.example").update(email="c@home.example\nBcc: all@evil.example")
    with mail_server() as postbox:
        postbox.answers = {"gone@home.example": "550 no such mailbox"}
        assert send(postbox.url) == 3
        assert [to for to, _message in postbox.received] == ["b@home.example"]
        assert send(postbox.url, minutes=10_000) == 0
    dead = Outbox.objects.filter(dead_at__isnull=False)
    assert sorted(row.last_error[:25] for row in dead) == ["The address is not valid:", "The mail server refuses t"]
    assert not any("home.example" in row.last_error for row in dead), "addresses do not stay in the outbox"


def test_a_busy_server_is_asked_again_later_and_then_takes_the_letter(hall):
    letters_to(hall, "full@home.example")
    with mail_server() as postbox:
        postbox.answers = {"full@home.example": "451 try later"}
        assert send(postbox.url) == 1
        assert send(postbox.url, minutes=BACKOFF_S[0] / 60 - 0.01) == 0
        assert send(postbox.url, minutes=BACKOFF_S[0] / 60) == 1
        row = Outbox.objects.get()
        assert (row.attempts, row.dead_at) == (2, None)
        postbox.answers = {}
        assert send(postbox.url, minutes=60) == 1
        assert [to for to, _message in postbox.received] == ["full@home.example"]
    row.refresh_from_db()
    assert (row.sent_at, row.last_error) == (later(minutes=60), "")


def test_a_letter_that_cannot_be_written_holds_up_no_other(hall):
    letters_to(hall, "a@home.example")
    other = make_city(jurisdiction_id="other.kh")
    report = new_report(contact=NewContact(email="b@home.example"))
    receive_report(city=other.city, report=report, now=later(minutes=-1), by=RESIDENT)
    type(other.city).objects.filter(pk=other.city.pk).update(policy_text="this is no policy")
    with mail_server() as postbox:
        assert send(postbox.url) == 2
        assert [to for to, _message in postbox.received] == ["a@home.example"]
    assert "TOML" in Outbox.objects.get(sent_at__isnull=True).last_error


def test_a_worker_that_was_held_up_lets_go_of_letters_that_another_has_taken(hall):
    letters_to(hall, "a@home.example", "b@home.example")
    clock = [later()]

    def slow(row: Outbox) -> None:
        seen.append(row.pk)
        clock[0] += LEASE + timedelta(seconds=1)
        other = lease(now=clock[0], kinds=("reporter.",))
        taken.extend(one.pk for one in other)

    seen: list[int] = []
    taken: list[int] = []
    assert send_due(kinds=("reporter.",), send=slow, now=lambda: clock[0]) == 2
    assert len(seen) == 1
    assert set(taken) >= set(Outbox.objects.exclude(pk=seen[0]).values_list("pk", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_server_that_hangs_slows_no_webhook():
    hall = make_hall()
    letters_to(hall, "a@home.example")
    for number in range(20):
        queue(city_id=hall.city.pk, kind="webhook", dedupe_key=f"hook{number}", facts={}, now=later())
    sent: list[int] = []
    done = threading.Event()

    def webhook(row: Outbox) -> None:
        sent.append(row.pk)
        if len(sent) == 20:
            done.set()

    with scripted_server(b"220 hello\r\n", then_close=False) as url:
        runner = Runner(
            [
                Job(name="letters", run=lambda: send(url, whole_s=2), every_s=0.05),
                Job(name="webhooks", run=lambda: send_due(kinds=("webhook",), send=webhook, now=later), every_s=0.05),
            ]
        )
        runner.start()
        assert done.wait(5)
        assert Outbox.objects.get(kind="reporter.received").sent_at is None
    runner.stop()
    assert sorted(sent) == sorted(set(sent))


@pytest.mark.django_db(transaction=True)
def test_two_senders_at_once_send_each_letter_once():
    hall = make_hall()
    letters_to(hall, *(f"p{number}@home.example" for number in range(30)))
    start = threading.Barrier(3)
    with mail_server() as postbox:

        def work() -> int:
            try:
                start.wait(10)
                done = 0
                while dealt := send_letters(
                    client=SmtpClient(postbox.url, sender=SENDER), desk=DESK, now=later, most=4
                ):
                    done += dealt
                return done
            finally:
                connection.close()

        with ThreadPoolExecutor(3) as pool:
            dealt = [one.result() for one in [pool.submit(work) for _ in range(3)]]
    assert sum(dealt) == 30
    assert sorted(postbox.tried) == sorted(f"p{number}@home.example" for number in range(30))


WORKER = """
import sys
import django
from django.conf import settings

settings.DATABASES["default"]["NAME"] = sys.argv[1]
django.setup()
from saat.links.email.client import SmtpClient
from saat.stream.letters import Desk
from saat.stream.runner import Job, Runner
from saat.stream.sender import send_letters
from tests.hall import later

desk = Desk(url="https://saat.city.example", answer_link=lambda case_id, contractor_id: "")
send_letters(client=SmtpClient(sys.argv[2], sender="saat@city.example"), desk=desk, now=later)
"""


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_is_killed_leaves_its_letter_to_the_next_which_sends_it_once():
    hall = make_hall()
    letters_to(hall, "a@home.example")
    with scripted_server(b"220 hello\r\n", then_close=False) as url:
        name = str(connection.settings_dict["NAME"])
        worker = subprocess.Popen([sys.executable, "-c", WORKER, name, url], cwd=ROOT, env=dict(os.environ))
        try:
            wait_for(lambda: Outbox.objects.get().lease_until is not None, worker)
        finally:
            worker.send_signal(signal.SIGKILL)
            worker.wait(10)
    row = Outbox.objects.get()
    assert (row.lease_until, row.sent_at, row.attempts) == (later() + LEASE, None, 0)
    with mail_server() as postbox:
        assert send(postbox.url, minutes=1) == 0, "the dead one's lease still runs"
        after = (LEASE + timedelta(seconds=1)).total_seconds() / 60
        assert send(postbox.url, minutes=after) == 1
        assert send(postbox.url, minutes=10_000) == 0
        assert postbox.tried == ["a@home.example"]


def wait_for(condition: Callable[[], bool], worker: subprocess.Popen) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert worker.poll() is None, "the sender ended by itself"
        assert time.monotonic() < end
        time.sleep(0.05)

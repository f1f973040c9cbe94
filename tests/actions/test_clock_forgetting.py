"""When a city's period is over, who reported is gone from every table and every file, and all that counts stays."""

from __future__ import annotations

import logging
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection

from saat.actions import anonymising
from saat.actions.anonymising import anonymise_due
from saat.actions.cases import add_note, answer_office, change_case, close_case, message_reporter, take_case
from saat.actions.clock import forget_due
from saat.actions.joining import merge_cases
from saat.actions.log import RESIDENT
from saat.actions.outbox import KEPT, queue
from saat.actions.reports import receive_report
from saat.actions.voices import add_voice
from saat.records import photo_store
from saat.records.models import Case, City, Contact, Event, Outbox, Photo, ServiceRequest
from saat.records.search import matching
from saat.terms.case import Voice
from saat.terms.geo import Point
from saat.terms.policy import example_policy
from saat.terms.report import Contact as NewContact
from saat.terms.report import NewPhoto
from saat.triage.nearby import cell_of
from saat.triage.words import query_words
from saat.web.photos import decode_photo
from tests.actions.chain import assert_chain_is_whole
from tests.city import make_city, new_report
from tests.hall import Hall, later, make_hall
from tests.pictures import exif_of, picture_bytes, scene, upload

YEAR = timedelta(days=365)  # Phnom Penh's `retention_days`
HOME = Point(lat=11.548123, lon=104.910456)
NEW_HOME = Point(lat=11.548234, lon=104.910567)
# Everything by which the reporter could be known again.
PERSONAL = (
    "Sok Dara", "85512345678", "dara@home.example", "behind the blue gate", "dogs bark", "answer from home",
    "House 63", "11.548123", "104.910456", "11.548234", "104.910567", "my-phone-7", "offline-17", "photo.example",
    "attribute-text", "Dear Dara", "note about Dara", "still smells",
)  # fmt: skip


@pytest.fixture
def hall(db) -> Hall:
    return make_hall()


def photo_of(seed: int) -> NewPhoto:
    exif = exif_of(taken="2026:03:02 09:55:00", offset="+07:00", lat=HOME.lat, lon=HOME.lon)
    jpeg = picture_bytes("JPEG", scene(seed=seed), exif=exif)
    return decode_photo(upload(jpeg), policy=example_policy())


def personal_case(hall: Hall, *, seed: int = 1, name: str = "offline-17") -> Case:
    """Let somebody report with everything that a report can hold, and the office act on it."""
    report = new_report(
        service_code="missed-collection",
        point=HOME,
        words="The heap behind the blue gate, dogs bark",
        photos=(photo_of(seed),),
        contact=NewContact(name="Sok Dara", phone="+85512345678", email="dara@home.example"),
        client_id=name,
    )
    case = hall.case(report)
    request = case.service_requests.get()
    ServiceRequest.objects.filter(pk=request.pk).update(
        address="House 63", device_id="my-phone-7", media_url="https://photo.example/1.jpg", accuracy_m=5.5,
        attributes={"lid": "attribute-text"}, said_at=later(),
    )  # fmt: skip
    officer = hall.by("kandal")
    change_case(case_id=case.pk, address="House 63", point=NEW_HOME, now=later(minutes=1), by=officer)
    change_case(case_id=case.pk, address="At the corner", now=later(minutes=2), by=officer)
    message_reporter(case_id=case.pk, text="Dear Dara, where is it?", asks=True, now=later(minutes=3), by=officer)
    answer_office(token=request.token, text="answer from home", now=later(minutes=4), by=RESIDENT)
    add_note(case_id=case.pk, text="note about Dara", now=later(minutes=5), by=officer)
    close_case(case_id=case.pk, now=later(hours=1), by=officer)
    add_voice(token=request.token, voice=Voice.GONE, words="still smells", now=later(hours=2), by=RESIDENT)
    case.refresh_from_db()
    return case


def everything_kept() -> str:
    """Return every value of every table as text."""
    rows = [
        repr(value)
        for model in apps.get_app_config("records").get_models()
        for row in model.objects.values_list()
        for value in row
    ]
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("CREATE VIRTUAL TABLE temp.seen USING fts5vocab(main, records_case_words, row)")
            cursor.execute("SELECT term FROM temp.seen")
            rows += [row[0] for row in cursor.fetchall()]
            cursor.execute("DROP TABLE temp.seen")
    return "\n".join(rows)


def counts(case: Case) -> tuple:
    case.refresh_from_db()
    return (
        case.code, case.voices, case.opened_at, case.seen_at, case.taken_at, case.closed_at, case.due_at, case.area_id,
        case.service_code, case.urgency, case.reopened, case.ending, case.place_id,
        ServiceRequest.objects.filter(case=case).count(), Photo.objects.filter(case=case).count(),
        list(ServiceRequest.objects.filter(case=case).order_by("pk").values_list("requested_at", "voice", "area_id")),
    )  # fmt: skip


def test_before_the_period_is_over_everything_is_kept(hall):
    case = personal_case(hall)
    assert anonymise_due(now=case.closed_at + YEAR - timedelta(seconds=1)) == 0
    kept = everything_kept()
    missing = [text for text in PERSONAL if text not in kept and text not in ("11.548123", "104.910456")]
    assert missing == [], "otherwise the test below would find nothing to forget"


def test_after_the_period_nothing_of_the_reporter_is_in_any_table_or_file_or_index(hall):
    case = personal_case(hall)
    (digest,) = case.photos.values_list("digest", flat=True)
    photo_store.thumb_of(digest, make=lambda jpeg: jpeg)
    before, events = counts(case), Event.objects.count()
    assert [found.pk for found in matching(Case.objects.all(), query_words("blue gate"))] == [case.pk]
    assert anonymise_due(now=case.closed_at + YEAR + timedelta(seconds=1)) == 1
    assert list(matching(Case.objects.all(), query_words("blue gate"))) == []
    assert [found.pk for found in matching(Case.objects.all(), query_words(case.code))] == [case.pk]
    kept = everything_kept()
    assert [text for text in PERSONAL if text in kept] == []
    assert [text for text in ("gate", "bark", "dara") if f"\n{text}\n" in kept.lower()] == []
    assert not photo_store.path_of(digest).exists()
    assert list(photo_store.path_of(digest).parent.parent.rglob(f"{digest}*")) == []
    assert counts(case) == before
    assert Event.objects.count() == events + 1
    assert Event.objects.latest("pk").kind == "reporters_anonymised"
    assert_chain_is_whole(hall.city)


def test_the_place_that_stays_is_no_finer_than_the_public_sees_it(hall):
    case = personal_case(hall)
    anonymise_due(now=case.closed_at + 2 * YEAR)
    fine = case.cell
    case.refresh_from_db()
    assert (case.lat, case.lon) != (NEW_HOME.lat, NEW_HOME.lon)
    assert abs(case.lat - NEW_HOME.lat) < 0.002
    assert case.cell == cell_of(Point(lat=case.lat, lon=case.lon))
    assert fine is not None


def test_forgetting_twice_forgets_once(hall):
    case = personal_case(hall)
    now = case.closed_at + 2 * YEAR
    assert [anonymise_due(now=now), anonymise_due(now=now)] == [1, 0]
    assert Event.objects.filter(kind="reporters_anonymised").count() == 1


def test_open_cases_are_not_forgotten_however_old(hall):
    case = hall.case(new_report(contact=NewContact(name="Sok Dara")))
    take_case(case_id=case.pk, now=later(minutes=1), by=hall.by("kandal"))
    assert anonymise_due(now=later(days=4000)) == 0
    assert Contact.objects.get().name == "Sok Dara"


def test_the_reports_of_a_merged_case_are_forgotten_with_the_case_that_they_moved_to(hall):
    first = hall.case(new_report(contact=NewContact(name="Sok Dara")))
    Case.objects.filter(pk=first.pk).update(cell=None)
    second = hall.case(new_report(words="the same heap"))
    merge_cases(case_id=first.pk, into_id=second.pk, now=later(minutes=5), by=hall.by("kandal"))
    now = later(days=366)
    anonymise_due(now=now)
    assert Contact.objects.get().name == "Sok Dara", "the case that it belongs to is still open"
    close_case(case_id=second.pk, now=now, by=hall.by("kandal"))
    anonymise_due(now=now + YEAR + timedelta(days=1))
    assert Contact.objects.get().name == ""


def test_a_photo_that_another_case_still_shows_keeps_its_file(hall):
    old = personal_case(hall)
    young = receive_report(
        city=hall.city, report=new_report(photos=(photo_of(1),), client_id="other"), now=later(days=300), by=RESIDENT
    )
    (digest,) = old.photos.values_list("digest", flat=True)
    anonymise_due(now=old.closed_at + YEAR + timedelta(days=1))
    assert Photo.objects.get(case_id=old.pk).removed_at is not None
    assert Photo.objects.get(case_id=young.case_id).removed_at is None
    assert photo_store.path_of(digest).exists()


def test_proofs_stay_because_they_are_the_offices_own(hall):
    case = personal_case(hall)
    proof = Photo.objects.get(case=case)
    proof.pk, proof.kind, proof.digest = None, "proof", "0" * 64
    proof.save(force_insert=True)
    anonymise_due(now=case.closed_at + 2 * YEAR)
    assert list(Photo.objects.filter(case=case, removed_at__isnull=True).values_list("kind", flat=True)) == ["proof"]


def test_a_file_that_cannot_be_deleted_leaves_everything_as_it_was_and_is_tried_again(hall, caplog):
    case = personal_case(hall)
    (digest,) = case.photos.values_list("digest", flat=True)
    path = photo_store.path_of(digest)
    content = path.read_bytes()
    path.unlink()
    path.mkdir()  # a folder cannot be unlinked, whoever we are
    now = case.closed_at + 2 * YEAR
    with caplog.at_level(logging.ERROR):
        assert anonymise_due(now=now) == 0
    assert "could not be forgotten" in caplog.text
    assert Contact.objects.get().name == "Sok Dara"
    path.rmdir()
    path.write_bytes(content)
    assert anonymise_due(now=now) == 1
    assert not path.exists()


def test_many_cases_are_forgotten_in_small_steps_each_whole_in_itself(hall, monkeypatch):
    monkeypatch.setattr(anonymising, "_BATCH", 2)
    for number in range(5):
        case = hall.case(new_report(contact=NewContact(name=f"Person {number}"), client_id=str(number)))
        Case.objects.filter(pk=case.pk).update(cell=None)
        close_case(case_id=case.pk, now=later(minutes=number), by=hall.by("kandal"))
    assert anonymise_due(now=later(days=400)) == 5
    assert set(Contact.objects.values_list("name", flat=True)) == {""}
    assert_chain_is_whole(hall.city)


def test_a_city_whose_policy_cannot_be_read_holds_up_no_other(hall, caplog):
    broken = make_city(jurisdiction_id="a-broken.kh")
    City.objects.filter(pk=broken.city.pk).update(policy_text="this is no policy")
    case = personal_case(hall)
    assert anonymise_due(now=case.closed_at + 2 * YEAR) == 1
    assert "a-broken.kh could not be forgotten" in caplog.text


def test_messages_and_sign_ins_are_forgotten_too(hall):
    queue(city_id=hall.city.pk, kind="reporter.received", dedupe_key="old", facts={}, now=later())
    queue(city_id=hall.city.pk, kind="reporter.received", dedupe_key="young", facts={}, now=later())
    queue(city_id=hall.city.pk, kind="reporter.received", dedupe_key="waiting", facts={}, now=later())
    Outbox.objects.filter(dedupe_key="old").update(sent_at=later())
    Outbox.objects.filter(dedupe_key="young").update(sent_at=later(days=5))
    Session.objects.create(session_key="over", session_data="", expire_date=later(days=1))
    Session.objects.create(session_key="good", session_data="", expire_date=later(days=200))
    assert forget_due(now=later() + KEPT + timedelta(seconds=1)) == 1
    assert sorted(Outbox.objects.values_list("dedupe_key", flat=True)) == ["waiting", "young"]
    assert list(Session.objects.values_list("pk", flat=True)) == ["good"]


@pytest.mark.django_db(transaction=True)
def test_two_clocks_at_once_forget_each_reporter_once():
    hall = make_hall()
    for number in range(4):
        case = hall.case(new_report(contact=NewContact(name=f"Person {number}"), client_id=str(number)))
        Case.objects.filter(pk=case.pk).update(cell=None)
        close_case(case_id=case.pk, now=later(minutes=number), by=hall.by("kandal"))

    def run() -> int:
        try:
            return anonymise_due(now=later(days=400))
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        done = [one.result() for one in [pool.submit(run) for _ in range(3)]]
    assert sum(done) == 4
    assert Event.objects.filter(kind="reporters_anonymised").count() == 4
    assert_chain_is_whole(hall.city)

"""Input that wants harm: paths, sizes, formulas, lines for the log, words that are markup, values nobody asked for."""

from __future__ import annotations

import csv
import io
import logging

import pytest
from django.conf import settings as django_settings
from django.core.cache import cache
from django.test import Client

from saat.actions.log import COMMAND
from saat.actions.people import PersonRefused, add_contractor
from saat.config.lines import OneLine
from saat.records import photo_store
from saat.records.models import Case, Membership, ServiceRequest, User
from saat.terms.case import State
from saat.terms.report import Contact
from tests.addresses import Furnished, body, furnish, inline_in, signed_in
from tests.city import new_report
from tests.hall import later, make_hall

SCRIPT = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'><svg onload=alert(3)>{{7*7}}{% debug %}"


@pytest.fixture
def furnished(db) -> Furnished:
    cache.clear()
    return furnish(make_hall())


@pytest.mark.parametrize(
    "path",
    [
        "/photos/../../etc/passwd/full",
        "/photos/1/..%2f..%2fsecret.key",
        "/photos/%2e%2e/full",
        "/photos/1/full%00.jpg",
        "/photos/-1/full",
        "/photos/99999999999999999999999/full",
        "/static/../secret.key",
        "/static/%2e%2e/%2e%2e/secret.key",
        "/static/saat/dist/..%2f..%2f..%2fsettings.py",
        "/c/../../etc/passwd",
        "/c/" + "0" * 26 + "/photos/1/..%2f..",
        "/r/..%2f..%2fsecret.key",
        "/%c0%ae%c0%ae/secret.key",
        "/desk/cases/../../secret.key",
    ],
)
def test_no_path_leads_out_of_its_folder(furnished, path):
    secret = (django_settings.VAR / "secret.key").read_text(encoding="ascii").strip()
    for client in (Client(), signed_in(furnished, "admin")):
        answer = client.get(path)
        assert answer.status_code in (301, 302, 400, 404, 410)
        assert secret not in body(answer)
        assert "root:x:" not in body(answer)


@pytest.mark.parametrize(
    "digest", ["../../etc/passwd", "0" * 63, "0" * 65, "g" * 64, "", "0" * 60 + "/../", "\x00" * 64]
)
def test_a_photo_is_named_by_a_digest_and_by_nothing_else(digest):
    with pytest.raises(ValueError, match="64 hexadecimal digits"):
        photo_store.path_of(digest)


def test_forms_with_too_many_fields_or_too_much_in_them_are_refused_in_words(furnished):
    client = signed_in(furnished, "admin")
    for path in ("/accounts/login/", f"/desk/cases/{furnished.case.pk}/act/note", "/desk/people/add", "/"):
        many = client.post(path, {f"field{number}": "x" for number in range(1000)})
        assert many.status_code in (302, 400, 405, 413), path
        much = client.post(path, {"text": "x" * 6_000_000})
        assert much.status_code in (302, 400, 405, 413), path
        assert "Traceback" not in body(many) + body(much)


def test_a_very_long_address_and_very_long_words_are_no_fault(furnished):
    client = signed_in(furnished, "admin")
    for path in ("/desk/", "/desk/people/", "/desk/log/", "/r/", "/accounts/login/"):
        assert client.get(f"{path}?q={'x' * 20_000}&case={'9' * 9000}&next=/{'a' * 9000}").status_code < 500


def test_markup_in_every_field_of_a_report_stays_words_on_every_page(furnished):
    contact = Contact(name=SCRIPT[:120], phone="012", email="a@b.example")
    case = furnished.hall.case(new_report(words=SCRIPT, contact=contact, client_id="x"), now=later(days=9))
    Case.objects.filter(pk=case.pk).update(address=SCRIPT, summary=SCRIPT)
    ServiceRequest.objects.filter(case=case).update(
        address=SCRIPT, attributes={"a": SCRIPT}, media_url="javascript:alert(1)"
    )
    User.objects.update(first_name=SCRIPT, last_name=SCRIPT)
    token = ServiceRequest.objects.filter(case=case).first().token
    seen = 0
    for who in ("kandal", "admin"):
        client = signed_in(furnished, who)
        for path in (
            "/desk/",
            f"/desk/cases/{case.pk}",
            "/desk/log/",
            "/desk/people/",
            "/desk/duty/",
            f"/r/{token}",
            "/",
        ):
            answer = client.get(path)
            if answer.headers["Content-Type"].startswith("text/html"):
                assert inline_in(body(answer)) == [], f"{who} {path}"
                seen += "&lt;script&gt;" in body(answer)
    assert seen >= 2, "the words are shown somewhere"


def test_a_spreadsheet_runs_nothing_that_a_resident_wrote(furnished):
    for number, words in enumerate(('=HYPERLINK("http://evil.example")', "+1+1", "-2", "@SUM(1)", "\t=1", "\r=1")):
        case = furnished.hall.case(new_report(words=words, client_id=str(number)), now=later(days=20 + number))
        Case.objects.filter(pk=case.pk).update(address=words, summary=words, cell=None)
    client = signed_in(furnished, "duty")
    answer = client.get("/desk/export.csv")
    assert answer.status_code == 200
    rows = list(csv.reader(io.StringIO(body(answer), newline="")))
    cells = [cell for row in rows for cell in row]
    assert any("HYPERLINK" in cell for cell in cells), "the words are in it"
    assert [cell for cell in cells if cell.lstrip().startswith(("=", "+", "@"))] == []


def test_a_line_of_the_log_cannot_be_forged():
    formatter = OneLine("{levelname} {message}", style="{")
    forged = "Not Found: /x\n2026-01-01 ERROR saat: all is lost\r\x1b[31m\u2028\u202e\x85"
    record = logging.LogRecord("django.request", logging.WARNING, "", 0, "%s", (forged,), None)
    line = formatter.format(record)
    assert "\n" not in line
    assert "\x1b" not in line
    assert line.isprintable() or set(line) <= {*map(chr, range(32, 127)), "\t"}
    assert r"\n2026-01-01 ERROR" in line


def test_a_traceback_in_the_log_keeps_its_lines_and_none_looks_like_an_entry():
    formatter = OneLine("{levelname} {message}", style="{")
    try:
        raise ValueError("first\n2026-01-01 ERROR saat: all is lost")
    except ValueError as error:
        record = logging.LogRecord(
            "saat", logging.ERROR, "", 0, "failed", (), (type(error), error, error.__traceback__)
        )
    lines = formatter.format(record).split("\n")
    assert lines[0] == "ERROR failed"
    assert not any(line.startswith("2026") for line in lines)


def test_what_the_server_logs_of_a_strange_request_is_one_line(furnished, caplog):
    handler = caplog.handler
    handler.setFormatter(OneLine("{levelname} {name}: {message}", style="{"))
    with caplog.at_level(logging.WARNING):
        Client().get("/nothing%0a2026-01-01%20ERROR%20saat:%20all%20is%20lost%0d%1b[31m")
    assert "nothing" in caplog.text
    assert "\n2026-01-01" not in caplog.text


def test_nothing_but_what_a_form_asks_for_is_changed_in_a_case(furnished):
    before = Case.objects.filter(pk=furnished.case.pk).values().get()
    client = signed_in(furnished, "daun penh")
    extra = {
        "city": "999", "city_id": "999", "code": "AAAAAAAA", "opened_at": "2001-01-01", "due_at": "2099-01-01T00:00",
        "voices": "500", "state": "closed", "ending": "proved", "proved_at": "2026-01-01", "reopened": "9",
        "steps_done": "[]", "owner": "1", "anonymised_at": "2026-01-01", "by": "user:1", "now": "2001-01-01",
    }  # fmt: skip
    client.post(f"/desk/cases/{furnished.case.pk}/act/note", {"text": "A dog is there.", **extra})
    client.post(f"/desk/cases/{furnished.case.pk}/act/priority", {"urgency": "high", **extra})
    after = Case.objects.filter(pk=furnished.case.pk).values().get()
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"urgency", "due_at", "act_by", "next_escalation_at", "updated_at", "seen_at"}
    assert after["due_at"] <= before["due_at"]
    assert State(after["state"]) is State.ASSIGNED


def test_nobody_raises_themselves_by_a_form_of_their_own_account(furnished):
    client = signed_in(furnished, "kandal")
    extra = {"is_superuser": "1", "is_staff": "1", "role": "administrator", "user": "1", "email": "x@evil.example"}
    for path in ("/accounts/password/change/", "/accounts/sessions/", "/accounts/2fa/", "/desk/duty/plan"):
        client.post(path, extra)
    person = User.objects.get(username="kandal")
    assert (person.is_superuser, person.is_staff, person.email) == (False, False, "")
    assert list(Membership.objects.filter(user=person).values_list("role", flat=True)) == ["sangkat_officer"]


def test_names_that_travel_in_letters_and_logs_are_one_line(furnished):
    made = add_contractor(city=furnished.hall.city, name="East\r\nBcc: all@evil.example\x00", now=later(), by=COMMAND)
    assert "\n" not in made.name
    assert "\r" not in made.name
    with pytest.raises(PersonRefused):
        add_contractor(city=furnished.hall.city, name=" \r\n ", now=later(), by=COMMAND)

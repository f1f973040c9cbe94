"""Every kind of letter, in the reader's language, says what is true when it is sent, or is not sent at all."""

from __future__ import annotations

from email.message import EmailMessage

import pytest

from saat.actions.alerts import acknowledge_alert, raise_alert
from saat.actions.cases import (
    Assignee,
    assign_case,
    close_case,
    close_without_fix,
    message_reporter,
    release_case,
    reopen_case,
    take_case,
)
from saat.actions.clock import escalate_due
from saat.actions.log import COMMAND, RESIDENT, writing
from saat.actions.voices import add_voice
from saat.links.email.client import SmtpClient
from saat.records.models import Alert, Case, Contact, Outbox
from saat.stream.letters import Desk
from saat.stream.sender import send_letters
from saat.terms.case import Voice
from saat.terms.codes import spoken
from saat.terms.report import Contact as NewContact
from tests.city import new_report
from tests.hall import Hall, later, make_hall
from tests.mailserver import Postbox, mail_server
from tests.stream.duty import on_duty

URL = "https://saat.city.example"
DESK = Desk(url=URL, answer_link=lambda case_id, contractor_id: f"{URL}/c/link-{case_id}-{contractor_id}")


@pytest.fixture
def hall(db) -> Hall:
    hall = make_hall()
    for name, person in hall.people.items():
        person.email = f"{name.replace(' ', '-')}@city.example"
        person.language = "en"
        person.save()
    return hall


@pytest.fixture
def postbox():
    with mail_server() as server:
        yield server


def post(postbox: Postbox, *, minutes: float = 60 * 24 * 10) -> list[tuple[str, EmailMessage]]:
    """Send what is due and return what arrived since the last time."""
    before = len(postbox.received)
    client = SmtpClient(postbox.url, sender="saat@city.example")
    send_letters(client=client, desk=DESK, now=lambda: later(minutes=minutes))
    assert not Outbox.objects.filter(attempts__gt=0).exists(), Outbox.objects.filter(attempts__gt=0).first().last_error
    return postbox.received[before:]


def reported(hall: Hall, language: str = "en", email: str = "dara@home.example") -> Case:
    report = new_report(contact=NewContact(name="Sok Dara", email=email))
    case = hall.case(report)
    Contact.objects.update(language=language)
    return case


def text_of(letters: list) -> str:
    ((_to, message),) = letters
    return message["Subject"] + "\n" + message.get_content().replace("\r\n", "\n")


def test_a_reporter_reads_that_the_report_has_come_what_is_promised_and_where_to_follow_it(hall, postbox):
    case = reported(hall)
    letters = post(postbox)
    text = text_of(letters)
    assert letters[0][0] == "dara@home.example"
    assert f"We have your report {spoken(case.code)}" in text
    assert "Phnom Penh City Hall has received your report (Rubbish piled up)." in text
    assert "2 March 2026, 16:30" in text, "the promise in the city's own time"
    assert f"{URL}/r/{case.service_requests.get().token}" in text
    assert text.rstrip().endswith("Phnom Penh City Hall")


def test_the_same_letter_in_khmer(hall, postbox):
    reported(hall, language="km")
    text = text_of(post(postbox))
    assert "សាលារាជធានីភ្នំពេញ" in text
    assert "គំនរសំរាម" in text
    assert "2026, 16:30" in text


def test_a_language_that_the_city_does_not_speak_gives_the_citys_own(hall, postbox):
    reported(hall, language="vi")
    assert "សាលារាជធានីភ្នំពេញ" in text_of(post(postbox))


def closed(hall: Hall, how: str) -> Case:
    case, officer = reported(hall), hall.by("kandal")
    if how == "claimed":
        close_case(case_id=case.pk, now=later(hours=1), by=officer)
    elif how == "no fix":
        close_without_fix(case_id=case.pk, reason_code="nothing-found", now=later(hours=1), by=officer)
    else:
        close_case(case_id=case.pk, now=later(hours=1), by=officer)
        Case.objects.filter(pk=case.pk).update(ending=how)
    return case


@pytest.mark.parametrize(
    ("how", "said"),
    [
        ("claimed", "says that it was cleaned. There is no photo to prove it."),
        ("no fix", "closed it without fixing it: We went there and found nothing."),
        ("proved", "says that it was cleaned, and shows a photo."),
        ("confirmed", "says that it was cleaned, and a resident says so too."),
    ],
)
def test_a_reporter_reads_what_the_office_claims_and_no_more(hall, postbox, how, said):
    case = closed(hall, how)
    texts = [text_of([letter]) for letter in post(postbox)]
    (about,) = [text for text in texts if "what was done" in text]
    assert f"Phnom Penh City Hall {said}" in about
    assert "Is it true?" in about
    assert spoken(case.code) in about


def test_no_letter_says_that_it_was_cleaned_when_it_was_opened_again_meanwhile(hall, postbox):
    case = reported(hall)
    close_case(case_id=case.pk, now=later(hours=1), by=hall.by("kandal"))
    reopen_case(case_id=case.pk, now=later(hours=2), by=hall.by("kandal"))
    assert [message["Subject"] for _to, message in post(postbox)] == [f"We have your report {spoken(case.code)}"]
    assert not Outbox.objects.filter(sent_at__isnull=True).exists(), "it does not wait for ever either"


def test_a_message_goes_to_the_one_reporter_whom_it_is_for(hall, postbox):
    case = reported(hall)
    other = hall.report(new_report(contact=NewContact(email="other@home.example"), client_id="other"))
    assert other.case_id == case.pk
    post(postbox)
    first = case.service_requests.order_by("pk").first()
    message_reporter(
        case_id=case.pk, text="Is it beside the blue gate?", asks=True, service_request_id=first.pk,
        now=later(hours=1), by=hall.by("kandal"),
    )  # fmt: skip
    message_reporter(case_id=case.pk, text="To both of you.", now=later(hours=2), by=hall.by("kandal"))
    sent = sorted((to, message.get_content().splitlines()[0]) for to, message in post(postbox))
    assert sent == [
        ("dara@home.example", "Is it beside the blue gate?"),
        ("dara@home.example", "To both of you."),
        ("other@home.example", "To both of you."),
    ]


def test_somebody_who_withdrew_the_address_gets_nothing(hall, postbox):
    reported(hall)
    Contact.objects.update(email="")
    assert post(postbox) == []
    assert not Outbox.objects.filter(sent_at__isnull=True).exists()


def test_an_alert_says_why_by_when_and_where(hall, postbox):
    on_duty(hall, "kandal", area="Phsar Kandal")
    case = hall.case(new_report(service_code="danger"))
    letters = post(postbox)
    assert letters[0][0] == "kandal@city.example"
    text = text_of(letters)
    assert f"Act now: {spoken(case.code)}" in text
    assert "It may be dangerous." in text
    assert "Place: Kandal Market, Phsar Kandal, Daun Penh" in text
    assert f"{URL}/desk/cases/{case.pk}" in text


@pytest.mark.parametrize(
    ("why", "said"),
    [
        ("reopened", "A resident says that it is still there."),
        ("untaken", "Nobody has taken it."),
        ("overdue", "The promised time is over."),
        ("declined", "Whoever it was handed to cannot do it."),
    ],
)
def test_each_reason_for_an_alert_has_its_own_words(hall, postbox, why, said):
    on_duty(hall, "kandal", area="Phsar Kandal")
    case = hall.case()
    with writing(hall.city.pk, now=later(minutes=1), by=COMMAND) as log:
        raise_alert(log, case=case, why=why, policy=hall.city.policy_terms())
    assert said in text_of(post(postbox))


def test_an_alert_that_was_answered_before_it_was_sent_is_not_sent(hall, postbox):
    on_duty(hall, "kandal", area="Phsar Kandal")
    hall.case(new_report(service_code="danger"))
    acknowledge_alert(alert_id=Alert.objects.get().pk, now=later(minutes=1), by=hall.by("kandal"))
    assert post(postbox) == []


def test_an_escalation_is_written_to_the_officer_in_khmer_too(hall, postbox):
    person = hall.people["daun penh"]
    person.language = "km"
    person.save()
    hall.case()
    escalate_due(now=later(minutes=30))
    ((to, message),) = post(postbox)
    assert to == "daun-penh@city.example"
    assert "គំនរសំរាម" in message["Subject"]
    assert "ដូនពេញ" in message.get_content()


@pytest.mark.parametrize("gone", ["closed account", "closed case", "no address"])
def test_an_official_who_cannot_act_on_it_gets_no_letter(hall, postbox, gone):
    case = hall.case()
    escalate_due(now=later(minutes=30))
    person = hall.people["daun penh"]
    if gone == "closed account":
        person.is_active = False
    elif gone == "no address":
        person.email = ""
    else:
        close_case(case_id=case.pk, now=later(minutes=31), by=hall.by("kandal"))
    person.save()
    assert post(postbox) == []


def test_a_contractor_gets_a_link_that_opens_without_an_account(hall, postbox):
    case = hall.case()
    north = hall.contractors["north"]
    assign_case(case_id=case.pk, to=Assignee(contractor_id=north.pk), now=later(minutes=1), by=hall.by("kandal"))
    ((to, message),) = post(postbox)
    assert to == "work@north.example"
    assert f"{URL}/c/link-{case.pk}-{north.pk}" in message.get_content()
    assert "សាលារាជធានីភ្នំពេញ" in message.get_content(), "a company has no language of its own here"


def test_a_crew_is_written_to_through_its_contractor_and_a_person_to_the_own_address(hall, postbox):
    case = hall.case()
    crew = hall.crews["North 1"]
    assign_case(case_id=case.pk, to=Assignee(crew_id=crew.pk), now=later(minutes=1), by=hall.by("kandal"))
    assert [to for to, _message in post(postbox)] == ["work@north.example"]
    officer = hall.people["daun penh"]
    assign_case(case_id=case.pk, to=Assignee(user_id=officer.pk), now=later(minutes=2), by=hall.by("kandal"))
    ((to, message),) = post(postbox)
    assert to == "daun-penh@city.example"
    assert f"{URL}/desk/cases/{case.pk}" in message.get_content()
    assert "/c/" not in message.get_content()


def test_a_contractor_from_whom_the_case_was_taken_again_gets_no_letter(hall, postbox):
    case = hall.case()
    to = Assignee(contractor_id=hall.contractors["north"].pk)
    assign_case(case_id=case.pk, to=to, now=later(minutes=1), by=hall.by("kandal"))
    release_case(case_id=case.pk, now=later(minutes=2), by=hall.by("kandal"))
    assert post(postbox) == []


def test_letters_say_nothing_of_who_reported(hall, postbox):
    on_duty(hall, "kandal", area="Phsar Kandal")
    case = reported(hall, email="dara@home.example")
    post(postbox)
    escalate_due(now=later(days=9))
    take_case(case_id=case.pk, now=later(days=9), by=hall.by("kandal"))
    to = Assignee(contractor_id=hall.contractors["north"].pk)
    assign_case(case_id=case.pk, to=to, now=later(days=9), by=hall.by("kandal"))
    letters = post(postbox)
    assert len(letters) >= 4
    for _to, message in letters:
        assert "Dara" not in str(message)
        assert "dara@home.example" not in str(message)
        assert "Three bags" not in message.get_content()


def test_hostile_words_stay_words(hall, postbox):
    report = new_report(contact=NewContact(email="dara@home.example"), words="x\r\nBcc: all@evil.example\r\n\r\n.\r\n")
    case = hall.case(report)
    token = case.service_requests.get().token
    add_voice(token=token, voice=Voice.ME_TOO, words="<script>\r\nSubject: x", now=later(minutes=1), by=RESIDENT)
    Case.objects.filter(pk=case.pk).update(address="Corner\r\nBcc: all@evil.example")
    text = "Answer\r\n.\r\nQUIT\r\nBcc: all@evil.example"
    message_reporter(case_id=case.pk, text=text, now=later(minutes=2), by=hall.by("kandal"))
    for _to, message in post(postbox):
        assert message["Bcc"] is None
    assert set(postbox.tried) == {"dara@home.example"}


@pytest.mark.parametrize(
    ("language", "office", "category"),
    [
        ("km", "សាលារាជធានីភ្នំពេញ", "គំនរសំរាម"),
        ("en", "Phnom Penh City Hall", "Rubbish piled up"),
    ],
)
def test_every_kind_of_letter_speaks_the_language_of_its_reader(hall, postbox, language, office, category):
    for person in hall.people.values():
        person.language = language
        person.save()
    on_duty(hall, "kandal", area="Phsar Kandal")
    case = reported(hall, language=language)
    post(postbox, minutes=1)
    escalate_due(now=later(minutes=30))
    with writing(hall.city.pk, now=later(minutes=31), by=COMMAND) as log:
        raise_alert(log, case=case, why="overdue", policy=hall.city.policy_terms())
    to = Assignee(user_id=hall.people["daun penh"].pk)
    assign_case(case_id=case.pk, to=to, now=later(minutes=32), by=hall.by("kandal"))
    message_reporter(case_id=case.pk, text="…", now=later(minutes=33), by=hall.by("kandal"))
    post(postbox, minutes=34)
    close_case(case_id=case.pk, now=later(minutes=40), by=hall.by("kandal"))
    post(postbox, minutes=41)
    sent = Outbox.objects.filter(sent_at__isnull=False)
    assert {row.kind for row in sent} == {
        "reporter.received", "reporter.closed", "reporter.message", "official.alert", "official.escalated",
        "worker.assigned",
    }  # fmt: skip
    assert len(postbox.received) == sent.count() >= 6
    for _to, message in postbox.received:
        assert message.get_content().rstrip().endswith(office)
    named = [
        message for _to, message in postbox.received if category in f"{message['Subject']} {message.get_content()}"
    ]
    assert len(named) >= 4


def test_a_letter_takes_few_queries(hall, postbox, django_assert_max_num_queries):
    hall.case()
    escalate_due(now=later(minutes=30))
    with django_assert_max_num_queries(10):
        post(postbox)

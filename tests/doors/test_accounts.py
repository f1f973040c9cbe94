"""Signing in and out by password, as people and as those who guess; sign-ins listed and ended; nobody signs up."""

from __future__ import annotations

import re

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from saat.records.models import Event
from saat.web.browsers import named
from tests.hall import Hall, make_hall

PASSWORD = "heap-of-market-9"
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def _nobody_guessed_yet():
    cache.clear()


@pytest.fixture
def hall(db) -> Hall:
    return make_hall(password=PASSWORD)


def sign_in(who: str, password: str = PASSWORD, *, client: Client | None = None, **more: str) -> tuple[Client, object]:
    client = client or Client()
    answer = client.post(LOGIN, {"login": who, "password": password}, **more)
    return client, answer


def is_signed_in(client: Client) -> bool:
    return client.get("/accounts/sessions/").status_code == 200


def logged(hall: Hall, kind: str) -> list[dict]:
    return [event.facts for event in Event.objects.filter(city=hall.city, kind=kind).order_by("seq")]


def test_somebody_signs_in_by_user_name_and_it_is_written_down(hall):
    client, answer = sign_in("kandal")
    assert (answer.status_code, answer["Location"]) == (302, "/desk/")
    assert is_signed_in(client)
    assert logged(hall, "signed_in") == [{"how": "password", "user": hall.people["kandal"].pk}]


def test_the_user_name_may_be_written_in_capitals_and_with_spaces_around_it(hall):
    assert sign_in(" KANDAL ")[1].status_code == 302


def test_somebody_signs_in_by_e_mail_address(hall):
    person = hall.people["kandal"]
    person.email = "kandal@city.example"
    person.save()
    assert sign_in("Kandal@City.example")[1].status_code == 302


def test_after_signing_in_one_is_where_one_wanted_to_go(hall):
    client = Client()
    asked = client.get("/accounts/sessions/?from=letter")
    assert asked.status_code == 302
    answer = client.post(asked["Location"], {"login": "kandal", "password": PASSWORD})
    assert answer["Location"] == "/accounts/sessions/?from=letter"


@pytest.mark.parametrize(
    "goal",
    [
        "https://evil.example/",
        "//evil.example/desk/",
        "/\\evil.example",
        "javascript:alert(1)",
        "\thttps://evil.example",
        "http:evil.example",
        "///evil.example",
    ],
)
def test_nobody_is_sent_to_another_site_after_signing_in(hall, goal):
    answer = Client().post(LOGIN, {"login": "kandal", "password": PASSWORD, "next": goal})
    assert (answer.status_code, answer["Location"]) == (302, "/desk/")
    client, _ = sign_in("kandal")
    assert client.post("/accounts/logout/", {"next": goal})["Location"] == "/accounts/login/"


@pytest.mark.parametrize("who", ["kandal", "nobody", "kandal@city.example", "' OR 1=1 --", "ក" * 5000, "\x00"])
def test_a_wrong_password_and_an_unknown_name_get_the_same_answer(hall, who):
    client, answer = sign_in(who, "wrong")
    assert answer.status_code == 422
    assert not is_signed_in(client)
    if who in ("kandal", "nobody", "kandal@city.example"):
        assert "The user name and the password do not fit together." in answer.content.decode()


def test_a_wrong_password_is_refused_in_the_visitors_language(hall):
    answer = Client().post(LOGIN, {"login": "kandal", "password": "wrong"}, headers={"accept-language": "km"})
    assert 'lang="km"' in answer.content.decode()
    assert answer["Content-Language"] == "km"


def test_whoever_guesses_is_stopped_and_is_told_how_long_to_wait(hall):
    for _ in range(5):
        assert sign_in("kandal", "wrong")[1].status_code == 422
    _, answer = sign_in("kandal", PASSWORD)
    assert (answer.status_code, answer["Retry-After"]) == (429, "300")
    assert "Please wait five minutes" in answer.content.decode()


def test_whoever_guesses_locks_out_neither_colleagues_nor_the_owner_elsewhere(hall):
    for _ in range(8):
        sign_in("kandal", "wrong", REMOTE_ADDR="203.0.113.9")
    assert sign_in("bassac", REMOTE_ADDR="203.0.113.9")[1].status_code == 302
    assert sign_in("kandal", REMOTE_ADDR="198.51.100.7")[1].status_code == 302


def test_one_address_that_tries_many_names_is_stopped(hall):
    answers = [sign_in(f"name{number}", "wrong", REMOTE_ADDR="203.0.113.9")[1].status_code for number in range(62)]
    assert answers[:60] == [422] * 60
    assert answers[60:] == [429] * 2


def test_many_addresses_that_try_one_name_are_slowed(hall):
    answers = [sign_in("kandal", "wrong", REMOTE_ADDR=f"203.0.{n}.1")[1].status_code for n in range(101)]
    assert answers == [422] * 100 + [429]
    assert sign_in("bassac")[1].status_code == 302


def test_right_passwords_are_not_counted(hall):
    for _ in range(12):
        assert sign_in("kandal")[1].status_code == 302


def test_a_forwarded_address_is_believed_only_from_as_many_proxies_as_there_are(hall, settings):
    for number in range(6):  # without a proxy, what the client claims is nothing
        sign_in("kandal", "wrong", HTTP_X_FORWARDED_FOR=f"192.0.2.{number}")
    assert sign_in("kandal")[1].status_code == 429
    cache.clear()
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    for _ in range(6):
        sign_in("kandal", "wrong", HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.9")
    assert sign_in("kandal", HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.10")[1].status_code == 302
    assert sign_in("kandal", HTTP_X_FORWARDED_FOR="192.0.2.1, 203.0.113.9")[1].status_code == 429


def test_the_sign_in_page_gives_the_session_a_new_name(hall):
    client = Client()
    client.get("/accounts/sessions/")
    session = client.session
    session["planted"] = "by somebody else"
    session.save()
    client.cookies["sessionid"] = before = session.session_key
    sign_in("kandal", client=client)
    assert is_signed_in(client)
    assert client.cookies["sessionid"].value != before
    assert not Session.objects.filter(pk=before).exists()


def test_a_closed_account_does_not_sign_in_and_learns_that_only_with_the_right_password(hall):
    person = hall.people["kandal"]
    person.is_active = False
    person.save()
    assert sign_in("kandal", "wrong")[1].status_code == 422
    client, answer = sign_in("kandal")
    assert answer["Location"] == "/accounts/inactive/"
    assert not is_signed_in(client)


def test_a_password_of_four_megabytes_is_refused_without_work(hall):
    answer = Client().post(LOGIN, {"login": "kandal", "password": "x" * 5_000_000})
    assert answer.status_code in (400, 422)


def test_the_session_ends_with_the_browser_unless_wished_otherwise(hall):
    client, _ = sign_in("kandal")
    assert client.cookies["sessionid"]["max-age"] == ""
    client = Client()
    client.post(LOGIN, {"login": "kandal", "password": PASSWORD, "remember": "on"})
    assert client.cookies["sessionid"]["max-age"] > 86_400


def test_signing_out_asks_first_and_needs_a_form(hall):
    client, _ = sign_in("kandal")
    assert client.get("/accounts/logout/").status_code == 200
    assert is_signed_in(client)
    key = client.session.session_key
    assert client.post("/accounts/logout/").status_code == 302
    assert not is_signed_in(client)
    assert not Session.objects.filter(pk=key).exists()


def test_one_sees_where_one_is_signed_in_and_ends_one_of_them(hall):
    phone, _ = sign_in("kandal", HTTP_USER_AGENT="Mozilla/5.0 (Linux; Android 13) Chrome/120 Mobile Safari/537")
    office, _ = sign_in("kandal", HTTP_USER_AGENT="Mozilla/5.0 (Windows NT 10.0) Firefox/128.0")
    other, _ = sign_in("bassac")
    page = office.get("/accounts/sessions/").content.decode()
    assert "Chrome, Android" in page
    assert "Firefox, Windows" in page
    (chosen,) = re.findall(r'name="sign_in" value="(\d+)"', page)
    answer = office.post("/accounts/sessions/", {"sign_in": chosen}, follow=True)
    assert "Signed out there." in answer.content.decode()
    assert [is_signed_in(phone), is_signed_in(office), is_signed_in(other)] == [False, True, True]
    assert logged(hall, "sign_ins_ended") == [{"count": 1, "user": hall.people["kandal"].pk}]


def test_one_ends_all_other_sign_ins_and_nobody_elses(hall):
    clients = [sign_in("kandal")[0] for _ in range(3)]
    other, _ = sign_in("bassac")
    clients[0].post("/accounts/sessions/", {"sign_in": "others"})
    assert [is_signed_in(client) for client in clients] == [True, False, False]
    theirs = re.findall(r'name="sign_in" value="(\d+)"', clients[0].get("/accounts/sessions/").content.decode())
    assert theirs == []
    for number in range(200):
        clients[0].post("/accounts/sessions/", {"sign_in": str(number)})
    assert is_signed_in(other)


def test_changing_the_password_ends_the_other_sign_ins_and_keeps_this_one(hall):
    here, _ = sign_in("kandal")
    elsewhere, _ = sign_in("kandal")
    form = {"oldpassword": PASSWORD, "password1": "seven-clean-streets", "password2": "seven-clean-streets"}
    assert here.post("/accounts/password/change/", form).status_code == 302
    assert [is_signed_in(here), is_signed_in(elsewhere)] == [True, False]
    assert sign_in("kandal")[1].status_code == 422
    assert sign_in("kandal", "seven-clean-streets")[1].status_code == 302
    assert len(logged(hall, "password_chosen")) == 1


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"oldpassword": "wrong"}, "This is not your present password."),
        ({"password2": "another-long-one"}, "You must type the same password each time."),
        ({"password1": "short-1", "password2": "short-1"}, "too short"),
        ({"password1": "1234567890", "password2": "1234567890"}, "too common"),
    ],
)
def test_a_password_that_cannot_be_is_refused_with_the_reason(hall, form, said):
    client, _ = sign_in("kandal")
    whole = {"oldpassword": PASSWORD, "password1": "seven-clean-streets", "password2": "seven-clean-streets", **form}
    answer = client.post("/accounts/password/change/", whole)
    assert said in answer.content.decode()
    assert sign_in("kandal")[1].status_code == 302


@pytest.mark.parametrize(
    "name", ["account_signup", "account_email", "socialaccount_signup", "socialaccount_connections"]
)
def test_nobody_signs_up_or_changes_the_address_that_an_administrator_wrote_down(hall, name):
    client, _ = sign_in("kandal")
    for visitor in (Client(), client):
        for answer in (visitor.get(reverse(name)), visitor.post(reverse(name), {"email": "x@evil.example"})):
            assert answer.status_code == 404
            assert "Accounts are given by your administrator" in answer.content.decode()


def test_a_forgotten_password_is_a_matter_for_the_administrator_and_nothing_can_be_asked(hall):
    page = Client().get("/accounts/password/reset/")
    assert page.status_code == 200
    assert "administrator of your city hall" in page.content.decode()
    assert Client().post("/accounts/password/reset/", {"email": "kandal@city.example"}).status_code == 405


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1", "Safari, iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge, Windows"),
        ("Mozilla/5.0 (Linux; Android 9) SamsungBrowser/20.0 Chrome/106 Mobile", "Samsung Internet, Android"),
        ("curl/8.1", "curl/8.1"),
        ("", ""),
    ],
)
def test_a_browser_is_named_in_words_that_people_know(said, name):
    assert named(said) == name

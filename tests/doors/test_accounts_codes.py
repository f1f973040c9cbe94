"""A second key beside the password: codes of an app, recovery codes, and how their secrets are kept."""

from __future__ import annotations

import re
import time

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.core.cache import cache
from django.test import Client

from saat.records.models import Event
from tests.hall import Hall, make_hall

PASSWORD = "heap-of-market-9"
ACTIVATE, CODE = "/accounts/2fa/totp/activate/", "/accounts/2fa/authenticate/"


@pytest.fixture(autouse=True)
def _nobody_guessed_yet():
    cache.clear()


@pytest.fixture
def hall(db) -> Hall:
    return make_hall(password=PASSWORD)


def sign_in(who: str = "kandal") -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": who, "password": PASSWORD})
    return client


def show_again(client: Client) -> None:
    assert client.post("/accounts/reauthenticate/", {"password": PASSWORD}).status_code == 302


def is_signed_in(client: Client) -> bool:
    return client.get("/accounts/sessions/").status_code == 200


def code_of(secret: str, *, steps: int = 0) -> str:
    """Return what an app shows now, or some half minutes from now."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + steps))


def set_up(client: Client) -> tuple[str, list[str]]:
    """Set up an app; return its secret and the recovery codes."""
    show_again(client)
    page = client.get(ACTIVATE).content.decode()
    (secret,) = re.findall(r'class="secret">([A-Z2-7]{32})<', page)
    answer = client.post(ACTIVATE, {"code": code_of(secret)}, follow=True)
    codes = re.findall(r"<code>(\d{8})</code>", answer.content.decode())
    assert len(codes) == 10
    cache.clear()  # so that the same half minute's code counts as new
    return secret, codes


def test_keys_are_changed_only_after_showing_again_who_one_is(hall):
    client = sign_in()
    for address in (ACTIVATE, "/accounts/2fa/webauthn/add/", "/accounts/2fa/recovery-codes/generate/"):
        for answer in (client.get(address), client.post(address, {"code": "000000"})):
            assert answer.status_code == 302
            assert answer["Location"].startswith("/accounts/reauthenticate/?next=")
    assert client.post("/accounts/reauthenticate/", {"password": "wrong"}).status_code == 200
    assert client.get(ACTIVATE).status_code == 302
    show_again(client)
    assert client.get(ACTIVATE).status_code == 200


def test_with_an_app_the_password_alone_signs_in_nobody(hall):
    secret, _codes = set_up(sign_in())
    client = sign_in()
    assert not is_signed_in(client)
    assert client.get("/desk/").status_code in (302, 404)
    assert client.post(CODE, {"code": "000000"}).status_code == 200
    assert not is_signed_in(client)
    answer = client.post(CODE, {"code": code_of(secret)})
    assert (answer.status_code, answer["Location"]) == (302, "/desk/")
    assert is_signed_in(client)
    assert Event.objects.filter(kind="signed_in").latest("pk").facts["how"] == "password+totp"


def test_a_code_works_once(hall):
    secret, _codes = set_up(sign_in())
    code = code_of(secret)
    first, second = sign_in(), sign_in()
    first.post(CODE, {"code": code})
    second.post(CODE, {"code": code})
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)


def test_a_phone_whose_clock_is_half_a_minute_wrong_still_works_and_one_of_an_hour_does_not(hall):
    secret, _codes = set_up(sign_in())
    for steps, fine in ((-1, True), (120, False)):
        client = sign_in()
        client.post(CODE, {"code": code_of(secret, steps=steps)})
        assert is_signed_in(client) == fine


def test_a_recovery_code_works_once(hall):
    _secret, codes = set_up(sign_in())
    first, second = sign_in(), sign_in()
    first.post(CODE, {"code": codes[3]})
    second.post(CODE, {"code": codes[3]})
    assert (is_signed_in(first), is_signed_in(second)) == (True, False)
    second.post(CODE, {"code": codes[4]})
    assert is_signed_in(second)


def test_guessing_codes_is_stopped_and_stops_nobody_else(hall):
    secret, _codes = set_up(sign_in())
    client = sign_in()
    for guess in range(5):
        client.post(CODE, {"code": f"{guess:06}"})
    answer = client.post(CODE, {"code": code_of(secret)})
    assert "Too many tries" in answer.content.decode()
    assert not is_signed_in(client)
    assert is_signed_in(sign_in("bassac"))


def test_the_second_step_cannot_be_entered_without_the_first(hall):
    set_up(sign_in())
    client = Client()
    assert client.get(CODE)["Location"] == "/accounts/login/"
    assert client.post(CODE, {"code": "000000"})["Location"] == "/accounts/login/"


def test_the_app_can_be_given_up_and_its_recovery_codes_go_with_it(hall, django_capture_on_commit_callbacks):
    client = sign_in()
    with django_capture_on_commit_callbacks(execute=True):
        set_up(client)
    assert client.post("/accounts/2fa/totp/deactivate/").status_code == 302
    assert not Authenticator.objects.exists()
    assert is_signed_in(sign_in())
    kinds = list(Event.objects.filter(kind__startswith="second_factor").order_by("seq").values_list("kind", flat=True))
    assert kinds == ["second_factor_added", "second_factor_added", "second_factor_removed", "second_factor_removed"]


def test_recovery_codes_are_downloaded_as_plain_text_that_no_cache_keeps(hall):
    client = sign_in()
    _secret, codes = set_up(client)
    answer = client.get("/accounts/2fa/recovery-codes/download/")
    assert answer.content.decode().split() == codes
    assert "no-store" in answer["Cache-Control"]


def test_secrets_are_sealed_in_the_tables(hall):
    secret, codes = set_up(sign_in())
    kept = repr(list(Authenticator.objects.values_list("data", flat=True)))
    assert secret not in kept
    assert not any(code in kept for code in codes)


def test_a_new_secret_of_the_installation_opens_what_the_earlier_one_sealed_if_it_is_told(hall, settings):
    secret, codes = set_up(sign_in())
    earlier, settings.SECRET_KEY = settings.SECRET_KEY, "another secret of this installation"
    client = sign_in()
    client.post(CODE, {"code": code_of(secret)})
    client.post(CODE, {"code": codes[0]})
    assert not is_signed_in(client), "without the earlier secret no code fits"
    cache.clear()
    settings.SECRET_KEY_FALLBACKS = [earlier]
    client = sign_in()
    client.post(CODE, {"code": code_of(secret)})
    assert is_signed_in(client)


def test_when_the_secret_is_lost_codes_that_can_be_computed_from_nothing_do_not_fit(hall, settings):
    set_up(sign_in())
    settings.SECRET_KEY = "another secret of this installation"
    totp, recovery = Authenticator.objects.order_by("-type")
    assert (totp.type, recovery.type) == ("totp", "recovery_codes")
    client = sign_in()
    client.post(CODE, {"code": code_of("")})
    assert not is_signed_in(client)
    assert recovery.wrap().generate_codes() != recovery.wrap().generate_codes()


def test_pages_about_keys_show_no_secret_to_somebody_else(hall):
    secret, codes = set_up(sign_in())
    other = sign_in("bassac")
    for address in ("/accounts/2fa/", "/accounts/2fa/recovery-codes/", "/accounts/2fa/totp/activate/"):
        text = other.get(address, follow=True).content.decode()
        assert secret not in text
        assert not any(code in text for code in codes)

"""Signing in through the city's own identity provider: known people only, by a checked address or a known identity."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from allauth.socialaccount.models import SocialAccount
from django.core.cache import cache
from django.test import Client

from saat.config.oidc import ProvidersMalformed, oidc_apps
from saat.records.models import Event, User
from tests.hall import Hall, make_hall
from tests.identity import CLIENT_ID, CLIENT_SECRET, Provider, identity_provider

LOGIN = "/accounts/oidc/city/login/"


@pytest.fixture
def provider():
    with identity_provider() as running:
        yield running


@pytest.fixture
def hall(db, provider, settings, tmp_path) -> Hall:
    cache.clear()
    path = tmp_path / "oidc.json"
    entry = {
        "provider_id": "city", "name": "Phnom Penh ID", "client_id": CLIENT_ID, "secret": CLIENT_SECRET,
        "server_url": provider.url,
    }  # fmt: skip
    path.write_text(json.dumps([entry]), encoding="utf-8")
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": oidc_apps(str(path)), "OAUTH_PKCE_ENABLED": True}}
    hall = make_hall()
    person = hall.people["kandal"]
    person.email = "Kandal@city.example"
    person.save()
    return hall


def says(
    provider: Provider, *, sub: str = "sub-1", email: str = "kandal@city.example", verified: object = True
) -> None:
    provider.claims = {"sub": sub, "email": email, "email_verified": verified, "name": "Officer of Kandal"}


def leave(client: Client, *, goal: str = "") -> str:
    """Press the button, and return where the browser is taken."""
    page = client.post(LOGIN, {"next": goal} if goal else {})
    assert page.status_code == 200, "a redirect after a form would be stopped by our content security policy"
    (there,) = re.findall(r'<a class="button primary" href="([^"]+)"', page.content.decode())
    assert f'content="0;url={there}"' in page.content.decode()
    return there.replace("&amp;", "&")


def come_back(client: Client, there: str):
    """Let the provider know who it is, and follow it back to us."""
    back = urlsplit(httpx.get(there).headers["Location"])
    assert back.path == "/accounts/oidc/city/login/callback/"
    return client.get(f"{back.path}?{back.query}")


def go_through(client: Client, *, goal: str = ""):
    return come_back(client, leave(client, goal=goal))


def is_signed_in(client: Client) -> bool:
    return client.get("/accounts/sessions/").status_code == 200


def test_the_sign_in_page_offers_the_citys_provider(hall):
    page = Client().get("/accounts/login/").content.decode()
    assert "Sign in through Phnom Penh ID" in page


def test_a_known_person_is_linked_by_the_checked_address_and_signed_in(hall, provider):
    says(provider)
    client = Client()
    answer = go_through(client, goal="/accounts/sessions/")
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/sessions/")
    assert is_signed_in(client)
    linked = SocialAccount.objects.get()
    assert (linked.user, linked.uid) == (hall.people["kandal"], "sub-1")
    kinds = list(Event.objects.order_by("pk").values_list("kind", flat=True))
    assert kinds == ["identity_linked", "signed_in"]
    assert {"/authorize", "/token", "/userinfo", "/.well-known/openid-configuration"} <= set(provider.asked)


def test_once_linked_a_person_is_known_by_identity_whatever_the_address(hall, provider):
    says(provider)
    go_through(Client())
    says(provider, email="married@elsewhere.example", verified=False)
    client = Client()
    go_through(client)
    assert is_signed_in(client)
    assert SocialAccount.objects.count() == 1


@pytest.mark.parametrize(
    ("email", "verified"),
    [
        ("stranger@city.example", True),
        ("kandal@city.example", False),
        ("kandal@city.example", "false"),
        ("kandal@city.example", None),
        ("kandal@city.example.evil.example", True),
        ("", True),
    ],
)
def test_somebody_unknown_or_unchecked_is_refused_with_a_page_that_says_what_to_do(hall, provider, email, verified):
    says(provider, email=email, verified=verified)
    client = Client()
    answer = go_through(client)
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "You are not known here" in text
    assert "Ask the administrator of your city hall" in text
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()
    assert User.objects.count() == len(hall.people), "nobody is made"


def test_an_address_that_two_people_have_opens_neither(hall, provider):
    User.objects.filter(username="bassac").update(email="kandal@CITY.example")
    says(provider)
    client = Client()
    assert go_through(client).status_code == 403
    assert not is_signed_in(client)


def test_a_closed_account_is_refused_linked_or_not(hall, provider):
    says(provider)
    go_through(Client())
    User.objects.filter(username="kandal").update(is_active=False)
    client = Client()
    assert go_through(client).status_code == 403
    SocialAccount.objects.all().delete()
    assert go_through(client).status_code == 403
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()


def test_a_signed_in_person_cannot_take_over_the_identity_of_somebody_unknown(hall, provider):
    client = Client()
    client.force_login(hall.people["bassac"])
    says(provider, email="stranger@city.example")
    assert go_through(client).status_code == 403
    says(provider)
    assert go_through(client).status_code == 403, "one signs out before signing in as somebody else"
    assert not SocialAccount.objects.exists()


def test_somebody_who_breaks_off_is_told_so(hall, provider):
    provider.refuses = "access_denied"
    client = Client()
    answer = go_through(client)
    assert answer["Location"] == "/accounts/3rdparty/login/cancelled/"
    assert "You did not sign in" in client.get(answer["Location"]).content.decode()


@pytest.mark.parametrize("how", ["server_error", "token", "userinfo"])
def test_a_provider_that_fails_gives_a_clear_page_and_signs_in_nobody(hall, provider, how):
    says(provider)
    provider.refuses = how if how == "server_error" else ""
    provider.breaks = how
    client = Client()
    answer = go_through(client)
    assert answer.status_code == 401
    assert "did not work" in answer.content.decode()
    assert not is_signed_in(client)


def test_a_provider_that_is_away_gives_a_page_and_not_a_fault(hall, settings):
    apps = settings.SOCIALACCOUNT_PROVIDERS["openid_connect"]["APPS"]
    apps[0]["settings"]["server_url"] = "http://127.0.0.1:9"
    answer = Client().post(LOGIN)
    assert answer.status_code == 502
    assert "did not work" in answer.content.decode()


@pytest.mark.parametrize("claims", [{}, {"sub": None}, {"sub": ""}, {"name": "Officer"}])
def test_a_provider_that_does_not_say_who_it_is_signs_in_nobody(hall, provider, claims):
    provider.claims = {"email": "kandal@city.example", "email_verified": True, **claims}
    client = Client()
    answer = go_through(client)
    assert answer.status_code in (401, 403, 502)
    assert not is_signed_in(client)
    assert not SocialAccount.objects.exists()


def test_an_answer_that_nobody_here_asked_for_is_refused(hall, provider):
    says(provider)
    there = leave(Client())
    other = Client()
    answer = come_back(other, there)
    assert answer.status_code == 401
    assert not is_signed_in(other)
    assert Client().get("/accounts/oidc/city/login/callback/?code=x&state=y").status_code == 401


def test_an_answer_works_once(hall, provider):
    says(provider)
    client = Client()
    there = leave(client)
    back = urlsplit(httpx.get(there).headers["Location"])
    again = f"{back.path}?{back.query}"
    assert client.get(again).status_code == 302
    client.post("/accounts/logout/")
    assert client.get(again).status_code == 401
    assert not is_signed_in(client)


def test_leaving_for_the_provider_needs_a_form_of_ours(hall):
    assert Client().get(LOGIN).status_code == 200, "it asks first"
    assert Client(enforce_csrf_checks=True).post(LOGIN).status_code == 403


def test_the_question_is_protected_by_state_and_by_a_proof_of_who_asked(hall):
    asked = parse_qs(urlsplit(leave(Client())).query)
    assert asked["code_challenge_method"] == ["S256"]
    assert len(asked["state"][0]) >= 16
    assert asked["redirect_uri"] == ["http://testserver/accounts/oidc/city/login/callback/"]


def test_a_provider_that_is_not_set_up_is_not_there(hall):
    assert Client().post("/accounts/oidc/other/login/").status_code == 404
    assert Client().get("/accounts/oidc/other/login/callback/").status_code == 404


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("{", "cannot be read as JSON"),
        ('{"provider_id": "city"}', "must hold a list"),
        ('[{"provider_id": "city"}]', "lacks client_id, secret, server_url"),
        ('[{"provider_id": "c", "client_id": "a", "secret": "b", "server_url": "http://id.example"}]', "https://"),
        ('[{"provider_id":"c","client_id":"a","secret":"b","server_url":"https://i.example","secrte":1}]', "secrte"),
    ],
)
def test_a_file_of_providers_that_cannot_be_used_is_refused_at_the_start(tmp_path, content, said):
    path = tmp_path / "oidc.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ProvidersMalformed, match=re.escape(said)):
        oidc_apps(str(path))


def test_no_file_means_no_provider_and_a_missing_one_is_said(tmp_path):
    assert oidc_apps("") == []
    with pytest.raises(ProvidersMalformed, match="cannot be read"):
        oidc_apps(str(tmp_path / "missing.json"))

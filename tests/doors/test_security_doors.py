"""Every address there is: who must sign in, which forms need a token, what is refused before anything is looked at."""

from __future__ import annotations

import re

import pytest
from django.core.cache import cache
from django.test import Client

from saat.records.models import Case, ChainHead, Event
from tests.addresses import Furnished, address_of, furnish, patterns
from tests.hall import make_hall

# What needs no account. Everything else does: a new address is an official's until it is written down here.
PUBLIC = re.compile(
    r"healthz|readyz|metrics"
    r"|accounts/($|login|signup|email|confirm-email|inactive|logout|3rdparty|oidc|password/reset|2fa/authenticate)"
    r"|accounts/2fa/webauthn/login/"
    r"|open311/|api/openapi\.json|api/$|api/v1/(policy|categories|areas)$|c/|send$|near$|r/|photos/|areas\.json|worker\.js|app\.webmanifest|too-large"
    r"|crew/($|start$|worker\.js|app\.webmanifest)|feeds/|stops/"
    r"|$"
)
# What residents send without a session of theirs, and partners and crews with a key of their own in a header: there is
# nothing that a foreign page could do in somebody's name.
WITHOUT_TOKEN = {
    "open311/<path:path>", "send", "near", "r/<str:key>/<slug:what>", "too-large", "crew/api/notes",
    "crew/api/notes/<str:client_id>/photo", "crew/api/notes/<str:client_id>/back",
}  # fmt: skip
REFUSED = (302, 401, 403)
EVERYTHING = patterns()
OFFICIAL = [pattern for pattern in EVERYTHING if not PUBLIC.match(pattern)]


@pytest.fixture
def furnished(db) -> Furnished:
    cache.clear()
    return furnish(make_hall(password="heap-of-market-9"))


def state() -> tuple:
    return Event.objects.count(), list(ChainHead.objects.values_list("seq", flat=True)), list(
        Case.objects.order_by("pk").values_list("pk", "state", "updated_at")
    )  # fmt: skip


def refused(answer) -> bool:
    return answer.status_code in (401, 403) or (
        answer.status_code == 302 and answer["Location"].startswith(("/accounts/login/", "/accounts/reauthenticate/"))
    )


def test_the_list_of_addresses_is_not_empty():
    assert len(OFFICIAL) > 60
    assert {"desk/", "desk/cases/<int:case_id>", "desk/people/", "desk/log/"} <= set(OFFICIAL)


@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_whoever_is_not_signed_in_gets_nothing_from_any_officials_address(furnished, method):
    before = state()
    open_ = []
    for address in furnished.addresses():
        if PUBLIC.match(address.pattern):
            continue
        answer = getattr(Client(), method)(address.path)
        if not (refused(answer) or answer.status_code == 405):
            open_.append(f"{method} {address}: {answer.status_code} {answer.get('Location', '')}")
    assert open_ == []
    assert state() == before


def test_whoever_is_signed_in_but_has_no_role_gets_nothing_from_the_desk(furnished):
    nobody = furnished.hall.people["kandal"]
    nobody.memberships.all().delete()
    client = Client()
    client.force_login(nobody)
    open_ = []
    for address in furnished.addresses("desk/", "api/v1"):
        for method in ("get", "post"):
            answer = getattr(client, method)(address.path)
            if not PUBLIC.match(address.pattern) and answer.status_code not in (400, 401, 403, 404, 405, 422):
                open_.append(f"{method} {address}: {answer.status_code}")
            assert "Kandal Market" not in answer.content.decode(errors="replace")
    assert open_ in ([], ["get api/v1/me: 200"])


def test_a_closed_account_is_signed_out_everywhere_at_once(furnished):
    person = furnished.hall.people["admin"]
    client = Client()
    client.force_login(person)
    assert client.get("/desk/").status_code == 200
    person.is_active = False
    person.save()
    open_ = [
        str(address)
        for address in furnished.addresses("desk/", "api/v1", "accounts/sessions")
        if not PUBLIC.match(address.pattern)
        and not refused(answer := client.get(address.path))
        and answer.status_code != 405
    ]
    assert open_ == []


def test_every_form_of_a_signed_in_person_needs_its_token(furnished):
    client = Client(enforce_csrf_checks=True)
    client.force_login(furnished.hall.people["admin"])
    before = state()
    taken = []
    for address in furnished.addresses():
        if address.pattern in WITHOUT_TOKEN:
            continue
        answer = client.post(address.path, {"name": "x"})
        if answer.status_code not in (403, 404, 405):
            taken.append(f"{address}: {answer.status_code}")
    assert taken == []
    assert state() == before


def test_a_form_from_another_site_is_refused_though_its_token_is_right(furnished, settings):
    client = Client(enforce_csrf_checks=True)
    client.force_login(furnished.hall.people["daun penh"])
    page = client.get(f"/desk/cases/{furnished.case.pk}").content.decode()
    tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
    form = {"csrfmiddlewaretoken": tokens[0]}
    where = f"/desk/cases/{furnished.case.pk}/act/take"
    before = state()
    assert client.post(where, form, headers={"origin": "https://evil.example"}).status_code == 403
    assert client.post(where, form, headers={"origin": "null"}).status_code == 403
    assert state() == before
    assert client.post(where, form, headers={"origin": "http://testserver"}).status_code == 302
    assert state() != before


def test_a_refused_form_is_answered_with_a_page_that_says_what_to_do(furnished):
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {"login": "x", "password": "y"})
    assert answer.status_code == 403
    text = answer.content.decode()
    assert "This page was open for too long" in text
    assert "<style" not in text
    answer = Client(enforce_csrf_checks=True).post("/accounts/login/", {}, headers={"accept-language": "km"})
    assert 'lang="km"' in answer.content.decode()


def test_the_address_of_the_live_desk_is_no_page(furnished):
    assert Client().get("/desk/live").status_code == 404, "it is answered before Django, see the live tests"


def test_a_host_that_is_not_ours_is_refused_on_every_address(furnished):
    answered = []
    for address in furnished.addresses():
        answer = Client().get(address.path, headers={"host": "evil.example"})
        if answer.status_code != 400:
            answered.append(f"{address}: {answer.status_code}")
    assert answered == []


@pytest.mark.parametrize(
    "host", ["testserver.evil.example", "evil.example:80", "[::1", "a b", "", "testserver@evil.example"]
)
def test_a_host_that_looks_like_ours_is_not_ours(db, host):
    for path in ("/", "/accounts/login/", "/desk/", "/healthz"):
        assert Client().get(path, headers={"host": host}).status_code == 400


def test_a_forwarded_host_is_not_believed(furnished):
    answer = Client().get("/accounts/sessions/", headers={"x-forwarded-host": "evil.example"})
    assert "evil.example" not in answer["Location"]
    admin = Client()
    admin.post("/accounts/login/", {"login": "admin", "password": "heap-of-market-9"})
    admin.post("/accounts/reauthenticate/", {"password": "heap-of-market-9"})
    address = address_of("desk/people/<int:user_id>/account/<slug:name>", furnished.values | {"name": "reset-password"})
    text = admin.post(address.path, headers={"x-forwarded-host": "evil.example"}).content.decode()
    assert "evil.example" not in text
    assert "http://127.0.0.1:8000/accounts/password/reset/key/" in text, "links are made with the public address"


@pytest.mark.parametrize("path", ["/desk/people/", "/desk/", "/desk/log/?case=x", "/accounts/2fa/"])
def test_the_way_to_the_sign_in_page_remembers_only_our_own_addresses(furnished, path):
    location = Client().get(path)["Location"]
    assert location.startswith("/accounts/login/?next=/")


def test_forms_of_the_desk_lead_back_only_to_ourselves(furnished):
    client = Client()
    client.force_login(furnished.hall.people["daun penh"])
    for goal in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        for address in furnished.addresses("desk/"):
            answer = client.post(address.path, {"next": goal})
            if answer.status_code in (301, 302, 303, 307, 308):
                assert "evil.example" not in answer["Location"], str(address)
                assert not answer["Location"].lower().startswith("javascript"), str(address)

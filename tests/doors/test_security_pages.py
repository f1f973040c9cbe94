"""What every answer tells the browser: no script of its own, no frame, no guess at kinds, no copy, careful cookies."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest
from django.core.cache import cache
from django.test import Client

from saat.config.secret import secret_key
from tests.addresses import Furnished, body, furnish, inline_in, signed_in
from tests.hall import make_hall

PASSWORD = "heap-of-market-9"
ROLES = ("kandal", "duty", "north", "north crew", "director", "auditor", "admin")
OURS_ALONE = ("/desk/", "/accounts/", "/api/", "/c/")


@pytest.fixture
def furnished(db) -> Furnished:
    cache.clear()
    return furnish(make_hall(password=PASSWORD))


def is_page(answer) -> bool:
    return answer.headers.get("Content-Type", "").startswith("text/html")


def faults_of(path: str, answer) -> list[str]:
    """Return what is wrong with one answer, whatever it is."""
    headers, found = answer.headers, []
    if answer.status_code >= 500:
        found.append(f"status {answer.status_code}")
    if headers.get("X-Content-Type-Options") != "nosniff":
        found.append("no nosniff")
    if headers.get("X-Frame-Options") != "DENY":
        found.append("may be framed")
    if headers.get("Referrer-Policy") not in ("same-origin", "no-referrer"):
        found.append("tells other sites where people come from")
    if "microphone=()" not in headers.get("Permissions-Policy", ""):
        found.append("no permissions policy")
    policy = headers.get("Content-Security-Policy", "")
    if not policy:
        found.append("no content security policy")
    if any(word in policy for word in ("unsafe", "http:", "https:", "*", "strict-dynamic")):
        found.append(f"a weak policy: {policy}")
    if path.startswith(OURS_ALONE) and not re.search("no-store|private", headers.get("Cache-Control", "")):
        found.append(f"may be kept: {headers.get('Cache-Control')}")
    for cookie in answer.cookies.values():
        if cookie.value and (not cookie["httponly"] or cookie["samesite"] not in ("Lax", "Strict")):
            found.append(f"a careless cookie {cookie.key}")
    if is_page(answer):
        found += inline_in(body(answer))
    return found


@pytest.mark.parametrize("who", ["nobody", *ROLES])
def test_every_page_for_everybody_is_sealed(furnished, who):
    client = Client() if who == "nobody" else signed_in(furnished, who)
    wrong, pages = {}, 0
    for address in furnished.addresses():
        if address.pattern == "accounts/logout/":
            continue
        answer = client.get(address.path)
        pages += is_page(answer) and answer.status_code == 200
        if found := faults_of(address.path, answer):
            wrong[str(address)] = found
    assert wrong == {}
    assert pages >= 5


def test_every_answer_to_a_form_that_cannot_be_used_is_sealed_and_no_fault(furnished):
    client = signed_in(furnished, "admin")
    wrong = {}
    for address in furnished.addresses():
        if address.pattern == "accounts/logout/":
            continue
        for form in ({}, {"role": "king", "text": "\x00<script>", "area": "x" * 5000, "lat": "NaN", "reports": ["-1"]}):
            if found := faults_of(address.path, client.post(address.path, form)):
                wrong[str(address)] = found
    assert wrong == {}


@pytest.mark.parametrize(
    "asked", ["case=1%00", "before=99999999999999999999", "page=-1", "q=%F0%9F%97%91", "lang=xx", "city=..%2F"]
)
def test_strange_questions_are_no_fault_on_any_page(furnished, asked):
    client = signed_in(furnished, "admin")
    wrong = {}
    for address in furnished.addresses("desk/", "accounts/", "r/", ""):
        if "<" not in address.pattern and address.pattern != "accounts/logout/":
            answer = client.get(f"{address.path}?{asked}")
            if answer.status_code >= 500:
                wrong[str(address)] = answer.status_code
    assert wrong == {}


def test_pages_in_khmer_are_sealed_too(furnished):
    client = signed_in(furnished, "admin")
    for address in furnished.addresses("desk/", "accounts/"):
        if address.pattern != "accounts/logout/":
            answer = client.get(address.path, headers={"accept-language": "km"})
            assert faults_of(address.path, answer) == [], str(address)
            if is_page(answer) and "<html" in body(answer):
                assert '<html lang="km"' in body(answer), str(address)


def test_pages_for_what_goes_wrong_are_sealed(furnished, settings):
    client = signed_in(furnished, "kandal")
    assert faults_of("/", client.get("/no/such/page")) == []
    assert "There is nothing here" in body(client.get("/no/such/page"))
    assert faults_of("/", client.get("/desk/people/")) == []
    assert "not yours to see" in body(client.get("/desk/people/"))


def test_over_https_cookies_travel_only_so_and_browsers_are_told_to_stay_there(furnished, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    settings.SESSION_COOKIE_NAME, settings.CSRF_COOKIE_NAME = "__Host-sessionid", "__Host-csrftoken"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    client = Client(headers={"x-forwarded-proto": "https"})
    answer = client.get("/accounts/login/")
    assert answer.cookies["__Host-csrftoken"]["secure"]
    answer = client.post("/accounts/login/", {"login": "kandal", "password": PASSWORD})
    cookie = answer.cookies["__Host-sessionid"]
    assert (cookie["secure"], cookie["httponly"], cookie["samesite"], cookie["path"], cookie["domain"]) == (
        True, True, "Lax", "/", "",
    )  # fmt: skip
    assert client.get("/desk/").status_code == 200


def test_the_settings_for_https_follow_from_one_variable(tmp_path):
    script = (
        "from saat.config import settings as s; print(s.SESSION_COOKIE_SECURE, s.CSRF_COOKIE_SECURE, "
        "s.SECURE_HSTS_SECONDS >= 31536000, s.SESSION_COOKIE_NAME, s.ALLAUTH_TRUSTED_PROXY_COUNT, 'testserver' in "
        "s.ALLOWED_HOSTS, s.DEBUG, s.MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN)"
    )
    kept = {name: value for name, value in os.environ.items() if name not in ("SAAT_TESTING", "DATABASE_URL")}
    for https, expected in (
        ("1", "True True True __Host-sessionid 1 False False False"),
        ("0", "False False False sessionid 0 False False True"),
    ):
        env = kept | {"SAAT_HTTPS": https, "SAAT_VAR": str(tmp_path), "SAAT_URL": "https://saat.city.example"}
        done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
        assert done.stdout.strip() == expected


def test_the_secret_is_made_once_and_is_its_owners_alone(tmp_path):
    first = secret_key(tmp_path / "var")
    assert secret_key(tmp_path / "var") == first
    assert len(first) >= 50
    assert (tmp_path / "var" / "secret.key").stat().st_mode & 0o777 == 0o600


def test_nobody_learns_from_an_answer_what_runs_here(furnished):
    for path in ("/", "/desk/", "/accounts/login/", "/no/such/page", "/healthz", "/open311/v2/services.json"):
        answer = Client().get(path)
        told = " ".join(f"{name}: {value}" for name, value in answer.headers.items()) + body(answer)
        assert not re.search(r"Django|Python/|Traceback|granian|allauth", told, re.IGNORECASE), path

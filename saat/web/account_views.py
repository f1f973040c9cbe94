"""Signing in and out, and what people do with their own account; the rest is the sign-in library's."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from allauth.account.models import Login
from allauth.account.utils import get_next_redirect_url
from allauth.account.views import LoginView
from allauth.mfa.webauthn.internal import flows as passkeys
from allauth.mfa.webauthn.views import LoginWebAuthnView
from allauth.socialaccount.providers.openid_connect import views as openid_connect
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from saat.actions import accounts
from saat.records import queries_accounts as queries
from saat.web.browsers import named
from saat.web.desk.frame import cities_of, city_for
from saat.web.desk.words import moment

_TOO_MANY = ("too_many_login_attempts", "rate_limited")
# What a provider that is away, or answers without what it must say, ends in: the library lets these through.
_UNUSABLE = (OSError, KeyError, ValueError)

log = logging.getLogger(__name__)


class SignInView(LoginView):
    """Signs in by name and password; says with its status too whether that failed, and why."""

    def form_invalid(self, form: Any) -> HttpResponse:
        response = super().form_invalid(form)
        faults = [fault.code for faults in form.errors.as_data().values() for fault in faults]
        if any(fault in _TOO_MANY for fault in faults):
            response.status_code = HTTPStatus.TOO_MANY_REQUESTS
            response.headers["Retry-After"] = "300"
        else:
            response.status_code = HTTPStatus.UNPROCESSABLE_ENTITY
        return response


class PasskeySignInView(LoginWebAuthnView):
    """Signs in by a passkey alone, and goes on to where the person wanted to go."""

    def form_valid(self, form: Any) -> HttpResponse:
        passkey = form.cleaned_data["credential"]
        login = Login(user=passkey.user, redirect_url=get_next_redirect_url(self.request))
        return passkeys.perform_passwordless_login(self.request, passkey, login)


def provider_sign_in(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Send somebody to the city's identity provider.

    By a page and not by a redirect: our content security policy lets forms lead to ourselves only, and browsers apply
    that to the redirect that follows a form.
    """
    try:
        response = openid_connect.login(request, provider_id)
    except _UNUSABLE:
        return _provider_failed(request)
    if response.status_code == HTTPStatus.FOUND and urlsplit(response["Location"]).netloc:
        goal = response["Location"]
        response = render(
            request, "socialaccount/login_redirect.html", {"redirect_to": goal, "host": urlsplit(goal).hostname}
        )
    return response


def provider_answer(request: HttpRequest, provider_id: str) -> HttpResponse:
    """Take in what the city's identity provider says of somebody."""
    try:
        return openid_connect.callback(request, provider_id)
    except _UNUSABLE:
        return _provider_failed(request)


def _provider_failed(request: HttpRequest) -> HttpResponse:
    log.exception("The identity provider gave an answer that cannot be used, or none.")
    return render(request, "socialaccount/authentication_error.html", status=HTTPStatus.BAD_GATEWAY)


@require_safe
def forgotten(request: HttpRequest) -> HttpResponse:
    """Say whom to ask about a forgotten password. Nothing can be asked here, so nothing can be found out either."""
    return render(request, "account/password_reset.html")


def closed(request: HttpRequest, **kwargs: Any) -> HttpResponse:
    """Answer an address of the sign-in library that has no use here: accounts are made by administrators."""
    return render(request, "account/signup_closed.html", status=HTTPStatus.NOT_FOUND)


@login_required
def sign_ins(request: HttpRequest) -> HttpResponse:
    """Show where one is signed in, and end one or all of the others."""
    user: Any = request.user
    rows = queries.sign_ins_of(user, session_key=request.session.session_key, now=timezone.now())
    if request.method == "POST":
        chosen = request.POST.get("sign_in", "")
        wanted = [row.id for row in rows if not row.is_this and chosen in ("others", str(row.id))]
        ended = accounts.end_own_sign_ins(user=user, sign_in_ids=wanted, now=timezone.now())
        messages.success(request, _("Signed out there.") if ended else _("That sign-in had ended already."))
        return redirect("usersessions_list")
    zone = city_for(request).policy_terms().hours.zone if cities_of(request) else "UTC"
    shown = [(row, named(row.browser), moment(row.started_at, zone=zone)) for row in rows]
    return render(request, "usersessions/usersession_list.html", {"sign_ins": shown, "others": len(rows) > 1})

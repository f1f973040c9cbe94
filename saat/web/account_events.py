"""Writes into the log what people do with their own accounts; the sign-in library tells of it by signals."""

from __future__ import annotations

from typing import Any

from allauth.account import signals as account
from allauth.account.internal.flows.login import get_authentication_records
from allauth.mfa import signals as factors
from allauth.socialaccount import signals as identities
from django.http import HttpRequest
from django.utils import timezone

from saat.actions import accounts


def listen() -> None:
    """Begin to listen; called once, when Django is set up."""
    account.user_logged_in.connect(_signed_in, dispatch_uid="saat")
    account.password_changed.connect(_password_changed, dispatch_uid="saat")
    account.password_set.connect(_password_changed, dispatch_uid="saat")
    account.password_reset.connect(_password_changed, dispatch_uid="saat")
    factors.authenticator_added.connect(_factor_added, dispatch_uid="saat")
    factors.authenticator_removed.connect(_factor_removed, dispatch_uid="saat")
    factors.authenticator_reset.connect(_factor_added, dispatch_uid="saat")
    identities.social_account_added.connect(_identity_linked, dispatch_uid="saat")


def _signed_in(*, request: HttpRequest, user: Any, **_said: Any) -> None:
    records = get_authentication_records(request, user)
    how = [str(record.get("type") or record["method"]) for record in records]
    accounts.note(user_id=user.pk, kind="signed_in", now=timezone.now(), facts={"how": "+".join(how)})


def _password_changed(*, user: Any, **_said: Any) -> None:
    accounts.note(user_id=user.pk, kind="password_chosen", now=timezone.now())


def _factor_added(*, user: Any, authenticator: Any, **_said: Any) -> None:
    facts = {"type": str(authenticator.type)}
    accounts.note(user_id=user.pk, kind="second_factor_added", now=timezone.now(), facts=facts)


def _factor_removed(*, user: Any, authenticator: Any, **_said: Any) -> None:
    facts = {"type": str(authenticator.type)}
    accounts.note(user_id=user.pk, kind="second_factor_removed", now=timezone.now(), facts=facts)


def _identity_linked(*, sociallogin: Any, **_said: Any) -> None:
    facts = {"provider": sociallogin.account.provider}
    accounts.note(user_id=sociallogin.user.pk, kind="identity_linked", now=timezone.now(), facts=facts)

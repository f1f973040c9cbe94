"""Who may have an account: people whom an administrator added, nobody else. And how their secrets are kept."""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.core.internal import ratelimit
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.http import HttpRequest
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from saat.records.queries_accounts import sole_owner_of


class ClosedAccountAdapter(DefaultAccountAdapter):
    """Nobody signs up by themselves, and guessing passwords is slow."""

    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "username_password_mismatch": _("The user name and the password do not fit together."),
        "email_password_mismatch": _("The user name and the password do not fit together."),
        "incorrect_password": _("This is not your password."),
        "enter_current_password": _("This is not your present password."),
        "incorrect_code": _("This code is not right, or it was used already."),
        "too_many_login_attempts": _("Too many tries. Please wait five minutes and try again, or use a passkey."),
        "rate_limited": _("Too many tries. Please wait five minutes and try again."),
        "account_inactive": _("This account is closed. Please ask your administrator."),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def is_reauthentication_required(self, *, app: str, **kwargs: Any) -> bool:
        """Ask again for the password before somebody's own keys, or other people's accounts, are changed."""
        return app in ("saat.people", "allauth.mfa")

    def _get_login_attempts_cache_key(self, request: HttpRequest, **credentials: Any) -> str:
        # Whoever guesses from elsewhere does not lock out the person who sits at the office.
        return f"{self.get_client_ip(request)} {self._login_of(credentials)}"

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Refuse to look at a password after too many wrong ones.

        Counted are wrong passwords for one name from one address, for any names from one address, and for one name
        from anywhere. What a right password used up is given back.
        """
        super().pre_authenticate(request, **credentials)
        anywhere = ratelimit.consume(
            request, app="allauth.account", action="login_failed_anywhere", key=self._login_of(credentials)
        )
        if anywhere is None:
            raise self.validation_error("too_many_login_attempts")
        self._login_failed_rl_usage.usage += anywhere.usage

    @staticmethod
    def _login_of(credentials: dict[str, Any]) -> str:
        return (credentials.get("username") or credentials.get("email") or "").strip().lower()


class KnownPeopleOnlyAdapter(DefaultSocialAccountAdapter):
    """The city's identity provider signs in people who are known here; it creates nobody.

    Somebody who comes for the first time is known by the e-mail address that an administrator wrote down, if the
    provider says that it checked it, and if it is nobody else's here.
    """

    def is_open_for_signup(self, request: HttpRequest, sociallogin: Any) -> bool:
        return False

    def pre_social_login(self, request: HttpRequest, sociallogin: Any) -> None:
        if sociallogin.account.uid in ("", "None"):  # a claim that is empty would make all of them one person
            raise ImmediateHttpResponse(self._refusal(request, sociallogin))
        if not sociallogin.is_existing:
            user = None
            if not request.user.is_authenticated:
                user = sole_owner_of(_checked_addresses(sociallogin))
            if user is None:
                raise ImmediateHttpResponse(self._refusal(request, sociallogin))
            sociallogin.connect(request, user)
        if not sociallogin.user.is_active:
            raise ImmediateHttpResponse(self._refusal(request, sociallogin))

    def _refusal(self, request: HttpRequest, sociallogin: Any) -> Any:
        said = next(iter(sociallogin.email_addresses), None)
        context = {"email": said.email if said else "", "provider": sociallogin.provider.name}
        return render(request, "socialaccount/unknown.html", context, status=403)


def _checked_addresses(sociallogin: Any) -> list[str]:
    # Some providers write "false" where they mean false.
    return [said.email for said in sociallogin.email_addresses if str(said.verified).lower() == "true"]


class SealedSecretsAdapter(DefaultMFAAdapter):
    """Keeps the secrets of one-time codes encrypted, so that a copy of the tables alone signs in nobody."""

    error_messages = {
        **DefaultMFAAdapter.error_messages,
        "incorrect_code": _("This code is not right, or it was used already."),
        "cannot_generate_recovery_codes": _("Recovery codes need a passkey or an app with codes first."),
    }

    def encrypt(self, text: str) -> str:
        return _sealing().encrypt(text.encode()).decode("ascii")

    def decrypt(self, encrypted_text: str) -> str:
        try:
            return _sealing().decrypt(encrypted_text.encode()).decode()
        except InvalidToken:
            # The installation's secret was replaced: no code may fit any more, least of all one that can be computed
            # from nothing. An administrator removes the factor.
            return base64.b32encode(secrets.token_bytes(20)).decode("ascii")

    def get_totp_issuer(self) -> str:
        return f"Saat {self._get_site_name().partition(':')[0]}"

    def get_public_key_credential_user_entity(self, user: Any) -> dict[str, Any]:
        return super().get_public_key_credential_user_entity(user) | {"name": user.username, "display_name": str(user)}

    def generate_authenticator_name(self, user: Any, type: Any) -> str:  # noqa: A002 - the library's name for it
        return str(_("Passkey"))


def _sealing() -> MultiFernet:
    """Return what seals with the installation's secret, and opens with the earlier ones too."""
    known = [settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS]
    keys = [hashlib.sha256(b"saat.second-factors:" + str(secret).encode()).digest() for secret in known]
    return MultiFernet([Fernet(base64.urlsafe_b64encode(key)) for key in keys])

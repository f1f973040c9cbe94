"""The sign-in library's forms in our words, without placeholders that stand in for labels."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as account
from allauth.mfa.base import forms as codes
from allauth.mfa.totp import forms as totp
from allauth.mfa.webauthn import forms as webauthn
from django import forms
from django.contrib.auth.tokens import default_token_generator
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _
from django.utils.translation import gettext_noop

# Said by Django or by the sign-in library, and not in their own catalogues in every language that we speak.
BORROWED = (
    gettext_noop("You must type the same password each time."),
    gettext_noop("This password is too common."),
    gettext_noop("The password is too similar to the %(verbose_name)s."),
    gettext_noop("Enter a valid email address."),
    gettext_noop("This field is required."),
)


class _Plain(forms.Form):
    """Drops placeholders, and help texts that would be drawn by the library."""

    labels: dict[str, Any] = {}
    helps: dict[str, Any] = {}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for name, field in self.fields.items():
            field.widget.attrs.pop("placeholder", None)
            field.label = self.labels.get(name, field.label)
            field.help_text = self.helps.get(name, "")
            if isinstance(field.widget, forms.PasswordInput):
                field.widget.attrs["autocapitalize"] = "none"


_NEW = {"password1": _("New password"), "password2": _("The new password once more")}
_NEW_HELP = {"password1": _("At least 10 letters, digits or signs, and not a common password.")}


class SignInForm(_Plain, account.LoginForm):
    labels = {
        "login": _("User name or e-mail address"),
        "password": _("Password"),
        "remember": _("Keep me signed in on this device"),
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].widget.attrs.update(autocomplete="username", autocapitalize="none", spellcheck="false")
        self.fields["login"].validators.append(MaxLengthValidator(254))


class ChangePasswordForm(_Plain, account.ChangePasswordForm):
    labels = {"oldpassword": _("Present password"), **_NEW}
    helps = _NEW_HELP


class SetPasswordForm(_Plain, account.SetPasswordForm):
    labels = _NEW
    helps = _NEW_HELP


class ChoosePasswordForm(_Plain, account.ResetPasswordKeyForm):
    labels = _NEW
    helps = _NEW_HELP


class LinkForm(account.UserTokenForm):
    """Judges the link through which somebody chooses a password: good once, for a few days, for an open account."""

    token_generator = default_token_generator

    def _get_user(self, uidb36: str | None) -> Any:
        user = super()._get_user(uidb36)
        return user if user is not None and user.is_active else None


class ReauthenticateForm(_Plain, account.ReauthenticateForm):
    labels = {"password": _("Password")}


_CODE = {"code": _("Code from your app, or a recovery code")}


class CodeForm(_Plain, codes.AuthenticateForm):
    labels = _CODE


class CodeAgainForm(_Plain, codes.ReauthenticateForm):
    labels = _CODE


class ActivateCodesForm(_Plain, totp.ActivateTOTPForm):
    labels = {"code": _("The six digits that the app shows now")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].widget.attrs["inputmode"] = "numeric"


class AddPasskeyForm(_Plain, webauthn.AddWebAuthnForm):
    """Adds a passkey, always one that signs in by itself: with a finger, a face or a PIN, and without a password."""

    labels = {"name": _("Name of this passkey")}
    helps = {"name": _("For example the device that keeps it: “my phone”, “office computer”.")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].widget.attrs.update(maxlength="80", autocomplete="off")
        del self.fields["passwordless"]

    def clean_name(self) -> str:
        return super().clean_name()[:80]

    def clean(self) -> dict[str, Any] | None:
        self.cleaned_data["passwordless"] = True
        return super().clean()


class RenamePasskeyForm(_Plain, webauthn.EditWebAuthnForm):
    labels = {"name": _("Name of this passkey")}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["name"].validators.append(MaxLengthValidator(80))
        self.fields["name"].widget.attrs.update(maxlength="80", autocomplete="off")

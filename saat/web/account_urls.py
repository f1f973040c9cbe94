"""Signing in and out, passkeys, one-time codes and the list of one's sign-ins.

Only what Saat uses of the sign-in library has an address; what has none is answered as closed, under the names by which
the library looks for it.
"""

from allauth.account import views as account
from allauth.socialaccount import views as identities
from django.urls import include, path, re_path
from django.views.generic import RedirectView

from saat.web import account_views as views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="mfa_index")),
    path("login/", views.SignInView.as_view(), name="account_login"),
    path("logout/", account.logout, name="account_logout"),
    path("inactive/", account.account_inactive, name="account_inactive"),
    path("reauthenticate/", account.reauthenticate, name="account_reauthenticate"),
    path("password/change/", account.password_change, name="account_change_password"),
    path("password/set/", account.password_set, name="account_set_password"),
    path("password/reset/", views.forgotten, name="account_reset_password"),
    path(
        "password/reset/key/done/",
        account.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    re_path(
        r"^password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>[0-9A-Za-z-]+)/$",
        account.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path("sessions/", views.sign_ins, name="usersessions_list"),
    path("2fa/webauthn/login/", views.PasskeySignInView.as_view(), name="mfa_login_webauthn"),
    path("2fa/", include("allauth.mfa.urls")),
    path("oidc/<slug:provider_id>/login/", views.provider_sign_in, name="openid_connect_login"),
    path("oidc/<slug:provider_id>/login/callback/", views.provider_answer, name="openid_connect_callback"),
    path("3rdparty/login/cancelled/", identities.login_cancelled, name="socialaccount_login_cancelled"),
    path("3rdparty/login/error/", identities.login_error, name="socialaccount_login_error"),
    path("signup/", views.closed, name="account_signup"),
    path("email/", views.closed, name="account_email"),
    path("confirm-email/", views.closed, name="account_email_verification_sent"),
    path("3rdparty/signup/", views.closed, name="socialaccount_signup"),
    path("3rdparty/", views.closed, name="socialaccount_connections"),
]

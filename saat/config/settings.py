"""Django's settings, from the environment. Without any, everything is embedded under ./var.

SAAT_VAR: folder for all that Saat writes. DATABASE_URL: PostgreSQL instead of SQLite. SAAT_SECRET_KEY: otherwise made
once and kept in SAAT_VAR. SAAT_EARLIER_SECRET_KEYS: those that it replaced, with commas between. SAAT_HOSTS:
comma-separated host names. SAAT_URL: the public address, for links in messages. SAAT_HTTPS: 1 where the public address
is served over TLS. SAAT_PROXIES: how many proxies stand in front (1 with SAAT_HTTPS, otherwise none). EMAIL_URL:
smtp://user:password@host:port, otherwise messages are written to SAAT_VAR/mail. SAAT_OIDC: path of a JSON file with
OpenID Connect providers.
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import unquote, urlsplit

import dj_database_url
from csp.constants import NONE, SELF
from django.utils.translation import gettext_lazy as _

from saat.config.oidc import oidc_apps
from saat.config.secret import secret_key

PACKAGE = Path(__file__).resolve().parent.parent
VAR = Path(os.environ.get("SAAT_VAR", "var")).resolve()
DEBUG = False
TESTING = os.environ.get("SAAT_TESTING") == "1"

SECRET_KEY = os.environ.get("SAAT_SECRET_KEY") or secret_key(VAR)
# Earlier secrets, which still open what they sealed; new things are sealed with the present one alone.
SECRET_KEY_FALLBACKS = [key for key in os.environ.get("SAAT_EARLIER_SECRET_KEYS", "").split(",") if key]
PUBLIC_URL = os.environ.get("SAAT_URL", "http://127.0.0.1:8000").rstrip("/")
HTTPS = os.environ.get("SAAT_HTTPS") == "1"
_public_host = urlsplit(PUBLIC_URL).hostname or "localhost"
ALLOWED_HOSTS = ["127.0.0.1", "localhost", "[::1]", _public_host]
ALLOWED_HOSTS += ["testserver"] if TESTING else []
ALLOWED_HOSTS += [host for host in os.environ.get("SAAT_HOSTS", "").split(",") if host]

INSTALLED_APPS = [
    "saat.records",
    "saat.web",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "allauth",
    "allauth.account",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "allauth.mfa",
    "allauth.usersessions",
    "csp",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "saat.web.middleware.GZipTextMiddleware",
    "csp.middleware.CSPMiddleware",
    "saat.web.middleware.GuardMiddleware",
    "saat.web.middleware.LanguageMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
]

ROOT_URLCONF = "saat.config.urls"
ASGI_APPLICATION = "saat.config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [PACKAGE / "web" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "saat.web.context.everywhere",
            ],
        },
    },
]

# --- Tables
if os.environ.get("DATABASE_URL"):
    DATABASES = {"default": dj_database_url.parse(os.environ["DATABASE_URL"], conn_max_age=None)}
else:
    VAR.mkdir(parents=True, exist_ok=True)
    DATABASES = {
        "default": {
            "ENGINE": "saat.records.sqlite",
            "NAME": str(VAR / "saat.sqlite3"),
            "CONN_MAX_AGE": None,
            "OPTIONS": {
                "transaction_mode": "IMMEDIATE",
                "timeout": 20,
                "init_command": (
                    "PRAGMA journal_mode=WAL;"
                    "PRAGMA synchronous=FULL;"
                    "PRAGMA foreign_keys=ON;"
                    "PRAGMA temp_store=MEMORY;"
                    "PRAGMA mmap_size=268435456;"
                    "PRAGMA cache_size=-65536;"
                    "PRAGMA journal_size_limit=67108864;"
                ),
            },
            # The tests use a real file too: what a file does under load is what is to be tested.
            "TEST": {"NAME": str(VAR / "test.sqlite3")},
        }
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- People
AUTH_USER_MODEL = "records.User"
# One backend, so that a wrong password costs the same time whoever it was tried on.
AUTHENTICATION_BACKENDS = ["saat.records.signed_in.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
if TESTING:
    PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/desk/"
LOGOUT_REDIRECT_URL = "/accounts/login/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_ADAPTER = "saat.web.accounts.ClosedAccountAdapter"
ACCOUNT_FORMS = {
    "login": "saat.web.account_forms.SignInForm",
    "change_password": "saat.web.account_forms.ChangePasswordForm",
    "set_password": "saat.web.account_forms.SetPasswordForm",
    "reset_password_from_key": "saat.web.account_forms.ChoosePasswordForm",
    "user_token": "saat.web.account_forms.LinkForm",
    "reauthenticate": "saat.web.account_forms.ReauthenticateForm",
}
SOCIALACCOUNT_ADAPTER = "saat.web.accounts.KnownPeopleOnlyAdapter"
# A whole office may stand behind one address. Who guesses is stopped per name and address; a name alone is only slowed,
# so that nobody locks out somebody else by knowing how they are called. See `ClosedAccountAdapter.pre_authenticate`.
ACCOUNT_RATE_LIMITS = {
    "login": "120/m/ip",
    "login_failed": "5/5m/key,60/5m/ip",
    "login_failed_anywhere": "100/h/key",
    "reset_password_from_key": "20/m/ip",
}
ACCOUNT_REAUTHENTICATION_TIMEOUT = 900
ACCOUNT_PASSWORD_RESET_TOKEN_GENERATOR = "django.contrib.auth.tokens.PasswordResetTokenGenerator"  # noqa: S105
PASSWORD_RESET_TIMEOUT = 3 * 86_400
# How many proxies stand between the public and us; each adds one address to X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = int(os.environ.get("SAAT_PROXIES", "1" if HTTPS else "0"))
MFA_ADAPTER = "saat.web.accounts.SealedSecretsAdapter"
MFA_FORMS = {
    "authenticate": "saat.web.account_forms.CodeForm",
    "reauthenticate": "saat.web.account_forms.CodeAgainForm",
    "activate_totp": "saat.web.account_forms.ActivateCodesForm",
    "add_webauthn": "saat.web.account_forms.AddPasskeyForm",
    "edit_webauthn": "saat.web.account_forms.RenamePasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_ALLOW_UNVERIFIED_EMAIL = True  # an administrator wrote it down; nobody signs up with somebody else's
MFA_TOTP_TOLERANCE = 1
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not HTTPS
USERSESSIONS_TRACK_ACTIVITY = False
SOCIALACCOUNT_PROVIDERS = {
    "openid_connect": {"APPS": oidc_apps(os.environ.get("SAAT_OIDC", "")), "OAUTH_PKCE_ENABLED": True}
}

# --- What browsers may do
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = LANGUAGE_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
# The prefix makes browsers refuse such a cookie from a neighbouring host or over plain HTTP.
SESSION_COOKIE_NAME = "__Host-sessionid" if HTTPS else "sessionid"
CSRF_COOKIE_NAME = "__Host-csrftoken" if HTTPS else "csrftoken"
CSRF_FAILURE_VIEW = "saat.web.faults.csrf_failure"
SESSION_ENGINE = "saat.records.signed_in"
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if HTTPS else None
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "worker-src": [SELF],
        "manifest-src": [SELF],
        "media-src": [SELF, "blob:"],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "object-src": [NONE],
    },
}

# --- Words
LANGUAGE_CODE = "en"
LANGUAGES = [("km", _("Khmer")), ("en", _("English"))]
LOCALE_PATHS = [PACKAGE / "locale"]
LANGUAGE_COOKIE_NAME = "saat_language"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"

# --- Files
STATIC_URL = "/static/"
STATICFILES_DIRS: list[Path] = []
# Built files carry a digest in their name, so that browsers keep them for ever; the others are asked for again.
WHITENOISE_USE_FINDERS = True
WHITENOISE_IMMUTABLE_FILE_TEST = r"^/static/saat/dist/.+\.[0-9a-f]{12}\.[a-z]+$"
WHITENOISE_MAX_AGE = 3600
WHITENOISE_ALLOW_ALL_ORIGINS = False
PHOTO_ROOT = VAR / "photos"
DATA_UPLOAD_MAX_MEMORY_SIZE = 4 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 400
DATA_UPLOAD_MAX_NUMBER_FILES = 6
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
# The largest request body that any door reads; three photos of the largest size that a policy may allow fit in it.
MAX_BODY_BYTES = 48 * 1024 * 1024

# --- Messages
_email = urlsplit(os.environ.get("EMAIL_URL", ""))
if _email.scheme in ("smtp", "smtps"):
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    EMAIL_HOST, EMAIL_PORT = _email.hostname or "localhost", _email.port or 25
    EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = unquote(_email.username or ""), unquote(_email.password or "")
    EMAIL_USE_SSL = _email.scheme == "smtps"
    EMAIL_USE_TLS = "starttls" in _email.query
    EMAIL_TIMEOUT = 20
else:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = VAR / "mail"
DEFAULT_FROM_EMAIL = os.environ.get("SAAT_EMAIL_FROM", f"saat@{_public_host}")

CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}}}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "saat.config.lines.OneLine",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": os.environ.get("SAAT_LOG", "WARNING")},
    "loggers": {"saat": {"level": os.environ.get("SAAT_LOG", "INFO")}},
}

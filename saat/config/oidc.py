"""The city's identity providers, from a JSON file that the operator writes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

_KNOWN = {
    "provider_id",
    "name",
    "client_id",
    "secret",
    "server_url",
    "uid_field",
    "token_auth_method",
    "verified_email",
}
_NEEDED = ("provider_id", "client_id", "secret", "server_url")


class ProvidersMalformed(ValueError):
    """The file of identity providers cannot be used; the message says what is wrong in it."""


def oidc_apps(path: str) -> list[dict[str, Any]]:
    """Return the OpenID Connect providers named in a file, as the sign-in library wants them; none for "".

    The file is a list of `{"provider_id": "city", "name": "City Hall", "client_id": …, "secret": …, "server_url":
    "https://id.city.example"}`. verified_email: true, or a list of domains, where a provider is known to check e-mail
    addresses but does not say so. uid_field: the claim that identifies a person, `sub` unless said otherwise.

    :raises ProvidersMalformed: if the file is no such list.
    """
    if not path:
        return []
    try:
        entries = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ProvidersMalformed(f"SAAT_OIDC names {path}, which cannot be read as JSON: {error}.") from error
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ProvidersMalformed(f"SAAT_OIDC: {path} must hold a list of providers, each in braces.")
    return [_app(entry, path) for entry in entries]


def _app(entry: dict[str, Any], path: str) -> dict[str, Any]:
    missing = [name for name in _NEEDED if not isinstance(entry.get(name), str) or not entry[name]]
    if missing:
        raise ProvidersMalformed(f"SAAT_OIDC: a provider in {path} lacks {', '.join(missing)}.")
    unknown = sorted(set(entry) - _KNOWN)
    if unknown:
        raise ProvidersMalformed(
            f"SAAT_OIDC: {path} has unknown entries {', '.join(unknown)}; known are {', '.join(sorted(_KNOWN))}."
        )
    address = urlsplit(entry["server_url"])
    if address.scheme != "https" and address.hostname not in ("127.0.0.1", "localhost", "::1"):
        raise ProvidersMalformed(f"SAAT_OIDC: {entry['server_url']} must begin with https://.")
    extra = {name: entry[name] for name in ("uid_field", "token_auth_method", "verified_email") if name in entry}
    return {
        "provider_id": entry["provider_id"],
        "name": entry.get("name") or entry["provider_id"],
        "client_id": entry["client_id"],
        "secret": entry["secret"],
        "settings": {"server_url": entry["server_url"].rstrip("/"), **extra},
    }

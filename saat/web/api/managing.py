"""Keys and webhook endpoints, for administrators."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from ninja import Router, Status

from saat.actions import access
from saat.records import queries_access
from saat.records.models import ApiKey, WebhookEndpoint
from saat.web.api import shapes
from saat.web.api.caller import caller_of
from saat.web.api.problems import PROBLEMS

router = Router()


@router.get("/keys", response={200: list[shapes.KeyShown], **PROBLEMS}, operation_id="keys")
def keys(request: HttpRequest, city: shapes.Line = "") -> list[dict[str, Any]]:
    """List a city's keys; empty for whoever is not its administrator."""
    caller = caller_of(request)
    return [_key(one) for one in queries_access.keys_for(caller.person(), caller.city(city))]


@router.post("/keys", response={201: shapes.KeyMade, **PROBLEMS}, operation_id="make_key")
def make_key(request: HttpRequest, key: shapes.KeyIn) -> Any:
    """Give a partner a key; its secret is shown this once."""
    caller = caller_of(request)
    caller.person()
    made = access.make_key(
        city=caller.city(key.city),
        name=key.name,
        email=key.email,
        per_minute=key.per_minute,
        per_day=key.per_day,
        trusted=key.trusted,
        now=caller.now,
        by=caller.actor,
    )
    return Status(201, {**_key(made.key), "secret": made.secret})


@router.delete("/keys/{key_id}", response={204: None, **PROBLEMS}, operation_id="revoke_key")
def revoke_key(request: HttpRequest, key_id: shapes.Id) -> Any:
    """End a key; it is refused within a few seconds."""
    caller = caller_of(request)
    caller.person()
    access.revoke_key(key_id=key_id, now=caller.now, by=caller.actor)
    return Status(204, None)


@router.get("/webhooks", response={200: list[shapes.WebhookShown], **PROBLEMS}, operation_id="webhooks")
def webhooks(request: HttpRequest, city: shapes.Line = "") -> list[dict[str, Any]]:
    """List a city's webhook endpoints; empty for whoever is not its administrator."""
    caller = caller_of(request)
    return [_webhook(one) for one in queries_access.webhooks_for(caller.person(), caller.city(city))]


@router.post("/webhooks", response={201: shapes.WebhookMade, **PROBLEMS}, operation_id="add_webhook")
def add_webhook(request: HttpRequest, webhook: shapes.WebhookIn) -> Any:
    """Let an address be told of events from now on; the secret that signs them is shown this once."""
    caller = caller_of(request)
    caller.person()
    made = access.add_webhook(
        city=caller.city(webhook.city),
        url=webhook.url,
        kinds=tuple(webhook.kinds),
        now=caller.now,
        by=caller.actor,
    )
    return Status(201, {**_webhook(made), "secret": made.secret})


@router.delete("/webhooks/{endpoint_id}", response={204: None, **PROBLEMS}, operation_id="remove_webhook")
def remove_webhook(request: HttpRequest, endpoint_id: shapes.Id) -> Any:
    """Tell an address nothing more."""
    caller = caller_of(request)
    caller.person()
    access.remove_webhook(endpoint_id=endpoint_id, now=caller.now, by=caller.actor)
    return Status(204, None)


def _key(key: ApiKey) -> dict[str, Any]:
    columns = ("name", "email", "per_minute", "per_day", "trusted", "created_at", "revoked_at")
    return {"id": key.pk} | {column: getattr(key, column) for column in columns}


def _webhook(endpoint: WebhookEndpoint) -> dict[str, Any]:
    columns = ("url", "kinds", "active", "created_at")
    return {"id": endpoint.pk} | {column: getattr(endpoint, column) for column in columns}

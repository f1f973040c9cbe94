"""Keys, links and addresses through which others reach Saat, or Saat reaches them."""

from __future__ import annotations

from django.db import models

from saat.records.models.case import Case
from saat.records.models.city import City
from saat.records.models.people import Contractor, Crew


class ApiKey(models.Model):
    """A partner's key. Only its SHA-256 is kept. trusted: may see exact places and send a source's own times."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="api_keys")
    name = models.CharField(max_length=120)
    key_sha256 = models.CharField(max_length=64, unique=True)
    email = models.EmailField(default="", blank=True)
    per_minute = models.PositiveIntegerField(default=600)
    per_day = models.PositiveIntegerField(default=100_000)
    trusted = models.BooleanField(default=False)
    created_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return self.name


class ApiUse(models.Model):
    """How often a key was used within one span ("minute" or "day"), to hold its quota across processes."""

    api_key = models.ForeignKey(ApiKey, on_delete=models.CASCADE, related_name="uses")
    span = models.CharField(max_length=6)
    starts_at = models.DateTimeField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "span", "starts_at"], name="one_count_a_span")]

    def __str__(self) -> str:
        return f"{self.count} in {self.span}"


class SignedLink(models.Model):
    """A link through which a contractor, or a crew of the city, answers for one case without an account.

    Only the token's SHA-256 is kept; the token itself is made anew from the installation's secret when it is needed.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="links")
    contractor = models.ForeignKey(Contractor, on_delete=models.CASCADE, null=True, related_name="links")
    crew = models.ForeignKey(Crew, on_delete=models.CASCADE, null=True, related_name="links")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"link {self.pk} for case {self.case_id}"


class WebhookEndpoint(models.Model):
    """An address that is told of events. kinds: event kinds wanted, none means all. last_event_id: told up to here."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="webhooks")
    url = models.URLField(max_length=500)
    secret = models.CharField(max_length=64)
    kinds = models.JSONField(default=list)
    last_event_id = models.BigIntegerField(default=0)
    active = models.BooleanField(default=True)
    created_at = models.DateTimeField()

    def __str__(self) -> str:
        return self.url


class PartnerUpdate(models.Model):
    """What another system said of a service request, so that saying it again is harmless.

    update_id: the other system's own id for what it said. status: its word for where the matter stands, such as FIXED.
    said_at: its clock. event_id: the event that the update gave rise to.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    api_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, related_name="updates")
    update_id = models.CharField(max_length=80)
    service_request = models.ForeignKey("records.ServiceRequest", on_delete=models.PROTECT, related_name="updates")
    status = models.CharField(max_length=40)
    said_at = models.DateTimeField(null=True)
    received_at = models.DateTimeField()
    event_id = models.BigIntegerField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["api_key", "update_id"], name="one_update_an_id")]

    def __str__(self) -> str:
        return f"update {self.update_id} of {self.service_request_id}"

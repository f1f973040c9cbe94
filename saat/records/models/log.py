"""What happened, and what must be told: the append-only log and the outbox."""

from __future__ import annotations

import json
from typing import Any

from django.db import models
from django.db.models import Q

from saat.records.models.city import City


class ChainHead(models.Model):
    """The end of one city's chain; its row is locked while an event is appended."""

    city = models.OneToOneField(City, on_delete=models.PROTECT, primary_key=True, related_name="+")
    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64, default="0" * 64)

    def __str__(self) -> str:
        return f"event {self.seq} of city {self.city_id}"


class Event(models.Model):
    """One thing that happened. Rows are only ever added: triggers refuse change and deletion.

    seq: its number in the city's chain, without gaps. kind: a past participle, such as `case_assigned`.
    subject: what it happened to, such as `case:17`. actor: who did it, such as `user:3`, `resident` or `clock`.
    facts_json: canonical JSON, without personal data. hash: SHA-256 over this row and the hash of the one before.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    kind = models.CharField(max_length=40)
    subject = models.CharField(max_length=40)
    case_id = models.BigIntegerField(null=True)
    actor = models.CharField(max_length=40)
    facts_json = models.TextField(default="{}")
    hash = models.CharField(max_length=64)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "seq"], name="one_event_a_number")]
        indexes = [
            models.Index(fields=["case_id", "id"], condition=Q(case_id__isnull=False), name="event_of_case"),
            models.Index(fields=["city", "at"], name="event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.seq} {self.kind} {self.subject}"

    @property
    def facts(self) -> dict[str, Any]:
        """The facts as a dictionary."""
        return json.loads(self.facts_json)


class Outbox(models.Model):
    """A message to be sent once. facts hold ids, not personal data; addresses are looked up when it is sent.

    dedupe_key: the same key is never queued twice. lease_until: a worker is on it until then.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=40)
    dedupe_key = models.CharField(max_length=120, unique=True)
    facts = models.JSONField(default=dict)
    queued_at = models.DateTimeField()
    next_try_at = models.DateTimeField()
    lease_until = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    sent_at = models.DateTimeField(null=True)
    dead_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        verbose_name_plural = "outbox"
        indexes = [
            models.Index(
                fields=["next_try_at"], condition=Q(sent_at__isnull=True, dead_at__isnull=True), name="outbox_waiting"
            ),
            models.Index(fields=["city", "-dead_at"], condition=Q(dead_at__isnull=False), name="outbox_dead"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

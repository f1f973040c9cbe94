"""What officials keep for their own work at the desk."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from saat.records.models.city import City
from saat.records.models.people import User


class SavedFilter(models.Model):
    """A view of the desk under a name. query: the part of the URL after the question mark.

    is_default: the desk opens with it when the address asks for nothing.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="saved_filters")
    name = models.CharField(max_length=80)
    query = models.CharField(max_length=1000)
    is_default = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "user", "name"], name="one_filter_a_name"),
            models.UniqueConstraint(fields=["city", "user"], condition=Q(is_default=True), name="one_default_filter"),
        ]

    def __str__(self) -> str:
        return self.name


class BulkRun(models.Model):
    """One act done to several cases at once, with what became of each.

    key: drawn when the preview was shown, so that applying twice is applying once. results: case id (as text) to
    {"done": bool, "event": id or null, "why": text}; written in the same transaction as the act on that case.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=26, unique=True)
    act = models.CharField(max_length=24)
    case_ids = models.JSONField(default=list)
    results = models.JSONField(default=dict)
    started_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.act} of {len(self.case_ids)} cases"

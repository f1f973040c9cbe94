"""The clock of simulated trucks."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from saat.records.models.city import City


class TruckClock(models.Model):
    """The clock by which the simulated trucks of a city drive. A city without a row goes by the wall clock.

    It showed `shows_at` when the wall clock showed `wall_at`, runs `speed` times as fast, and never shows what is
    still to come: once it has caught up with the wall clock, it goes at that pace. Speed 0: it stands. beat_at: wall
    clock, when it was last seen running; it stands while nobody serves.
    """

    city = models.OneToOneField(City, on_delete=models.CASCADE, primary_key=True, related_name="truck_clock")
    speed = models.FloatField()
    wall_at = models.DateTimeField()
    shows_at = models.DateTimeField()
    beat_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(speed__gte=0), name="truck_clock_does_not_run_backwards"),
            models.CheckConstraint(condition=Q(shows_at__lte=F("wall_at")), name="truck_clock_shows_no_future"),
        ]

    def __str__(self) -> str:
        return f"truck clock of city {self.city_id}"

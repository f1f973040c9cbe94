"""The plan: rounds, their versions, and the stops on them."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from saat.records.models.city import Area, City
from saat.records.models.fleet import Site, Vehicle
from saat.records.models.people import Contractor, User
from saat.terms.plan import HolidayRule, StopKind


class Stop(models.Model):
    """Where rubbish is collected. number: what the public calls it, in `/stops/<number>`.

    line: of a kerb, [[lat, lon], …] in degrees, else empty. lat, lon: the point, or the middle of the line.
    served_by: the transfer stop to which this lane's rubbish is brought. lane: no truck enters.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="stops")
    number = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=12, choices=[(k, k) for k in StopKind], default=StopKind.POINT)
    lat = models.FloatField()
    lon = models.FloatField()
    line = models.JSONField(default=list, blank=True)
    cell = models.BigIntegerField(null=True)
    names = models.JSONField(default=dict)
    plain = models.CharField(max_length=300, default="", blank=True)
    area = models.ForeignKey(Area, on_delete=models.SET_NULL, null=True, related_name="stops")
    dwell_s = models.FloatField(default=30.0)
    load_kg = models.FloatField(default=0.0)
    lane = models.BooleanField(default=False)
    served_by = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="serves")
    active = models.BooleanField(default=True)
    source = models.CharField(max_length=60, default="", blank=True)
    source_id = models.CharField(max_length=120, default="", blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["city", "source", "source_id"], condition=~Q(source_id=""), name="one_stop_a_source_id"
            ),
            models.CheckConstraint(condition=Q(lat__gte=-90, lat__lte=90), name="stop_lat_range"),
            models.CheckConstraint(condition=Q(lon__gte=-180, lon__lte=180), name="stop_lon_range"),
            models.CheckConstraint(condition=Q(dwell_s__gte=0), name="stop_dwell_not_negative"),
        ]
        indexes = [models.Index(fields=["city", "cell"], name="stop_cell")]

    def __str__(self) -> str:
        return self.number


class Round(models.Model):
    """What one crew collects on one of its days, again and again.

    source_digest: SHA-256 of what was last imported for it, so that the same file again changes nothing, even where
    people have changed the plan since.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="rounds")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, null=True, blank=True, related_name="rounds")
    code = models.CharField(max_length=60)
    name = models.CharField(max_length=160, default="", blank=True)
    area = models.ForeignKey(Area, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    active = models.BooleanField(default=True)
    source = models.CharField(max_length=60, default="", blank=True)
    source_digest = models.CharField(max_length=64, default="", blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "code"], name="one_round_a_code")]

    def __str__(self) -> str:
        return self.name or self.code


class RoundPlan(models.Model):
    """How a round is driven from one date on, until the next version begins. Never changed once its day has begun.

    days: `terms.plan.ServiceDays` in plain values (see `saat.records.plan_values`). starts_s, ends_s: planned span in
    seconds since the local midnight of the service day; may exceed 86,400. from_day: the first day on which it holds.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="plans")
    version = models.PositiveIntegerField()
    from_day = models.DateField()
    days = models.JSONField(default=dict)
    holidays = models.CharField(max_length=8, choices=[(h, h) for h in HolidayRule], default=HolidayRule.COLLECT)
    starts_s = models.FloatField()
    ends_s = models.FloatField()
    order_strict = models.BooleanField(default=True)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    depot = models.ForeignKey(Site, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    disposal_site = models.ForeignKey(Site, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    note = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "version"], name="one_plan_a_version"),
            models.UniqueConstraint(fields=["round", "from_day"], name="one_plan_a_first_day"),
            models.CheckConstraint(condition=Q(ends_s__gt=F("starts_s")), name="plan_ends_after_start"),
            models.CheckConstraint(condition=Q(starts_s__gte=0, ends_s__lte=172_800), name="plan_within_two_days"),
        ]

    def __str__(self) -> str:
        return f"version {self.version} of round {self.round_id}"


class PlannedStop(models.Model):
    """A stop's place in one version of a round. Times: seconds since the local midnight of the service day.

    streams: what is collected and, where that differs from the round's days, on which weekdays: {"refuse": null,
    "recycling": [0, 3]}; Monday is 0, null is every day on which the round runs.
    lat, lon, line: where the stop is in this version, so that a stop that moves leaves the past as it was; lat empty:
    where the stop itself is.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    plan = models.ForeignKey(RoundPlan, on_delete=models.CASCADE, related_name="planned_stops")
    stop = models.ForeignKey(Stop, on_delete=models.PROTECT, related_name="planned_on")
    sequence = models.PositiveIntegerField()
    planned_s = models.FloatField()
    opens_s = models.FloatField()
    closes_s = models.FloatField()
    streams = models.JSONField(default=dict)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    line = models.JSONField(default=list, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["plan", "sequence"], name="one_stop_a_sequence"),
            models.CheckConstraint(condition=Q(closes_s__gt=F("opens_s")), name="window_ends_after_start"),
        ]
        indexes = [models.Index(fields=["stop", "plan"], name="plans_of_stop")]

    def __str__(self) -> str:
        return f"stop {self.stop_id} at {self.sequence}"


class PlanQuestion(models.Model):
    """Something in an imported plan that only a person can settle, such as an exception in free text."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="plan_questions")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, null=True, related_name="questions")
    stop = models.ForeignKey(Stop, on_delete=models.CASCADE, null=True, related_name="questions")
    row = models.CharField(max_length=160, default="", blank=True)
    text = models.CharField(max_length=500)
    why = models.CharField(max_length=40)
    asked_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    answer = models.CharField(max_length=300, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "row", "why", "text"], name="a_question_is_asked_once"),
        ]

    def __str__(self) -> str:
        return self.text[:60]

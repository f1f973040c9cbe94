"""What drives and what tells where: vehicles, the places they go to, devices and whose they are."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from saat.records.models.city import City
from saat.records.models.people import Contractor, Crew, User
from saat.terms.plan import SiteKind, VehicleKind


class Site(models.Model):
    """A depot, a disposal site or the like. radius_m: a vehicle within it is at the site."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="sites")
    kind = models.CharField(max_length=12, choices=[(k, k) for k in SiteKind])
    name = models.CharField(max_length=120)
    lat = models.FloatField()
    lon = models.FloatField()
    radius_m = models.FloatField(default=150.0)
    source = models.CharField(max_length=60, default="", blank=True)
    source_id = models.CharField(max_length=80, default="", blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["city", "source", "source_id"], condition=~Q(source_id=""), name="one_site_a_source_id"
            ),
            models.CheckConstraint(condition=Q(radius_m__gt=0), name="site_has_a_radius"),
        ]

    def __str__(self) -> str:
        return self.name


class Vehicle(models.Model):
    """A truck, a tricycle or a pushcart. label: what is painted on it. enters_lanes: narrow enough for lanes.

    capacity_kg, width_m: None where unknown.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="vehicles")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, null=True, blank=True, related_name="vehicles")
    label = models.CharField(max_length=40)
    kind = models.CharField(max_length=12, choices=[(k, k) for k in VehicleKind], default=VehicleKind.COMPACTOR)
    capacity_kg = models.FloatField(null=True, blank=True)
    width_m = models.FloatField(null=True, blank=True)
    enters_lanes = models.BooleanField(default=False)
    active = models.BooleanField(default=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "label"], name="one_vehicle_a_label"),
            models.CheckConstraint(
                condition=Q(capacity_kg__isnull=True) | Q(capacity_kg__gt=0), name="vehicle_capacity_positive"
            ),
        ]

    def __str__(self) -> str:
        return self.label


class Device(models.Model):
    """A tracker or a phone that sends positions.

    uid: the identifier that it sends. city empty, or state "quarantined": nobody has claimed it yet; its positions are
    kept and count from the day on which somebody does. token_hash: SHA-256 of its token in hexadecimal, "" for none.
    needs_token: positions without the token are kept but do not count. seen_at: written now and then, not per position.
    changes: counts what is changed about the device and its bindings, so that processes know when to read them again.
    refused, refused_why, refused_at: how many positions were refused, and why and when the last was.
    """

    STATES = ("quarantined", "claimed", "retired")

    city = models.ForeignKey(City, on_delete=models.PROTECT, null=True, blank=True, related_name="devices")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, null=True, blank=True, related_name="devices")
    uid = models.CharField(max_length=120, unique=True)
    label = models.CharField(max_length=80, default="", blank=True)
    protocol = models.CharField(max_length=24, default="")
    state = models.CharField(max_length=12, choices=[(s, s) for s in STATES], default="quarantined")
    token_hash = models.CharField(max_length=64, default="", blank=True)
    needs_token = models.BooleanField(default=True)
    first_seen_at = models.DateTimeField(null=True)
    seen_at = models.DateTimeField(null=True)
    claimed_at = models.DateTimeField(null=True)
    simulated = models.BooleanField(default=False)
    changes = models.PositiveIntegerField(default=0)
    refused = models.PositiveIntegerField(default=0)
    refused_why = models.CharField(max_length=200, default="", blank=True)
    refused_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(state="claimed") | Q(city__isnull=False), name="claimed_device_has_a_city"
            ),
        ]
        indexes = [
            models.Index(fields=["city", "state"], name="device_by_state"),
            models.Index(fields=["token_hash"], condition=~Q(token_hash=""), name="device_by_token"),
        ]

    def __str__(self) -> str:
        return self.label or self.uid


class DeviceBinding(models.Model):
    """On which vehicle a device was during a span: a phone moves between trucks. until_at empty: still there."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.CASCADE, related_name="bindings")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="bindings")
    crew = models.ForeignKey(Crew, on_delete=models.SET_NULL, null=True, blank=True, related_name="bindings")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True, blank=True)
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(until_at__isnull=True) | Q(until_at__gt=F("from_at")), name="binding_ends_after_start"
            ),
            models.UniqueConstraint(
                fields=["device"], condition=Q(until_at__isnull=True), name="a_device_is_on_one_vehicle"
            ),
        ]
        indexes = [models.Index(fields=["city", "from_at"], name="binding_by_time")]

    def __str__(self) -> str:
        return f"device {self.device_id} on vehicle {self.vehicle_id}"

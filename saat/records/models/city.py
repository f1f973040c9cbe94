"""The city as rows: its policy, its areas with their names and codes, its landmarks."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

from django.db import models
from django.db.models import Q

from saat.terms.case import PlaceKind, ServiceLevel
from saat.terms.policy import CityPolicy, read_policy


@lru_cache(maxsize=256)
def _parsed(policy_text: str, holidays: tuple[str, ...]) -> CityPolicy:
    return read_policy(policy_text, holidays=frozenset(date.fromisoformat(day) for day in holidays))


class City(models.Model):
    """One city hall.

    policy_text: the policy file (TOML) as it was last accepted. country_holidays: ISO dates that the country keeps.
    policy_changed_at: None while the first policy holds. areas_version: counts the changes of areas and places, so
    that processes know when to read them again.
    """

    jurisdiction_id = models.SlugField(max_length=63, unique=True, allow_unicode=False)
    policy_text = models.TextField()
    country_holidays = models.JSONField(default=list)
    policy_changed_at = models.DateTimeField(null=True)
    areas_version = models.PositiveIntegerField(default=0)
    is_demo = models.BooleanField(default=False)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "cities"

    def __str__(self) -> str:
        return self.jurisdiction_id

    def policy_terms(self) -> CityPolicy:
        """Return the policy as a frozen value; parsed once per process and text."""
        holidays = self.country_holidays
        policy = _parsed(self.policy_text, tuple(holidays))
        return policy if policy.observe_country_holidays or not holidays else _parsed(self.policy_text, ())


class Area(models.Model):
    """A part of a city at any depth: the city itself (level 0), a khan (1), a sangkat (2).

    path: the ids from the city down to this area, as "/1/5/23/". wkb: the boundary in degrees, lon-lat order as WKB
    has it; empty where no boundary is known. schematic: True where the boundary was drawn for a demo.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="areas")
    parent = models.ForeignKey("self", on_delete=models.PROTECT, null=True, blank=True, related_name="children")
    level = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=32)
    path = models.CharField(max_length=255, db_index=True, default="", blank=True)
    wkb = models.BinaryField(default=b"", blank=True)
    min_lat = models.FloatField(null=True)
    min_lon = models.FloatField(null=True)
    max_lat = models.FloatField(null=True)
    max_lon = models.FloatField(null=True)
    schematic = models.BooleanField(default=False)

    class Meta:
        indexes = [models.Index(fields=["city", "level"], name="area_city_level")]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class AreaName(models.Model):
    """What an area is called in one language. `plain` is the form by which names are compared."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="names")
    language = models.CharField(max_length=12)
    text = models.CharField(max_length=200)
    plain = models.CharField(max_length=200)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["area", "language"], name="one_name_a_language")]
        indexes = [models.Index(fields=["city", "plain"], name="area_name_plain")]

    def __str__(self) -> str:
        return self.text


class AreaCode(models.Model):
    """An area's code in one official list. Codes are unique only within their list."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    area = models.ForeignKey(Area, on_delete=models.CASCADE, related_name="codes")
    code_list = models.CharField(max_length=40)
    code = models.CharField(max_length=40)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["city", "code_list", "code"], name="one_area_a_code_in_its_list"),
        ]

    def __str__(self) -> str:
        return f"{self.code_list}:{self.code}"


class Place(models.Model):
    """A landmark that residents know, with the care that it asks for."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="places")
    area = models.ForeignKey(Area, on_delete=models.SET_NULL, null=True, related_name="places")
    kind = models.CharField(max_length=24, choices=[(k, k) for k in PlaceKind])
    service_level = models.CharField(max_length=12, choices=[(s, s) for s in ServiceLevel], default=ServiceLevel.USUAL)
    names = models.JSONField(default=dict)
    plain = models.CharField(max_length=300, default="")
    lat = models.FloatField()
    lon = models.FloatField()
    radius_m = models.FloatField(default=60.0)
    source = models.CharField(max_length=60, default="")
    source_id = models.CharField(max_length=80, default="")
    schematic = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["city", "source", "source_id"], condition=~Q(source_id=""), name="one_place_a_source_id"
            ),
            models.CheckConstraint(condition=Q(lat__gte=-90, lat__lte=90), name="place_lat_range"),
            models.CheckConstraint(condition=Q(lon__gte=-180, lon__lte=180), name="place_lon_range"),
        ]
        indexes = [models.Index(fields=["city", "area", "kind"], name="place_in_area")]

    def __str__(self) -> str:
        return next(iter(self.names.values()), f"place {self.pk}")

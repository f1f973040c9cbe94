"""People who work with Saat, what they may see, and who is on duty."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q

from saat.records.models.city import Area, City
from saat.terms.case import Role


class User(AbstractUser):
    """An official, a dispatcher or a crew member. Residents have no account."""

    language = models.CharField(max_length=12, default="", blank=True)
    phone = models.CharField(max_length=32, default="", blank=True)

    def __str__(self) -> str:
        return self.get_full_name() or self.username


class Contractor(models.Model):
    """A company that collects for the city. areas: the part of the city that it serves; none means all of it."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="contractors")
    name = models.CharField(max_length=120)
    email = models.EmailField(default="", blank=True)
    phone = models.CharField(max_length=32, default="", blank=True)
    areas = models.ManyToManyField(Area, blank=True, related_name="contractors")
    active = models.BooleanField(default=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "name"], name="one_contractor_a_name")]

    def __str__(self) -> str:
        return self.name


class Crew(models.Model):
    """People who go there: of a contractor, or of the city itself (contractor is empty)."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="crews")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, null=True, blank=True, related_name="crews")
    name = models.CharField(max_length=120)
    phone = models.CharField(max_length=32, default="", blank=True)
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name


class Membership(models.Model):
    """What one person is in one city. area: the part that the role covers, empty for the whole city."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=24, choices=[(r, r) for r in Role])
    area = models.ForeignKey(Area, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, null=True, blank=True, related_name="members")
    crew = models.ForeignKey(Crew, on_delete=models.PROTECT, null=True, blank=True, related_name="members")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(role=Role.CONTRACTOR) | Q(contractor__isnull=False), name="a_dispatcher_has_a_contractor"
            ),
            models.CheckConstraint(
                condition=~Q(role=Role.CREW) | Q(crew__isnull=False), name="a_crew_member_has_a_crew"
            ),
        ]
        indexes = [models.Index(fields=["city", "role"], name="membership_city_role")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.role}"


class Duty(models.Model):
    """Who answers alerts for an area during a span. rank 1 is asked first. area empty: the whole city."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="duties")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="duties")
    area = models.ForeignKey(Area, on_delete=models.PROTECT, null=True, blank=True, related_name="+")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    rank = models.PositiveSmallIntegerField(default=1)
    handed_over_to = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    handover_note = models.TextField(default="", blank=True)

    class Meta:
        verbose_name_plural = "duties"
        constraints = [models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="duty_ends_after_start")]
        indexes = [models.Index(fields=["city", "ends_at"], name="duty_now")]

    def __str__(self) -> str:
        return f"{self.user_id} {self.starts_at:%F %H:%M}"


class Alert(models.Model):
    """One case put before one person, who must acknowledge it; otherwise it goes to the next."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey("records.Case", on_delete=models.CASCADE, related_name="alerts")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="alerts")
    why = models.CharField(max_length=40)
    raised_at = models.DateTimeField()
    answer_by = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    passed_on_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["answer_by"],
                condition=Q(acknowledged_at__isnull=True, passed_on_at__isnull=True),
                name="alert_unanswered",
            ),
            models.Index(fields=["user", "-raised_at"], name="alert_of_user"),
        ]

    def __str__(self) -> str:
        return f"alert {self.pk} on case {self.case_id}"


class Template(models.Model):
    """A text that officials use again. texts: language code to text; {code}, {office}, {due} are filled in."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="templates")
    name = models.CharField(max_length=80)
    texts = models.JSONField(default=dict)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "name"], name="one_template_a_name")]

    def __str__(self) -> str:
        return self.name

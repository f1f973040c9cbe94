"""The work that service requests give rise to."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from saat.records.models.city import Area, City, Place
from saat.records.models.people import Contractor, Crew, User
from saat.terms.case import Ending, ServiceLevel, State, Urgency


class Case(models.Model):
    """The work that one or more service requests give rise to.

    code: the short code that the public reads. cell: H3 cell of the place, by which neighbours are found.
    opened_at never changes; due_at is computed from it. act_by: the one order of the desk, see `saat.cases.order`.
    waiting_since: since when nobody answers for it. next_escalation_at: when the deadline clock must look again.
    steps_done: rungs of the escalation ladder that were taken. summary: the first reporter's words, shortened.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="cases")
    code = models.CharField(max_length=8, unique=True)
    state = models.CharField(max_length=12, choices=[(s, s) for s in State], default=State.OPEN)
    ending = models.CharField(max_length=12, choices=[(e, e) for e in Ending], default="", blank=True)
    reason_code = models.CharField(max_length=63, default="", blank=True)
    service_code = models.CharField(max_length=63)
    urgency = models.CharField(max_length=8, choices=[(u, u) for u in Urgency], default=Urgency.NORMAL)
    service_level = models.CharField(max_length=12, choices=[(s, s) for s in ServiceLevel], default=ServiceLevel.USUAL)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, null=True, related_name="cases")
    place = models.ForeignKey(Place, on_delete=models.SET_NULL, null=True, related_name="cases")
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    cell = models.BigIntegerField(null=True)
    address = models.CharField(max_length=300, default="", blank=True)
    summary = models.CharField(max_length=200, default="", blank=True)
    voices = models.PositiveIntegerField(default=1)
    has_photo = models.BooleanField(default=False)
    opened_at = models.DateTimeField()
    last_voice_at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True)
    taken_at = models.DateTimeField(null=True)
    on_site_at = models.DateTimeField(null=True)
    proved_at = models.DateTimeField(null=True)
    closed_at = models.DateTimeField(null=True)
    due_at = models.DateTimeField()
    act_by = models.DateTimeField()
    waiting_since = models.DateTimeField()
    next_escalation_at = models.DateTimeField(null=True)
    steps_done = models.JSONField(default=list)
    owner = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="cases")
    contractor = models.ForeignKey(Contractor, on_delete=models.SET_NULL, null=True, related_name="cases")
    crew = models.ForeignKey(Crew, on_delete=models.SET_NULL, null=True, related_name="cases")
    reopened = models.PositiveIntegerField(default=0)
    proof_failed = models.BooleanField(default=False)
    merged_into = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="merged_from")
    updated_at = models.DateTimeField()
    anonymised_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=60, default="", blank=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.CheckConstraint(condition=Q(due_at__gt=F("opened_at")), name="case_due_after_opened"),
            models.CheckConstraint(
                condition=Q(state__in=[State.CLOSED, State.MERGED], closed_at__isnull=False)
                | (~Q(state__in=[State.CLOSED, State.MERGED]) & Q(closed_at__isnull=True)),
                name="case_closed_has_its_moment",
            ),
            models.CheckConstraint(
                condition=~Q(state=State.CLOSED) | ~Q(ending=""), name="case_closed_says_what_it_claims"
            ),
            models.CheckConstraint(
                condition=Q(lat__isnull=True, lon__isnull=True) | Q(lat__isnull=False, lon__isnull=False),
                name="case_place_whole",
            ),
        ]
        indexes = [
            # The worklist: only open cases stand in it, so that it stays small beside a million closed ones.
            models.Index(fields=["city", "act_by"], condition=Q(closed_at__isnull=True), name="case_worklist"),
            models.Index(fields=["area", "act_by"], condition=Q(closed_at__isnull=True), name="case_worklist_area"),
            models.Index(
                fields=["contractor", "act_by"], condition=Q(closed_at__isnull=True), name="case_worklist_con"
            ),
            models.Index(fields=["owner", "act_by"], condition=Q(closed_at__isnull=True), name="case_worklist_own"),
            models.Index(fields=["crew", "act_by"], condition=Q(closed_at__isnull=True), name="case_worklist_crew"),
            models.Index(fields=["city", "cell"], condition=Q(closed_at__isnull=True), name="case_open_cell"),
            models.Index(fields=["city", "closed_at"], condition=Q(closed_at__isnull=False), name="case_closed"),
            models.Index(fields=["area", "closed_at"], condition=Q(closed_at__isnull=False), name="case_closed_area"),
            models.Index(
                fields=["next_escalation_at"], condition=Q(next_escalation_at__isnull=False), name="case_to_escalate"
            ),
            models.Index(fields=["city", "opened_at"], name="case_opened"),
            models.Index(fields=["city", "updated_at"], name="case_updated"),
            models.Index(fields=["area", "opened_at"], name="case_area_opened"),
            models.Index(
                fields=["city", "closed_at"],
                condition=Q(closed_at__isnull=False, anonymised_at__isnull=True),
                name="case_to_anonymise",
            ),
            models.Index(fields=["city", "closed_at"], condition=Q(proof_failed=True), name="case_proof_failed"),
        ]

    def __str__(self) -> str:
        return self.code


class CaseSearch(models.Model):
    """The words by which a case is found, space-separated, with its scope among them (see `saat.records.search`)."""

    case = models.OneToOneField(Case, on_delete=models.CASCADE, primary_key=True, related_name="search")
    words = models.TextField()

    def __str__(self) -> str:
        return f"words of case {self.case_id}"


class EarlierText(models.Model):
    """A text of a case that an act replaced. It stands here and not in the log, so that it can be forgotten.

    field: the column of the case that held it; or "place", and text is its latitude and longitude in degrees.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="earlier_texts")
    field = models.CharField(max_length=24)
    text = models.CharField(max_length=300)

    def __str__(self) -> str:
        return f"earlier {self.field} of case {self.case_id}"

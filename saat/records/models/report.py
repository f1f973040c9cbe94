"""What residents said and sent, and what was answered."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from saat.records.models.case import Case
from saat.records.models.city import Area, City, Place
from saat.records.models.people import Contractor, User
from saat.terms.case import Channel, Voice


class Contact(models.Model):
    """How one reporter wants to be told. Emptied, not deleted, when the city's period is over."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120, default="", blank=True)
    phone = models.CharField(max_length=32, default="", blank=True)
    email = models.EmailField(default="", blank=True)
    language = models.CharField(max_length=12, default="", blank=True)
    anonymised_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"contact {self.pk}"


class ServiceRequest(models.Model):
    """One resident's report, or voice, with its own time; never deleted and never merged away.

    client_id: the sender's own id, by which a repeated sending is recognised. token: the reporter's own link.
    requested_at: the server's clock. said_at: the sender's clock, which may be wrong. source, source_id: where an
    imported report comes from. likeness: the duplicate score that joined it, with its parts, as JSON.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="service_requests")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="service_requests")
    voice = models.CharField(max_length=12, choices=[(v, v) for v in Voice], default=Voice.REPORT)
    channel = models.CharField(max_length=8, choices=[(c, c) for c in Channel])
    service_code = models.CharField(max_length=63)
    requested_at = models.DateTimeField()
    said_at = models.DateTimeField(null=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    accuracy_m = models.FloatField(null=True)
    area = models.ForeignKey(Area, on_delete=models.PROTECT, null=True, related_name="+")
    place = models.ForeignKey(Place, on_delete=models.SET_NULL, null=True, related_name="+")
    address = models.CharField(max_length=300, default="", blank=True)
    words = models.TextField(default="", blank=True)
    language = models.CharField(max_length=12, default="", blank=True)
    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, null=True, related_name="service_requests")
    client_id = models.CharField(max_length=64, default="", blank=True)
    token = models.CharField(max_length=26, unique=True)
    attributes = models.JSONField(default=dict)
    media_url = models.CharField(max_length=500, default="", blank=True)
    device_id = models.CharField(max_length=120, default="", blank=True)
    source = models.CharField(max_length=60, default="", blank=True)
    source_id = models.CharField(max_length=80, default="", blank=True)
    likeness = models.JSONField(null=True)
    api_key = models.ForeignKey("records.ApiKey", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["city", "client_id"], condition=~Q(client_id=""), name="one_report_a_client_id"
            ),
            models.UniqueConstraint(
                fields=["city", "source", "source_id"], condition=~Q(source_id=""), name="one_report_a_source_id"
            ),
        ]
        indexes = [
            models.Index(fields=["case", "requested_at"], name="request_of_case"),
            models.Index(fields=["city", "requested_at"], name="request_by_time"),
            models.Index(fields=["city", "service_code", "requested_at"], name="request_by_code"),
        ]

    def __str__(self) -> str:
        return f"service request {self.pk}"


def _band(number: int) -> models.GeneratedField:
    """A quarter of a photo's 64 bits as a column of its own, by which photos that look alike are found."""
    return models.GeneratedField(
        expression=F("phash").bitrightshift(16 * number).bitand(0xFFFF),
        output_field=models.IntegerField(),
        db_persist=True,
    )


class Photo(models.Model):
    """A clean photo. digest: SHA-256 of the JPEG, which is also its file's name. phash: 64 bits, signed.

    kind "report" belongs to a service request, kind "proof" to the case. lat, lon, taken_at: from EXIF, kept for
    officials alone. public: an official (or the policy) lets the public see it. proof_failed: a check of this proof
    failed; contractor: whose work it is to prove. Both are counted.
    band0 to band3: 16 bits of phash each, lowest first.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="photos")
    service_request = models.ForeignKey(ServiceRequest, on_delete=models.PROTECT, null=True, related_name="photos")
    kind = models.CharField(max_length=8, choices=[("report", "report"), ("proof", "proof")])
    digest = models.CharField(max_length=64)
    phash = models.BigIntegerField()
    width = models.PositiveIntegerField()
    height = models.PositiveIntegerField()
    taken_at = models.DateTimeField(null=True)
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    added_at = models.DateTimeField()
    added_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    public = models.BooleanField(default=False)
    redacted_at = models.DateTimeField(null=True)
    removed_at = models.DateTimeField(null=True)
    proof_checks = models.JSONField(default=list)
    proof_failed = models.BooleanField(default=False)
    contractor = models.ForeignKey(Contractor, on_delete=models.SET_NULL, null=True, related_name="+")
    band0 = _band(0)
    band1 = _band(1)
    band2 = _band(2)
    band3 = _band(3)

    class Meta:
        indexes = [
            models.Index(fields=["case", "kind"], name="photo_of_case"),
            models.Index(fields=["city", "digest"], name="photo_digest"),
            *(models.Index(fields=["city", f"band{number}"], name=f"photo_band{number}") for number in range(4)),
            models.Index(fields=["city", "added_at"], condition=Q(proof_failed=True), name="photo_proof_failed"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} photo {self.pk}"


class ProofCode(models.Model):
    """A one-time code drawn when an official or a crew opens the camera to prove a case."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.CASCADE, related_name="proof_codes")
    code = models.CharField(max_length=32, unique=True)
    drawn_at = models.DateTimeField()
    drawn_by = models.CharField(max_length=60)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"proof code of case {self.case_id}"


class Message(models.Model):
    """What was said between the office and one reporter. to_reporter False: the reporter's answer."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="messages")
    service_request = models.ForeignKey(ServiceRequest, on_delete=models.PROTECT, null=True, related_name="messages")
    to_reporter = models.BooleanField()
    asks = models.BooleanField(default=False)
    text = models.TextField()
    said_at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["case", "said_at"], name="message_of_case")]

    def __str__(self) -> str:
        return f"message {self.pk}"


class Note(models.Model):
    """A private note: for officials, and for whoever wrote it. by_link: the signed link through which it came."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="notes")
    text = models.TextField()
    written_at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    by_name = models.CharField(max_length=120, default="", blank=True)
    by_link = models.ForeignKey("records.SignedLink", on_delete=models.SET_NULL, null=True, related_name="+")

    class Meta:
        indexes = [models.Index(fields=["case", "written_at"], name="note_of_case")]

    def __str__(self) -> str:
        return f"note {self.pk}"

"""What happened on a service day: runs, the outcome of each stop, findings, and what crews and contractors said."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from saat.records.models.case import Case
from saat.records.models.city import City
from saat.records.models.fleet import Device, Vehicle
from saat.records.models.people import Contractor, User
from saat.records.models.plan import Round, RoundPlan, Stop
from saat.terms.run import CrewReason, FindingKind, Outcome


class Run(models.Model):
    """A round on one service day.

    starts_at, ends_at: planned. state: planned, running, done or called_off. view: the vehicles and the forecasts as
    plain values, for the desk's map and time line, as of `followed_at`; written at most every few seconds and only
    where it changed. served … unknown: how many stops stand so now. late is contained in served. scores: how good the
    run's predictions were. frozen_at: since when penalties may rest on it; corrections after that are only noted.
    """

    STATES = ("planned", "running", "done", "called_off")

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="runs")
    round = models.ForeignKey(Round, on_delete=models.PROTECT, related_name="runs")
    plan = models.ForeignKey(RoundPlan, on_delete=models.PROTECT, related_name="runs")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, null=True, related_name="runs")
    service_day = models.DateField()
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=[(s, s) for s in STATES], default="planned")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    followed_at = models.DateTimeField(null=True)
    stops = models.PositiveIntegerField(default=0)
    served = models.PositiveIntegerField(default=0)
    late = models.PositiveIntegerField(default=0)
    missed = models.PositiveIntegerField(default=0)
    skipped = models.PositiveIntegerField(default=0)
    unknown = models.PositiveIntegerField(default=0)
    at_risk = models.PositiveIntegerField(default=0)
    view = models.JSONField(default=dict)
    scores = models.JSONField(default=dict)
    frozen_at = models.DateTimeField(null=True)
    simulated = models.BooleanField(default=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "service_day"], name="one_run_a_day"),
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="run_ends_after_start"),
        ]
        indexes = [
            models.Index(fields=["city", "service_day"], name="run_by_day"),
            models.Index(fields=["city", "contractor", "service_day"], name="run_of_contractor"),
            models.Index(fields=["state", "ends_at"], name="run_by_state"),
            models.Index(fields=["city", "followed_at"], name="run_followed"),
        ]

    def __str__(self) -> str:
        return f"run {self.pk} on {self.service_day}"


class RunVehicle(models.Model):
    """Which vehicle was on a run during a span. source: plan, inferred (from what it served) or dispatcher."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="vehicles")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, related_name="runs")
    from_at = models.DateTimeField()
    until_at = models.DateTimeField(null=True)
    source = models.CharField(max_length=12, choices=[(s, s) for s in ("plan", "inferred", "dispatcher")])

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "vehicle"], name="a_vehicle_once_on_a_run")]

    def __str__(self) -> str:
        return f"vehicle {self.vehicle_id} on run {self.run_id}"


class StopRun(models.Model):
    """What became of one stop on one run. A row is written when its outcome is first decided, and at each revision.

    A planned stop without a row is expected. p_served: 0 to 1. share: of a kerb's line that was covered.
    evidence: list of [kind, log-odds, value, unit]. settle_by: what would settle an unknown.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="stop_runs")
    stop = models.ForeignKey(Stop, on_delete=models.PROTECT, related_name="stop_runs")
    sequence = models.PositiveIntegerField()
    service_day = models.DateField()
    planned_at = models.DateTimeField()
    closes_at = models.DateTimeField()
    outcome = models.CharField(max_length=14, choices=[(o, o) for o in Outcome])
    p_served = models.FloatField(null=True)
    arrived_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    vehicle = models.ForeignKey(Vehicle, on_delete=models.SET_NULL, null=True, related_name="+")
    share = models.FloatField(null=True)
    reason = models.CharField(max_length=14, choices=[(r, r) for r in CrewReason], default="", blank=True)
    blind_from_at = models.DateTimeField(null=True)
    blind_until_at = models.DateTimeField(null=True)
    settle_by = models.CharField(max_length=12, default="", blank=True)
    evidence = models.JSONField(default=list)
    decided_at = models.DateTimeField()
    decided_by = models.CharField(max_length=40, default="follower")
    revision = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["run", "sequence"], name="one_outcome_a_stop_of_a_run"),
            models.CheckConstraint(
                condition=Q(p_served__isnull=True) | Q(p_served__gte=0, p_served__lte=1), name="stop_run_probability"
            ),
        ]
        indexes = [
            models.Index(fields=["stop", "-service_day"], name="stop_run_of_stop"),
            models.Index(fields=["city", "service_day"], condition=Q(outcome="missed"), name="stop_run_missed"),
            # What people decided, which no later look at the track changes.
            models.Index(fields=["run"], condition=Q(decided_by__in=["contest", "official"]), name="stop_run_held"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} stop {self.stop_id} on run {self.run_id}"


class StopRunRevision(models.Model):
    """One change of mind about a stop, kept for ever: what stood before, what stands now, and why.

    why: decided, late_positions, crew, resident, contest, official. after_freeze: noted, but no penalty changes.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    stop_run = models.ForeignKey(StopRun, on_delete=models.CASCADE, related_name="revisions")
    at = models.DateTimeField()
    before = models.CharField(max_length=14, default="", blank=True)
    after = models.CharField(max_length=14)
    p_served = models.FloatField(null=True)
    why = models.CharField(max_length=24)
    actor = models.CharField(max_length=40, default="follower")
    after_freeze = models.BooleanField(default=False)
    evidence = models.JSONField(default=list)

    class Meta:
        indexes = [models.Index(fields=["stop_run", "at"], name="revision_of_stop_run")]

    def __str__(self) -> str:
        return f"{self.before} to {self.after}"


class Contest(models.Model):
    """A contractor says that an outcome is wrong. accepted None: nobody has answered yet."""

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="contests")
    stop_run = models.ForeignKey(StopRun, on_delete=models.CASCADE, related_name="contests")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, related_name="contests")
    words = models.CharField(max_length=1000)
    said_at = models.DateTimeField()
    by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    answered_at = models.DateTimeField(null=True)
    answered_by = models.ForeignKey(User, on_delete=models.SET_NULL, null=True, related_name="+")
    accepted = models.BooleanField(null=True)
    answer = models.CharField(max_length=1000, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["stop_run"], condition=Q(answered_at__isnull=True), name="one_open_contest_a_stop_run"
            ),
        ]
        indexes = [models.Index(fields=["city", "answered_at"], name="contest_to_answer")]

    def __str__(self) -> str:
        return f"contest of stop run {self.stop_run_id}"


class CrewNote(models.Model):
    """What a crew said from its phone. client_id: the phone's own id, so that a repeated sending is recognised.

    stop empty: about the rest of the run. said_at: the phone's clock, mended where it was wrong. photo_digest: file
    name in the photo store, "" for none.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="crew_notes")
    stop = models.ForeignKey(Stop, on_delete=models.PROTECT, null=True, related_name="+")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, null=True, related_name="+")
    device = models.ForeignKey(Device, on_delete=models.SET_NULL, null=True, related_name="+")
    reason = models.CharField(max_length=14, choices=[(r, r) for r in CrewReason])
    said_at = models.DateTimeField()
    received_at = models.DateTimeField()
    lat = models.FloatField(null=True)
    lon = models.FloatField(null=True)
    photo_digest = models.CharField(max_length=64, default="", blank=True)
    client_id = models.CharField(max_length=64)
    taken_back_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["city", "client_id"], name="one_crew_note_a_client_id")]
        indexes = [models.Index(fields=["run", "said_at"], name="crew_note_of_run")]

    def __str__(self) -> str:
        return f"{self.reason} on run {self.run_id}"


class FindingRow(models.Model):
    """A finding as it stands. closed_at empty: it holds now. withdrawn: it turned out not to be so.

    stop_ids: every stop that it concerns. case: the line on the desk; several findings of one trouble share one.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="findings")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, null=True, related_name="findings")
    contractor = models.ForeignKey(Contractor, on_delete=models.PROTECT, null=True, related_name="findings")
    vehicle = models.ForeignKey(Vehicle, on_delete=models.PROTECT, null=True, related_name="findings")
    kind = models.CharField(max_length=16, choices=[(k, k) for k in FindingKind])
    key = models.CharField(max_length=120)
    since_at = models.DateTimeField()
    opened_at = models.DateTimeField()
    updated_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)
    withdrawn = models.BooleanField(default=False)
    probability = models.FloatField()
    act_by_at = models.DateTimeField(null=True)
    settle_by = models.CharField(max_length=12, default="", blank=True)
    stop_ids = models.JSONField(default=list)
    facts = models.JSONField(default=dict)
    case = models.ForeignKey(Case, on_delete=models.SET_NULL, null=True, related_name="findings")
    simulated = models.BooleanField(default=False)

    class Meta:
        verbose_name = "finding"
        constraints = [
            models.UniqueConstraint(
                fields=["city", "key"], condition=Q(closed_at__isnull=True), name="one_open_finding_a_key"
            ),
        ]
        indexes = [
            models.Index(fields=["city", "opened_at"], name="finding_by_time"),
            models.Index(fields=["run", "kind"], name="finding_of_run"),
            models.Index(fields=["case"], name="finding_of_case"),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.key}"


class LegTime(models.Model):
    """What a round's own history says about one stretch, from which predictions are learned.

    from_stop empty: from the start of collecting. n, mean_s, m2_s2: Welford's running count, mean and sum of squared
    deviations of the seconds from leaving one stop to arriving at the next.
    dwell_*: the same of the time standing at `stop`. served, passed: how often this stop was served, or not.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    round = models.ForeignKey(Round, on_delete=models.CASCADE, related_name="leg_times")
    from_stop = models.ForeignKey(Stop, on_delete=models.CASCADE, null=True, related_name="+")
    stop = models.ForeignKey(Stop, on_delete=models.CASCADE, related_name="+")
    n = models.PositiveIntegerField(default=0)
    mean_s = models.FloatField(default=0.0)
    m2_s2 = models.FloatField(default=0.0)
    dwell_n = models.PositiveIntegerField(default=0)
    dwell_mean_s = models.FloatField(default=0.0)
    dwell_m2_s2 = models.FloatField(default=0.0)
    served = models.PositiveIntegerField(default=0)
    not_served = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["round", "from_stop", "stop"], name="one_leg_a_pair"),
        ]

    def __str__(self) -> str:
        return f"leg {self.from_stop_id} to {self.stop_id}"


class RoundHistory(models.Model):
    """What a round's own history says about whole runs, beside its legs; see `saat.terms.history.History`.

    start_*, pace_*: Welford's running count, mean and sum of squared deviations of the start's delay in seconds, and of
    how long a run took as a share of what was expected. resumed: by `history.STOOD_MIN`. learned_day: the last service
    day that was learned from.
    """

    round = models.OneToOneField(Round, on_delete=models.CASCADE, primary_key=True, related_name="history")
    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    runs = models.PositiveIntegerField(default=0)
    start_n = models.PositiveIntegerField(default=0)
    start_mean_s = models.FloatField(default=0.0)
    start_m2_s2 = models.FloatField(default=0.0)
    pace_n = models.PositiveIntegerField(default=0)
    pace_mean = models.FloatField(default=0.0)
    pace_m2 = models.FloatField(default=0.0)
    resumed = models.JSONField(default=list)
    broke = models.PositiveIntegerField(default=0)
    learned_day = models.DateField(null=True)

    def __str__(self) -> str:
        return f"history of round {self.round_id}"


class StopWord(models.Model):
    """What a resident said about one stop on one run: that it was collected, or that it was not.

    service_request: the report by which it was said; its words stay there. said_at: on the clock of the trucks.
    """

    city = models.ForeignKey(City, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="stop_words")
    stop = models.ForeignKey(Stop, on_delete=models.PROTECT, related_name="+")
    service_request = models.OneToOneField(
        "records.ServiceRequest", on_delete=models.CASCADE, null=True, related_name="stop_word"
    )
    collected = models.BooleanField(default=False)
    said_at = models.DateTimeField()
    received_at = models.DateTimeField()

    class Meta:
        indexes = [models.Index(fields=["run", "said_at"], name="stop_word_of_run")]

    def __str__(self) -> str:
        return f"word about stop {self.stop_id} on run {self.run_id}"


class FollowerMark(models.Model):
    """How far the follower of one partition has read the position log, so that a restart goes on from there.

    log: name of the log's file (its day). row: the last row that was folded.
    """

    partition = models.PositiveIntegerField(primary_key=True)
    log = models.CharField(max_length=20, default="")
    row = models.BigIntegerField(default=0)
    at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"partition {self.partition} at {self.log}:{self.row}"

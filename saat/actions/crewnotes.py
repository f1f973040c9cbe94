"""What a crew says from its phone: taken in once, however often it is sent; photos that follow; taking back."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from saat.actions.log import Actor, Log, NotFound, writing
from saat.records import photo_store
from saat.records.models import City, CrewNote, Device, DeviceBinding, PlannedStop, Run
from saat.records.queries_crew import binding_at, run_of_vehicle, runs_of_vehicle
from saat.records.truck_clock import truck_now
from saat.terms.geo import Point
from saat.terms.report import NewPhoto
from saat.terms.run import CrewReason

# A phone that is further off than this has a wrong clock; less is what a message takes on its way.
CLOCK_IS_WRONG = timedelta(seconds=90)
OLDEST = timedelta(days=7)
# These are about one stop; the others may be about all that is left of the run.
ABOUT_A_STOP = frozenset({CrewReason.DONE, CrewReason.NOT_PRESENTED})
_LONGEST_ID = 64


class CrewRefused(Exception):
    """What a crew sent cannot be taken in; the message says why, and sending it again changes nothing. code: why."""

    def __init__(self, message: str, *, code: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenNote:
    """A crew's note that is durable now. again: it had come in before."""

    note: CrewNote
    again: bool


def take_note(
    *,
    device: Device,
    client_id: str,
    reason: CrewReason,
    said_at: datetime,
    sent_at: datetime,
    now: datetime,
    run_id: int | None = None,
    stop_id: int | None = None,
    at: Point | None = None,
) -> TakenNote:
    """Take in what a crew said about a stop, or about the rest of its run (stop_id None).

    said_at, sent_at: by the phone's clock, aware; what the clock is wrong by is seen from sent_at and mended. What is
    kept is by the trucks' clock, as everything of a run.
    run_id: the run that the phone showed; None for a vehicle that is on no run, or the one that it is on then.
    The same client_id again gives the same note and writes nothing.

    :raises CrewRefused: if the phone is on no vehicle, the word needs a stop, or it is older than seven days.
    :raises NotFound: if the run is not this vehicle's, or the stop is not on it.
    """
    _check_id(client_id)
    with _writing(device, now=now) as log:
        known = CrewNote.objects.filter(city_id=log.city_id, client_id=client_id).first()
        if known is not None:
            if known.device_id != device.pk:
                raise NotFound(_("There is no such note of this phone."))
            return TakenNote(note=known, again=True)
        by_our_clock = mended(said_at=said_at, sent_at=sent_at, now=now)
        if now - by_our_clock > OLDEST:
            raise CrewRefused(_("This was said more than seven days ago."), code="too_old")
        moment = truck_now(log.city_id, by_our_clock)
        if stop_id is None and reason in ABOUT_A_STOP:
            raise CrewRefused(_("Please say which stop is meant."), code="stop_needed")
        binding = _binding(device, moment, now)
        run = _run(binding, run_id=run_id, moment=moment)
        if stop_id is not None and not _is_on(run, stop_id):
            raise NotFound(_("This stop is not on the run."))
        note = CrewNote.objects.create(
            city_id=log.city_id,
            run=run,
            stop_id=stop_id,
            vehicle_id=binding.vehicle_id,
            device=device,
            reason=reason,
            said_at=moment,
            received_at=now,
            lat=at.lat if at else None,
            lon=at.lon if at else None,
            client_id=client_id,
        )
        _append(log, "crew_said", note)
        return TakenNote(note=note, again=False)


def add_photo(*, device: Device, client_id: str, photo: NewPhoto, now: datetime) -> CrewNote:
    """Put a photo to a note that came in before; the first photo stays, and the same again changes nothing.

    :raises NotFound: if this phone has sent no such note.
    """
    _check_id(client_id)
    photo_store.keep(digest=photo.digest, jpeg=photo.jpeg)
    with _writing(device, now=now) as log:
        note = _own(log, device, client_id)
        if not note.photo_digest:
            note.photo_digest = photo.digest
            note.save(update_fields=["photo_digest"])
            log.append("crew_photo_added", subject=_subject(note), facts={"note": note.pk, "photo": photo.digest})
        return note


def take_back(*, device: Device, client_id: str, now: datetime) -> CrewNote:
    """Take back what a crew said; twice is harmless. It stays written down that it was said.

    :raises NotFound: if this phone has sent no such note.
    """
    _check_id(client_id)
    with _writing(device, now=now) as log:
        note = _own(log, device, client_id)
        if note.taken_back_at is None:
            note.taken_back_at = now
            note.save(update_fields=["taken_back_at"])
            _append(log, "crew_took_back", note)
        return note


def forget_where(*, now: datetime) -> int:
    """Forget where crews stood when they said something, once tracks are no longer kept; return how many notes.

    What was said stays: a contractor's pay may hang on it. Where somebody was is a part of their track.
    """
    forgotten = 0
    for city in City.objects.all():
        oldest = now - timedelta(days=city.policy_terms().rounds.track_days)
        old = CrewNote.objects.filter(city=city, received_at__lt=oldest, lat__isnull=False)
        forgotten += old.update(lat=None, lon=None)
    return forgotten


def mended(*, said_at: datetime, sent_at: datetime, now: datetime) -> datetime:
    """Return when something was really said, from a phone whose clock may be wrong; never later than now.

    How long ago it was is what the phone knows even then, by the same clock: sent_at - said_at.

    >>> from datetime import UTC
    >>> moment = datetime(2026, 3, 2, 13, 0, tzinfo=UTC)
    >>> hour, minute = timedelta(hours=1), timedelta(minutes=1)
    >>> f"{mended(said_at=moment - 3 * minute, sent_at=moment, now=moment + minute):%H:%M}"
    '12:57'
    >>> f"{mended(said_at=moment + 2 * hour - 3 * minute, sent_at=moment + 2 * hour, now=moment):%H:%M}"
    '12:57'
    """
    offset = now - sent_at
    if abs(offset) < CLOCK_IS_WRONG:
        offset = timedelta(0)
    return min(min(said_at, sent_at) + offset, now)


def _writing(device: Device, *, now: datetime) -> AbstractContextManager[Log]:
    if device.city_id is None:
        raise CrewRefused(_("This phone is not known. Please ask the dispatcher."), code="unclaimed")
    return writing(device.city_id, now=now, by=Actor(kind="device", id=device.pk))


def _check_id(client_id: str) -> None:
    if not (8 <= len(client_id) <= _LONGEST_ID and client_id.isascii() and client_id.isprintable()):
        raise CrewRefused(_("A note needs an id of its own, of 8 to 64 letters and digits."), code="client_id")


def _own(log: Log, device: Device, client_id: str) -> CrewNote:
    note = CrewNote.objects.filter(city_id=log.city_id, client_id=client_id, device=device).first()
    if note is None:
        raise NotFound(_("There is no such note of this phone."))
    return note


def _binding(device: Device, moment: datetime, now: datetime) -> DeviceBinding:
    """Return the vehicle on which the phone was then; one that was put on it only since counts as well."""
    binding = binding_at(device.pk, moment) or binding_at(device.pk, now)
    if binding is None:
        raise CrewRefused(_("This phone is on no vehicle. Please ask the dispatcher."), code="no_vehicle")
    return binding


def _run(binding: DeviceBinding, *, run_id: int | None, moment: datetime) -> Run | None:
    """Return the run that is meant. One that is no more (its plan was changed) means the one that stands for it now."""
    if run_id is None or not Run.objects.filter(pk=run_id).exists():
        return run_of_vehicle(binding.vehicle_id, moment)
    run = runs_of_vehicle(binding.vehicle_id).filter(pk=run_id, city_id=binding.city_id).first()
    if run is None:
        raise NotFound(_("This run is not this vehicle's."))
    return run


def _is_on(run: Run | None, stop_id: int) -> bool:
    return run is not None and PlannedStop.objects.filter(plan_id=run.plan_id, stop_id=stop_id).exists()


def _subject(note: CrewNote) -> str:
    return f"run:{note.run_id}" if note.run_id else f"vehicle:{note.vehicle_id}"


def _append(log: Log, kind: str, note: CrewNote) -> None:
    facts = {
        "note": note.pk,
        "reason": str(note.reason),
        "stop": note.stop_id,
        "run": note.run_id,
        "vehicle": note.vehicle_id,
        "said_at": note.said_at,
    }
    log.append(kind, subject=_subject(note), facts=facts)

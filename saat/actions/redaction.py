"""Photos with what should not be in them: made unrecognisable in part, taken away, shown to the public or not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from saat.actions.cases import ActRefused
from saat.actions.log import Actor, Log, NotFound, writing
from saat.records import photo_store
from saat.records.models import Photo
from saat.terms.report import NewPhoto


def redact_photo(*, photo_id: int, redacted: NewPhoto, parts: int, now: datetime, by: Actor) -> Photo:
    """Put a photo in which faces or plates were covered in the place of the original, which is deleted.

    The fingerprint of the original stays, so that the same picture is still recognised. redacted: the covered picture.
    parts: how many parts of it were covered.

    :raises NotFound: if there is no such photo for this person.
    """
    with _writing(photo_id, now=now, by=by) as (log, photo):
        photo_store.keep(digest=redacted.digest, jpeg=redacted.jpeg)
        before = photo.digest
        photo.digest, photo.width, photo.height = redacted.digest, redacted.width, redacted.height
        photo.redacted_at = now
        photo.save(update_fields=["digest", "width", "height", "redacted_at"])
        _delete_file(before)
        log.append("photo_redacted", case_id=photo.case_id, facts={"photo": photo.pk, "parts": parts})
        return photo


def remove_photo(*, photo_id: int, now: datetime, by: Actor) -> None:
    """Take a photo away for good; that there was one stays written down.

    :raises NotFound: if there is no such photo for this person.
    """
    with _writing(photo_id, now=now, by=by) as (log, photo):
        photo.removed_at, photo.public = now, False
        photo.lat = photo.lon = photo.taken_at = None
        photo.save(update_fields=["removed_at", "public", "lat", "lon", "taken_at"])
        _delete_file(photo.digest)
        log.append("photo_removed", case_id=photo.case_id, facts={"photo": photo.pk})


def publish_photo(*, photo_id: int, public: bool, now: datetime, by: Actor) -> None:
    """Show a resident's photo to everybody, or to nobody but the office and its sender.

    :raises NotFound: if there is no such photo for this person.
    """
    with _writing(photo_id, now=now, by=by) as (log, photo):
        if photo.public != public:
            photo.public = public
            photo.save(update_fields=["public"])
            kind = "photo_published" if public else "photo_hidden"
            log.append(kind, case_id=photo.case_id, facts={"photo": photo.pk})


@contextmanager
def _writing(photo_id: int, *, now: datetime, by: Actor) -> Iterator[tuple[Log, Photo]]:
    known = Photo.objects.filter(pk=photo_id).values_list("city_id", "case_id").first()
    if known is None:
        raise NotFound(_("There is no such photo for you."))
    with writing(known[0], now=now, by=by) as log:
        photo = Photo.objects.select_for_update().get(pk=photo_id)
        log.case(photo.case_id, "redact")
        if photo.removed_at is not None:
            raise ActRefused(_("This photo was taken away already."))
        yield log, photo


def _delete_file(digest: str) -> None:
    """Delete a file once the change is durable, unless another photo is the same picture."""

    def delete() -> None:
        if not Photo.objects.filter(digest=digest, removed_at__isnull=True).exists():
            photo_store.remove(digest)

    transaction.on_commit(delete)

"""A person's own views of the desk, under names."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from saat.actions.cases import ActRefused
from saat.actions.log import Actor, NotAllowed, NotFound, writing
from saat.records.models import City, SavedFilter
from saat.triage.words import clean_words

MOST = 50
_NAME, _QUERY = 80, 1000


def save_filter(
    *, city: City, name: str, query: str, now: datetime, by: Actor, is_default: bool = False
) -> SavedFilter:
    """Keep a view of the desk under a name; a filter of that name is replaced.

    query: the part of the address after the question mark. is_default: the desk opens with it.

    :raises ActRefused: if the name is empty, the filter too long, or there are too many.
    :raises NotAllowed: if the person has no role in the city.
    """
    name = clean_words(name, limit=_NAME).replace("\n", " ")
    if not name:
        raise ActRefused(_("Please give the filter a name."), field="name")
    if len(query) > _QUERY:
        raise ActRefused(_("This filter is too long to be kept. Please take some of it out."), field="name")
    with writing(city.pk, now=now, by=by):
        user_id = _own(city, by)
        own = SavedFilter.objects.filter(city=city, user_id=user_id)
        if own.exclude(name=name).count() >= MOST:
            raise ActRefused(_("You have %(most)d filters already. Please delete one first.") % {"most": MOST})
        if is_default:
            own.update(is_default=False)
        kept, _made = SavedFilter.objects.update_or_create(
            city=city, user_id=user_id, name=name, defaults={"query": query, "is_default": is_default}
        )
        return kept


def delete_filter(*, city: City, filter_id: int, now: datetime, by: Actor) -> str:
    """Forget one of a person's own filters; return its name.

    :raises NotFound: if the person has no such filter.
    """
    with writing(city.pk, now=now, by=by):
        kept = _kept(city, filter_id, by)
        kept.delete()
        return kept.name


def choose_default(*, city: City, filter_id: int | None, now: datetime, by: Actor) -> None:
    """Let the desk open with one of a person's own filters, or with none.

    :raises NotFound: if the person has no such filter.
    """
    with writing(city.pk, now=now, by=by):
        SavedFilter.objects.filter(city=city, user_id=_own(city, by)).update(is_default=False)
        if filter_id is not None:
            kept = _kept(city, filter_id, by)
            kept.is_default = True
            kept.save(update_fields=["is_default"])


def note_export(*, city: City, form: str, group: str, now: datetime, by: Actor) -> None:
    """Write down that somebody took a list out of the house, as whom the export is traced back to.

    form: csv or geojson. group: which cases by their state; what was searched for is not written down, as it may be
    a name.
    """
    with writing(city.pk, now=now, by=by) as log:
        log.append("list_exported", subject=f"user:{_own(city, by)}", facts={"form": form, "group": group})


def _own(city: City, by: Actor) -> int:
    if by.kind != "user" or by.id is None or city.pk not in by.reach.cities():
        raise NotAllowed(_("You have no role in this city."))
    return by.id


def _kept(city: City, filter_id: int, by: Actor) -> SavedFilter:
    kept = SavedFilter.objects.filter(pk=filter_id, city=city, user_id=_own(city, by)).first()
    if kept is None:
        raise NotFound(_("This filter was deleted already."))
    return kept

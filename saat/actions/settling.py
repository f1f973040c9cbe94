"""What every change of a case brings with it: its place in the order, its next escalation, its words in the index."""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime
from typing import Any

from django.conf import settings

from saat.actions.citymap import CityMap
from saat.cases.escalation import next_escalation
from saat.cases.order import act_by
from saat.records import quick
from saat.records.models import Case
from saat.records.search import scope_words
from saat.terms.case import ServiceLevel, State, Urgency
from saat.terms.codes import spoken
from saat.terms.geo import Point
from saat.terms.policy import CityPolicy
from saat.triage.nearby import cell_of
from saat.triage.words import search_words

# The columns that an act may change and an undo may put back.
FIELDS = (
    "state",
    "ending",
    "reason_code",
    "service_code",
    "urgency",
    "service_level",
    "area_id",
    "place_id",
    "lat",
    "lon",
    "cell",
    "address",
    "voices",
    "opened_at",
    "due_at",
    "waiting_since",
    "steps_done",
    "taken_at",
    "on_site_at",
    "proved_at",
    "closed_at",
    "owner_id",
    "contractor_id",
    "crew_id",
    "reopened",
    "proof_failed",
    "merged_into_id",
)
# Columns that are computed from the others and follow by themselves.
_DERIVED = ("act_by", "next_escalation_at", "updated_at")


# What people wrote, and where exactly it is (perhaps at somebody's door), is not for the log, which is kept for ever:
# it holds a digest, `EarlierText` the words and the place.
PLACE = ("lat", "lon", "cell")
WRITTEN = ("address", *PLACE)


def snapshot(case: Case) -> dict[str, Any]:
    """Return the changeable columns as plain values: moments as ISO text, words and the exact place as digests."""
    values = {field: getattr(case, field) for field in FIELDS}
    plain = {field: value.isoformat() if isinstance(value, datetime) else value for field, value in values.items()}
    return plain | {field: digest(plain[field]) for field in WRITTEN}


def digest(value: str | float | None) -> str:
    """Return 16 hexadecimal digits that stand for a value in the log; nothing for nothing.

    They are made with the installation's secret: addresses and places are few enough to be tried out otherwise.
    """
    if value is None or value == "":
        return ""
    return hmac.new(settings.SECRET_KEY.encode(), f"saat log:{value}".encode(), hashlib.sha256).hexdigest()[:16]


def place_as_text(case: Case) -> str:
    """Return the exact place of a case as `EarlierText` keeps it; "" if it has none."""
    return "" if case.lat is None or case.lon is None else f"{case.lat!r} {case.lon!r}"


def put_earlier(case: Case, *, field: str, text: str) -> None:
    """Set what `EarlierText` kept of a case: a column of words, or "place", its exact place."""
    if field != "place":
        setattr(case, field, text)
    elif text:
        case.lat, case.lon = (float(part) for part in text.split())
        case.cell = cell_of(Point(lat=case.lat, lon=case.lon))
    else:
        case.lat = case.lon = case.cell = None


def changed(before: dict[str, Any], after: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return {"before": …, "after": …} with only the columns that differ, as an event's facts keep them."""
    differ = [field for field in FIELDS if before[field] != after[field]]
    return {"before": {f: before[f] for f in differ}, "after": {f: after[f] for f in differ}}


def put(case: Case, values: dict[str, Any]) -> None:
    """Set columns from plain values, as `snapshot` gave them; words and the exact place are left as they are."""
    for field, value in values.items():
        if field in WRITTEN:
            continue
        if field.endswith("_at") or field == "waiting_since":
            value = datetime.fromisoformat(value) if value else None
        setattr(case, field, value)


def settle(case: Case, *, policy: CityPolicy, now: datetime) -> None:
    """Compute what follows from a case's columns, without saving it."""
    state = State(case.state)
    taken = state is not State.OPEN
    case.act_by = act_by(
        due_at=case.due_at,
        opened_at=case.opened_at,
        urgency=Urgency(case.urgency),
        voices=case.voices,
        taken=taken,
        reopened=case.reopened,
        service_level=ServiceLevel(case.service_level),
    )
    step = None
    if not state.is_closed:
        step = next_escalation(
            policy=policy,
            waiting_since=case.waiting_since,
            due_at=case.due_at,
            taken=taken,
            steps_done=frozenset(case.steps_done),
        )
    case.next_escalation_at = step.at if step else None
    case.updated_at = now


def save(case: Case, *, policy: CityPolicy, now: datetime, also: tuple[str, ...] = ()) -> None:
    """Settle a case and write it."""
    settle(case, policy=policy, now=now)
    case.save(update_fields=[*FIELDS, *_DERIVED, *also])


def index_words(case: Case, *, said: list[str], ground: CityMap, policy: CityPolicy) -> None:
    """Write the words by which a case is found: its code, category, areas, address and all that residents said."""
    path = ground.path_of(case.area_id)
    names = [text for part in path.split("/") if part for text in ground.names.get(int(part), {}).values()]
    if policy.has_category(case.service_code):
        names += policy.category(case.service_code).name.values()
    whole = " ".join([spoken(case.code), case.address, *names, *said])
    words = [*scope_words(city_id=case.city_id, area_path=path), *search_words(whole)]
    quick.keep_words(case.pk, " ".join(words))

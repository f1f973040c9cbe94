"""What the page of a case shows, made ready for its template."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.formats import number_format
from django.utils.translation import get_language, ngettext
from django.utils.translation import gettext as _

from saat.actions import advice, explain
from saat.actions.citymap import city_map
from saat.actions.texts import filled
from saat.records.models import Case, City, Photo, ServiceRequest
from saat.records.queries_case import CaseFile, texts_of, workers_for
from saat.records.queries_live import latest_id
from saat.records.scope import Reach
from saat.terms.case import Declined, State, Urgency
from saat.terms.codes import spoken
from saat.terms.policy import CityPolicy
from saat.web.desk import words
from saat.web.desk.case_findings import findings_on
from saat.web.desk.history import Speech, folded, sentence, steps_of
from saat.web.desk.understood import understood_of

UNDO_WITHIN = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """An act that was refused, so that its form can be shown again with what was typed.

    at: the form's field at fault, "" if it is none alone. happened: what others did meanwhile, in words; the form then
    offers to do it all the same. reports: the reports that were chosen. preview: what
    the reporter would read.
    """

    act: str
    error: str
    at: str = ""
    values: dict[str, Any] = field(default_factory=dict)
    happened: tuple[str, ...] = ()
    reports: tuple[int, ...] = ()
    preview: str = ""


def language_now() -> str:
    """Return the language in which this page is written."""
    return get_language() or "en"


def area_namer(city: City) -> Any:
    """Return a function from an area's id to what it is called in this page's language."""
    ground, policy, language = city_map(city), city.policy_terms(), language_now()

    def name(area_id: int | None) -> str:
        return policy.say(ground.names.get(area_id, {}), language) if area_id is not None else _("unknown")

    return name


def trail(case: Case) -> str:
    """Return where a case lies, from the sangkat up: "Phsar Kandal, Daun Penh"; the city itself is left out."""
    name = area_namer(case.city)
    path = city_map(case.city).path_of(case.area_id)
    ids = [int(part) for part in path.split("/") if part]
    return ", ".join(name(area_id) for area_id in reversed(ids[1:] or ids))


def speech_of(file: CaseFile) -> Speech:
    """Return in whose words the events of a case are told."""
    city = file.case.city
    return Speech(policy=city.policy_terms(), language=language_now(), names=file.names, areas=area_namer(city))


def whole_page(file: CaseFile, *, reach: Reach, now: datetime, failed: Failed | None = None) -> dict[str, Any]:
    """Return everything that the page of a case shows to one person."""
    case, policy = file.case, file.case.city.policy_terms()
    acts = explain.acts_on(case, city=case.city, reach=reach)
    workers = workers_for(case, reach=reach) if "assign" in acts else None
    ways = advice.fits(case, workers) if workers else []
    speech = speech_of(file)
    can_undo = advice.can_be_undone(file.events, case=case, acts=acts, since=UNDO_WITHIN, now=now)
    proposal = advice.proposal(case, acts=acts, user_id=reach.user_id, ways=ways)
    requests = [
        _request(row, file=file, policy=policy, now=now, contact="see_contact" in acts) for row in file.requests
    ]
    return {
        **head(case, policy=policy, now=now),
        "file": file,
        "acts": acts,
        "closed": State(case.state).is_closed,
        "proposal": proposal,
        "ways": ways,
        "officers": [user for user in workers.officers if user.pk != case.owner_id] if workers else [],
        "mine": case.owner_id == reach.user_id,
        "findings": findings_on(case, now=now),
        "requests": requests,
        "can_split": "split" in acts and len(requests) > 1 and not State(case.state).is_closed,
        "proofs": [_proof(photo, policy=policy) for photo in file.photos if photo.kind == "proof"],
        "messages_to": file.messages,
        "notes": file.notes,
        "understood": understood_of(case, events=file.events, policy=policy, acts=acts),
        "steps": folded(steps_of(file.events, speech=speech, can_undo=can_undo)),
        "neighbours": _neighbours(file, reach=reach, policy=policy, acts=acts),
        "ladder": _ladder(file, policy=policy, now=now),
        "times": _times(case),
        "categories": [
            (row.service_code, policy.say(row.name, language_now())) for row in policy.categories
        ] if "change" in acts else [],
        "areas": _areas(case) if "change" in acts else [],
        "urgencies": [(code, words.URGENCIES[code]) for code in Urgency],
        "closing_reasons": [(row.code, policy.say(row.text, language_now())) for row in policy.closing_reasons],
        "declined": [(code, words.DECLINED[code]) for code in Declined],
        "texts": _texts(case, file=file, policy=policy) if "message" in acts else [],
        "failed": failed,
        "latest_event": latest_id(),
        "zone": policy.hours.zone,
        "section": "list",
    }  # fmt: skip


def head(case: Case, *, policy: CityPolicy, now: datetime) -> dict[str, Any]:
    """Return what stands at the top of every page about one case."""
    category = policy.category(case.service_code) if policy.has_category(case.service_code) else None
    return {
        "case": case,
        "code": spoken(case.code),
        "category": words.category_name(case.service_code, policy=policy, language=language_now()),
        "icon": category.icon if category else "other",
        "state": words.STATES[case.state],
        "ending": words.ENDINGS.get(case.ending, ""),
        "reason": words.reason_text(case.reason_code, policy=policy, language=language_now())
        if case.reason_code
        else "",
        "urgency": words.URGENCIES[case.urgency],
        "where": trail(case),
        "landmark": policy.say(case.place.names, language_now()) if case.place_id and case.place else "",
        "clock": _clock(case, policy=policy, now=now),
        "reasons": [reason_text(reason) for reason in explain.reasons_of(case, now=now)],
        "now": now,
        "today": now.astimezone(ZoneInfo(policy.hours.zone)).date(),
    }


def reason_text(reason: explain.Reason) -> dict[str, str]:
    """Return a reason of the order as {"code", "text"}."""
    amount = reason.amount or 0
    texts = {
        "danger": lambda: _("Danger: before everything else"),
        "overdue": lambda: _("The promise is broken since %(span)s") % {"span": words.span(amount)},
        "due_soon": lambda: _("Only %(span)s left") % {"span": words.span(amount)},
        "untaken": lambda: _("Nobody has taken it for %(span)s") % {"span": words.span(amount)},
        "urgent": lambda: _("High urgency"),
        "reopened": lambda: ngettext("Opened again once", "Opened again %(n)d times", int(amount)) % {"n": int(amount)},
        "voices": lambda: ngettext("%(n)d voice", "%(n)d voices", int(amount)) % {"n": int(amount)},
        "place": lambda: _("A place that needs care"),
        "escalated": lambda: ngettext("Escalated once", "Escalated %(n)d times", int(amount)) % {"n": int(amount)},
        "proof_failed": lambda: _("A check of the proof failed"),
    }
    return {"code": reason.code, "text": texts[reason.code]()}


def _clock(case: Case, *, policy: CityPolicy, now: datetime) -> dict[str, Any]:
    """Return the promise in words: by when, how long that is, and how it was counted."""
    zone = policy.hours.zone
    today = now.astimezone(ZoneInfo(zone)).date()
    end = case.closed_at or now
    left_s = (case.due_at - end).total_seconds()
    category = policy.category(case.service_code) if policy.has_category(case.service_code) else None
    always = case.urgency == Urgency.DANGER or (category is not None and category.round_the_clock)
    if State(case.state).is_closed:
        left = _("%(span)s too late") if left_s < 0 else _("%(span)s before the end of the promise")
    else:
        left = _("%(span)s late") if left_s < 0 else _("%(span)s left")
    working = ""
    if not always and left_s > 0 and not State(case.state).is_closed:
        inside = policy.hours.between(now, case.due_at).total_seconds()
        working = _("Of these, %(span)s are working time.") % {"span": words.span(inside)}
    return {
        "due": words.moment(case.due_at, zone=zone, today=today),
        "due_at": case.due_at,
        "left": left % {"span": words.span(abs(left_s))},
        "late": left_s < 0,
        "soon": 0 <= left_s <= 7200 and not State(case.state).is_closed,
        "working": working,
        "counted": _("Every hour counts, day and night.")
        if always
        else _("Only the office's working hours count, from the first report on. No edit starts the clock again."),
        "opened": words.moment(case.opened_at, zone=zone, today=today),
    }


def likeness_text(likeness: dict[str, Any]) -> str:
    """Return why a report joined: "18 m away; distance 0.40, time 0.14, category 0.25: likeness 0.83"."""
    parts = ", ".join(
        f"{words.PARTS.get(name, name)} {number_format(share, 2)}"
        for name, share in likeness.get("parts", {}).items()
        if share > 0
    )
    far = likeness.get("distance_m")
    facts = {"parts": parts, "score": number_format(likeness.get("score", 0), 2)}
    if far is None:
        return _("likeness %(score)s (%(parts)s)") % facts
    return _("%(far)s away, likeness %(score)s (%(parts)s)") % {**facts, "far": words.metres(far)}


def _request(
    row: ServiceRequest, *, file: CaseFile, policy: CityPolicy, now: datetime, contact: bool
) -> dict[str, Any]:
    first = file.requests[0]
    gap = (row.requested_at - first.requested_at).total_seconds()
    joined = ""
    if row.pk != first.pk and row.voice == "report":
        how = likeness_text(row.likeness) if row.likeness else _("the reporter chose this case")
        joined = _("Joined %(span)s after the first report: %(how)s.") % {"span": words.span(gap), "how": how}
    return {
        "row": row,
        "voice": words.VOICES.get(row.voice, row.voice),
        "channel": words.CHANNELS.get(row.channel, row.channel),
        "category": words.category_name(row.service_code, policy=policy, language=language_now())
        if row.service_code != file.case.service_code
        else "",
        "joined": joined,
        "photos": [photo for photo in file.photos if photo.service_request_id == row.pk],
        "answers": _answers(row, policy=policy),
        "contact": row.contact if contact and row.contact_id and file.as_office else None,
        "reachable": bool(row.contact_id and file.as_office and row.contact and row.contact.email),
        "said_late": row.said_at is not None and abs((row.requested_at - row.said_at).total_seconds()) > 600,
    }


def _answers(row: ServiceRequest, *, policy: CityPolicy) -> list[tuple[str, str]]:
    """Return the questions of the category with what the reporter answered, in words."""
    if not row.attributes or not policy.has_category(row.service_code):
        return []
    found = []
    for attribute in policy.category(row.service_code).attributes:
        given = row.attributes.get(attribute.code)
        if given:
            chosen = dict(attribute.values)
            said = [policy.say(chosen[key], language_now()) if key in chosen else key for key in str(given).split(",")]
            found.append((policy.say(attribute.text, language_now()), ", ".join(said)))
    return found


def check_text(check: dict[str, Any]) -> dict[str, Any]:
    """Return a check of a proof as {"passed", "text", "case_id"}."""
    amounts = check.get("amounts", {})
    far = words.metres(amounts.get("distance_m", 0))
    age = words.span(amounts.get("age_s", 0))
    texts = {
        "photo_old": _("The photo says that it was taken %(age)s before.") % {"age": age},
        "no_code": _("It came without the one-time code, so nobody knows when it was taken."),
        "code_wrong": _("The one-time code was wrong, another's, or used before."),
        "code_old": _("The one-time code was drawn %(age)s before: too long ago.") % {"age": age},
        "code_and_camera": _("Taken by the camera, %(age)s after the one-time code was drawn.") % {"age": age},
        "code_and_photo_moment": _("The one-time code and the photo's own moment agree."),
        "file_without_moment": _("A file that does not say when it was taken."),
        "case_without_place": _("The case has no place on the map to compare with."),
        "photo_far": _("The photo says that it was taken %(far)s away.") % {"far": far},
        "phone_far": _("The phone was %(far)s away.") % {"far": far},
        "phone_near": _("The phone was %(far)s from the place.") % {"far": far},
        "phone_inexact": _("The phone did not know exactly enough where it was."),
        "photo_near": _("The photo says that it was taken %(far)s from the place.") % {"far": far},
        "no_place": _("Neither the photo nor the phone said where it was taken."),
        "no_likeness": _("The picture has nothing by which it could be compared."),
        "first_photo": _("No earlier photo looks like it."),
        "new_photo": _("No earlier photo looks like it."),
        "seen_in_report": _("It is the same picture as one of a report."),
        "seen_in_proof": _("It is the same picture as an earlier proof."),
    }
    seen = int(amounts["case_id"]) if check.get("passed") is False and "case_id" in amounts else None
    return {"passed": check.get("passed"), "text": texts.get(check.get("detail", ""), ""), "case_id": seen}


def _proof(photo: Photo, *, policy: CityPolicy) -> dict[str, Any]:
    return {"photo": photo, "checks": [check_text(check) for check in photo.proof_checks]}


def _neighbours(file: CaseFile, *, reach: Reach, policy: CityPolicy, acts: frozenset[str]) -> list[dict[str, Any]]:
    if file.case.state == State.MERGED:
        return []
    found = []
    for one in advice.neighbours(file.case, photos=file.photos, reach=reach, policy=policy):
        likeness = {
            "score": one.likeness.score,
            "distance_m": one.likeness.distance_m,
            "parts": dict(one.likeness.parts),
        }
        found.append(
            {
                "case": one.case,
                "code": spoken(one.case.code),
                "category": words.category_name(one.case.service_code, policy=policy, language=language_now()),
                "state": words.STATES[one.case.state],
                "how": likeness_text(likeness) if one.likeness.score else words.metres(one.likeness.distance_m or 0),
                "score": round(one.likeness.score * 100),
                "likely": one.likeness.score >= policy.duplicates.suggest,
                "can_merge": "merge" in acts and not State(file.case.state).is_closed,
            }
        )
    return found


def _ladder(file: CaseFile, *, policy: CityPolicy, now: datetime) -> dict[str, Any]:
    """Return who is told next if nothing happens, who is on call, and which alerts wait for an answer."""
    case = file.case
    rung = advice.next_rung(case, policy=policy)
    zone = policy.hours.zone
    today = now.astimezone(ZoneInfo(zone)).date()
    following = ""
    if rung is not None:
        following = _("%(moment)s: the %(role)s is told.") % {
            "moment": words.moment(rung.at, zone=zone, today=today),
            "role": words.ROLES.get(rung.role, rung.role),
        }
    call = advice.on_call(case, now=now) if file.as_office and not State(case.state).is_closed else None
    return {
        "next": following,
        "on_call": call,
        "alerts": [
            (alert, words.WHYS.get(alert.why, alert.why))
            for alert in file.alerts
            if alert.acknowledged_at is None and alert.passed_on_at is None
        ],
    }


def _times(case: Case) -> list[tuple[str, str]]:
    taken = advice.time_taken(case)
    rows = (
        (_("seen"), taken.seen_s),
        (_("taken"), taken.taken_s),
        (_("on site"), taken.on_site_s),
        (_("proved"), taken.proved_s),
    )
    return [(label, words.span(seconds) if seconds is not None else "") for label, seconds in rows]


def _areas(case: Case) -> list[tuple[int, str]]:
    ground, name = city_map(case.city), area_namer(case.city)
    deepest = max(ground.levels.values(), default=0)
    rows = []
    for area_id, level in ground.levels.items():
        if level == deepest:
            parents = [int(part) for part in ground.paths[area_id].split("/") if part][1:-1]
            rows.append((area_id, ", ".join([name(area_id), *(name(parent) for parent in reversed(parents))])))
    return sorted(rows, key=lambda row: row[1])


def _texts(case: Case, *, file: CaseFile, policy: CityPolicy) -> list[dict[str, Any]]:
    """Return the office's texts in each language, with the case's own code, office and promise put in."""
    return [
        {
            "id": row.pk,
            "name": row.name,
            "texts": {
                language: filled(text, case=case, policy=policy, language=language)
                for language, text in row.texts.items()
            },
        }
        for row in texts_of(case.city_id)
    ]


def reporter_language(file: CaseFile, request_id: int | None = None) -> str:
    """Return in which language to write to one reporter, or to most of them."""
    said = [row.language for row in file.requests if row.language and request_id in (None, row.pk)]
    own = file.case.city.policy_terms().languages[0]
    return max(set(said), key=said.count) if said else own


__all__ = [
    "Failed",
    "check_text",
    "head",
    "reason_text",
    "reporter_language",
    "sentence",
    "speech_of",
    "trail",
    "whole_page",
]

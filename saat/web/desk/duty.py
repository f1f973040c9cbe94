"""Who is on duty, turns to come, handing over, and the alerts that wait for one's answer."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from saat.actions.alerts import acknowledge_alert
from saat.actions.cases import ActRefused
from saat.actions.citymap import city_map
from saat.actions.duty import end_duty, hand_over, may_plan, plan_duty
from saat.actions.log import NotAllowed, NotFound
from saat.records.models import Alert, City, Duty
from saat.records.queries_case import alerts_of, duty_plan, officers_of
from saat.terms.codes import spoken
from saat.web.desk import words
from saat.web.desk.acts import actor_of
from saat.web.desk.casefile import Failed, area_namer, language_now, trail
from saat.web.desk.frame import city_for, desk_view, reach_for


@desk_view
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show who is on duty for which area now and next, and one's own alerts."""
    return _show(request, _city(request))


def _show(request: HttpRequest, city: City, *, failed: Failed | None = None, status: int = 200) -> HttpResponse:
    now, by = timezone.now(), actor_of(request)
    policy, ground, name = city.policy_terms(), city_map(city), area_namer(city)
    turns = duty_plan(city, now=now)
    plannable = [
        (area_id, " › ".join(name(int(part)) for part in path.split("/") if part))
        for area_id, path in sorted(ground.paths.items(), key=lambda item: _order(item[1], name))
        if ground.levels[area_id] and may_plan(by, city_id=city.pk, area_path=path)
    ]
    zone = ZoneInfo(policy.hours.zone)
    soon = (now.astimezone(zone) + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    mine_first = sorted(turns.now, key=lambda turn: turn.user_id != by.id)
    context: dict[str, Any] = {
        "now_on": [_turn(turn, name=name, now=now, by=by, city=city) for turn in mine_first],
        "next_on": [_turn(turn, name=name, now=now, by=by, city=city) for turn in turns.next],
        "ended": [_turn(turn, name=name, now=now, by=by, city=city) for turn in turns.ended if turn.handover_note],
        "alerts": [_alert(alert) for alert in alerts_of(by.reach)],
        "officers": officers_of(city),
        "plannable": plannable,
        "may_plan_city": may_plan(by, city_id=city.pk, area_path=""),
        "starts_at": f"{soon:%Y-%m-%dT%H:%M}",
        "ends_at": f"{soon + timedelta(hours=8):%Y-%m-%dT%H:%M}",
        "zone": policy.hours.zone,
        "office": policy.say(policy.office, language_now()),
        "failed": failed,
        "section": "duty",
    }
    return render(request, "desk/duty.html", context, status=status)


def _order(path: str, name: Any) -> tuple[str, ...]:
    return tuple(name(int(part)) for part in path.split("/") if part)


def _turn(turn: Duty, *, name: Any, now: datetime, by: Any, city: City) -> dict[str, Any]:
    zone = city.policy_terms().hours.zone
    today = now.astimezone(ZoneInfo(zone)).date()
    planner = may_plan(by, city_id=city.pk, area_path=turn.area.path if turn.area else "")
    return {
        "turn": turn,
        "area": name(turn.area_id) if turn.area_id else _("The whole city"),
        "from": words.moment(turn.starts_at, zone=zone, today=today),
        "to": words.moment(turn.ends_at, zone=zone, today=today),
        "can_end": planner,
        "can_hand_over": planner or turn.user_id == by.id,
        "mine": turn.user_id == by.id,
        "hand_act": f"hand{turn.pk}",
    }


def _alert(alert: Alert) -> dict[str, Any]:
    case = alert.case
    policy = case.city.policy_terms()
    now = timezone.now()
    zone = policy.hours.zone
    return {
        "alert": alert,
        "code": spoken(case.code),
        "category": words.category_name(case.service_code, policy=policy, language=language_now()),
        "where": trail(case),
        "why": words.WHYS.get(alert.why, alert.why),
        "raised": words.moment(alert.raised_at, zone=zone, today=now.astimezone(ZoneInfo(zone)).date()),
        "left": words.span(max(0.0, (alert.answer_by - now).total_seconds())),
    }


@desk_view
@require_GET
def alerts(request: HttpRequest) -> HttpResponse:
    """Answer with the alerts that wait, as a part of a page."""
    rows = [_alert(alert) for alert in alerts_of(reach_for(request))]
    return render(request, "desk/duty_alerts.html", {"alerts": rows, "here": request.GET.get("next", "")})


@desk_view
@require_POST
def acknowledge(request: HttpRequest, alert_id: int) -> HttpResponse:
    """Write down that an alert was seen, and lead back."""
    try:
        acknowledge_alert(alert_id=alert_id, now=timezone.now(), by=actor_of(request))
    except NotFound as error:
        raise Http404 from error
    messages.success(request, _("Your answer is written down. The alert goes no further."))
    wanted = request.POST.get("next", "")
    fine = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return HttpResponseRedirect(wanted if wanted and fine else reverse("desk_duty"))


@desk_view
@require_POST
def plan(request: HttpRequest) -> HttpResponse:
    """Plan a turn of duty."""
    city = _city(request)
    zone = ZoneInfo(city.policy_terms().hours.zone)
    try:
        plan_duty(
            city_id=city.pk,
            user_id=_number(request, "user") or 0,
            area_id=_number(request, "area"),
            starts_at=_moment(request, "starts_at", zone),
            ends_at=_moment(request, "ends_at", zone),
            rank=_number(request, "rank") or 1,
            now=timezone.now(),
            by=actor_of(request),
        )
    except (ActRefused, NotAllowed) as error:
        return _refused(request, city, "plan", error)
    messages.success(request, _("The turn of duty is planned."))
    return HttpResponseRedirect(reverse("desk_duty"))


@desk_view
@require_POST
def end(request: HttpRequest, duty_id: int) -> HttpResponse:
    """End a turn now, or take it out of the plan."""
    try:
        end_duty(duty_id=duty_id, now=timezone.now(), by=actor_of(request))
    except NotFound as error:
        raise Http404 from error
    except NotAllowed as error:
        return _refused(request, _city(request), f"end{duty_id}", error)
    messages.success(request, _("The turn of duty has ended."))
    return HttpResponseRedirect(reverse("desk_duty"))


@desk_view
@require_POST
def hand(request: HttpRequest, duty_id: int) -> HttpResponse:
    """Hand the rest of a turn to somebody else, with a note."""
    note = request.POST.get("note", "")
    try:
        to = _number(request, "user") or 0
        hand_over(duty_id=duty_id, to_user_id=to, note=note, now=timezone.now(), by=actor_of(request))
    except NotFound as error:
        raise Http404 from error
    except (ActRefused, NotAllowed) as error:
        return _refused(request, _city(request), f"hand{duty_id}", error)
    messages.success(request, _("The duty is handed over, and open alerts with it."))
    return HttpResponseRedirect(reverse("desk_duty"))


def _refused(request: HttpRequest, city: City, act: str, error: Exception) -> HttpResponse:
    values = {key: value for key, value in request.POST.items() if key != "csrfmiddlewaretoken"}
    failed = Failed(act=act, error=str(error), at=getattr(error, "field", ""), values=values)
    return _show(request, city, failed=failed, status=403 if isinstance(error, NotAllowed) else 422)


def _city(request: HttpRequest) -> City:
    city = city_for(request)
    if city is None:
        raise Http404
    return city


def _number(request: HttpRequest, name: str) -> int | None:
    text = request.POST.get(name, "").strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else None


def _moment(request: HttpRequest, name: str, zone: ZoneInfo) -> datetime:
    """Return a moment typed on the city's clock."""
    try:
        return datetime.fromisoformat(request.POST.get(name, "")).replace(tzinfo=zone)
    except ValueError as error:
        raise ActRefused(_("Please give day and time."), field=name) from error

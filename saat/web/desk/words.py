"""The desk's words for states, urgencies, channels, reasons and spans of time, in the reader's language."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop, ngettext, pgettext

from saat.actions.findings import OVER
from saat.terms.policy import CityPolicy

STATES = {
    "open": gettext_lazy("Open"),
    "taken": gettext_lazy("Taken"),
    "assigned": gettext_lazy("Assigned"),
    "on_site": gettext_lazy("On site"),
    "closed": gettext_lazy("Closed"),
    "merged": gettext_lazy("Merged"),
}
ENDINGS = {
    "proved": gettext_lazy("cleaned, with a photo"),
    "claimed": gettext_lazy("said to be cleaned, without a photo"),
    "no_fix": gettext_lazy("closed without cleaning"),
    "confirmed": gettext_lazy("a resident says that it is gone"),
}
URGENCIES = {
    "low": gettext_lazy("Low"),
    "normal": gettext_lazy("Normal"),
    "high": gettext_lazy("High"),
    "danger": gettext_lazy("Danger"),
}
CHANNELS = {
    "web": gettext_lazy("the web page"),
    "open311": gettext_lazy("another app"),
    "phone": gettext_lazy("the telephone"),
    "import": gettext_lazy("an import"),
    "api": gettext_lazy("a partner"),
}
VOICES = {
    "report": gettext_lazy("reported it"),
    "me_too": gettext_lazy("sees it too"),
    "still_there": gettext_lazy("says that it is still there"),
    "gone": gettext_lazy("says that it is gone"),
}
ROLES = {
    "sangkat_officer": gettext_lazy("sangkat officer"),
    "khan_officer": gettext_lazy("khan officer"),
    "city_duty": gettext_lazy("city duty officer"),
    "contractor": gettext_lazy("dispatcher"),
    "crew": gettext_lazy("crew"),
    "director": gettext_lazy("director"),
    "auditor": gettext_lazy("auditor"),
    "administrator": gettext_lazy("administrator"),
}
DECLINED = {
    "no_access": gettext_lazy("No way to get there"),
    "too_much": gettext_lazy("Too much for our truck or crew"),
    "dangerous": gettext_lazy("Dangerous: others must do it"),
    "not_ours": gettext_lazy("Not our area or not our work"),
    "no_one_free": gettext_lazy("Nobody is free in time"),
    "other": gettext_lazy("Another reason"),
}
WHYS = {
    "danger": gettext_lazy("it may be dangerous"),
    "reopened": gettext_lazy("a resident says that it is still there"),
    "untaken": gettext_lazy("nobody has taken it"),
    "overdue": gettext_lazy("the promise is broken"),
    "declined": gettext_lazy("whoever it was handed to cannot do it"),
}
PARTS = {
    "distance": gettext_lazy("distance"),
    "time": gettext_lazy("time"),
    "category": gettext_lazy("category"),
    "photo": gettext_lazy("photo"),
    "words": gettext_lazy("words"),
}

# Django has no Khmer for these; its dates take them from our own catalogue.
WEEKDAYS = (
    gettext_noop("Mon"),
    gettext_noop("Tue"),
    gettext_noop("Wed"),
    gettext_noop("Thu"),
    gettext_noop("Fri"),
    gettext_noop("Sat"),
    gettext_noop("Sun"),
)


def category_name(service_code: str, *, policy: CityPolicy, language: str) -> str:
    """Return what a category is called; its code if the city has it no more."""
    return (
        policy.say(policy.category(service_code).name, language) if policy.has_category(service_code) else service_code
    )


def reason_text(code: str, *, policy: CityPolicy, language: str) -> str:
    """Return what a closing reason says to the reporter; its code if the city has it no more."""
    found = next((reason for reason in policy.closing_reasons if reason.code == code), None)
    if found is None and code == OVER:
        return _("the trucks' positions show that it is over")
    return policy.say(found.text, language) if found else code


def span(seconds: float) -> str:
    """Return a span of time in the one or two largest units that matter, such as "3 days 4 hours" or "25 minutes"."""
    minutes = int(seconds // 60)
    if minutes < 1:
        return _("less than a minute")
    days, rest = divmod(minutes, 1440)
    hours, minutes = divmod(rest, 60)
    parts = []
    if days:
        parts.append(ngettext("%(n)d day", "%(n)d days", days) % {"n": days})
    if hours:
        parts.append(ngettext("%(n)d hour", "%(n)d hours", hours) % {"n": hours})
    if minutes and not days:
        parts.append(ngettext("%(n)d minute", "%(n)d minutes", minutes) % {"n": minutes})
    return pgettext("two parts of a span of time, such as 3 days and 4 hours", "%(first)s %(second)s") % {
        "first": parts[0], "second": parts[1]
    } if len(parts) > 1 else parts[0]  # fmt: skip


def moment(at: datetime, *, zone: str, today: date | None = None) -> str:
    """Return a moment on the city's clock, shortly: today the time alone, otherwise the day with it."""
    local = at.astimezone(ZoneInfo(zone))
    time = f"{local:%H:%M}"
    if today is not None and local.date() == today:
        return time
    if today is not None and local.date() == today - timedelta(days=1):
        return _("yesterday %(time)s") % {"time": time}
    if today is not None and local.date() == today + timedelta(days=1):
        return _("tomorrow %(time)s") % {"time": time}
    return _("%(day)s, %(time)s") % {"day": date_format(local, "D j M"), "time": time}


def metres(distance_m: float) -> str:
    """Return a distance as people say it."""
    return _("%(n)d m") % {"n": round(distance_m)} if distance_m < 1000 else _("%(n).1f km") % {"n": distance_m / 1000}

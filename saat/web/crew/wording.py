"""What the crew's page says: few words, whole sentences, no trade terms."""

from __future__ import annotations

from django.utils.translation import gettext as _

from saat.actions.crewnotes import ABOUT_A_STOP
from saat.terms.run import CrewReason

_ICONS = {
    CrewReason.DONE: "check",
    CrewReason.BLOCKED: "barrier",
    CrewReason.NOT_PRESENTED: "nothing",
    CrewReason.FULL: "full",
    CrewReason.FLOODED: "flood",
    CrewReason.BROKEN: "wrench",
}


def reason_text(reason: str) -> str:
    """Return what a crew says, in its own words."""
    texts = {
        "done": _("Done"),
        "blocked": _("Way blocked"),
        "not_presented": _("Nothing was put out"),
        "full": _("Truck is full"),
        "broken": _("Truck broke down"),
        "flooded": _("Flooded"),
    }
    return texts.get(reason, reason)


def reasons() -> list[dict[str, object]]:
    """Return the buttons in their order. rest: it can be said of all that is left."""
    return [
        {"code": str(code), "icon": icon, "text": reason_text(code), "rest": code not in ABOUT_A_STOP}
        for code, icon in _ICONS.items()
    ]


def texts() -> dict[str, str]:
    """Return the texts that the page's script needs."""
    reasons = {f"reason_{reason}": reason_text(reason) for reason in CrewReason}
    return reasons | {
        "off": _("Shift not started"),
        "off_more": _("Nothing is sent."),
        "off_rest": _("The shift is over. What was kept of it is sent as soon as there is a signal: %(kept)s."),
        "starting": _("Looking for where you are…"),
        "starting_more": _("This can take a minute."),
        "sending": _("Sending"),
        "sending_more": _("Everything is sent."),
        "sending_now": _("Being sent: %(kept)s."),
        "waiting": _("No signal: it is kept"),
        "waiting_more": _("Kept on this phone and sent by itself later: %(kept)s."),
        "lost": _("The phone does not find where it is"),
        "lost_more": _("Hold it to the window, and switch its location on."),
        "denied": _("The phone may not say where it is"),
        "denied_more": _("Allow the location for this page in the browser, then start the shift again."),
        "refused": _("This phone is not known any more"),
        "refused_more": _("Ask the dispatcher for a new code. What was kept stays on this phone."),
        "kept_places": _("%(count)d positions"),
        "kept_words": _("%(count)d messages"),
        "kept_photos": _("%(count)d photos"),
        "on_since": _("On shift since %(time)s"),
        "end_sure": _("End the shift? The phone then sends nothing any more."),
        "planned": _("planned %(time)s"),
        "expected": _("expected %(from)s to %(to)s"),
        "near": _("near %(place)s"),
        "lane": _("lane: no truck enters"),
        "progress": _("%(done)d of %(all)d stops"),
        "all_done": _("All stops are dealt with. Thank you."),
        "said_stop": _("You said: %(what)s. %(stop)s"),
        "said_rest": _("You said of the rest of the round: %(what)s."),
        "taken_back": _("Taken back."),
        "photo_added": _("The photo goes with it."),
        "not_taken": _("Not taken in: %(why)s"),
        "collected": _("collected"),
        "late": _("collected late"),
        "partial": _("collected in part"),
        "missed": _("missed"),
        "skipped": _("could not be collected"),
        "not_presented": _("nothing was put out"),
        "excused": _("called off by the city"),
        "unknown": _("not known: please say"),
        "no_vehicle": _("This phone is on no vehicle. Please ask the dispatcher."),
        "no_run": _("No round is planned for this vehicle now."),
        "no_room": _("This phone has no room left to keep it."),
        "night": _("Dark screen"),
        "day": _("Bright screen"),
    }

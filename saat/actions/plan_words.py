"""What is wrong with a plan, in words that an official may read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from saat.terms.planning import PlanFault

_WORDS = {
    "no_code": gettext_lazy("The round has no code."),
    "code_taken": gettext_lazy("There is a round %(code)s already."),
    "no_days": gettext_lazy("The round has no days on which it runs."),
    "no_stops": gettext_lazy("The round has no stops."),
    "weeks_uncounted": gettext_lazy("Say from which date every other week is counted."),
    "days_end_before_start": gettext_lazy("The last day of the round lies before its first."),
    "round_outside_day": gettext_lazy("The round must begin after 00:00 and end before 48:00 of its service day."),
    "round_ends_before_start": gettext_lazy("The round ends before it starts."),
    "from_day_past": gettext_lazy("A new version cannot begin in the past; today is %(today)s."),
    "from_day_begun": gettext_lazy("A run of %(day)s has begun already; choose a later day."),
    "no_place": gettext_lazy("This stop has no place on the map."),
    "latitude_too_large": gettext_lazy("A latitude of %(lat)s cannot be: latitude and longitude are exchanged."),
    "null_island": gettext_lazy("This stop lies at 0, 0, in the sea off Africa: its place is missing."),
    "swapped": gettext_lazy("This stop lies %(km)s km from the city: latitude and longitude are exchanged."),
    "far_from_city": gettext_lazy("This stop lies %(km)s km from the city."),
    "outside_city": gettext_lazy("This stop lies %(m)s m outside the city."),
    "far_from_round": gettext_lazy("This stop lies %(km)s km from the rest of its round."),
    "kerb_without_line": gettext_lazy("A kerb needs a line with two points or more."),
    "time_outside_day": gettext_lazy("Times must lie between 00:00 and 48:00 of the service day."),
    "window_ends_before_start": gettext_lazy("The window ends before it starts."),
    "planned_outside_window": gettext_lazy("The planned time lies outside the window."),
    "dwell_negative": gettext_lazy("The time at the stop cannot be negative."),
    "load_negative": gettext_lazy("The load cannot be negative."),
    "stop_never_collected": gettext_lazy("Nothing is collected at this stop on any day of the round."),
    "sequence_twice": gettext_lazy("Row %(other)s has the same place in the order, %(sequence)s."),
    "sequence_taken": gettext_lazy("Another stop of the round has this place in the order already: %(sequence)s."),
    "stop_twice": gettext_lazy("This is the same stop as in row %(other)s."),
    "serves_itself": gettext_lazy("A lane cannot be its own meeting point."),
    "no_meeting_point": gettext_lazy("Row %(other)s is no meeting point, so no lane can be brought to it."),
    "times_go_backwards": gettext_lazy("The planned time is earlier than that of the stop before, row %(other)s."),
    "too_fast": gettext_lazy("It is %(km)s km from row %(other)s, and %(minutes)s minutes are planned for them."),
    "stop_unknown": gettext_lazy("This stop is not one of the city's."),
    "number_unusable": gettext_lazy(
        "%(number)s cannot be a stop's number: letters, digits and dashes, at most 12, with a digit among them."
    ),
    "number_taken": gettext_lazy("The number %(number)s belongs to another stop."),
    "meeting_point_unknown": gettext_lazy("The meeting point %(other)s is not known."),
}


class StopRefused(Exception):
    """One stop cannot be saved. fault: why."""

    def __init__(self, code: str, *, row: int, facts: Mapping[str, Any] | None = None) -> None:
        self.fault = PlanFault(code=code, row=row, facts=facts or {})
        super().__init__(say_fault(self.fault))


def say_fault(fault: PlanFault, *, with_row: bool = True) -> str:
    """Return a fault as a sentence. with_row: begin with the row, where the fault is a stop's."""
    text = str(_WORDS[fault.code]) % dict(fault.facts)
    if fault.row is None or not with_row:
        return text
    return _("Row %(row)s: %(text)s") % {"row": fault.row, "text": text}

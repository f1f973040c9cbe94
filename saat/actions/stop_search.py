"""Finding a stop by what somebody types: its number, its name, or where it is."""

from __future__ import annotations

from saat.records.models import City, Stop
from saat.records.queries_stops import FoundStop, find_stops, stop_called
from saat.terms.stopnumbers import heard_number
from saat.triage.spelling import spelt

_MOST_WORDS = 6


def stop_with_number(text: str) -> Stop | None:
    """Return the stop whose number somebody typed, in whichever city; None if it is no number of a stop."""
    number = heard_number(text)
    return stop_called(number) if number else None


def stops_like(city: City, text: str, *, most: int = 30) -> list[FoundStop]:
    """Return the stops of a city whose name, number or area holds every word of a text; none for no words."""
    words = [word for word in spelt(text[:100].replace("\x00", "")).split() if word][:_MOST_WORDS]
    return find_stops(city, words=words, most=most) if words else []

"""What a stop is called for people who go there: its own name, and the landmark that it lies at."""

from __future__ import annotations

from saat.actions.citymap import city_map
from saat.records import queries_areas
from saat.records.models import City, Stop
from saat.terms.geo import Point


class StopNames:
    """The names of stops of one city in one language."""

    def __init__(self, city: City, *, language: str) -> None:
        self._policy = city.policy_terms()
        self._ground = city_map(city)
        self._language = language
        self._places = {place_id: names for place_id, _, names, *_ in queries_areas.landmarks(city, most=5000)}

    def of(self, stop: Stop) -> tuple[str, str]:
        """Return a stop's own name, or else that of its part of the city, and the landmark that it lies at.

        The landmark is "" where there is none, or where the name says it already.
        """
        name = self._say(stop.names) or self._say(self._ground.names.get(stop.area_id or 0, {}))
        mark = self._ground.landmark_at(Point(lat=stop.lat, lon=stop.lon))
        near = self._say(self._places.get(mark.place_id, {})) if mark else ""
        return name, "" if near and near in name else near

    def _say(self, names: dict[str, str]) -> str:
        return self._policy.say(names, self._language) if names else ""

"""The plan of Tainan's garbage trucks as its city publishes it: one JSON file for each route.

Field by field (checked on the whole set): `Turn` is the order, `ScheduleTime` HH:MM, `DayValue` the weekdays of refuse
and `RecycleDate` those of recycling, both in Chinese numerals; the two differ, and recycling may come on days without
refuse. Exceptions stand in the stop's name, such as （每週一、六收）, "collected Mondays and Saturdays only": each
becomes a question, and the plan stays as its own columns say.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from saat.links.rounds.drafting import Reading, drafted, where
from saat.links.rounds.parts import PlanFile, PlanRow
from saat.links.tables.reading import FileRefused
from saat.terms.planning import QuestionDraft

SOURCE = "tainan-garbage"
_WEEKDAYS = {"一": "mon", "二": "tue", "三": "wed", "四": "thu", "五": "fri", "六": "sat", "日": "sun"}
_NAME = "name:zh"
# Words of an exception: weekdays, odd and even months, every other week, holidays, stopped, only, added, times of day.
_EXCEPTION = re.compile(
    r"[週周]\s*(?:[一二三四五六日]|[1-7](?![\d]*[號巷街弄段]))|星期|禮拜|每\s*[一二三四五六日]|"
    r"[一二三四五六日]\s*[、,，.．]\s*[一二三四五六日]|(?<!\d)[1-7]\s*[、,，.．]\s*[1-7]\s*(?:清運|收)|"
    r"[單雙]月|[單雙隔][週周]|假日|暫停|停收|不停靠|不收|只收|僅收|除外|加點|早上|上午"
)


def read_tainan(folder: Path, reading: Reading) -> PlanFile:
    """Return the plan in a folder of `Route_*.json` files, or in its folder `raw`.

    :raises FileRefused: if there are none, or one cannot be read.
    """
    files = sorted(folder.glob("Route_*.json")) or sorted((folder / "raw").glob("Route_*.json"))
    if not files:
        raise FileRefused(f"{folder} holds no Route_*.json files.")
    rows: list[PlanRow] = []
    names: dict[str, str] = {}
    for path in files:
        for route in _routes(path):
            rows.extend(_rows(route, path, len(rows), names))
    plan = drafted(rows, reading)
    for row in rows:
        plan.questions.extend(_questions(row))
    plan.questions.sort(key=lambda question: question.why)
    return plan


def _routes(path: Path) -> list[Mapping[str, Any]]:
    try:
        whole = json.loads(path.read_bytes().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise FileRefused(f"{path.name} cannot be read: {error}.") from error
    if not isinstance(whole, list) or not all(isinstance(route, dict) for route in whole):
        raise FileRefused(f"{path.name} is no list of routes.")
    return whole


def _rows(route: Mapping[str, Any], path: Path, before: int, places: dict[str, str]) -> list[PlanRow]:
    """Return a route's stops. places: where each stop's id was seen; an id that stands for two places is told apart."""
    name = str(route.get("RouteName") or route.get("RouteId") or path.stem).strip()
    rows: list[PlanRow] = []
    for stop in route.get("StopData") or []:
        text = {key: "" if value is None else str(value).strip() for key, value in stop.items()}
        stop_id = text.get("StopId", "")
        place = f"{text.get('Lat')} {text.get('Lon')} {text.get('StopName')}"
        if places.setdefault(stop_id, place) != place:
            stop_id = f"{stop_id}/{route.get('RouteId')}"
        cells = {
            "round": name,
            "round_name": name,
            "seq": text.get("Turn", ""),
            "stop": stop_id,
            _NAME: text.get("StopName", ""),
            "lat": text.get("Lat", ""),
            "lon": text.get("Lon", ""),
            "time": text.get("ScheduleTime", ""),
            "refuse_days": _days(text.get("DayValue", "")),
            "recycling_days": _days(text.get("RecycleDate", "")),
        }
        number = int(text["Turn"]) if text.get("Turn", "").isdecimal() else before + len(rows) + 1
        rows.append(PlanRow(number=number, cells=cells, file=name))
    return rows


def _days(text: str) -> str:
    """Return weekdays in our own words; a word that is none stays, and is refused by its name."""
    return ",".join(_WEEKDAYS.get(word.strip(), word.strip()) for word in text.split(",") if word.strip())


def _questions(row: PlanRow) -> list[QuestionDraft]:
    text = row.text(_NAME)
    if not _EXCEPTION.search(text):
        return []
    return [
        QuestionDraft(
            row=where(row), why="free_text", text=text, round_code=row.text("round"), source_id=row.text("stop")
        )
    ]

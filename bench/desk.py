"""Lists, map, search and pages with a million cases behind them, as officers, partners and residents ask for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from bench.figures import Measure
from bench.serving import API_KEY, Bench, serving
from bench.wire import Load, each, in_own_process, request
from bench.words import COMMON_EN, COMMON_KM, RARE_NAMES, SOME_EN, rare_name

AIM_MS = 100
WHO = ("duty", "khan", "sangkat", "contractor")
_CITY, _DISTRICT, _STREETS = "104.72,11.42,105.04,11.72", "104.88,11.53,104.95,11.59", "104.905,11.555,104.925,11.570"


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that is asked for. who: whose session, "" for nobody's."""

    who: str
    what: str
    address: str
    headers: dict[str, str] = field(default_factory=dict)

    def request(self, cookies: dict[str, str]) -> bytes:
        """Return it as a browser or a program would send it."""
        headers = {"Accept-Encoding": "gzip", "Accept-Language": "en", **self.headers}
        return request("GET", self.address, headers=headers | ({"Cookie": cookies[self.who]} if self.who else {}))


def run(bench: Bench, *, quick: bool, step: Callable[[str], None]) -> list[Measure]:
    """Ask for everything in turn, several times over one connection, so that nothing is asked for twice in a row."""
    rounds = 5 if quick else 20
    step(f"desk: a city with {bench.cases:,} cases")
    installation = bench.million
    facts = installation.facts()
    asks = _asks(facts)
    raw = [ask.request(facts["cookies"]) for ask in asks]
    with serving(installation) as server:
        step("desk: for the first time since the start")
        web = server.processes["web"]
        first = in_own_process(each, server.port, raw, rounds=1, server=web)
        step(f"desk: {rounds} rounds of {len(asks)} questions")
        loads = in_own_process(each, server.port, raw, rounds=rounds, server=web)
        begun = server.ready_s
    measure = Measure(
        "desk", f"With {facts['cases']:,} cases ({facts['open']:,} open)",
        ("who", "asks_for", "p50_ms", "p95_ms", "server_cpu_ms", "first_ms", "kb", "aim_ms", "within", "failed"),
    )  # fmt: skip
    for ask, load, before in zip(asks, loads, first, strict=True):
        p95 = load.ms(0.95)
        measure.add(
            who=ask.who or "anybody", asks_for=ask.what, p50_ms=load.ms(0.5), p95_ms=p95, server_cpu_ms=load.cpu_ms,
            first_ms=before.ms(0.5), kb=_kb(load), aim_ms=AIM_MS, within=bool(p95 <= AIM_MS) and not load.failed,
            failed=load.failed,
        )  # fmt: skip
    slow = [row for row in measure.rows if not row["within"]]
    measure.notes = [
        f"{len(measure.rows) - len(slow)} of {len(measure.rows)} within {AIM_MS} ms at the 95th percentile.",
        f"{rounds} answers each over HTTP, with a session; the server was ready {begun:.1f} s after its start.",
        "server cpu: processor time of the web process for each answer.",
        "first: the first answer of this kind after the start. kb: of the compressed answer.",
        "A Django peer needs 660 ms for a page of 100 at 10,000 cases.",
    ]
    return [measure]


def _kb(load: Load) -> float | None:
    return len(load.bodies[0]) / 1024 if load.bodies else None


def _asks(facts: dict[str, Any]) -> list[Ask]:
    deep = datetime.now(UTC) - timedelta(days=500)
    cursor = f"{int(deep.timestamp() * 1e6)}.0"
    rare = rare_name(RARE_NAMES // 2).text
    asks = []
    for who in WHO:
        asks += [
            Ask(who, "list, open", _desk(group="open")),
            Ask(who, "list, to act on", _desk(group="action")),
            Ask(who, "list, closed", _desk(group="closed")),
            Ask(who, "list, all", _desk(group="all")),
            Ask(who, "closed, from 500 days ago on", _desk(group="closed", after=cursor)),
            Ask(who, "map, whole city", _map(_CITY, 11)),
            Ask(who, "map, some streets", _map(_STREETS, 15)),
        ]
    for who in WHO[:3]:
        asks += [
            Ask(who, "open, two filters", _desk(group="open", category="dumping", urgency="high")),
            Ask(who, "closed, two filters", _desk(group="closed", category="dumping", urgency="high")),
            Ask(who, "closed in one month a year ago", _desk(group="closed", **_month(deep))),
            Ask(who, "open, word of most cases (Khmer)", _desk(group="open", q=COMMON_KM)),
            Ask(who, "open, word of most cases (English)", _desk(group="open", q=COMMON_EN)),
            Ask(who, "open, word of some cases", _desk(group="open", q=SOME_EN)),
            Ask(who, "open, word of few cases", _desk(group="open", q=rare)),
            Ask(who, "closed, word of most cases (Khmer)", _desk(group="closed", q=COMMON_KM)),
            Ask(who, "closed, word of some cases", _desk(group="closed", q=SOME_EN)),
            Ask(who, "closed, word of few cases", _desk(group="closed", q=rare)),
            Ask(who, "all, a phrase in Khmer", _desk(group="all", q="គំនរសំរាមធំ")),
            Ask(who, "map, a district, word of some cases", _map(_DISTRICT, 13, q=SOME_EN)),
            Ask(who, "map, a district, closed", _map(_DISTRICT, 13, group="closed")),
        ]
    some_case = facts["some_case"]
    asks += [
        Ask("duty", "20 rows after events", f"/desk/rows?{urlencode({'ids': ','.join(map(str, facts['open_ids']))})}"),
        Ask("duty", "case page", f"/desk/cases/{some_case['id']}"),
        Ask("duty", "API, 100 open cases", "/api/v1/cases?size=100"),
        Ask("duty", "API, one case", f"/api/v1/cases/{some_case['id']}"),
        Ask("", "resident: page to follow a report", f"/r/{some_case['code']}"),
        Ask("", "Open311: latest requests", _open311(page_size=100)),
        Ask("", "Open311: open requests", _open311(page_size=100, status="open")),
        Ask(
            "", "Open311: one request", f"/open311/v2/requests/{some_case['request']}.json?jurisdiction_id=phnompenh.kh"
        ),
        Ask("", "Open311: requests changed in an hour", _open311(page_size=100, **_hour(deep))),
    ]
    return asks


def _desk(**params: Any) -> str:
    return f"/desk/?{urlencode(params)}"


def _map(box: str, zoom: int, **params: Any) -> str:
    return f"/desk/map.json?{urlencode({'group': 'open', **params, 'bbox': box, 'zoom': zoom})}"


def _open311(**params: Any) -> str:
    whole = {"api_key": API_KEY, "jurisdiction_id": "phnompenh.kh", **params}
    return f"/open311/v2/requests.json?{urlencode(whole)}"


def _month(moment: datetime) -> dict[str, str]:
    return {"from": f"{moment:%Y-%m-%d}", "to": f"{moment + timedelta(days=30):%Y-%m-%d}"}


def _hour(moment: datetime) -> dict[str, str]:
    end = moment + timedelta(hours=1)
    return {"start_date": f"{moment:%Y-%m-%dT%H:%M:%SZ}", "end_date": f"{end:%Y-%m-%dT%H:%M:%SZ}"}

"""A simulated night as a stream: sent to a running Saat, or put into an installation's log, at a chosen speed."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence

import httpx

from saat.config.commands.base import Refused
from saat.config.simulating.writing import row_of
from saat.terms.position import Position

_STEP_S = 10.0
_MOST_A_REQUEST = 2000


def steps(positions: Sequence[Position], speed: float) -> Iterator[list[Position]]:
    """Yield the positions of each ten simulated seconds when their time has come.

    speed: simulated seconds in a second; 0 yields all at once.
    """
    if not positions:
        return
    began, first = time.monotonic(), positions[0].received_s
    at = 0
    while at < len(positions):
        until = positions[at].received_s + _STEP_S
        end = at
        while end < len(positions) and positions[end].received_s < until and end - at < _MOST_A_REQUEST:
            end += 1
        if speed > 0:
            due = began + (positions[end - 1].received_s - first) / speed
            time.sleep(max(0.0, due - time.monotonic()))
        yield list(positions[at:end])
        at = end


def post(
    positions: Sequence[Position], *, url: str, token: str, speed: float, tell: Callable[[int], None]
) -> tuple[int, int]:
    """Send positions to `/positions/batch` of a running Saat; return how many requests it took and it refused.

    :raises Refused: if the server cannot be reached or does not know the token.
    """
    requests = refused = 0
    headers = {"Content-Type": "application/x-ndjson", **({"Authorization": f"Bearer {token}"} if token else {})}
    with httpx.Client(base_url=url, headers=headers, timeout=30.0) as client:
        for some in steps(positions, speed):
            body = "".join(json.dumps(row_of(one)) + "\n" for one in some)
            try:
                answer = client.post("/positions/batch", content=body.encode())
            except httpx.HTTPError as error:
                raise Refused(f"{url} cannot be reached: {error}.") from error
            if answer.status_code in (401, 403, 404):
                raise Refused(f"{url}/positions/batch answered {answer.status_code}: {answer.text[:200]}")
            requests += 1
            refused += answer.is_error
            tell(len(some))
    return requests, refused

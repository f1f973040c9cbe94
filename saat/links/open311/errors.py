"""What can be wrong with a call, as the standard tells it: an HTTP code, and one or more sentences for people."""

from __future__ import annotations

from collections.abc import Iterable


class Open311Error(Exception):
    """A call that cannot be answered as asked.

    status: the HTTP code. descriptions: sentences that the caller's user may read. headers: for the answer.
    """

    def __init__(
        self, status: int, descriptions: str | Iterable[str], *, headers: dict[str, str] | None = None
    ) -> None:
        self.status = status
        self.descriptions = [descriptions] if isinstance(descriptions, str) else list(descriptions)
        self.headers = headers or {}
        super().__init__(" ".join(self.descriptions))

    def body(self) -> list[dict[str, object]]:
        """Return the error body: the code and the description of each."""
        return [{"code": self.status, "description": text} for text in self.descriptions]

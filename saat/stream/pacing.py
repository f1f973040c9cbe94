"""When it is time again."""

from __future__ import annotations


class Every:
    """Says when it is time again, on the process's own clock."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._next_s = -1e9

    def due(self, at_s: float) -> bool:
        """Return whether it is time, and begin to wait anew if it is."""
        if at_s < self._next_s:
            return False
        self._next_s = at_s + self._every_s
        return True

"""How much one may send: a store of permissions that fills steadily and is emptied by what comes."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field

_MOST_KEPT = 200_000


@dataclass(slots=True)
class Allowance:
    """So many at once, and afterwards so many a second, for each key. Keys that are back at the full are forgotten."""

    burst: float
    per_s: float
    _left: dict[Hashable, tuple[float, float]] = field(default_factory=dict)

    def take(self, key: Hashable, now_s: float) -> bool:
        """Take one; return False if there is none left.

        >>> allowance = Allowance(burst=2, per_s=1)
        >>> [allowance.take("a", 0.0), allowance.take("a", 0.0), allowance.take("a", 0.5), allowance.take("a", 1.1)]
        [True, True, False, True]
        >>> allowance.take("b", 0.5)
        True
        """
        held = self._left.get(key)
        if held is None:
            if len(self._left) >= _MOST_KEPT:
                self._forget(now_s)
            left = self.burst
        else:
            # A clock that was set back gives nothing, and takes nothing.
            left = min(self.burst, held[0] + max(0.0, now_s - held[1]) * self.per_s)
        if left < 1.0:
            return False
        self._left[key] = left - 1.0, now_s
        return True

    def _forget(self, now_s: float) -> None:
        full_s = self.burst / self.per_s
        self._left = {key: held for key, held in self._left.items() if now_s - held[1] < full_s}
        if len(self._left) >= _MOST_KEPT:
            self._left.clear()

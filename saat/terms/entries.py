"""Reading the tables of a policy: what is missing, misspelt or of the wrong kind is named where it stands."""

from __future__ import annotations

from typing import Any

Names = dict[str, str]  # language code to text; the first language of the city is always there
_ENDLESS = 1e9  # no number in a policy is as large


class PolicyError(Exception):
    """A policy file cannot be used; the message names the entry and says what it should be."""


class Reader:
    """Reads one table of a policy, keeps count of what was asked for, and names what is wrong where."""

    def __init__(self, data: dict[str, Any], where: str) -> None:
        self.data, self.where, self.asked = data, where or "policy", set[str]()

    def get(self, key: str, kind: type, default: Any) -> Any:
        self.asked.add(key)
        value = self.data.get(key, default)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise PolicyError(f"{self.where}: `{key}` must be a {kind.__name__}, got {value!r}.")
        return value

    def need(self, key: str, kind: type) -> Any:
        if key not in self.data:
            raise PolicyError(f"{self.where}: `{key}` is missing.")
        return self.get(key, kind, None)

    def number(self, key: str, default: float | None) -> float:
        self.asked.add(key)
        value = self.data.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _ENDLESS:
            raise PolicyError(f"{self.where}: `{key}` must be a number that is not negative, got {value!r}.")
        return float(value)

    def whole(self, key: str, default: int | None, *, least: int) -> int:
        value = self.number(key, default)
        if value != int(value) or value < least:
            raise PolicyError(f"{self.where}: `{key}` must be a whole number from {least}, got {value}.")
        return int(value)

    def texts(self, key: str) -> tuple[str, ...]:
        values = self.get(key, list, [])
        if not all(isinstance(value, str) and value.strip() for value in values):
            raise PolicyError(f"{self.where}: `{key}` must be a list of texts, got {values!r}.")
        return tuple(values)

    def one_of(self, key: str, kind: Any, default: Any) -> Any:
        self.asked.add(key)
        value = self.data.get(key, default)
        try:
            return kind(value)
        except ValueError as error:
            allowed = ", ".join(kind)
            raise PolicyError(f"{self.where}: `{key}` must be one of {allowed}, got {value!r}.") from error

    def names(self, key: str, own: str, *, needed: bool = True) -> Names:
        self.asked.add(key)
        value = self.data.get(key, {} if not needed else None)
        if isinstance(value, str):
            value = {own: value}
        if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
            raise PolicyError(f'{self.where}: `{key}` must give a text a language, such as {{ {own} = "…" }}.')
        if needed and not value.get(own):
            raise PolicyError(f"{self.where}: `{key}` has no text in the city's own language, {own!r}.")
        return dict(value)

    def table(self, key: str) -> Reader:
        return Reader(self.need(key, dict), f"{self.where}.{key}")

    def tables(self, key: str) -> list[Reader]:
        entries = self.get(key, list, [])
        for i, entry in enumerate(entries):
            if not isinstance(entry, dict):
                raise PolicyError(f"{self.where}.{key}[{i}] must be a table, got {entry!r}.")
        return [Reader(entry, f"{self.where}.{key}[{i}]") for i, entry in enumerate(entries)]

    def done(self, also: tuple[str, ...] = ()) -> None:
        unknown = sorted(set(self.data) - self.asked - set(also))
        if unknown:
            raise PolicyError(f"{self.where}: unknown entries {', '.join(unknown)}; is one misspelt?")

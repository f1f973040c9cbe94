"""One line in the server's log for each thing that happened."""

from __future__ import annotations

import logging
import re

# Control characters, the line ends of Unicode, and the marks that turn the direction of a text around.
_UNSEEN = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")


class OneLine(logging.Formatter):
    """Shows what cannot be seen in a message, so that nobody who asks for a strange address writes a line of their own.

    The lines of a traceback stay lines; each is indented, so that none looks like a new entry.
    """

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name for it
        """Return the one line."""
        return _UNSEEN.sub(_shown, super().formatMessage(record))

    def formatException(self, ei: object) -> str:  # noqa: N802
        """Return the traceback, indented."""
        return super().formatException(ei).replace("\n", "\n    ")  # type: ignore[arg-type]


def _shown(unseen: re.Match[str]) -> str:
    return unseen.group().encode("unicode_escape").decode("ascii")

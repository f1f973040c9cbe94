"""What several tests at the doors use."""

from __future__ import annotations

import pytest

from saat.config.command import main


@pytest.fixture
def saat(capsys):
    """Return a function that runs the command in this process and gives its exit code and what it printed."""

    def run(*arguments: str) -> tuple[int, str]:
        try:
            code = main(arguments)
        except SystemExit as ended:
            code = int(ended.code or 0)
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run

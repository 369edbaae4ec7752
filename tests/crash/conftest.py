"""Show at the end where the process was killed."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of the points, one life a line."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    rows = [value for report in reports for name, value in report.user_properties if name == "killed at"]
    if rows:
        terminalreporter.section("act | kills | seconds | killed at")
        terminalreporter.write("".join(f"{row}\n" for row in rows))

"""Show at the end where a process was killed or hurt."""

from __future__ import annotations

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table of the points, one life a line."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    rows = [value for report in reports for name, value in report.user_properties if name == "disturbed at"]
    if rows:
        terminalreporter.section("store | act | times | seconds | disturbed at")
        terminalreporter.write("".join(f"{row}\n" for row in rows))

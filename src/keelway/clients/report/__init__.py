"""Read what test runners of every language write about tests and lines."""

from keelway.clients.report.hits import read_hits
from keelway.clients.report.results import BYTES_MAX, read_results

__all__ = ["BYTES_MAX", "read_hits", "read_results"]

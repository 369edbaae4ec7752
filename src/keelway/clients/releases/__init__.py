"""Keep on this machine what is known of releases that run somewhere else."""

from keelway.clients.releases.book import Known, ReleaseBook
from keelway.clients.releases.well import unwell, wait_healthy

__all__ = ["Known", "ReleaseBook", "unwell", "wait_healthy"]

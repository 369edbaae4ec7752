"""Serve the harbour over HTTP until told to stop: python -m harbor.web."""

import logging
import signal
import sys

import uvicorn

from harbor.app import create_app
from harbor.log import open_log
from harbor.settings import read_settings

log = logging.getLogger("harbor.web")
HOST = "127.0.0.1"
KEEP_ALIVE_SECONDS = 75  # longer than a proxy keeps idle connections, so that the proxy closes first
SHUTDOWN_SECONDS = 20


def main() -> int:
    """Start the server with the settings of the environment; a stop signal lets running requests finish."""
    settings = read_settings()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # uvicorn raises the signal again when it is done
    config = uvicorn.Config(
        create_app(settings),
        host=HOST,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    with open_log(settings):
        log.info("web started on port %s", settings.port)
        try:
            uvicorn.Server(config).run()
        finally:
            log.info("web stopped")
    return 0


if __name__ == "__main__":
    sys.exit(main())

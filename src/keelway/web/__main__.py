"""Serve a project: ``python -m keelway.web --config keelway.toml``."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from keelway.app.control.begin import refuse_second
from keelway.app.desk import Place
from keelway.app.doctor.examine import preflight
from keelway.app.view.fault import three_lines
from keelway.core.errors import KeelwayError


def main() -> int:
    """Serve until told to end; give the exit code."""
    parser = argparse.ArgumentParser(prog="keelway-web", description="Serve a project on loopback.")
    parser.add_argument("--config", type=Path, required=True, help="its keelway.toml")
    parser.add_argument("--port", type=int, help="loopback port, 0 for a free one")
    given = parser.parse_args()
    place = Place(given.config.resolve())
    try:
        refuse_second(place)
        preflight(place.config, place.home)
        from keelway.web.serve import serve  # costs two seconds, which a refusal should not

        serve(place, _say, port=given.port)
    except KeelwayError as error:
        sys.stderr.write(three_lines(error) + "\n")
        return error.exit_code
    except KeyboardInterrupt:
        return 130
    return 0


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main())

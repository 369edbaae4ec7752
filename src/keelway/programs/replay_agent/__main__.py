"""Serve one client on the standard streams: ``python -m keelway.programs.replay_agent --script FILE``."""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from typing import Any, cast

import acp

from keelway.programs.replay_agent.agent import ReplayingAgent
from keelway.programs.replay_agent.memory import Memory
from keelway.programs.replay_agent.script.parse import ScriptRefused, load

EXIT_REFUSED = 2


def main() -> int:
    """Read the script and answer until the client closes our input; give the exit code."""
    parser = argparse.ArgumentParser(
        prog="keelway-replay-agent", description="Play a recorded script as an ACP agent over stdio."
    )
    parser.add_argument("--script", type=Path, required=True, help="JSON file with the plays")
    parser.add_argument("--state", type=Path, help="folder that remembers which plays were played")
    options = parser.parse_args()
    try:
        agent = ReplayingAgent(load(options.script), Memory(options.state))
    except (ScriptRefused, OSError) as error:
        sys.stderr.write(f"keelway replay agent: {error}\n")
        return EXIT_REFUSED
    asyncio.run(acp.run_agent(cast("Any", agent)))
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Serve one client on the standard streams: ``python -m keelway.programs.api_agent --api ... --model ...``."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from importlib.metadata import PackageNotFoundError, version
from typing import Any, cast

import acp

from keelway.programs.api_agent.agent import ApiAgent
from keelway.programs.api_agent.order import APIS, Order

EXIT_REFUSED = 2
PACKAGE = "pydantic-ai-slim"
TOKEN = "KEELWAY_TOKEN"  # noqa: S105 - the name of a variable


def main() -> int:
    """Answer until the client closes our input; give the exit code."""
    options = _options()
    try:
        mind_version = version(PACKAGE)
    except PackageNotFoundError:
        sys.stderr.write(f'{PACKAGE} is not installed. Next: pip install "keelway[api]"\n')
        return EXIT_REFUSED
    # Taken out of the environment: what the model runs need not see it.
    order = Order(
        api=options.api,
        url=options.url,
        token=os.environ.pop(TOKEN, ""),
        model=options.model,
        requests_max=options.requests_max,
        tool_calls_max=options.tool_calls_max,
    )
    asyncio.run(acp.run_agent(cast("Any", ApiAgent(order, mind_version))))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="keelway-api-agent", description="Work as a coding agent over ACP on stdio."
    )
    parser.add_argument("--api", choices=sorted(APIS), required=True, help="what the provider speaks")
    parser.add_argument("--url", required=True, help="address of the gateway, without a path")
    parser.add_argument("--model", required=True, help="name of the model")
    parser.add_argument("--requests-max", type=int, default=100, help="requests to the model in a turn")
    parser.add_argument("--tool-calls-max", type=int, default=200, help="tool calls in a turn")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())

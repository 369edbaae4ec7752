"""Ask a release whether it is healthy and whether it does what its plan promised."""

from __future__ import annotations

from keelway.core.model.plan import Plan
from keelway.core.model.project import ProbeSpec
from keelway.core.model.verdict import Finding, failed, passed
from keelway.ports.probe import ProbeResult
from keelway.routines.context import Context


def probe(ctx: Context, environment: str, name: str) -> tuple[Finding, ...]:
    """Ask the configured health questions through the front, as a user would."""
    results = ctx.read(f"probe:{name}", ctx.probe.ask, url_of(ctx, environment), ctx.project.probes)
    return tuple(finding_of(result) for result in results)


def accept(ctx: Context, environment: str, plan: Plan, name: str) -> tuple[Finding, ...]:
    """Ask the questions whose answers show that the task is fulfilled."""
    specs = tuple(
        ProbeSpec(
            f"acceptance {number}",
            probe.path,
            probe.method,
            probe.status,
            probe.body_contains,
            probe.send_json,
        )
        for number, probe in enumerate(plan.probes, start=1)
    )
    results = ctx.read(f"acceptance:{name}", ctx.probe.ask, url_of(ctx, environment), specs)
    return tuple(finding_of(result) for result in results)


def workers(ctx: Context, environment: str, release: str, name: str) -> tuple[Finding, ...]:
    """Say of each background process whether it runs without restarting."""
    kept = ctx.project.environment(environment).target.local
    expected = sum(1 for process in ctx.project.processes if process.name != "web" and kept)
    if not expected:
        return ()
    state = ctx.read(f"workers:{name}", ctx.target.state, environment)
    running = next((entry for entry in state.releases if entry.release == release), None)
    if running is None or running.workers < expected:
        count = running.workers if running else 0
        return (
            failed("workers_missing", f"{count} of {expected} background processes run.", examined=expected),
        )
    if running.restarts:
        return (failed("workers_restart", f"Processes of {release} restarted {running.restarts} times."),)
    return tuple(passed("worker_runs", f"A background process of {release} runs.") for _ in range(expected))


def url_of(ctx: Context, environment: str) -> str:
    """Return the address that users of an environment call."""
    spec = ctx.project.environment(environment)
    return spec.address


def finding_of(result: ProbeResult) -> Finding:
    """Turn one answer into a finding."""
    if result.ok:
        return passed("probe_ok", f"{result.name} answered {result.status} in {result.latency_ms:.0f} ms.")
    return failed("probe_failed", f"{result.name} failed: {result.detail or result.status}.")

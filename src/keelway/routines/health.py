"""Ask a release whether it is healthy and whether it does what its plan promised."""

from __future__ import annotations

from keelway.core.model.plan import Plan
from keelway.core.model.verdict import Finding, failed, held, passed
from keelway.core.probe.regression import spec_of
from keelway.ports.probe import About, ProbeResult
from keelway.routines.context import Context
from keelway.routines.watch.regression import promised


def probe(
    ctx: Context, environment: str, name: str, release: str = "", *, around: bool = False, ready: bool = False
) -> tuple[Finding, ...]:
    """Ask the configured health questions through the front, as a user would.

    Args:
        ctx: the run.
        environment: who is asked.
        name: of the durable step.
        release: has to answer; empty for whichever does.
        around: ask about the surroundings too; what is wrong there calls for a person and condemns no release.
        ready: ask only what needs no workers, while a release has a share of the traffic.
    """
    specs = ctx.project.probes_in(environment, surroundings=around)
    if ready:
        specs = ctx.project.readiness(environment)
    results = ctx.read(
        f"probe:{name}", ctx.probe.ask, url_of(ctx, environment), specs, About(environment, release)
    )
    outside = {spec.name for spec in specs if spec.surroundings}
    return tuple(
        held("surroundings_bad", f"{result.name} failed: {result.detail}.")
        if result.name in outside and not result.ok
        else finding_of(result)
        for result in results
    )


def accept(ctx: Context, environment: str, plan: Plan, name: str) -> tuple[Finding, ...]:
    """Ask the questions whose answers show that the task is fulfilled, and those that earlier tasks left behind."""
    own = tuple(spec_of(probe, f"acceptance {number}") for number, probe in enumerate(plan.probes, start=1))
    older = promised(ctx, environment, plan, probes_max=ctx.policy.watch.regression_probes_max)
    results = ctx.read(f"acceptance:{name}", ctx.probe.ask, url_of(ctx, environment), (*own, *older))
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
        status = f" {result.status}" if result.status else ""
        return passed("probe_ok", f"{result.name} answered{status} in {result.latency_ms:.0f} ms.")
    return failed("probe_failed", f"{result.name} failed: {result.detail or result.status}.")

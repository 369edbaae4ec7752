"""The questions of the API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent

from keelway.app.view.figures import DAYS, DeliveryView
from keelway.app.view.money import ArtefactText, CostView
from keelway.app.view.system import (
    AuditReport,
    BackPreview,
    DeployPreview,
    EnvironmentReleases,
    HealthView,
    OrderView,
    StatusView,
)
from keelway.app.view.task import (
    Explanation,
    Happened,
    LessonView,
    LogView,
    PatchView,
    PlanView,
    TaskLine,
    TaskView,
)
from keelway.core.codec import to_json
from keelway.core.judge.flaky import FlakyTest
from keelway.web.desk import Desk, shown

STREAM_POLL_SECONDS = 0.25
STREAM_SECONDS_MAX = 3_600.0
"""A stream ends after an hour; the reader comes back with Last-Event-ID and misses nothing."""
HEARTBEAT_SECONDS = 15.0

Limit = Annotated[int, Query(ge=1, le=1_000)]
After = Annotated[int, Query(ge=0)]


def questions(desk: Desk) -> APIRouter:
    """Return the routes that only read; their handlers run in threads."""
    router, ask = APIRouter(prefix="/api"), desk.queries

    @router.get("/status", response_model=StatusView)
    def status() -> JSONResponse:
        return shown(ask.status())

    @router.get("/releases", response_model=list[EnvironmentReleases])
    def releases(environment: str = "") -> JSONResponse:
        return shown(ask.releases(environment))

    @router.get("/health/{environment}", response_model=HealthView)
    def health(environment: str) -> JSONResponse:
        return shown(ask.health(environment))

    @router.get("/flaky", response_model=list[FlakyTest])
    def flaky() -> JSONResponse:
        return shown(ask.flaky())

    @router.get("/lessons", response_model=list[LessonView])
    def lessons(query: Annotated[str, Query(max_length=8_000)] = "", limit: Limit = 20) -> JSONResponse:
        return shown(ask.lessons(query, limit=limit))

    @router.get("/audit", response_model=list[Happened])
    def audit(after: After = 0, limit: Limit = 200) -> JSONResponse:
        return shown(ask.timeline(after=after, limit=limit))

    @router.get("/audit/verify", response_model=AuditReport)
    def verify() -> JSONResponse:
        return shown(ask.verify_audit())

    return router


def proof_questions(desk: Desk) -> APIRouter:
    """Return the routes about proofs and about how well delivery works."""
    router, ask = APIRouter(prefix="/api"), desk.queries

    @router.get("/metrics/{environment}", response_model=DeliveryView)
    def metrics(environment: str, days: Annotated[int, Query(ge=1, le=366)] = DAYS) -> JSONResponse:
        return shown(ask.metrics(environment, days=days))

    @router.get("/tasks/{task}/attestations", response_model=list[dict[str, object]])
    def attestations(task: str) -> JSONResponse:
        return shown(ask.attestations(task))

    @router.get("/releases/{release}/sbom", response_model=dict[str, object])
    def sbom(release: str) -> JSONResponse:
        return shown(ask.sbom(release))

    return router


def cost_questions(desk: Desk) -> APIRouter:
    """Return the routes about money, and about what is kept of a task."""
    router, ask = APIRouter(prefix="/api"), desk.queries

    @router.get("/costs", response_model=CostView)
    def costs(by: str = "task", since: str = "", task: str = "") -> JSONResponse:
        groups = tuple(word.strip() for word in by.split(",") if word.strip())
        return shown(ask.costs(by=groups, since=since, task=task))

    @router.get("/tasks/{task}/artefact", response_model=ArtefactText)
    def artefact(task: str, name: str) -> JSONResponse:
        return shown(ask.artefact(task, name))

    return router


def order_questions(desk: Desk) -> APIRouter:
    """Return the routes that show what an order would do, and how far one is."""
    router, ask = APIRouter(prefix="/api"), desk.queries

    @router.get("/rollback", response_model=BackPreview)
    def rollback(what: str, to: str = "", restore: bool = False) -> JSONResponse:
        return shown(ask.rollback_preview(what, to, restore=restore))

    @router.get("/deploy", response_model=DeployPreview)
    def deploy(environment: str, ref: str = "") -> JSONResponse:
        return shown(ask.deploy_preview(environment, ref))

    @router.get("/orders/{run}", response_model=OrderView)
    def order(run: str) -> JSONResponse:
        return shown(ask.order(run))

    return router


def task_questions(desk: Desk) -> APIRouter:
    """Return the routes that read one task, or all of them."""
    router, ask = APIRouter(prefix="/api/tasks"), desk.queries

    @router.get("", response_model=list[TaskLine])
    def tasks(open: bool = False, limit: Limit = 50) -> JSONResponse:  # noqa: A002 - the name on the wire
        return shown(ask.tasks(open_only=open, limit=limit))

    @router.get("/{task}", response_model=TaskView)
    def task(task: str) -> JSONResponse:
        return shown(ask.task(task))

    @router.get("/{task}/plan", response_model=PlanView)
    def plan(task: str) -> JSONResponse:
        return shown(ask.plan(task))

    @router.get("/{task}/diff", response_model=PatchView)
    def diff(task: str) -> JSONResponse:
        return shown(ask.diff(task))

    @router.get("/{task}/logs", response_model=LogView)
    def logs(task: str, stage: str = "") -> JSONResponse:
        return shown(ask.logs(task, stage=stage))

    @router.get("/{task}/explain", response_model=Explanation)
    def explain(task: str) -> JSONResponse:
        return shown(ask.explain(task))

    @router.get("/{task}/events", response_model=list[Happened])
    def events(task: str, after: After = 0, limit: Limit = 200) -> JSONResponse:
        return shown(ask.timeline(after=after, task=task, limit=limit))

    return router


def stream(desk: Desk) -> APIRouter:
    """Return the route that sends events as they happen (server-sent events, resumable)."""
    router = APIRouter(prefix="/api")

    @router.get("/events", response_class=EventSourceResponse)
    async def events(
        after: After = 0, last_event_id: Annotated[int | None, Header(ge=0)] = None
    ) -> AsyncIterator[ServerSentEvent]:
        """Send events after a place in the chain, and go on as they happen."""
        at = after if last_event_id is None else last_event_id
        loop = asyncio.get_running_loop()
        end, beat = loop.time() + STREAM_SECONDS_MAX, loop.time() + HEARTBEAT_SECONDS
        while not desk.closing.is_set() and loop.time() < end:
            page = await run_in_threadpool(desk.queries.timeline, after=at)
            for happened in page:
                at = happened.sequence
                yield ServerSentEvent(id=str(at), raw_data=json.dumps(to_json(happened)))
            if loop.time() >= beat:
                beat = loop.time() + HEARTBEAT_SECONDS
                yield ServerSentEvent(comment="still here")
            if not page:
                await asyncio.sleep(STREAM_POLL_SECONDS)

    return router

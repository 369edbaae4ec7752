"""Menu, drills, drift, locks, quarantine and rollback branches over the API."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from keelway.app.back.orders import Ordered
from keelway.app.query.back import lock_view
from keelway.app.view.make import task_line
from keelway.app.view.system import (
    DriftView,
    DrillView,
    LockView,
    MenuView,
    OrderView,
    QuarantineView,
)
from keelway.app.view.task import TaskLine
from keelway.core.release.drill import PARTS
from keelway.web.desk import Desk, shown

Name = Annotated[str, Field(max_length=200)]
Text = Annotated[str, Field(max_length=100_000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class LockWish(_Body):
    """Ask for a lock."""

    environment: Name
    reason: Annotated[str, Field(max_length=500)] = ""
    hours: float = 0.0
    """After so many hours it ends by itself; 0 never."""


class UnlockWish(_Body):
    """Ask for a lock to be lifted."""

    environment: Name


class DrillWish(_Body):
    """Ask for a drill."""

    environment: Name = "staging"
    parts: Annotated[tuple[Name, ...], Field(max_length=10)] = PARTS


class Settle(_Body):
    """Ask for drift to be settled."""

    environment: Name
    how: Literal["adopt", "restore"]
    reason: Text = ""


class Prepare(_Body):
    """Ask for a branch and a pull request that bring git back."""

    environment: Name
    to: Name = ""
    reason: Text = ""


class Feature(_Body):
    """Ask for one feature to be taken back."""

    reason: Text = ""


class Cure(_Body):
    """Name the commit that undoes or cures a quarantined one."""

    commit: Name


def back_questions(desk: Desk) -> APIRouter:
    """Return the routes that only read."""
    router, ask = APIRouter(prefix="/api/back"), desk.queries

    @router.get("/menu", response_model=list[MenuView])
    def menu(environment: str = "") -> JSONResponse:
        return shown(ask.menu(environment))

    @router.get("/drift", response_model=list[DriftView])
    def drift(environment: str = "") -> JSONResponse:
        return shown(ask.drift(environment))

    @router.get("/drills", response_model=list[DrillView])
    def drills(environment: str = "") -> JSONResponse:
        return shown(ask.drills(environment))

    @router.get("/locks", response_model=list[LockView])
    def locks() -> JSONResponse:
        return shown(ask.locks())

    @router.get("/quarantine", response_model=list[QuarantineView])
    def quarantine() -> JSONResponse:
        return shown(ask.quarantine())

    return router


def back_commands(desk: Desk) -> APIRouter:
    """Return the routes that act on what runs, or on who may."""
    router, do, me = APIRouter(prefix="/api/back"), desk.commands.back, desk.owner

    @router.post("/lock", response_model=LockView)
    def lock(wish: LockWish) -> JSONResponse:
        return shown(lock_view(do.lock(wish.environment, me, wish.reason, wish.hours)))

    @router.post("/unlock", response_model=list[LockView])
    def unlock(wish: UnlockWish) -> JSONResponse:
        lifted = do.unlock(wish.environment, me)
        return shown((lock_view(lifted),) if lifted else ())

    @router.post("/drill", response_model=OrderView)
    def drill(wish: DrillWish) -> JSONResponse:
        return _ordered(do.drill(wish.environment, me, wish.parts))

    @router.post("/drift", response_model=OrderView)
    def settle(wish: Settle) -> JSONResponse:
        return _ordered(do.settle_drift(wish.environment, wish.how, me, wish.reason))

    return router


def git_commands(desk: Desk) -> APIRouter:
    """Return the routes that act on branches and commits."""
    router, do, me = APIRouter(prefix="/api/back"), desk.commands.back, desk.owner

    @router.post("/prepare", response_model=OrderView)
    def prepare(wish: Prepare) -> JSONResponse:
        return _ordered(do.prepare(wish.environment, me, to=wish.to, reason=wish.reason))

    @router.post("/land/{pull}", response_model=OrderView)
    def land(pull: int) -> JSONResponse:
        return _ordered(do.land(pull, me))

    @router.post("/feature/{task}", response_model=TaskLine, status_code=201)
    def feature(task: str, wish: Feature) -> JSONResponse:
        return shown(task_line(do.undo_feature(task, me, wish.reason)), 201)

    @router.post("/quarantine/{sha}", response_model=QuarantineView)
    def cure(sha: str, wish: Cure) -> JSONResponse:
        entry = do.cure(sha, wish.commit, me)
        return shown(QuarantineView(entry.sha, "", entry.reason, entry.at, entry.revert_sha))

    return router


def _ordered(ordered: Ordered) -> JSONResponse:
    return shown(OrderView(ordered.run, "queued", message=ordered.message))

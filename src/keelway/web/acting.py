"""The commands of the API; each one is the owner's, who alone can read the token."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal

from fastapi import APIRouter, BackgroundTasks
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from keelway.app.consent.decide import Said
from keelway.app.recipe.order import RecipeStanding, Trial, run_recipe, standings, try_out
from keelway.app.view.make import asked, lesson_view, task_line
from keelway.app.view.system import OrderView
from keelway.app.view.task import Asked, Issued, LessonView, TaskLine
from keelway.core.errors import RequestRefused, YourFault
from keelway.core.model.task import SYSTEM, Actor, Request, Severity, Source
from keelway.core.rule.approval import NO, REVISE, YES
from keelway.core.rule.freeze import Freeze
from keelway.web.desk import Desk, shown

Text = Annotated[str, Field(max_length=100_000)]
Name = Annotated[str, Field(max_length=200)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Wish(_Body):
    """Ask for a task."""

    text: Text
    hotfix: bool = False
    severity: Severity = Severity.LOW
    by: Name = ""
    """Whose wish it is; empty for the owner's. The intake gate decides whether that person may ask."""


class Answer(_Body):
    """Answer a question."""

    note: Text = ""
    about: Name = ""
    """Environment that the question has to be about; empty for any."""
    question: Name = ""
    """Id of the question that was shown; empty for the latest that waits."""


class LinkWish(_Body):
    """Ask for a link with which a person can give one answer."""

    person: Name
    answer: Literal["yes", "no"] = "yes"


class Back(_Body):
    """Order a rollback of a task or an environment."""

    what: Name
    to: Name = ""
    reason: Text = ""
    restore: bool = False
    """The restore of the backup, with the loss that was shown, is accepted."""


class BackOfTask(_Body):
    """Order the rollback of a task."""

    to: Name = ""
    reason: Text = ""
    restore: bool = False


class Deploy(_Body):
    """Order a deployment of a branch or commit."""

    environment: Name
    ref: Name = ""


class Confirm(_Body):
    """Say that a release which is deployed by hand is live, or why it is not."""

    environment: Name
    release: Name
    failed: Text = ""


class Reason(_Body):
    """Give a reason."""

    reason: Text = ""


def task_commands(desk: Desk) -> APIRouter:
    """Return the routes that open, decide about and control tasks."""
    router, do, me = APIRouter(prefix="/api/tasks"), desk.commands, desk.owner

    @router.post("", response_model=TaskLine, status_code=201)
    def submit(wish: Wish) -> JSONResponse:
        by = _actor(wish.by, me)
        row = do.submit(Request(wish.text, by, datetime.now(UTC), Source.CLI, wish.severity, wish.hotfix))
        return shown(task_line(row), 201)

    @router.post("/{task}/rollback", response_model=OrderView)
    def rollback(task: str, body: BackOfTask) -> JSONResponse:
        ordered = do.rollback(task, me, to_release=body.to, reason=body.reason, restore=body.restore)
        return shown(OrderView(ordered.run, "queued", message=ordered.message))

    @router.post("/{task}/link", response_model=Issued)
    def link(task: str, wish: LinkWish) -> JSONResponse:
        return shown(do.links.issue(task, wish.person, wish.answer, me), 201)

    @router.post("/{task}/{verb}", response_model=TaskLine | Asked)
    def decide(
        task: str,
        verb: Literal["approve", "revise", "reject", "pause", "resume", "abort", "retry"],
        body: Answer,
    ) -> JSONResponse:
        if verb in {"approve", "revise", "reject"}:
            _insist_about(desk, task, body.about)
            return shown(_answer(desk, task, verb, body))
        return shown(_control(desk, task, verb))

    return router


def recipes(desk: Desk) -> APIRouter:
    """Return the routes that list, try and run recipes."""
    router, app = APIRouter(prefix="/api/recipes"), desk.commands.app

    @router.get("", response_model=list[RecipeStanding])
    def listed() -> JSONResponse:
        return shown(standings(app))

    @router.post("/{name}", response_model=TaskLine, status_code=201)
    def run(name: str) -> JSONResponse:
        return shown(task_line(run_recipe(desk.commands, name, desk.owner)), 201)

    @router.post("/{name}/trial", response_model=Trial)
    def trial(name: str) -> JSONResponse:
        return shown(try_out(app, name))

    return router


def commands(desk: Desk) -> APIRouter:
    """Return the routes that act on environments and on everything."""
    router, do, me = APIRouter(prefix="/api"), desk.commands, desk.owner

    @router.post("/deploy", response_model=OrderView)
    def deploy(body: Deploy) -> JSONResponse:
        ordered = do.deploy(body.environment, body.ref, me)
        return shown(OrderView(ordered.run, "queued", message=ordered.message))

    @router.post("/rollback", response_model=OrderView)
    def rollback(body: Back) -> JSONResponse:
        ordered = do.rollback(body.what, me, to_release=body.to, reason=body.reason, restore=body.restore)
        return shown(OrderView(ordered.run, "queued", message=ordered.message))

    @router.post("/lessons/{name}/forget", response_model=LessonView)
    def forget(name: str) -> JSONResponse:
        return shown(lesson_view(do.forget_lesson(name, me)))

    @router.post("/freeze", response_model=Freeze)
    def freeze(body: Reason) -> JSONResponse:
        return shown(do.freeze(me, body.reason))

    @router.post("/unfreeze", response_model=Freeze)
    def unfreeze() -> JSONResponse:
        return shown(do.unfreeze(me))

    _confirm_on(router, desk)

    @router.post("/link")
    def link() -> JSONResponse:
        return shown({"url": f"/?key={desk.keys.link()}"})

    @router.post("/down")
    def down(after: BackgroundTasks) -> JSONResponse:
        after.add_task(desk.stop)
        answer = shown({"pid": desk.pid})
        answer.background = after
        return answer

    return router


def _confirm_on(router: APIRouter, desk: Desk) -> None:
    @router.post("/confirm", response_model=OrderView)
    def confirm(body: Confirm) -> JSONResponse:
        desk.commands.confirm(body.environment, body.release, desk.owner, body.failed)
        said = "did not get live" if body.failed else "is live"
        message = f"{body.release} {said} in {body.environment}; whoever waits for it goes on."
        return shown(OrderView("", "done", ok=True, message=message, release=body.release))


def _actor(name: str, owner: Actor) -> Actor:
    if not name:
        return owner
    who, _, channel = name.partition("@")
    if channel == SYSTEM.channel:
        raise YourFault(
            "by_no_person", "Nobody asks in the name of Keelway itself.", "name the person whose wish it is"
        )
    return Actor(who, channel or "api")


def _answer(desk: Desk, task: str, verb: str, body: Answer) -> Asked:
    do = desk.commands
    verbs = {"approve": YES, "revise": REVISE, "reject": NO}
    said = Said(verbs[verb], desk.owner, body.note, body.question)
    question = do.decide(task, said)
    return asked(question, do.app.ledger.find(task).task.name)


def _control(desk: Desk, task: str, verb: str) -> TaskLine:
    do = desk.commands
    verbs = {"pause": do.pause, "resume": do.resume, "abort": do.abort, "retry": do.retry}
    return task_line(verbs[verb](task, desk.owner))


def _insist_about(desk: Desk, task: str, environment: str) -> None:
    """Refuse an answer that was meant for another question than the one that waits."""
    if not environment:
        return
    row = desk.commands.app.ledger.find(task)
    waiting = desk.commands.app.ledger.questions(task=row.task.id)
    if not waiting or waiting[-1].binding.environment != environment:
        asks = f"it asks: {waiting[-1].binding.action}" if waiting else "it asks nothing"
        raise RequestRefused(
            "nothing_asked",
            f"{row.task.name} does not wait for a yes to {environment}; {asks}.",
            f"keelway show {row.task.name}",
        )

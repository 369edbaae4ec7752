"""The routes of maintenance by recipe."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from keelway.app.recipes import RecipeStanding, Trial, run_recipe, standings, try_out
from keelway.app.view.make import task_line
from keelway.app.view.task import TaskLine
from keelway.web.desk import Desk, shown


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

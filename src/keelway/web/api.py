"""The control plane as one HTTP application."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from keelway.core.codec import to_json
from keelway.web import acting, problem, reading
from keelway.web.answer.page import answer_page
from keelway.web.back import routes
from keelway.web.desk import Desk, shown
from keelway.web.guard import Guard
from keelway.web.page import page


def create_app(desk: Desk) -> FastAPI:
    """Return the application: the API behind the token, the pages behind links, ``/healthz`` open."""
    app = FastAPI(
        title="Keelway", version=desk.version, openapi_url="/api/openapi.json", docs_url=None, redoc_url=None
    )
    problem.install(app)

    @app.get("/healthz", include_in_schema=False)
    def healthz() -> JSONResponse:
        alive = {"ok": True, "pid": desk.pid, "version": desk.version}
        return shown(alive | {"started_at": to_json(desk.started_at)})

    for router in (
        page(desk),
        answer_page(desk),
        reading.questions(desk),
        reading.cost_questions(desk),
        reading.proof_questions(desk),
        reading.order_questions(desk),
        reading.task_questions(desk),
        reading.stream(desk),
        acting.commands(desk),
        acting.task_commands(desk),
        acting.recipes(desk),
        routes.back_questions(desk),
        routes.back_commands(desk),
        routes.git_commands(desk),
    ):
        app.include_router(router)
    app.add_middleware(Guard, token=desk.token, keys=desk.keys)
    return app

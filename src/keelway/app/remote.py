"""The control plane over HTTP, with the verbs and values that it has in its own process."""

from __future__ import annotations

from typing import Any, TypeVar
from urllib.parse import quote, urlencode

from keelway.app.back.remote import BackVerbs
from keelway.app.recipe.order import RecipeStanding, Trial
from keelway.app.server_file import Server
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
    Asked,
    Explanation,
    Happened,
    Issued,
    LessonView,
    LogView,
    PatchView,
    PlanView,
    TaskLine,
    TaskView,
)
from keelway.clients.http import Answer, HttpClient
from keelway.core import errors
from keelway.core.codec import from_json
from keelway.core.errors import KeelwayError, OurFault, TheirFault
from keelway.core.judge.flaky import FlakyTest
from keelway.core.model.project import PRODUCTION

T = TypeVar("T")

TIMEOUT_SECONDS = 60.0
KNOCK_SECONDS = 3.0
RECIPE_SECONDS = 1_800.0
"""A trial sets the project up and runs the recipe before it answers."""


class Remote(BackVerbs):
    """Speak to a running control plane."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self._client = HttpClient(server.url, timeout_seconds=TIMEOUT_SECONDS, token=server.token)

    def alive(self) -> bool:
        """Tell whether the control plane of the file answers, and is not a stranger on its port."""
        try:
            answer = self._client.request("GET", "/healthz", timeout_seconds=KNOCK_SECONDS)
            plain = answer.json
        except TheirFault:
            return False
        return isinstance(plain, dict) and plain.get("pid") == self.server.pid

    def status(self) -> StatusView:
        """Show the installation at a glance."""
        return self._one(StatusView, "status")

    def tasks(self, *, open_only: bool = False, limit: int = 50) -> tuple[TaskLine, ...]:
        """Return tasks, newest first."""
        return self._many(TaskLine, "tasks", open=str(open_only).lower(), limit=limit)

    def task(self, task: str) -> TaskView:
        """Show everything about a task."""
        return self._one(TaskView, f"tasks/{_part(task)}")

    def flaky(self) -> tuple[FlakyTest, ...]:
        """Return the tests that were seen to fail by chance."""
        return self._many(FlakyTest, "flaky")

    def lessons(self, query: str = "", *, limit: int = 20) -> tuple[LessonView, ...]:
        """Return what tasks learnt: the best answers to a query, or the newest."""
        return self._many(LessonView, "lessons", query=query, limit=limit)

    def forget_lesson(self, name: str) -> LessonView:
        """Remove a lesson."""
        return self._post(LessonView, f"lessons/{_part(name)}/forget", {})

    def timeline(self, *, after: int = 0, task: str = "", limit: int = 200) -> tuple[Happened, ...]:
        """Return events after a sequence number, oldest first."""
        path = f"tasks/{_part(task)}/events" if task else "audit"
        return self._many(Happened, path, after=after, limit=limit)

    def plan(self, task: str) -> PlanView:
        """Show the plan of a task."""
        return self._one(PlanView, f"tasks/{_part(task)}/plan")

    def diff(self, task: str) -> PatchView:
        """Show the patch of a task."""
        return self._one(PatchView, f"tasks/{_part(task)}/diff")

    def logs(self, task: str, *, stage: str = "") -> LogView:
        """Show what the stages and the agents said."""
        return self._one(LogView, f"tasks/{_part(task)}/logs", stage=stage)

    def costs(self, *, by: tuple[str, ...] = ("task",), since: str = "", task: str = "") -> CostView:
        """Show what was used and what it cost."""
        return self._one(CostView, "costs", by=",".join(by), since=since, task=task)

    def artefact(self, task: str, name: str) -> ArtefactText:
        """Show the content of something that is kept of a task."""
        return self._one(ArtefactText, f"tasks/{_part(task)}/artefact", name=name)

    def explain(self, task: str) -> Explanation:
        """Say why a task is where it is."""
        return self._one(Explanation, f"tasks/{_part(task)}/explain")

    def releases(self, environment: str = "") -> tuple[EnvironmentReleases, ...]:
        """Show what was deployed where."""
        return self._many(EnvironmentReleases, "releases", environment=environment)

    def health(self, environment: str) -> HealthView:
        """Ask an environment its health questions now."""
        return self._one(HealthView, f"health/{_part(environment)}")

    def metrics(self, environment: str = PRODUCTION, *, days: int = DAYS) -> DeliveryView:
        """Show the figures of the deployments of the last days."""
        return self._one(DeliveryView, f"metrics/{_part(environment)}", days=days)

    def rollback_preview(self, what: str, to: str = "", *, restore: bool = False) -> BackPreview:
        """Show what a rollback would do."""
        return self._one(BackPreview, "rollback", what=what, to=to, restore=str(restore).lower())

    def deploy_preview(self, environment: str, ref: str = "") -> DeployPreview:
        """Show what a deployment by hand would bring."""
        return self._one(DeployPreview, "deploy", environment=environment, ref=ref)

    def order(self, run: str) -> OrderView:
        """Show how far an order is."""
        return self._one(OrderView, f"orders/{_part(run)}")

    def verify_audit(self) -> AuditReport:
        """Walk the whole audit chain."""
        return self._one(AuditReport, "audit/verify")

    def attestations(self, task: str) -> tuple[dict[str, Any], ...]:
        """Return signed statements about the gates and releases of a task."""
        return tuple(self._call("GET", f"tasks/{_part(task)}/attestations"))

    def sbom(self, release: str) -> dict[str, Any]:
        """Return what a release is made of."""
        plain: dict[str, Any] = self._call("GET", f"releases/{_part(release)}/sbom")
        return plain

    def submit(self, text: str, *, hotfix: bool = False, severity: str = "low", by: str = "") -> TaskLine:
        """Open a task."""
        body = {"text": text, "hotfix": hotfix, "severity": severity, "by": by}
        return self._post(TaskLine, "tasks", body)

    def answer(self, task: str, answer: str, note: str = "", *, about: str = "", question: str = "") -> Asked:
        """Approve, revise or reject; ``about`` insists on the environment, ``question`` on what was shown."""
        body = {"note": note, "about": about, "question": question}
        return self._post(Asked, f"tasks/{_part(task)}/{answer}", body)

    def answer_link(self, task: str, person: str, answer: str) -> Issued:
        """Return a link with which a person can give one answer."""
        return self._post(Issued, f"tasks/{_part(task)}/link", {"person": person, "answer": answer})

    def recipes(self) -> tuple[RecipeStanding, ...]:
        """Show the recipes of the project."""
        return self._many(RecipeStanding, "recipes")

    def try_recipe(self, name: str) -> Trial:
        """Show what a recipe would change now."""
        return self._value(Trial, self._call("POST", f"recipes/{_part(name)}/trial", {}, RECIPE_SECONDS))

    def run_recipe(self, name: str) -> TaskLine:
        """Open the task of a recipe."""
        return self._post(TaskLine, f"recipes/{_part(name)}", {})

    def control(self, task: str, verb: str) -> TaskLine:
        """Pause, resume, abort or retry."""
        return self._post(TaskLine, f"tasks/{_part(task)}/{verb}", {})

    def rollback(
        self, what: str, *, to_release: str = "", reason: str = "", restore: bool = False
    ) -> OrderView:
        """Order a rollback."""
        body = {"what": what, "to": to_release, "reason": reason, "restore": restore}
        return self._post(OrderView, "rollback", body)

    def deploy(self, environment: str, ref: str = "") -> OrderView:
        """Order a deployment."""
        return self._post(OrderView, "deploy", {"environment": environment, "ref": ref})

    def confirm(self, environment: str, release: str, failed: str = "") -> OrderView:
        """Say that a release which is deployed by hand is live, or why it is not."""
        return self._post(
            OrderView, "confirm", {"environment": environment, "release": release, "failed": failed}
        )

    def page_link(self) -> str:
        """Return a link that opens the status page once."""
        plain = self._call("POST", "link", {})
        return str(plain["url"])

    def down(self) -> None:
        """Ask the control plane to end; what it deployed keeps running."""
        self._call("POST", "down", {})

    def _one(self, kind: type[T], path: str, **asked: object) -> T:
        return self._value(kind, self._call("GET", _query(path, asked)))

    def _many(self, kind: type[T], path: str, **asked: object) -> tuple[T, ...]:
        return tuple(self._value(kind, plain) for plain in self._call("GET", _query(path, asked)))

    def _post(self, kind: type[T], path: str, body: dict[str, Any]) -> T:
        return self._value(kind, self._call("POST", path, body))

    def _posted(self, kind: type[T], path: str, body: dict[str, Any]) -> tuple[T, ...]:
        return tuple(self._value(kind, plain) for plain in self._call("POST", path, body))

    def _value(self, kind: type[T], plain: Any) -> T:
        try:
            return from_json(kind, plain)
        except Exception as problem:
            raise TheirFault(
                "other_version",
                f"The control plane (version {self.server.version}) answered in a form that is not known here.",
                "keelway down, then keelway up, so that both are of the same version",
            ) from problem

    def _call(
        self, method: str, path: str, body: dict[str, Any] | None = None, seconds: float = TIMEOUT_SECONDS
    ) -> Any:
        answer = self._client.request(method, f"/api/{path}", json=body, timeout_seconds=seconds)
        if not answer.ok:
            raise problem_of(answer)
        return answer.json


def problem_of(answer: Answer) -> KeelwayError:
    """Turn an answer of the kind ``application/problem+json`` into the error that it tells of."""
    try:
        plain = answer.json
    except TheirFault:
        plain = None
    if not isinstance(plain, dict) or "code" not in plain:
        return TheirFault("bad_answer", f"The control plane answered {answer.status} without a reason.")
    kind = getattr(errors, str(plain.get("kind", "")), OurFault)
    known = kind if isinstance(kind, type) and issubclass(kind, KeelwayError) else OurFault
    return known(str(plain["code"]), str(plain.get("message", "")), str(plain.get("hint", "")))


def _part(text: str) -> str:
    return quote(text, safe="")


def _query(path: str, asked: dict[str, object]) -> str:
    given = {name: value for name, value in asked.items() if value not in {"", None}}
    return f"{path}?{urlencode(given)}" if given else path

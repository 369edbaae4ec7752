"""The figures by name, with labels from small closed sets: a task, a person or a text is never a label."""

from __future__ import annotations

import re
import threading

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.process_collector import ProcessCollector

VALUES_MAX = 40
"""Different values of one label; further ones are counted together as ``other``."""

OTHER = "other"
_PLAIN = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_NUMBERED = re.compile(r"[0-9]{3}")

_STAGE_SECONDS = (0.1, 0.5, 1, 5, 15, 60, 300, 900, 3_600, 14_400, 86_400)
_BACK_SECONDS = (0.1, 0.25, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 900)


class Words:
    """Keep the values of every label few."""

    def __init__(self) -> None:
        self._known: dict[str, set[str]] = {}
        self._lock = threading.Lock()

    def of(self, label: str, value: object) -> str:
        """Return a value as it may stand behind a label."""
        word = str(value)
        with self._lock:
            known = self._known.setdefault(label, set())
            if word in known:
                return word
            if not _PLAIN.fullmatch(word) or _NUMBERED.search(word) or len(known) >= VALUES_MAX:
                return OTHER
            known.add(word)
        return word


class Instruments:
    """Hold every figure of one installation."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self.words = Words()
        self._name_the_counted()
        self._name_the_present()

    def _name_the_counted(self) -> None:
        registry = self.registry
        self.stage_runs = Counter(
            "keelway_stage_runs", "Stage runs that ended.", ["stage", "outcome"], registry=registry
        )
        self.stage_seconds = Histogram(
            "keelway_stage_seconds",
            "Length of stage runs.",
            ["stage"],
            buckets=_STAGE_SECONDS,
            registry=registry,
        )
        self.effects = Counter(
            "keelway_effects", "Outside effects tried.", ["stage", "outcome"], registry=registry
        )
        self.gates = Counter("keelway_gates", "Verdicts of gates.", ["gate", "ruling"], registry=registry)
        self.rollbacks = Counter(
            "keelway_rollbacks", "Ways back that ended.", ["environment", "verified"], registry=registry
        )
        self.back_seconds = Histogram(
            "keelway_rollback_seconds",
            "From the decision to take a release back to the old one running healthy.",
            ["environment"],
            buckets=_BACK_SECONDS,
            registry=registry,
        )
        self.back_traffic_seconds = Histogram(
            "keelway_rollback_traffic_seconds",
            "From the decision to take a release back to no user reaching it any more.",
            ["environment"],
            buckets=_BACK_SECONDS,
            registry=registry,
        )
        self.closed = Counter("keelway_tasks_closed", "Tasks that ended.", ["status"], registry=registry)
        self.refused = Counter("keelway_tasks_refused", "Requests refused at the door.", registry=registry)
        self.incidents = Counter("keelway_incidents", "Incidents opened.", registry=registry)
        self.agent_runs = Counter(
            "keelway_agent_runs", "Runs of the coding agent.", ["stage", "stop"], registry=registry
        )
        self.agent_cost_usd = Counter(
            "keelway_agent_cost_usd",
            "Cost of agents in US dollars: metered, or reported where nothing was metered.",
            ["role", "agent"],
            registry=registry,
        )
        self.agent_tokens = Counter(
            "keelway_agent_tokens",
            "Tokens of agents, likewise; cached ones are part of the input.",
            ["role", "agent", "kind"],
            registry=registry,
        )
        self.model_requests = Counter(
            "keelway_model_requests",
            "Metered requests to models.",
            ["provider", "outcome"],
            registry=registry,
        )

    def _name_the_present(self) -> None:
        registry = self.registry
        self.tasks = Gauge("keelway_tasks", "Tasks by status.", ["status"], registry=registry)
        self.questions = Gauge(
            "keelway_questions_open", "Questions that wait for a person.", registry=registry
        )
        self.question_seconds = Gauge(
            "keelway_question_oldest_seconds",
            "How long the oldest of them has waited; 0 for none.",
            registry=registry,
        )
        self.queue_runs = Gauge(
            "keelway_queue_runs", "Runs by queue and state.", ["queue", "state"], registry=registry
        )
        self.workers = Gauge("keelway_workers", "Workers by state.", ["state"], registry=registry)
        self.beat_age_seconds = Gauge(
            "keelway_worker_beat_age_seconds",
            "How long ago the most silent of the workers that have not left was heard of.",
            registry=registry,
        )
        self.events = Gauge("keelway_audit_events", "Length of the audit chain.", registry=registry)
        self.behind = Gauge(
            "keelway_audit_events_behind", "Events not counted in these figures yet.", registry=registry
        )
        self.database_up = Gauge(
            "keelway_database_up", "Whether the database answered in time.", registry=registry
        )
        self.database_seconds = Gauge(
            "keelway_database_seconds", "How long its answer to one row took.", registry=registry
        )

    def forget_present(self) -> None:
        """Show nothing instead of something old."""
        for labelled in (self.tasks, self.queue_runs, self.workers):
            labelled.clear()
        for single in (
            self.questions,
            self.question_seconds,
            self.beat_age_seconds,
            self.events,
            self.behind,
            self.database_seconds,
        ):
            single.set(float("nan"))

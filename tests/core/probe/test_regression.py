"""What earlier tasks promised is asked of later releases."""

from __future__ import annotations

from keelway.core.model.plan import AcceptanceProbe, Plan
from keelway.core.probe.regression import Promise, regression_probes

PLAN = Plan("t", "a", probes=(AcceptanceProbe("/two", status=204),))
OLD = [
    Promise("T-3", (AcceptanceProbe("/two"), AcceptanceProbe("/three", body_contains="3"))),
    Promise("T-2", (AcceptanceProbe("/three", status=500), AcceptanceProbe("/jobs", "POST", 202))),
    Promise("T-1", (AcceptanceProbe("/one"),)),
]


def test_the_newest_promise_about_a_question_holds():
    found = regression_probes(OLD, PLAN, 50, safe_only=False)
    assert [(spec.name, spec.path, spec.status) for spec in found] == [
        ("T-3 promised 1", "/three", 200),
        ("T-2 promised 1", "/jobs", 202),
        ("T-1 promised 1", "/one", 200),
    ]
    assert found[0].body_contains == "3"


def test_production_is_only_asked_what_alters_nothing_and_not_without_end():
    assert [spec.path for spec in regression_probes(OLD, PLAN, 50, safe_only=True)] == ["/three", "/one"]
    assert [spec.path for spec in regression_probes(OLD, PLAN, 1, safe_only=True)] == ["/three"]
    assert regression_probes([], PLAN, 50, safe_only=True) == ()

"""The policy in text."""

from __future__ import annotations

from keelway.app.policy.explain import PolicyView, Threshold
from keelway.app.policy.trial import PolicyTrial
from keelway.cli.show.text import facts, say, table
from keelway.core.policy.ceiling import DEFAULT


def policy_page(view: PolicyView) -> None:
    """Print what differs from the defaults."""
    _head(view)
    rows = [row for row in view.thresholds if row.source != DEFAULT]
    if not rows:
        say("", "Every threshold has its default: keelway policy explain")
        return
    say("")
    table(("THRESHOLD", "VALUE", "DEFAULT", "SAID BY"), [(r.key, r.value, r.default, r.source) for r in rows])


def threshold_pages(view: PolicyView) -> None:
    """Print every threshold, or one with everything that is known of it."""
    _head(view)
    say("")
    if len(view.thresholds) == 1:
        _one(view.thresholds[0])
        return
    table(
        ("THRESHOLD", "VALUE", "SAID BY", "CEILING", "DIRECTION"),
        [(row.key, row.value, row.source, row.ceiling, row.stricter) for row in view.thresholds],
    )


def trial_pages(trial: PolicyTrial) -> None:
    """Print what each rule says, and what would become of the patch."""
    table(("RESULT", "RULE", "WHY"), [(rule.ruling, rule.code, rule.message) for rule in trial.rules])
    say("")
    facts(
        (
            ("patch", f"{trial.files} file(s), {trial.lines} line(s), on {trial.base[:12]}"),
            ("risk", f"{trial.risk} ({'; '.join(trial.factors)})" if trial.factors else trial.risk),
            ("about", "; ".join(f"{name} ({why})" for name, why in trial.categories.items())),
            ("owners", "; ".join(f"{path}: {' '.join(names)}" for path, names in trial.owners.items())),
            ("merge", trial.merge),
            ("production", trial.production),
        )
    )
    refused = sum(rule.ruling == "fail" for rule in trial.rules)
    asked = sum(rule.ruling == "hold" for rule in trial.rules)
    text = f"{refused} rule(s) refuse it." if refused else f"No rule refuses it; {asked} ask a person."
    say("", text, style="red" if refused else "green")


def _head(view: PolicyView) -> None:
    facts(
        (
            ("policy", view.digest),
            ("operator", view.operator or "no file, so nothing is bounded"),
            ("defaults", "bind as well" if view.bind_defaults else ""),
            ("repository", view.repository),
            ("agent", view.setup and f"set-up {view.setup}"),
            ("trusted", view.standing),
        )
    )


def _one(row: Threshold) -> None:
    facts(
        (
            ("threshold", f"policy.{row.key}"),
            ("value", row.value),
            ("default", row.default),
            ("said by", row.source + (f" ({row.where})" if row.where else "")),
            ("ceiling", row.ceiling or "none"),
            ("direction", row.stricter),
        )
    )
    say("", row.sentence)

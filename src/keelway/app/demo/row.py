"""One act in figures, each of them measured, and the claims that did not hold."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Row:
    """State what an act did to its users."""

    act: str
    happened: str
    served: int | None = None
    """Requests that were answered well; ``None`` where the act has no traffic of its own."""
    failed: int | None = None
    """Requests without an answer, or answered with 500 or more."""
    errors_before_verdict: int | None = None
    healthy_seconds: float | None = None
    """From the verdict until the load generator saw only good answers of the old release."""
    rows_lost: int | None = None
    seconds: float = 0.0
    until: float = 0.0
    """Epoch seconds at which the act was over."""
    phases: dict[str, float] = field(default_factory=dict)
    """Seconds by stage of the act's task."""
    wrong: tuple[str, ...] = ()
    """Claims that did not hold."""

    @property
    def ok(self) -> bool:
        """Tell whether everything held."""
        return not self.wrong

    def figures(self) -> tuple[str, ...]:
        """Return the figures as a person reads them."""
        healthy = "-" if self.healthy_seconds is None else f"{self.healthy_seconds:.2f} s"
        counts = (self.served, self.failed, self.errors_before_verdict)
        shown = ["-" if count is None else f"{count:,}" for count in counts]
        return (*shown, healthy, "-" if self.rows_lost is None else str(self.rows_lost))

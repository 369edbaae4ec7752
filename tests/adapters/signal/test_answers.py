"""What a release answered, added up over its instances."""

from __future__ import annotations

from keelway.adapters.signal.front.told import Told
from keelway.core.observe.sight import Answers
from keelway.programs.front.record.counters import Counters, Outcome


def test_every_instance_counts_under_its_class():
    counters = Counters()
    for release, status in [("r-1", 200), ("r-1", 101), ("r-1+2", 302), ("r-1+3", 404), ("r-2", 200)]:
        counters.totals(release).add(Outcome(release, "/", status, 1.0))
    counters.totals("r-1").add(Outcome("r-1", "/", 500, 1.0))
    said = Told(counters=counters.to_json())
    assert said.answers("r-1") == Answers(requests=5, served=2, redirected=1, refused=1)
    assert said.answers("r-3") == said.answers("") == Answers()

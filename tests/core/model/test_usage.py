"""Usage as values."""

from __future__ import annotations

from datetime import UTC, datetime

from keelway.core.codec import from_json, to_json
from keelway.core.model.usage import GROUPS, UsageEntry, UsageSource, UsageTotal


def test_what_usage_is_grouped_by_is_part_of_the_sum() -> None:
    assert set(GROUPS) < set(UsageTotal.__dataclass_fields__)
    assert {type(getattr(UsageTotal(), name)) for name in GROUPS} == {str}


def test_an_entry_survives_the_codec() -> None:
    entry = UsageEntry("k", "T-1", "dev", 1, datetime(2026, 1, 31, tzinfo=UTC), UsageSource.REPORTED)
    assert from_json(UsageEntry, to_json(entry)) == entry

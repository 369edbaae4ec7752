"""Whether two states of a database are the same: its schema, its rows, what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field

_SHOWN_MAX = 5
_SHOWN_CHARS = 120


@dataclass(frozen=True)
class Likeness:
    """Hold what of a database can be compared."""

    schema: tuple[str, ...] = ()
    """What it is made of, as statements in an order that does not matter."""
    rows: dict[str, int] = field(default_factory=dict)
    sums: dict[str, str] = field(default_factory=dict)
    """A digest of the contents of each table, whatever the order of its rows."""

    @property
    def total(self) -> int:
        """Return the number of rows over all tables."""
        return sum(self.rows.values())


def differences(then: Likeness, now: Likeness, *, contents: bool = True) -> tuple[str, ...]:
    """Name what differs, a bounded number of things of each kind.

    Args:
        then: the state that is wanted.
        now: the state that is there.
        contents: compare what is in the rows as well, not only how many there are.
    """
    lost, new = set(then.schema) - set(now.schema), set(now.schema) - set(then.schema)
    found = [
        *(f"gone from the schema: {_short(one)}" for one in sorted(lost)[:_SHOWN_MAX]),
        *(f"new in the schema: {_short(one)}" for one in sorted(new)[:_SHOWN_MAX]),
    ]
    tables = sorted(then.rows.keys() & now.rows.keys())
    counts = [table for table in tables if then.rows[table] != now.rows[table]]
    found += [f"{table}: {then.rows[table]} rows, now {now.rows[table]}" for table in counts[:_SHOWN_MAX]]
    found += [f"{table}: the table is gone" for table in sorted(then.rows.keys() - now.rows.keys())]
    found += [f"{table}: a table more" for table in sorted(now.rows.keys() - then.rows.keys())]
    if contents:
        other = [
            table for table in tables if table not in counts and then.sums.get(table) != now.sums.get(table)
        ]
        found += [f"{table}: other contents" for table in other[:_SHOWN_MAX]]
    return tuple(found)


def _short(statement: str) -> str:
    text = " ".join(statement.split())
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"

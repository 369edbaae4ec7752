"""Turn what a database reports into a fault with a next step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from keelway.core.errors import OurFault, TheirFault


@contextmanager
def reported() -> Iterator[None]:
    """Name the faults of the database inside the block.

    Raises:
        TheirFault: it is busy for too long, full, read-only, damaged or gone.
        OurFault: a record contradicts another.
    """
    try:
        yield
    except IntegrityError as problem:
        raise OurFault(
            "store_conflict", f"A record contradicts another: {problem.orig}.", "keelway audit --verify"
        ) from problem
    except (DBAPIError, PoolTimeout) as problem:
        cause = getattr(problem, "orig", None) or problem
        raise TheirFault(
            "store_unavailable",
            f"The store cannot be used: {str(cause).strip()}.",
            "check free disk space and the database, then keelway doctor",
        ) from problem

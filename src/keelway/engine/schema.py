"""Name what must stay the same while runs are unfinished."""

from __future__ import annotations

SCHEMA = "1"
"""Version of the recorded stories and stages.

Raise it by hand only when a run that is under way could not be replayed by the new code,
that is when a step before a waiting point was renamed, added, removed or moved.
"""

EXECUTOR = "embedded"
"""First part of the name of a process that works alone; every start has a name of its own."""

TASKS = "tasks"
"""Queue of the stories: never limited, because stories wait for people."""

ROLLBACK = "rollback"
"""Queue and story of ways back: they are taken up before everything else."""

STAGE_ATTEMPTS_MAX = 20
"""Times that a stage is taken up before it is given up as one that kills its process."""

STORY_ATTEMPTS_MAX = 500
"""Likewise for stories, which only wait and decide: they outlive the stage they have to report."""

"""The worlds of the stories, for the orders about the way back."""

from tests.workflows.conftest import make_world

__all__ = ["make_world"]

"""A world, or a house with its door, for each test."""

from tests.web.conftest import make_house
from tests.workflows.conftest import make_world

__all__ = ["make_house", "make_world"]

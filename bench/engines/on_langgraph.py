"""Ten nodes of a LangGraph graph with a checkpointer, ``durability="sync"``: each node is safe before the next."""

from __future__ import annotations

import sqlite3
import sys
from typing import Any, TypedDict

from langchain_core.runnables import RunnableConfig
from langgraph.graph import END, START, StateGraph
from turn import STEPS, Stamps, serve


class State(TypedDict):
    """Carry the number of the last step."""

    step: int


def saver(url: str) -> Any:
    """Return LangGraph's own checkpointer for a database."""
    if url.startswith("sqlite"):
        from langgraph.checkpoint.sqlite import SqliteSaver

        connection = sqlite3.connect(url.removeprefix("sqlite:///"), timeout=30, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL").close()
        connection.execute("PRAGMA synchronous=FULL").close()
        made: Any = SqliteSaver(connection)
    else:
        from langgraph.checkpoint.postgres import PostgresSaver
        from psycopg.rows import dict_row
        from psycopg_pool import ConnectionPool

        settings = {"autocommit": True, "prepare_threshold": 0, "row_factory": dict_row}
        made = PostgresSaver(
            ConnectionPool(url.replace("+psycopg", ""), max_size=20, kwargs=settings, open=True)
        )
    made.setup()
    return made


def main() -> None:
    """Serve turns on the database of the first argument."""
    stamps = Stamps()

    def node(number: int) -> Any:
        def work(_state: State, config: RunnableConfig) -> dict[str, int]:
            return stamps.note(config["configurable"]["thread_id"], number)

        return work

    graph = StateGraph(State)
    names = [f"step-{number}" for number in range(STEPS)]
    for number, name in enumerate(names):
        graph.add_node(name, node(number))
    for before, after in zip([START, *names], [*names, END], strict=True):
        graph.add_edge(before, after)
    compiled = graph.compile(checkpointer=saver(sys.argv[1]))

    def run_one(task: str) -> None:
        compiled.invoke({"step": 0}, {"configurable": {"thread_id": task}}, durability="sync")

    serve(run_one, stamps)


if __name__ == "__main__":
    main()

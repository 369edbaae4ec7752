"""Stories that wait for stages are looked after by one of them for all."""

from __future__ import annotations

import asyncio

from keelway.engine.run.board import Board


async def test_the_first_who_looks_looks_for_all() -> None:
    board = Board()
    with board.awaited("T-1/review-1") as one, board.awaited("T-2/review-1") as other:
        assert sorted(board.look(60.0)) == ["T-1/review-1", "T-2/review-1"]
        assert board.look(60.0) == []
        assert len(board.look(0.0)) == 2
        board.tell_endings(["T-2/review-1", "T-3/review-1"])
        await asyncio.wait_for(other.wait(), 5)
        assert not one.is_set()
    assert board.look(0.0) == []


async def test_a_stage_that_leaves_this_process_says_so() -> None:
    board = Board()
    with board.awaited("T-1/review-1") as ending:
        with board.at_work("T-1/review-1"):
            assert not ending.is_set()
        await asyncio.wait_for(ending.wait(), 5)

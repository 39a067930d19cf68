"""The thread for long reviews: one at a time, even if nobody waits for it anymore."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from rke2_webhook.worker import Worker


def test_who_gives_up_leaves_the_thread_to_the_one_before() -> None:
    go_on = threading.Event()
    begun: list[str] = []

    def work(name: str) -> str:
        begun.append(name)
        assert go_on.wait(5)
        return name

    async def play() -> None:
        worker = Worker()
        assert worker.busy == 0
        for name in ("first", "second"):
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.05):
                    await worker.run(work, name)
        # The second never began, so nothing of it is kept.
        assert begun == ["first"]
        assert worker.busy > 0.05
        third = asyncio.create_task(worker.run(work, "third"))
        await asyncio.sleep(0.05)
        assert begun == ["first"]
        go_on.set()
        assert await third == "third"
        assert begun == ["first", "third"]
        assert worker.busy == 0
        worker.close()

    asyncio.run(play())


def test_what_a_call_raises_reaches_who_waits_and_nobody_else() -> None:
    def fail(_: str) -> None:
        raise ValueError("of the call")

    async def play() -> None:
        worker = Worker()
        with pytest.raises(ValueError, match="of the call"):
            await worker.run(fail, "")
        assert await worker.run(len, "four") == 4
        worker.close()

    asyncio.run(play())


async def _rounds(call: Callable[[None], object], calls: int) -> list[int]:
    """Return in which round of the event loop each of some calls was made."""
    rounds = 0
    made: list[int] = []

    async def count() -> None:
        nonlocal rounds
        while len(made) < calls:
            rounds += 1
            await asyncio.sleep(0)

    async def make(worker: Worker) -> None:
        def made_now(_: None) -> None:
            made.append(rounds)
            call(None)

        await worker.at_once(made_now, None)

    worker = Worker()
    await asyncio.gather(count(), *(make(worker) for _ in range(calls)))
    return made


def test_answers_that_take_time_leave_one_by_one() -> None:
    made = asyncio.run(_rounds(lambda _: time.sleep(0.001), 5))
    assert len(set(made)) == 5
    assert made == sorted(made)


def test_answers_that_take_no_time_leave_together_and_end_their_round_after_all() -> None:
    quick = asyncio.run(_rounds(lambda _: None, 5))
    assert len(set(quick)) < 5
    many = asyncio.run(_rounds(lambda _: time.sleep(0.0002), 6))
    assert len(set(many)) > 1


def test_a_call_that_fails_ends_nothing_but_itself() -> None:
    def take(name: str) -> str:
        time.sleep(0.001)
        if name == "bad":
            raise ValueError("of the call")
        return name

    async def play() -> list[str | BaseException]:
        worker = Worker()
        names = ("bad", "a", "bad", "b")
        calls = (worker.at_once(take, name) for name in names)
        return await asyncio.gather(*calls, return_exceptions=True)

    first, a, second, b = asyncio.run(asyncio.wait_for(play(), 10))
    assert (a, b) == ("a", "b")
    assert isinstance(first, ValueError)
    assert isinstance(second, ValueError)


def test_who_gives_up_before_the_turn_is_left_out() -> None:
    made: list[str] = []

    def take(name: str) -> None:
        time.sleep(0.001)
        made.append(name)

    async def play() -> None:
        worker = Worker()
        tasks = [asyncio.ensure_future(worker.at_once(take, name)) for name in "abc"]
        await asyncio.sleep(0)
        tasks[1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    asyncio.run(asyncio.wait_for(play(), 10))
    assert made == ["a", "c"]

"""The thread for long reviews: one at a time, even if nobody waits for it anymore."""

from __future__ import annotations

import asyncio
import threading

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


async def _rounds(worker: Worker) -> list[int]:
    """Return in which round of the event loop each of five calls was made."""
    rounds = 0
    made: list[int] = []

    async def count() -> None:
        nonlocal rounds
        while len(made) < 5:
            rounds += 1
            await asyncio.sleep(0)

    calls = (worker.at_once(lambda _: made.append(rounds), None) for _ in range(5))
    await asyncio.gather(count(), *calls)
    return made


def test_answers_made_at_once_leave_one_by_one() -> None:
    made = asyncio.run(_rounds(Worker()))
    assert len(set(made)) == 5
    assert made == sorted(made)

"""A step again and again: over failures, over jumps, and never asleep for long."""

from __future__ import annotations

import asyncio
import io
import json
from collections.abc import Awaitable, Callable

import pytest
from clocks import DAY, HandClock

from rke2_webhook import logs
from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.cluster import MissingError
from rke2_webhook.tls.keep import Keeper


class EndOfTest(BaseException):
    pass


def keep(step: Callable[[], Awaitable[float]], clock: HandClock) -> tuple[Keeper, io.BytesIO]:
    """Run a keeper until its step raises EndOfTest."""
    said = io.BytesIO()
    keeper = Keeper("keeping", step, clock, Metrics("0"), logs.configure("info", said))
    with pytest.raises(EndOfTest):
        asyncio.run(asyncio.wait_for(keeper.run(), 10))
    return keeper, said


def test_it_comes_back_when_the_step_said_so() -> None:
    clock = HandClock()
    begun = []

    async def step() -> float:
        begun.append(clock.monotonic() - 1000)
        if len(begun) == 4:
            raise EndOfTest
        return 25.0

    keep(step, clock)
    assert begun == [0, 25, 50, 75]


def test_failures_are_told_once_and_tried_again_ever_later() -> None:
    clock = HandClock()
    begun: list[float] = []

    async def step() -> float:
        begun.append(clock.monotonic() - 1000)
        if len(begun) == 9:
            raise EndOfTest
        if len(begun) == 8:
            return 5.0
        raise MissingError("the Secret does not exist")

    keeper, said = keep(step, clock)
    assert begun == [0, 1, 3, 7, 15, 31, 61, 91, 96]
    told = [json.loads(line) for line in said.getvalue().splitlines()]
    assert [line["message"] for line in told] == [
        "keeping failed, and is tried again",
        "keeping again",
    ]
    assert told[0]["reason"] == told[1]["after"] == "the Secret does not exist"
    assert keeper.problem is None


def test_no_sleep_is_long() -> None:
    clock = HandClock()

    async def step() -> float:
        if clock.slept:
            raise EndOfTest
        return 7 * DAY

    keep(step, clock)
    assert max(clock.slept) <= 10


@pytest.mark.parametrize("seconds", [30 * DAY, -30 * DAY, 6.0], ids=["ahead", "back", "a little"])
def test_a_jump_of_the_clock_ends_the_wait(seconds: float) -> None:
    clock = HandClock()
    begun: list[float] = []

    async def step() -> float:
        begun.append(clock.monotonic() - 1000)
        if len(begun) == 2:
            raise EndOfTest
        return 3600.0

    sleep = clock.sleep

    async def suspended(wait: float) -> None:
        await sleep(wait)
        if len(clock.slept) == 3:
            clock.suspend(seconds)

    clock.sleep = suspended  # type: ignore[method-assign]
    _, said = keep(step, clock)
    assert begun == [0, 30]
    assert json.loads(said.getvalue())["message"] == "the clock jumped"


def test_slow_corrections_are_no_jumps() -> None:
    clock = HandClock()
    begun = []

    async def step() -> float:
        begun.append(clock.monotonic() - 1000)
        if len(begun) == 2:
            raise EndOfTest
        return 100.0

    sleep = clock.sleep

    async def slewed(wait: float) -> None:
        await sleep(wait)
        clock.jump(0.5)

    clock.sleep = slewed  # type: ignore[method-assign]
    keep(step, clock)
    assert begun == [0, 100]

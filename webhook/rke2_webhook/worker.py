"""The worker: when each review is computed, so that none keeps all others waiting."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final, TypeVar, cast

T = TypeVar("T")
R = TypeVar("R")

_ROUND: Final = 0.0005
"""Seconds of calls that end a round: half a usual review, and many times what a round costs."""


class Worker:
    """Makes quick calls in rounds of the event loop, others in one thread beside it.

    More threads would compute no faster: reviews are Python, and Python runs in one thread at a
    time. Those who wait for their turn wait in the event loop, where they can give up.
    """

    def __init__(self) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix="review")
        self._turn = asyncio.Lock()
        self._waiting: deque[tuple[Callable[[], Any], asyncio.Future[Any]]] = deque()
        self._spent = 0.0
        self._began: float | None = None

    @property
    def busy(self) -> float:
        """For how many seconds the call that runs now has been running."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    async def at_once(self, call: Callable[[T], R], argument: T) -> R:
        """Return `call(argument)` without the thread, when the event loop has time for it.

        uvloop writes at the end of a round. Of sixteen reviews in one round, the first answer would
        leave with the last; and what is still arriving meanwhile would wait for all of them, twice.
        So a usual review ends its round; those that take next to no time share one.
        """
        if self._spent < _ROUND:
            return self._in_this_round(partial(call, argument))
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((partial(call, argument), future))
        return cast("R", await future)

    async def run(self, call: Callable[[T], R], argument: T) -> R:
        """Return `call(argument)`. Whoever is cancelled leaves the thread to finish in vain."""
        await self._turn.acquire()
        self._began = time.monotonic()
        future = asyncio.get_running_loop().run_in_executor(self._pool, call, argument)
        future.add_done_callback(self._next)
        return await asyncio.shield(future)

    def close(self) -> None:
        """Let the thread end; nothing waits for it."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _in_this_round(self, call: Callable[[], R]) -> R:
        began = time.monotonic()
        try:
            return call()
        finally:
            self._spent += time.monotonic() - began
            if self._spent >= _ROUND:
                asyncio.get_running_loop().call_soon(self._next_round)

    def _next_round(self) -> None:
        self._spent = 0.0
        while self._waiting and self._spent < _ROUND:
            call, future = self._waiting.popleft()
            if future.done():
                continue  # who waited has given up
            try:
                future.set_result(self._in_this_round(call))
            except Exception as error:  # it is for who waits
                future.set_exception(error)

    def _next(self, done: asyncio.Future[Any]) -> None:
        self._began = None
        self._turn.release()
        if not done.cancelled():
            done.exception()  # seen, so that nobody is told that it never was

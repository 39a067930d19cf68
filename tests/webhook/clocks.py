"""A clock that the tests turn by hand."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

DAY = 86400.0
HOUR = 3600.0


class HandClock:
    """Starts now. `pass_by` is time that passes, `jump` a clock that is set, `suspend` a sleep."""

    def __init__(self) -> None:
        self._wall = datetime.now(UTC).replace(microsecond=0)
        self._passed = 1000.0
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._wall

    def monotonic(self) -> float:
        return self._passed

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.pass_by(seconds)
        await asyncio.sleep(0)

    def pass_by(self, seconds: float) -> None:
        self._wall += timedelta(seconds=seconds)
        self._passed += seconds

    def jump(self, seconds: float) -> None:
        self._wall += timedelta(seconds=seconds)

    suspend = jump  # the monotonic clock of Linux stands still meanwhile

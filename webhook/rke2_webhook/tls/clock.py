"""The clock: the wall's time, the time that passed, and how to tell that they disagree."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Protocol

# NTP slews smaller corrections; a larger step is a clock set by hand, or a machine that slept:
# on Linux the monotonic clock stands still meanwhile.
_JUMP = 5.0


class Clock(Protocol):
    """What this program asks of a clock."""

    def now(self) -> datetime:
        """Return the wall's time, with its zone."""

    def monotonic(self) -> float:
        """Return seconds that never go backwards."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the wall's time in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return the seconds that this machine was awake, from some point in the past."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class JumpDetector:
    """Compares the wall's time with the time that passed."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._wall, self._passed = clock.now(), clock.monotonic()

    def jump(self) -> float:
        """Return by how many seconds the wall's time has jumped since the last call, or 0."""
        wall, passed = self._clock.now(), self._clock.monotonic()
        jump = (wall - self._wall).total_seconds() - (passed - self._passed)
        self._wall, self._passed = wall, passed
        return jump if abs(jump) > _JUMP else 0.0

"""Keeping: a step again and again, for ever, over failures, jumps of the clock and sleep."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from structlog.typing import FilteringBoundLogger

from rke2_policies.policy_file import PolicyError
from rke2_webhook.metrics import Metrics
from rke2_webhook.tls.clock import Clock, JumpDetector
from rke2_webhook.tls.cluster import MissingError

# No sleep is longer: the monotonic clock stands still while a machine is suspended, so that one
# sleep of seven days could last for months. https://github.com/golang/go/issues/24595
_LONGEST_SLEEP = 10.0
_FIRST_RETRY, _LAST_RETRY = 1.0, 30.0

Step = Callable[[], Awaitable[float]]
"""Does what is due, and returns in how many seconds to come back."""


class Keeper:
    """Runs one step for ever; `problem` says why the last time failed, or is None."""

    def __init__(
        self, what: str, step: Step, clock: Clock, metrics: Metrics, log: FilteringBoundLogger
    ) -> None:
        self._what = what
        self._step = step
        self._clock = clock
        self._metrics = metrics
        self._log = log
        self.problem: str | None = None

    async def run(self) -> None:
        """Never return."""
        jumps = JumpDetector(self._clock)
        retry = _FIRST_RETRY
        while True:
            try:
                wait = await self._step()
            except Exception as error:
                self._fail(error)
                wait, retry = retry, min(retry * 2, _LAST_RETRY)
            else:
                if self.problem is not None:
                    self._log.info(f"{self._what} again", after=self.problem)
                self.problem, retry = None, _FIRST_RETRY
            until = self._clock.monotonic() + wait
            while (rest := until - self._clock.monotonic()) > 0:
                await self._clock.sleep(min(rest, _LONGEST_SLEEP))
                if jump := jumps.jump():
                    self._metrics.clock_jumps.inc()
                    self._log.warning("the clock jumped", seconds=round(jump))
                    break

    def _fail(self, error: Exception) -> None:
        told = isinstance(error, MissingError | PolicyError)  # whose words are for people
        problem = str(error) if told else f"{type(error).__name__}: {error}"
        if problem != self.problem:
            self._log.warning(f"{self._what} failed, and is tried again", reason=problem)
        self.problem = problem

"""Traffic: what is under way right now, and how much of it is allowed."""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """How much is let in; bytes, requests, seconds."""

    max_body: int
    max_buffered: int
    max_in_flight: int
    max_time: float


class Traffic:
    """The requests in flight and the bytes they hold, and whether the server is about to go."""

    __slots__ = ("buffered", "draining", "in_flight", "limits")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = 0
        self.buffered = 0
        self.draining = False

    @property
    def full(self) -> bool:
        """Whether the next request has to come back later."""
        return (
            self.in_flight >= self.limits.max_in_flight or self.buffered >= self.limits.max_buffered
        )

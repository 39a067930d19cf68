"""Traffic: what is under way right now, and how much of it is allowed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import NamedTuple


class Limits(NamedTuple):
    """How much is let in; bytes, reviews, seconds."""

    max_body: int
    max_buffered: int
    max_in_flight: int
    max_time: float


class Traffic:
    """The requests in flight and the bytes they hold, and whether the server is about to go."""

    __slots__ = ("buffered", "draining", "in_flight", "limits", "waiting")

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.in_flight = 0
        """Requests from their headers to their answers."""
        self.waiting = 0
        """Those of them that were read, and have the worker or wait for it."""
        self.buffered = 0
        self.draining = False

    @property
    def full(self) -> bool:
        """Whether the next large review has to come back later.

        One that is only being read is none yet: it takes nobody's turn, however slow its sender is.
        """
        return (
            self.waiting >= self.limits.max_in_flight or self.buffered >= self.limits.max_buffered
        )

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """Count a review that waits for the worker; tell whether there is room for it."""
        has_room = self.waiting < self.limits.max_in_flight
        self.waiting += has_room
        try:
            yield has_room
        finally:
            self.waiting -= has_room

"""What keeps a cluster from being read, for people."""

from __future__ import annotations


class ReadError(Exception):
    """A cluster cannot be read, or not all of it: the reason, for people, and what helps.

    It never holds a token, a key or a password.
    """

    def __init__(self, reason: str, advice: str = "") -> None:
        super().__init__(reason)
        self.advice = advice
        """Lines to paste somewhere; "" where there are none."""

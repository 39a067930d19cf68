"""Policies: which rules count, and how much."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rke2_policies.finding import Severity


class Policy(NamedTuple):
    """What an organisation wants. A rule that `levels` does not name has its own severity."""

    name: str
    levels: Mapping[str, Severity | None]
    """Rule id → its severity; None turns it off."""
    others: bool = True
    """Whether rules that `levels` does not name are asked at all."""

    def asks(self, rule: str) -> bool:
        """Return whether a rule is asked."""
        return self.levels[rule] is not None if rule in self.levels else self.others


DEFAULT = Policy("default", {})

"""Foreign objects: what looks like ours, and for which the pin means nothing."""

from __future__ import annotations

from typing import NamedTuple

from rke2_policies.document import Document, Place
from rke2_policies.route import Route


class Foreign(NamedTuple):
    """An object or file that is not applicable as a whole, and why."""

    document: Document
    route: Route
    name: str
    reason: str
    runtime: str
    """`k3s`, or "" for all else."""
    config_routes: tuple[Route, ...]
    """Where settings stand in it, for rules that look for the pin there."""

    @property
    def place(self) -> Place:
        """Where it stands."""
        return Place(self.document.id, self.route)

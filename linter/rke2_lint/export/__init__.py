"""Exports: the rule about the pin for clusters that want no webhook of ours, in other engines' words.

Each can say less than the rules engine does; what is missing stands in its comments.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from rke2_policies.policy import Policy

FORMATS = {
    "mutating-admission-policy": "mutating",
    "validating-admission-policy": "validating",
    "kyverno": "kyverno",
    "gatekeeper": "gatekeeper",
}
"""Formats by name, each with the module that writes it."""


class NothingToExportError(Exception):
    """The policy asks for nothing that the format could do; the message says why."""


def export(form: str, policy: Policy) -> str:
    """Return the YAML of a format. Raises NothingToExportError."""
    render: Callable[[Policy], str] = import_module(f"{__name__}.{FORMATS[form]}").render
    return render(policy)

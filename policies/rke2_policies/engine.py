"""The engine: files in, findings and machines out, and the plan of what is changed."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from rke2_policies.document import DocumentId, Place
from rke2_policies.file import File
from rke2_policies.finding import Finding, Fix, Safety
from rke2_policies.machine import Machine
from rke2_policies.policy import Policy


class NotApplicable(NamedTuple):
    """An object for which the pin means nothing, and why."""

    place: Place
    reason: str


class Report(NamedTuple):
    """Everything the engine has to say, sorted by path, document and place."""

    findings: tuple[Finding, ...]
    machines: tuple[Machine, ...]
    not_applicable: tuple[NotApplicable, ...]
    skipped: tuple[NotApplicable, ...]
    """What was left alone because it is not clear what it is (said under `--verbose`)."""
    kinds: tuple[tuple[DocumentId, str], ...]
    """What each document was taken for, and why (`rke2-lint effective` says it)."""

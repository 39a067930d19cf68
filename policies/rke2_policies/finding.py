"""What a rule says (a Problem) and what the engine reports (a Finding)."""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

from rke2_policies.document import Place
from rke2_policies.edits import Edit


class Severity(IntEnum):
    """How much a finding counts. Notes never change an exit code."""

    NOTE = 1
    WARNING = 2
    ERROR = 3


class Safety(IntEnum):
    """How freely a fix may be made: shown only, on request, or always."""

    SHOWN = 1
    UNSAFE = 2
    SAFE = 3


class Fix(NamedTuple):
    """One change of one document, all or nothing."""

    title: str
    edits: tuple[Edit, ...]
    safety: Safety = Safety.SAFE


class Problem(NamedTuple):
    """What a rule found: no rule id, and a severity only where it differs from the rule's."""

    message: str
    place: Place
    fix: Fix | None = None
    related: tuple[tuple[Place, str], ...] = ()
    severity: Severity | None = None
    explains: bool = False
    """This is why a machine has no pin: the plain "there is none" would say the same again."""
    most: Severity = Severity.ERROR
    """The highest severity it may have, whatever the rule's: what is not sure is no error."""
    remedy: str = ""
    """What to do about it, where no fix of a file can: a sentence, for people at a node."""


class Finding(NamedTuple):
    """One problem by one rule, and every machine that has it."""

    rule: str
    severity: Severity
    problem: Problem
    machines: tuple[str, ...] = ()

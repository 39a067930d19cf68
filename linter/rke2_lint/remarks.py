"""Remarks: findings as they are told, with lines for places and text for fixes.

They hold nothing but text, numbers and tuples, so that one process can hand them to another.
"""

from __future__ import annotations

from typing import NamedTuple


class Region(NamedTuple):
    """From a line and column to behind another, from 1, in code points."""

    line: int
    column: int
    end_line: int
    end_column: int


class Line(NamedTuple):
    """One line to show. `sign` is " ", or "+" and "-" for what a fix puts in and takes away."""

    number: int
    text: str
    sign: str = " "


class TextEdit(NamedTuple):
    """Put `text` in place of what is in the region. The edits of a fix apply from last to first."""

    region: Region
    text: str
    in_bytes: Region | None = None
    """The region with columns in bytes of UTF-8, where that makes a difference."""


class Suggestion(NamedTuple):
    """Whole lines in place of whole lines, `first` to `last`, counted by LF."""

    first: int
    last: int
    text: str
    """With line ends, the last line's too, unless the file ends there without one."""


class Change(NamedTuple):
    """A fix as text."""

    title: str
    safety: str
    """`safe`, `unsafe` or `shown`"""
    edits: tuple[TextEdit, ...]
    """None where they would have to repeat a secret."""
    picture: tuple[Line, ...]
    suggestion: Suggestion | None = None
    """All edits as whole lines, where that can be said and was asked for."""


class Related(NamedTuple):
    """Another place that has to do with it."""

    message: str
    path: str
    region: Region
    line: Line
    in_bytes: Region | None = None
    """The region with columns in bytes of UTF-8, where that makes a difference."""


class Remark(NamedTuple):
    """One finding."""

    rule: str
    severity: str
    """`error`, `warning` or `note`"""
    message: str
    path: str
    document: int
    """From 1."""
    region: Region
    machines: tuple[str, ...]
    related: tuple[Related, ...]
    change: Change | None
    refusal: str
    """Why a fix that there is cannot be made; "" where it can, or where there is none."""
    fixable: bool
    """Whether `--fix` makes the fix, with the other options as they are."""
    lines: tuple[Line, ...]
    pointer: str
    """Where it is in the document, as a JSON Pointer: the same when lines move."""
    in_bytes: Region | None = None
    """The region with columns in bytes of UTF-8, where that makes a difference."""
    object: str = ""
    """What it is about: `Cluster fleet-default/prod`, or the path of a node's base file."""


class Suppressed(NamedTuple):
    """A finding that does not count, because somebody has accepted it."""

    remark: Remark
    kind: str
    """`inSource`: a comment or an annotation says so. `external`: the policy, or the baseline."""
    reason: str


class Outside(NamedTuple):
    """An object for which the pin means nothing."""

    path: str
    document: int
    reason: str


class MachineRow(NamedTuple):
    """What one machine runs with."""

    name: str
    path: str
    document: int
    roles: tuple[str, ...]
    verdict: str
    value: str | None
    decided_by: tuple[str, int, int] | None
    """Path, line and column."""
    reason: str
    origin: str
    """`rancher` for a pool of a Cluster, `file` for a node, `foreign` for what runs no RKE2."""


class Patch(NamedTuple):
    """What fixes change in one file, as `git apply` takes it."""

    path: str
    text: bytes

"""Annotations for GitHub workflows: commands on standard output that its runner understands.

Escaping as the runner undoes it (actions/toolkit packages/core/src/command.ts).
"""

from __future__ import annotations

from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Remark
from rke2_lint.repository_paths import RepositoryPaths

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}

_HOW = {"safe": " (rke2-lint --fix)", "unsafe": " (rke2-lint --fix --unsafe-fixes)"}

_MOST = 10
"""As many of each level does GitHub show of one step (actions/toolkit#734), and drops the others."""


def render(outcome: Outcome) -> str:
    """Return a command for each finding, errors first, and a line that counts those left out."""
    known = RepositoryPaths()
    told: list[str] = []
    left = 0
    for severity in _COMMANDS:
        remarks = [one for one in outcome.remarks if one.severity == severity]
        told += (_command(one, known) for one in remarks[:_MOST])
        left += max(0, len(remarks) - _MOST)
    if left:
        told.append(f"{left:,} more: GitHub shows {_MOST} of each level; see the job's summary\n")
    return "".join(told)


def _command(one: Remark, known: RepositoryPaths) -> str:
    region = one.region
    properties = {
        "file": known(one.path),
        "line": str(region.line),
        "endLine": str(region.end_line),
        "col": str(region.column),
    }
    if region.line == region.end_line:
        # GitHub refuses columns that end on another line.
        properties["endColumn"] = str(region.end_column)
    properties["title"] = f"rke2-lint {one.rule}"
    message = one.message
    for related in one.related:
        message += f"\n{known(related.path)}:{related.region.line}: {related.message}"
    if one.change is not None:
        how = "" if one.refusal else _HOW.get(one.change.safety, "")
        message += f"\nFix: {one.change.title}{how}"
    if one.refusal:
        message += f"\n{'Not by --fix' if one.change else 'No fix'}: {one.refusal}"
    written = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{_COMMANDS[one.severity]} {written}::{_data(message)}\n"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")

"""What is called what in a report's addresses, and what leads from one part of it to another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from rke2_lint.fingerprints import digests, fingerprints
from rke2_lint.outcome import Outcome
from rke2_lint.remarks import MachineRow, Remark

_DIGITS = 12
_SUPPRESSED = {
    "inSource": "by a comment or an annotation",
    "external": "by the policy or the baseline",
}


class Told(NamedTuple):
    """A remark, its name in addresses, and why it does not count; "" where it does."""

    remark: Remark
    name: str
    suppressed: str = ""


class References:
    """Names that stay when lines move, for findings and machines, and who concerns whom."""

    def __init__(self, outcome: Outcome) -> None:
        suppressed = getattr(outcome, "suppressed", ())
        marks = fingerprints([*outcome.remarks, *(one.remark for one in suppressed)])
        names = [f"f-{mark[:_DIGITS]}" for mark in marks]
        there = len(outcome.remarks)
        self.told = [Told(*one) for one in zip(outcome.remarks, names[:there], strict=True)]
        self.suppressed = [
            Told(one.remark, name, _reason(one.kind, one.reason))
            for one, name in zip(suppressed, names[there:], strict=True)
        ]
        self.rows = _named(outcome.rows)
        self._machines: dict[str, list[tuple[str, str]]] = {}
        for row, name in self.rows:
            self._machines.setdefault(row.name, []).append((row.path, name))
        self._findings: dict[str, list[Told]] = {}
        for told in self.told:
            for machine in told.remark.machines:
                for name in self.machines(machine, told.remark):
                    self._findings.setdefault(name, []).append(told)

    def machines(self, machine: str, remark: Remark) -> list[str]:
        """Return the rows of a machine: of several that are called alike, those of the same file."""
        rows = self._machines.get(machine, [])
        near = [name for path, name in rows if path == remark.path]
        return near or [name for _, name in rows]

    def findings(self, row: str) -> Sequence[Told]:
        """Return the findings that concern the machine of a row."""
        return self._findings.get(row, ())


def _reason(kind: str, reason: str) -> str:
    said = f"Suppressed {_SUPPRESSED[kind]}"
    return f"{said}: {reason}" if reason else said


def _named(rows: Sequence[MachineRow]) -> list[tuple[MachineRow, str]]:
    marks = digests(f"{row.name}\0{row.path}\0{row.document}" for row in rows)
    return [(row, f"m-{mark[:_DIGITS]}") for row, mark in zip(rows, marks, strict=True)]

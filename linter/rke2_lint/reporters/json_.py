"""JSON for programs. Its shape is a promise: version 1 never loses or changes a field."""

from __future__ import annotations

import json
from typing import Any

from rke2_lint.fingerprints import fingerprints
from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Change, MachineRow, Outside, Region, Related, Remark

VERSION = 1
Json = dict[str, Any]


def render(outcome: Outcome) -> str:
    """Return the findings, what the pin means nothing for, what was not read, and the numbers.

    `suppressed` is there only where something was accepted: version 1 knew no more at first.
    """
    told = findings(outcome)
    tree: Json = {
        "version": VERSION,
        "findings": told[: len(outcome.remarks)],
        "not_applicable": [_outside(one) for one in outcome.outside],
        "unreadable": outcome.unreadable,
        "warnings": outcome.warnings,
        "summary": {
            "files": outcome.files,
            "documents": outcome.documents,
            "machines": outcome.machines,
            "errors": outcome.count("error"),
            "warnings": outcome.count("warning"),
            "notes": outcome.count("note"),
            "fixable": sum(one.fixable for one in outcome.remarks),
        },
    }
    if outcome.suppressed:
        accepted = zip(outcome.suppressed, told[len(outcome.remarks) :], strict=True)
        tree["suppressed"] = [
            {**each, "suppressed": {"kind": one.kind, "reason": one.reason}}
            for one, each in accepted
        ]
        tree["summary"]["suppressed"] = len(outcome.suppressed)
    return _written(tree)


def render_machines(outcome: Outcome) -> str:
    """Return what each machine runs with."""
    return _written({"version": VERSION, "machines": [_machine(one) for one in outcome.rows]})


def _written(tree: Json) -> str:
    # ASCII only, so that no terminal and no code page can spoil it.
    return json.dumps(tree, indent=2) + "\n"


def findings(outcome: Outcome) -> list[Json]:
    """Return all findings, and behind them those that somebody has accepted."""
    remarks = [*outcome.remarks, *(one.remark for one in outcome.suppressed)]
    marks = fingerprints(remarks)
    return [_finding(one, mark) for one, mark in zip(remarks, marks, strict=True)]


def _finding(one: Remark, fingerprint: str) -> Json:
    return {
        "rule": one.rule,
        "severity": one.severity,
        "message": one.message,
        "path": one.path,
        "document": one.document,
        "object": one.object or None,
        "pointer": one.pointer,
        "line": one.region.line,
        "column": one.region.column,
        "end_line": one.region.end_line,
        "end_column": one.region.end_column,
        "machines": list(one.machines),
        "related": [_related(each) for each in one.related],
        "fix": _fix(one.change) if one.change is not None and one.change.edits else None,
        "refusal": one.refusal or None,
        "fingerprint": fingerprint,
    }


def _related(one: Related) -> Json:
    return {
        "message": one.message,
        "path": one.path,
        "line": one.region.line,
        "column": one.region.column,
    }


def _fix(change: Change) -> Json:
    edits = [{**_range(edit.region), "text": edit.text} for edit in change.edits]
    return {"title": change.title, "safety": change.safety, "edits": edits}


def _range(region: Region) -> Json:
    return {
        "start": {"line": region.line, "column": region.column},
        "end": {"line": region.end_line, "column": region.end_column},
    }


def _outside(one: Outside) -> Json:
    return {"path": one.path, "document": one.document, "reason": one.reason}


def _machine(one: MachineRow) -> Json:
    by = one.decided_by
    return {
        "name": one.name,
        "path": one.path,
        "document": one.document,
        "roles": list(one.roles),
        "verdict": one.verdict,
        "value": one.value,
        "decided_by": None if by is None else {"path": by[0], "line": by[1], "column": by[2]},
        "reason": one.reason,
    }

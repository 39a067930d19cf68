"""JSON for programs. Its shape is a promise: version 1 never loses or changes a field."""

from __future__ import annotations

import json
from typing import Any

from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Change, MachineRow, Outside, Region, Related, Remark, Suppressed

VERSION = 1
Json = dict[str, Any]


def render(outcome: Outcome) -> str:
    """Return the findings, what the pin means nothing for, and the numbers.

    `suppressed` is there only where something was accepted: version 1 knew no more at first.
    """
    tree: Json = {
        "version": VERSION,
        "findings": [finding(one) for one in outcome.remarks],
        "not_applicable": [_outside(one) for one in outcome.outside],
        "summary": {
            "files": outcome.files,
            "documents": outcome.documents,
            "errors": outcome.count("error"),
            "warnings": outcome.count("warning"),
            "notes": outcome.count("note"),
            "fixable": sum(one.fixable for one in outcome.remarks),
        },
    }
    if outcome.suppressed:
        tree["suppressed"] = [_suppressed(one) for one in outcome.suppressed]
        tree["summary"]["suppressed"] = len(outcome.suppressed)
    return _written(tree)


def render_machines(outcome: Outcome) -> str:
    """Return what each machine runs with."""
    return _written({"version": VERSION, "machines": [_machine(one) for one in outcome.rows]})


def _written(tree: Json) -> str:
    # ASCII only, so that no terminal and no code page can spoil it.
    return json.dumps(tree, indent=2) + "\n"


def finding(one: Remark) -> Json:
    """Return one finding."""
    return {
        "rule": one.rule,
        "severity": one.severity,
        "message": one.message,
        "path": one.path,
        "document": one.document,
        "line": one.region.line,
        "column": one.region.column,
        "end_line": one.region.end_line,
        "end_column": one.region.end_column,
        "machines": list(one.machines),
        "related": [_related(each) for each in one.related],
        "fix": _fix(one.change) if one.change is not None and one.change.edits else None,
    }


def _suppressed(one: Suppressed) -> Json:
    return {**finding(one.remark), "suppressed": {"kind": one.kind, "reason": one.reason}}


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

"""reviewdog's JSON Lines: findings that become comments of a review, with fixes to click on.

https://github.com/reviewdog/reviewdog/tree/master/proto/rdf. Columns are bytes of UTF-8, and a
suggestion is one range: a fix of several edits is told as whole lines, from the first to the last.
"""

from __future__ import annotations

import json
from typing import Any

from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Change, Region, Remark

_SEVERITIES = {"error": "ERROR", "warning": "WARNING", "note": "INFO"}
Json = dict[str, Any]


def render(outcome: Outcome) -> str:
    """Return a line for each finding."""
    return "".join(f"{json.dumps(_diagnostic(one))}\n" for one in outcome.remarks)


def _diagnostic(one: Remark) -> Json:
    diagnostic: Json = {
        "message": one.message,
        "location": _location(one.path, one.in_bytes or one.region),
        "severity": _SEVERITIES[one.severity],
        "source": {"name": "rke2-lint"},
        "code": {"value": one.rule},
    }
    suggestions = [] if one.change is None or one.refusal else _suggestions(one.change)
    if suggestions:
        diagnostic["suggestions"] = suggestions
    if one.related:
        diagnostic["related_locations"] = [
            {
                "message": each.message,
                "location": _location(each.path, each.in_bytes or each.region),
            }
            for each in one.related
        ]
    return diagnostic


def _suggestions(change: Change) -> list[Json]:
    if change.safety == "shown":
        return []
    whole = change.suggestion
    # Nothing in place of lines is a deletion to reviewdog, and an empty line would look the same.
    if whole is not None and whole.text.strip("\r\n"):
        lines = {"start": {"line": whole.first}, "end": {"line": whole.last}}
        # reviewdog ends the last line itself.
        return [{"range": lines, "text": whole.text.removesuffix("\n").removesuffix("\r")}]
    return [
        {"range": _range(edit.in_bytes or edit.region), "text": edit.text} for edit in change.edits
    ]


def _location(path: str, region: Region) -> Json:
    return {"path": path.removeprefix("./"), "range": _range(region)}


def _range(region: Region) -> Json:
    return {
        "start": {"line": region.line, "column": region.column},
        "end": {"line": region.end_line, "column": region.end_column},
    }

"""SARIF 2.1.0 for code scanning: exact regions, fixes, and marks that stay when lines move."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

from rke2_lint import __version__
from rke2_lint.fingerprints import fingerprints
from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Change, Region, Remark, Suppressed, TextEdit
from rke2_lint.repository_paths import RepositoryPaths
from rke2_lint.rule_page import explained
from rke2_policies import catalog

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
_TOP = "%SRCROOT%"
_LONGEST = 2000
"""Characters of lines to show."""

Json = dict[str, Any]


def render(outcome: Outcome) -> str:
    """Return one run with all findings, those that somebody has accepted, and their rules."""
    remarks = [*outcome.remarks, *(one.remark for one in outcome.suppressed)]
    rules = sorted({one.rule for one in remarks})
    writer = _Results(rules)
    marks = fingerprints(remarks)
    results = [writer.result(one, mark) for one, mark in zip(remarks, marks, strict=True)]
    if outcome.suppressed:
        # If one result says so, all must (SARIF 3.27.23).
        said: list[list[Json]] = [[] for _ in outcome.remarks]
        said += ([_suppression(one)] for one in outcome.suppressed)
        for result, each in zip(results, said, strict=True):
            result["suppressions"] = each
    run = {
        "tool": {
            "driver": {
                "name": "rke2-lint",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(name) for name in rules],
            }
        },
        "invocations": [_invocation(outcome)],
        "originalUriBaseIds": {_TOP: {"description": {"text": "the top of the repository"}}},
        "columnKind": "unicodeCodePoints",
        "results": results,
    }
    return json.dumps({"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def _rule(name: str) -> Json:
    rule = catalog.rule(name)
    return {
        "id": rule.id,
        "shortDescription": {"text": rule.summary},
        "fullDescription": {"text": rule.summary},
        "help": {"text": rule.doc.strip(), "markdown": explained(rule)},
        "defaultConfiguration": {"level": rule.severity.name.lower()},
    }


def _suppression(one: Suppressed) -> Json:
    return {"kind": one.kind, "status": "accepted", "justification": one.reason}


def _invocation(outcome: Outcome) -> Json:
    told = [("error", line) for line in outcome.unreadable]
    told += (("warning", line) for line in outcome.warnings)
    invocation: Json = {"executionSuccessful": not outcome.unreadable}
    if told:
        invocation["toolExecutionNotifications"] = [
            {"level": level, "message": {"text": line}} for level, line in told
        ]
    return invocation


class _Results:
    """Writes results, with paths from the top of the repository."""

    def __init__(self, rules: list[str]) -> None:
        self._rules = rules
        self._known = RepositoryPaths()

    def result(self, one: Remark, fingerprint: str) -> Json:
        """Return a finding as a result."""
        result: Json = {
            "ruleId": one.rule,
            "ruleIndex": self._rules.index(one.rule),
            "level": one.severity,
            "message": {"text": one.message},
            "locations": [self._location(one.path, one.region)],
            "partialFingerprints": {"place/v1": fingerprint},
        }
        if context := _context(one):
            result["locations"][0]["physicalLocation"]["contextRegion"] = context
        if one.machines:
            result["locations"][0]["logicalLocations"] = [
                {"fullyQualifiedName": machine, "kind": "object"} for machine in one.machines
            ]
        if one.related:
            result["relatedLocations"] = [
                {
                    "id": number,
                    **self._location(each.path, each.region),
                    "message": {"text": each.message},
                }
                for number, each in enumerate(one.related, start=1)
            ]
        if one.change is not None and one.change.edits and _is_offered(one, one.change):
            change = {
                "artifactLocation": self._artifact(one.path),
                "replacements": [_replacement(edit) for edit in one.change.edits],
            }
            fix = {"description": {"text": one.change.title}, "artifactChanges": [change]}
            # What `--fix` makes is safe; the rest needs somebody who looks.
            result["fixes"] = [{**fix, "properties": {"safety": one.change.safety}}]
        return result

    def _location(self, path: str, region: Region) -> Json:
        return {
            "physicalLocation": {
                "artifactLocation": self._artifact(path),
                "region": _region(region),
            }
        }

    def _artifact(self, path: str) -> Json:
        path = self._known(path)
        escaped = quote(_bytes_of(path), safe="/")
        if path.startswith("/"):
            return {"uri": f"file://{escaped}"}
        if path[1:3] == ":/":  # C:/…
            return {"uri": f"file:///{path[0]}:{escaped[4:]}"}
        return {"uri": escaped, "uriBaseId": _TOP}


def _bytes_of(path: str) -> bytes:
    """Return the bytes of a path, which need not be text: of any on POSIX, of half characters on Windows."""
    try:
        return path.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return path.encode(errors="surrogatepass")


def _context(one: Remark) -> Json | None:
    """Return the lines around a finding; None where they say less than its region, or far too much."""
    text = "".join(f"{line.text}\n" for line in one.lines)
    if not one.lines or one.region.end_line > one.lines[-1].number or len(text) > _LONGEST:
        return None
    start, end = one.lines[0].number, one.lines[-1].number
    return {"startLine": start, "endLine": end, "snippet": {"text": text}}


def _is_offered(one: Remark, change: Change) -> bool:
    """Tell whether a fix may be made by who reads the report: not what only people should do."""
    return not one.refusal and change.safety != "shown"


def _replacement(edit: TextEdit) -> Json:
    return {"deletedRegion": _region(edit.region), "insertedContent": {"text": edit.text}}


def _region(region: Region) -> Json:
    return {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }

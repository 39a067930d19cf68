"""SARIF 2.1.0 for code scanning: exact regions, fixes, and marks that stay when lines move."""

from __future__ import annotations

import hashlib
import json
from typing import Any
from urllib.parse import quote

from rke2_lint import __version__
from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Region, Remark, TextEdit
from rke2_policies import catalog

_SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)
Json = dict[str, Any]


def render(outcome: Outcome) -> str:
    """Return one run with all findings and the rules that made them."""
    rules = sorted({one.rule for one in outcome.remarks})
    seen: dict[str, int] = {}
    results = []
    for one in outcome.remarks:
        base = f"{one.rule}\0{one.path}\0{one.document}\0{one.pointer}"
        seen[base] = nth = seen.get(base, 0) + 1
        fingerprint = hashlib.sha256(f"{base}\0{nth}".encode(errors="surrogatepass")).hexdigest()
        results.append(_result(one, rules.index(one.rule), fingerprint))
    run = {
        "tool": {
            "driver": {
                "name": "rke2-lint",
                "version": __version__,
                "semanticVersion": __version__,
                "rules": [_rule(name) for name in rules],
            }
        },
        "invocations": [{"executionSuccessful": not outcome.unreadable}],
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
        "help": {"text": rule.doc.strip(), "markdown": rule.doc.strip()},
        "defaultConfiguration": {"level": rule.severity.name.lower()},
    }


def _result(one: Remark, index: int, fingerprint: str) -> Json:
    result: Json = {
        "ruleId": one.rule,
        "ruleIndex": index,
        "level": one.severity,
        "message": {"text": one.message},
        "locations": [_location(one.path, one.region)],
        "partialFingerprints": {"place/v1": fingerprint},
    }
    if one.machines:
        result["locations"][0]["logicalLocations"] = [
            {"fullyQualifiedName": machine, "kind": "object"} for machine in one.machines
        ]
    if one.related:
        result["relatedLocations"] = [
            {"id": number, **_location(each.path, each.region), "message": {"text": each.message}}
            for number, each in enumerate(one.related, start=1)
        ]
    if one.change is not None and one.change.edits and one.change.safety != "shown":
        change = {
            "artifactLocation": _artifact(one.path),
            "replacements": [_replacement(edit) for edit in one.change.edits],
        }
        result["fixes"] = [{"description": {"text": one.change.title}, "artifactChanges": [change]}]
    return result


def _location(path: str, region: Region) -> Json:
    return {"physicalLocation": {"artifactLocation": _artifact(path), "region": _region(region)}}


def _replacement(edit: TextEdit) -> Json:
    return {"deletedRegion": _region(edit.region), "insertedContent": {"text": edit.text}}


def _region(region: Region) -> Json:
    return {
        "startLine": region.line,
        "startColumn": region.column,
        "endLine": region.end_line,
        "endColumn": region.end_column,
    }


def _artifact(path: str) -> Json:
    escaped = quote(path.removeprefix("./").encode(errors="surrogateescape"), safe="/")
    if path.startswith("/"):
        return {"uri": f"file://{escaped}"}
    if path[1:3] == ":/":  # C:/…
        return {"uri": f"file:///{path[0]}:{escaped[4:]}"}
    return {"uri": escaped, "uriBaseId": "%SRCROOT%"}

"""Diagnostics: remarks as an editor shows them."""

from __future__ import annotations

import re

from lsprotocol import types

from rke2_lint.files import absolute
from rke2_lint.lsp.client import Client
from rke2_lint.lsp.examination import Examination
from rke2_lint.lsp.rule_links import link_of
from rke2_lint.remarks import Remark

SOURCE = "rke2-lint"
_SEVERITIES = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "note": types.DiagnosticSeverity.Information,
}
_PLACE = re.compile(r"(?P<path>.+):(?P<line>\d+): ")
_OF_WHAT_DOES_NOTHING = frozenset({"superfluous-pin"})
"""Rules about what may go although no fix takes it away."""


def diagnostics(path: str, client: Client, *examinations: Examination) -> list[types.Diagnostic]:
    """Return the diagnostics of one file, of which several examinations may have something to say."""
    found = [
        diagnostic(examination, remark, client)
        for examination in examinations
        for remark in examination.remarks.get(path, ())
    ]
    faults = dict.fromkeys(one.fault for one in examinations if one.fault and path in one.versions)
    return [*(_fault(path, fault) for fault in faults), *found]


def _fault(path: str, fault: str) -> types.Diagnostic:
    """Return what is wrong with a configuration: on its line, or at the top of what it is for."""
    where = _PLACE.match(fault)
    is_here = where is not None and absolute(where["path"]) == path
    at = types.Position(int(where["line"]) - 1 if where and is_here else 0, 0)
    said = fault[where.end() :] if where and is_here else f"nothing is looked for here: {fault}"
    return types.Diagnostic(
        types.Range(at, at), said, types.DiagnosticSeverity.Error, "configuration", source=SOURCE
    )


def diagnostic(examination: Examination, remark: Remark, client: Client) -> types.Diagnostic:
    """Return a remark as a diagnostic."""
    link = link_of(remark.rule)
    return types.Diagnostic(
        range=examination.sheets[remark.path].coordinates.range(remark.region),
        severity=_SEVERITIES[remark.severity],
        code=remark.rule,
        code_description=types.CodeDescription(link) if link else None,
        source=SOURCE,
        message=remark.message,
        tags=_tags(remark) if client.shows_tags else None,
        related_information=_related(examination, remark) if client.shows_related else None,
        data={
            "rule": remark.rule,
            "document": remark.document,
            "pointer": remark.pointer,
            "machines": list(remark.machines),
        },
    )


def _tags(remark: Remark) -> list[types.DiagnosticTag] | None:
    change = remark.change
    goes = change is not None and change.edits and not any(one.text for one in change.edits)
    if goes or remark.rule in _OF_WHAT_DOES_NOTHING:
        return [types.DiagnosticTag.Unnecessary]
    return None


def _related(
    examination: Examination, remark: Remark
) -> list[types.DiagnosticRelatedInformation] | None:
    found = [
        types.DiagnosticRelatedInformation(
            types.Location(sheet.uri, sheet.coordinates.range(one.region)), one.message
        )
        for one in remark.related
        if (sheet := examination.sheets.get(one.path)) is not None
    ]
    return found or None

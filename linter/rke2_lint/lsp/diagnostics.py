"""Diagnostics: remarks as an editor shows them."""

from __future__ import annotations

from lsprotocol import types

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
_OF_WHAT_DOES_NOTHING = frozenset({"superfluous-pin", "unused-ignore"})
"""Rules about what may go although no fix takes it away."""


def diagnostics(path: str, client: Client, *examinations: Examination) -> list[types.Diagnostic]:
    """Return the diagnostics of one file, of which several examinations may have something to say."""
    return [
        diagnostic(examination, remark, client)
        for examination in examinations
        for remark in examination.remarks.get(path, ())
    ]


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

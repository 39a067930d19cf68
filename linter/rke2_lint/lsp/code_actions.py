"""Code actions: the fixes, each by itself, and all safe ones of a file at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from lsprotocol import types

from rke2_lint.lsp.client import Client
from rke2_lint.lsp.diagnostics import diagnostic
from rke2_lint.lsp.examination import Examination, Sheet
from rke2_lint.remarks import Remark, TextEdit
from rke2_policies.edits.as_text import Splice

FIX_ALL = f"{types.CodeActionKind.SourceFixAll.value}.rke2-lint"
KINDS = (types.CodeActionKind.QuickFix.value, FIX_ALL)
_QUICK_FIX = types.CodeActionKind.QuickFix.value
_MOST_IGNORED = 20
"""Whoever asks about more at once does not look at one of them; each takes a proof of its own."""


def wanted(kind: str, only: Sequence[str] | None) -> bool:
    """Tell whether actions of a kind were asked for: kinds are told apart from left to right."""
    return not only or any(kind == one or kind.startswith(f"{one}.") or not one for one in only)


def quick_fixes(
    examination: Examination, path: str, asked: types.Range, client: Client
) -> Iterator[types.CodeAction]:
    """Yield the fixes of what was found within a range."""
    sheet = examination.sheets.get(path)
    for remark in examination.remarks.get(path, ()):
        if sheet is None or not _meet(sheet.coordinates.range(remark.region), asked):
            continue
        told = diagnostic(examination, remark, client)
        if remark.refusal and client.takes_disabled:
            yield types.CodeAction(
                title=_title(remark),
                kind=_QUICK_FIX,
                diagnostics=[told],
                disabled=types.CodeActionDisabled(remark.refusal),
            )
        elif remark.change is not None and remark.change.edits and not remark.refusal:
            yield types.CodeAction(
                title=_title(remark),
                kind=_QUICK_FIX,
                diagnostics=[told],
                is_preferred=remark.change.safety == "safe",
                edit=workspace_edit(sheet, _edits(sheet, remark.change.edits), client),
            )


def to_ignore(examination: Examination, path: str, asked: types.Range) -> list[Remark]:
    """Return the remarks within a range that somebody may want to ignore."""
    sheet = examination.sheets.get(path)
    found = [
        remark
        for remark in examination.remarks.get(path, ())
        if sheet is not None and _meet(sheet.coordinates.range(remark.region), asked)
    ]
    return found if len(found) <= _MOST_IGNORED else []


def ignore(
    examination: Examination, remark: Remark, splices: Sequence[Splice], client: Client
) -> types.CodeAction:
    """Return the action that writes a comment to ignore a remark. The reason is left to people."""
    sheet = examination.sheets[remark.path]
    return types.CodeAction(
        title=f"{remark.rule}: ignore it here (say why behind the comment)",
        kind=_QUICK_FIX,
        diagnostics=[diagnostic(examination, remark, client)],
        is_preferred=False,
        edit=workspace_edit(sheet, _spliced(sheet, splices), client),
    )


def fix_all(
    examination: Examination, path: str, splices: Sequence[Splice], client: Client
) -> types.CodeAction:
    """Return the action that makes all safe fixes of a file, as `rke2-lint --fix` does."""
    sheet = examination.sheets[path]
    edits = _spliced(sheet, splices)
    told = [
        diagnostic(examination, one, client)
        for one in examination.remarks.get(path, ())
        if one.fixable
    ]
    return types.CodeAction(
        title="rke2-lint: make all safe fixes",
        kind=FIX_ALL,
        diagnostics=told,
        edit=workspace_edit(sheet, edits, client),
    )


def workspace_edit(
    sheet: Sheet, edits: list[types.TextEdit], client: Client
) -> types.WorkspaceEdit:
    """Return edits of one file: for the version they were made for, where the client can tell it."""
    if not client.takes_versions:
        return types.WorkspaceEdit(changes={sheet.uri: edits})
    document = types.OptionalVersionedTextDocumentIdentifier(sheet.uri, sheet.version)
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(document, edits)])


def _title(remark: Remark) -> str:
    """Return what a fix does, with a word of warning where one is due."""
    change = remark.change
    if change is None:
        return f"{remark.rule}: cannot be fixed"
    title = f"{remark.rule}: {change.title}"
    if change.safety == "unsafe":
        return f"{title} (unsafe: it may not be what was meant)"
    return f"{title} (look at what it takes away)" if change.safety == "shown" else title


def _spliced(sheet: Sheet, splices: Sequence[Splice]) -> list[types.TextEdit]:
    return [
        types.TextEdit(sheet.coordinates.between(start, end), text) for start, end, text in splices
    ]


def _edits(sheet: Sheet, edits: Iterable[TextEdit]) -> list[types.TextEdit]:
    return [types.TextEdit(sheet.coordinates.range(one.region), one.text) for one in edits]


def _meet(one: types.Range, other: types.Range) -> bool:
    return _key(one.start) <= _key(other.end) and _key(other.start) <= _key(one.end)


def _key(position: types.Position) -> tuple[int, int]:
    return position.line, position.character

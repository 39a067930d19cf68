"""`rke2-lint files`: what would be read, as what and why; what would not be, and why not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rke2_lint.asked import Asked
from rke2_lint.files import (
    NOT_OURS,
    File,
    Listing,
    Lookup,
    NotAFileError,
    TooLargeError,
    absolute,
    is_worth_a_look,
    join,
    read,
    why,
)
from rke2_lint.options import Options
from rke2_lint.outcome import Outcome
from rke2_lint.paint import Paint, harmless
from rke2_lint.work import context_of, node_of, units
from rke2_policies import recognise

READ, SEARCHED, LEFT_OUT, UNREADABLE = "read", "searched", "left-out", "unreadable"
NOTHING_OF_RKE2 = "says nothing of RKE2"
_UNCHANGED = "has not changed since "
_HEADS = ("PATH", "", "WHAT IT IS, OR WHY NOT")


class Row(NamedTuple):
    """One file, or a folder with a `/` at its end."""

    path: str
    status: str
    """`read`; `searched`: its bytes say that it cannot matter; `left-out` or `unreadable`."""
    kind: str
    """What it is taken for, where it is read; "" where that is not clear."""
    reason: str
    configuration: str
    """The configuration in force for it; "" for none."""


def rows(listing: Listing, lookup: Lookup, asked: Asked) -> list[Row]:
    """Return a row for each file that was found, sorted by path."""
    found = [*_left_out(listing, lookup), *_looked_at(listing, lookup, asked)]
    return sorted(dict.fromkeys(found))


def render(found: list[Row], paint: Paint, *, verbose: bool) -> str:
    """Return a table for people. What most files of a repository are is only counted."""
    usual: dict[str, int] = {}
    told = []
    for row in found:
        if not verbose and row.reason.startswith((NOTHING_OF_RKE2, NOT_OURS, _UNCHANGED)):
            usual[row.reason] = usual.get(row.reason, 0) + 1
        else:
            status = f"{row.kind}: {row.reason}" if row.kind else row.reason
            told.append((harmless(row.path), row.status, harmless(status)))
    lines = []
    if told:
        widths = [max(map(len, column)) for column in zip(_HEADS, *told, strict=True)]
        lines.append(paint("bold", "  ".join(map(str.ljust, _HEADS, widths)).rstrip()))
        for path, status, reason in sorted(told, key=lambda one: one[1] != READ):
            style = {READ: "pinned", UNREADABLE: "error"}.get(status, "dim")
            shown = paint(style, status.ljust(widths[1]))
            lines.append(f"{path.ljust(widths[0])}  {shown}  {reason}")
    lines += [
        paint("dim", f"{count:,} {'file' if count == 1 else 'files'}: {reason} (see --verbose)")
        for reason, count in sorted(usual.items(), reverse=True)
    ]
    return "".join(f"{line}\n" for line in lines)


def render_json(found: Iterable[Row]) -> str:
    """Return the same for programs, complete. Version 1 never loses or changes a field."""
    import json

    files = [
        {
            "path": row.path,
            "status": row.status,
            "kind": row.kind or None,
            "reason": row.reason,
            "configuration": row.configuration or None,
        }
        for row in found
    ]
    return json.dumps({"version": 1, "files": files}, indent=2) + "\n"


def _configuration(lookup: Lookup, path: str) -> str:
    where = absolute(path)
    configurations = lookup.at(where.rpartition("/")[0] or "/")
    return configurations.file_for(where) if configurations is not None else ""


def _left_out(listing: Listing, lookup: Lookup) -> Iterator[Row]:
    for path, reason in listing.left_out:
        yield Row(path, LEFT_OUT, "", reason, _configuration(lookup, path))
    for path, reason in listing.unread:
        yield Row(path, UNREADABLE, "", reason, "")
    for folder in listing.trees:
        yield from _ignored(folder, lookup)


def _ignored(folder: str, lookup: Lookup) -> Iterator[Row]:
    from rke2_lint.git_files import GitError, ignored

    try:
        for name, place in ignored(folder):
            path = join(folder, name)
            if name.endswith("/") or is_worth_a_look(absolute(path)):
                where = place if place.startswith("/") else join(folder, place)
                reason = f"ignored by git ({where})"
                yield Row(path, LEFT_OUT, "", reason, _configuration(lookup, path))
    except GitError:
        return  # that git cannot tell is among the warnings


def _looked_at(listing: Listing, lookup: Lookup, asked: Asked) -> Iterator[Row]:
    unchanged = f"{_UNCHANGED}{asked.since}"
    for file in listing.context:
        yield Row(file.path, LEFT_OUT, "", unchanged, _configuration(lookup, file.path))
    for unit in units(listing.files):
        for path, status, taken_for, reason in _unit(unit, asked.kind):
            yield Row(path, status, taken_for, reason, _configuration(lookup, path))


def _unit(unit: list[File], kind: str | None) -> Iterator[tuple[str, str, str, str]]:
    """Yield path, status, kind and reason of files that decide together."""
    loaded: list[tuple[File, bytes | None]] = []
    for file in unit:
        data, status, reason = _read(file)
        if data is None:
            yield file.path, status, "", reason
        else:
            loaded.append((file, data))
    if kind is None and not any(
        data is not None and recognise.may_matter(absolute(file.path), data)
        for file, data in loaded
    ):
        for file, _ in loaded:
            yield file.path, SEARCHED, "", NOTHING_OF_RKE2
        return
    if loaded:
        yield from _inspected(loaded, kind)


def _read(file: File) -> tuple[bytes | None, str, str]:
    """Return what a file holds; or None, and why."""
    try:
        return read(file), READ, ""
    except OSError as error:
        return None, UNREADABLE, why(error)
    except NotAFileError:
        return None, LEFT_OUT, "is not a file"
    except TooLargeError:
        return None, LEFT_OUT, "is larger than 16 MiB"


def _inspected(
    loaded: list[tuple[File, bytes | None]], kind: str | None
) -> Iterator[tuple[str, str, str, str]]:
    from rke2_lint.inspection import Inspector

    context = [(file, _read(file)[0]) for file in context_of(loaded)]
    inspector = Inspector(Options(kind=kind, select=("syntax",)), Outcome(), absolute)
    _, report = inspector.inspect(loaded, [one for one in context if one[1] is not None], [])
    # Of several objects in a file, one that is looked at says more than one that is not.
    kinds = dict(sorted(report.kinds, key=lambda one: ": " in one[1]))
    others = {
        where.document.path: reason for where, reason in (*report.not_applicable, *report.skipped)
    }
    for finding in report.findings:
        others[finding.problem.place.document.path] = finding.problem.message
    for file, _ in loaded:
        told = kinds.get(file.path) or kinds.get(node_of(file.path), "")
        taken_for, _, reason = told.partition(": ")
        yield file.path, READ, taken_for, reason or others.get(file.path) or NOTHING_OF_RKE2

"""`--since`: of the files that were found, those that have changed, or mean something else since.

What a machine runs with is said in several files, so that a change of one is a change of others: of
the rest of a node whose drop-in is gone, and of a Cluster that takes a file from a Secret that has
changed.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from rke2_lint.files import File, Listing, UsageError, read_or_nothing
from rke2_lint.git_changes import Changes, RevisionError, since, top_of
from rke2_lint.work import FROM_ELSEWHERE, HOLDERS, node_of


def narrow(listing: Listing, paths: Sequence[str], revision: str) -> None:
    """Leave those files in a listing that have changed, and let the others be its context.

    `paths` are the files and folders that it was made for. Raises UsageError.
    """
    try:
        trees = [since(top, revision) for top in _tops(paths)]
    except RevisionError as error:
        raise UsageError(str(error)) from None
    gone = {node_of(path) for tree in trees for path in tree.all_gone()}
    names = _Names()
    taken: list[File] = []
    rest: list[File] = []
    for file in listing.files:
        known = names.of(file)
        changed = any(tree.has(name) for tree in trees for name in known)
        if not changed and node_of(known[0]) in gone:
            listing.notes.append(f"{file.path}: looked at, because a file of its node is gone")
            changed = True
        (taken if changed else rest).append(file)
    referring = _referring(taken, rest, trees)
    for file in referring:
        listing.notes.append(f"{file.path}: looked at, because what it refers to has changed")
    listing.files = sorted([*taken, *referring], key=lambda file: file.path)
    listing.context = [file for file in rest if file not in referring]
    for file in listing.context:
        file.given = False
    if listing.context:
        count = len(listing.context)
        noun = "file has" if count == 1 else "files have"
        listing.notes.append(f"{count:,} {noun} not changed since {revision}")


class _Names:
    """The names of files in full, without links: the file's own, and that of what it links to."""

    def __init__(self) -> None:
        self._folders: dict[str, str] = {}

    def of(self, file: File) -> list[str]:
        folder, _, name = file.path.rpartition("/")
        if folder not in self._folders:
            start = "/" if file.path.startswith("/") and not folder else folder or "."
            self._folders[folder] = os.path.realpath(start).replace(os.sep, "/").rstrip("/")
        names = [f"{self._folders[folder]}/{name}"]
        if file.is_link:
            names.append(os.path.realpath(file.path).replace(os.sep, "/"))
        return names


def _tops(paths: Sequence[str]) -> Iterable[str]:
    """Return the roots of the work trees that paths lie in. Raises RevisionError."""
    folders = dict.fromkeys(
        path if os.path.isdir(path) else os.path.dirname(path) or "."
        for path in paths
        if os.path.lexists(path)
    )
    return dict.fromkeys(top_of(folder) for folder in folders)


def _referring(taken: Iterable[File], rest: Iterable[File], trees: Iterable[Changes]) -> list[File]:
    """Return the files that have not changed, and refer to a Secret or ConfigMap that has."""
    said = [data for file in taken if _holds(data := read_or_nothing(file))]
    lines = [tree.text() for tree in trees]
    if not (said or any(_holds(text) for text in lines)):
        return []
    said += lines
    found = []
    for file in rest:
        data = read_or_nothing(file)
        if FROM_ELSEWHERE in data:
            from rke2_lint.inspection import referred
            from rke2_policies.yaml_source import Source

            names = {name.encode() for name in referred(Source.read(file.path, data))}
            if any(name in text for name in names for text in said):
                found.append(file)
    return found


def _holds(data: bytes) -> bool:
    return any(word in data for word in HOLDERS)

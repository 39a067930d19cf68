"""Baselines: findings that were there before, so that only what is new has to be mended.

A finding is known by its rule, by the object that it is about, and by the place in it, without
lines and without numbers of list items: these change whenever somebody works on a file. How many
there are is counted. An object that moves to another file takes its findings along.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from rke2_policies.document import DocumentId, Place

VERSION = 1
ANY_ITEM = "*"


class Known(NamedTuple):
    """What a finding is known by. One with a path is at home there."""

    rule: str
    object: str
    """`Cluster fleet-default/prod`, or the path of a node's base file."""
    place: str
    """A JSON Pointer in the document, with `*` for the number of a list item."""
    path: str
    """The file, as seen from the folder of the baseline."""


class Entry(NamedTuple):
    """One line of a baseline: so many findings of this kind."""

    known: Known
    times: int = 1


class StaleEntry(NamedTuple):
    """An entry that has more findings than are still there."""

    place: Place
    """The entry in the baseline's file."""
    known: Known
    left: int
    """How many of them are still there."""
    gone: int
    number: int
    """Which entry of the file it is, from 0."""


class Match(NamedTuple):
    """What a baseline says to findings."""

    accepted: tuple[bool, ...]
    """For each finding, whether the baseline has it."""
    unused: tuple[int, ...]
    """For each entry, how many of its findings are not there."""


def place_of(pointer: str) -> str:
    """Return a JSON Pointer without the numbers of list items."""
    return "/".join(ANY_ITEM if step.isdecimal() else step for step in pointer.split("/"))


def entries_of(found: Iterable[Known]) -> list[Entry]:
    """Return the entries that findings come to, sorted."""
    counts: dict[Known, int] = {}
    for known in found:
        counts[known] = counts.get(known, 0) + 1
    return [Entry(known, counts[known]) for known in sorted(counts, key=_order)]


def _order(known: Known) -> tuple[str, ...]:
    return known.path, known.object, known.place, known.rule


def match(
    entries: Sequence[Entry], found: Sequence[Known], has_moved: Callable[[str], bool]
) -> Match:
    """Compare findings with a baseline.

    Those in the file that an entry names come first; then those in another one, where the entry's
    file is gone or was looked at (`has_moved`): the object may have moved from there. Of entries that
    stand there twice, as a merge may leave them, each counts.
    """
    left = [entry.times for entry in entries]
    at_home: dict[Known, int] = {}
    by_object: dict[tuple[str, str, str], list[int]] = {}
    for index, (known, _) in enumerate(entries):
        at_home[known] = index
        by_object.setdefault(known[:3], []).append(index)
    accepted = [False] * len(found)
    for number, known in enumerate(found):
        home = at_home.get(known)
        if home is not None and left[home]:
            left[home] -= 1
            accepted[number] = True
    for number, known in enumerate(found):
        if accepted[number]:
            continue
        for index in by_object.get(known[:3], ()):
            if left[index] and has_moved(entries[index].known.path):
                left[index] -= 1
                accepted[number] = True
                break
    return Match(tuple(accepted), tuple(left))


def stale(
    path: str, entries: Sequence[Entry], unused: Sequence[int], is_known: Callable[[Known], bool]
) -> list[StaleEntry]:
    """Return the entries of a baseline's file that it can do without, as far as that `is_known`."""
    return [
        StaleEntry(
            Place(DocumentId(path), ("findings", index)),
            known,
            count - unused[index],
            unused[index],
            index,
        )
        for index, (known, count) in enumerate(entries)
        if unused[index] and is_known(known)
    ]

"""Files: what the doors hand to the engine."""

from __future__ import annotations

from typing import NamedTuple

from rke2_policies.document import Document, DocumentId, Place, Span
from rke2_policies.ignore import Ignore


class Broken(NamedTuple):
    """A part of a file that RKE2 and Kubernetes cannot read."""

    place: Place
    message: str
    templated: bool = False
    """It is a template: rendering it may mend what does not parse."""

    @classmethod
    def at(
        cls, path: str, document: int, span: Span, message: str, *, templated: bool = False
    ) -> Broken:
        """Make one of what a reader reports."""
        return cls(Place(DocumentId(path, document), (), span=span), message, templated)


class File(NamedTuple):
    """One file and its documents, or one admission object.

    A file that is not `given` was read from the disk as context: it decides what machines run
    with, and nothing in it is changed. `kind` is what the user says that the file is (`--as`);
    None leaves it to the path and the content.
    """

    path: str
    documents: tuple[Document, ...]
    given: bool = True
    kind: str | None = None
    broken: tuple[Broken, ...] = ()
    """What does not parse, where the file is ours by its path or its bytes."""
    where: str = ""
    """The path in full, where that says more: the folder in which somebody stands."""
    ignores: tuple[Ignore, ...] = ()
    """What its comments say about findings in it."""

    @property
    def starts(self) -> bool:
        """Whether RKE2, which reads the first document only, can read it."""
        return not any(one.place.document.number == 0 for one in self.broken)

"""A unit: files that decide together, as they were read, and as fixes change them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rke2_lint.files import File
from rke2_policies import engine
from rke2_policies.document import Place, Span
from rke2_policies.engine import Report
from rke2_policies.file import Broken
from rke2_policies.file import File as Input
from rke2_policies.policy import Policy

if TYPE_CHECKING:
    from rke2_lint.masking import AnySource
    from rke2_lint.source_view import SourceView
    from rke2_policies.edits.as_text import Splice


class Member:
    """One file of a unit. `source` is what it says now, `original` what was read.

    `splices` lead from the text of the one to the other's.
    """

    __slots__ = ("_view", "file", "kind", "original", "ours", "own", "source", "splices", "where")

    def __init__(
        self, file: File, where: str, source: AnySource, *, kind: str | None, ours: bool, own: bool
    ) -> None:
        self.file = file
        self.where = where
        """Its path in full."""
        self.original = source
        self.source = source
        self.splices: tuple[Splice, ...] = ()
        self.kind = kind
        self.ours = ours
        """Whether it has to parse."""
        self.own = own
        """False for a file that is inspected with its own unit; this one only takes from it."""
        self._view: SourceView | None = None

    @property
    def path(self) -> str:
        """Its path, as people said it."""
        return self.file.path

    @property
    def view(self) -> SourceView:
        """How its source is shown."""
        from rke2_lint.source_view import SourceView

        if self._view is None or self._view.source is not self.source:
            self._view = SourceView(self.source)
        return self._view

    def span(self, place: Place) -> Span:
        """Return the span of a place: the start of the file where it is about the file as a whole."""
        documents = self.source.documents
        number = place.document.number
        found = documents[number].span(place) if number < len(documents) else place.span
        return found or Span(0, 0)

    @property
    def obstacle(self) -> str:
        """Why no fix is made in it, whatever the fix is; "" where they are."""
        if not (self.file.given and self.own):
            return f"{self.path} is not among the files that were given"
        if self.file.is_link:
            return f"{self.path} is a link, and nothing is written through links"
        return ""

    def as_input(self) -> Input:
        """Return what the engine sees of it."""
        problems = self.source.problems if self.ours else ()
        templated = self.source.masked is not None
        broken = [
            Broken.at(self.path, one.document, one.span, one.message, templated=templated)
            for one in problems
        ]
        documents = self.source.documents
        return Input(self.path, documents, self.file.given, self.kind, tuple(broken), self.where)


class Unit:
    """The files of a unit, by path."""

    __slots__ = ("members", "policy")

    def __init__(self, members: list[Member], policy: Policy) -> None:
        self.members = {member.path: member for member in members}
        self.policy = policy

    def evaluate(self) -> Report:
        """Ask the engine about the files as they are now."""
        return engine.evaluate([one.as_input() for one in self.members.values()], self.policy)

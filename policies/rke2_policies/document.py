"""Documents: one value tree, where it came from, and where its parts stand in the text."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from rke2_policies.route import MISSING, Json, Route, Step, find


class Span(NamedTuple):
    """A stretch of text, as offsets in code points from 0. `Source` turns offsets into lines."""

    start: int
    end: int


class DocumentId(NamedTuple):
    """The path of a file and the place of the document in it, from 0 (webhook: the request's uid)."""

    path: str
    number: int = 0


class Place(NamedTuple):
    """One spot in one document: the value at `route`, or, with `on_key`, the key that leads there."""

    document: DocumentId
    route: Route
    on_key: bool = False

    def __truediv__(self, step: Step) -> Place:
        return Place(self.document, (*self.route, step))

    @property
    def key(self) -> Place:
        """The same spot, pointing at the key instead of the value."""
        return Place(self.document, self.route, on_key=True)


Locate = Callable[[Route, bool], Span | None]
"""Find the span of a route's value, or of its key. Where there is no such thing: None."""


class Document:
    """One YAML document, JSON value or admission object.

    `tree` is plain JSON (`dict`, `list`, `str`, `int`, `float`, `bool`, `None`); a value that a
    template decides is a `Templated` string. Anchors may make it share parts: it is never changed.
    """

    __slots__ = ("_locate", "generated", "id", "lost_merges", "repeated", "tree")

    def __init__(
        self,
        id: DocumentId,
        tree: Json,
        locate: Locate | None = None,
        *,
        repeated: tuple[Route, ...] = (),
        lost_merges: tuple[Route, ...] = (),
        generated: frozenset[Route] = frozenset(),
    ) -> None:
        self.id = id
        self.tree = tree
        self._locate = locate
        self.repeated = repeated
        """Keys that their mapping says again further down: routes that end in `Repeated`."""
        self.lost_merges = lost_merges
        """Where `<<` keys stand, for the readers that lose them (RKE2's own files)."""
        self.generated = generated
        """Collections into which a template may write more than the text shows."""

    def __getitem__(self, route: Route) -> Json:
        """Return what stands at `route`, or None."""
        value = find(self.tree, route)
        return None if value is MISSING else value

    def at(self, *route: Step) -> Place:
        """Return the place of a route in this document."""
        return Place(self.id, route)

    def span(self, place: Place) -> Span | None:
        """Return the span of `place`, or of the nearest thing above it; None without a text."""
        if self._locate is None:
            return None
        found = self._locate(place.route, place.on_key)
        route = place.route
        while found is None and route:
            route = route[:-1]
            # The nearest thing above is best shown by its key: its value may be the whole file.
            found = self._locate(route, bool(route)) or self._locate(route, False)
        return found

"""Documents: one value tree, where it came from, and where its parts stand in the text."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

from rke2_policies.route import MISSING, Json, Route, Step, find


class Span(NamedTuple):
    """A stretch of text, as offsets in code points from 0. `Source` turns offsets into lines."""

    start: int
    end: int


class DocumentId(NamedTuple):
    """The path of a file and the place of the document in it, from 0."""

    path: str
    number: int = 0


class Place(NamedTuple):
    """One spot in one document: the value at `route`, or, with `on_key`, the key that leads there."""

    document: DocumentId
    route: Route
    on_key: bool = False
    span: Span | None = None
    """A stretch that no route leads to, such as the place of a syntax error."""

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

    __slots__ = ("_locate", "generated", "host", "id", "lost_merges", "repeated", "tree")

    def __init__(
        self,
        id: DocumentId,
        tree: Json,
        locate: Locate | None = None,
        *,
        repeated: Mapping[Route, Json] | None = None,
        lost_merges: Mapping[Route, Json] | None = None,
        generated: frozenset[Route] = frozenset(),
        host: Route = (),
    ) -> None:
        self.id = id
        self.tree = tree
        self._locate = locate
        self.repeated: Mapping[Route, Json] = repeated or {}
        """Entries that their mapping says again further down: a route that ends in `Repeated`, and
        the value that stands there. They are in the order of the text."""
        self.lost_merges: Mapping[Route, Json] = lost_merges or {}
        """Where `<<` keys stand, and what they would merge, for the readers that lose them."""
        self.generated = generated
        """Collections into which a template may write more than the text shows."""
        self.host = host
        """Where the text stands that holds this document, if it is part of another one."""

    def __getitem__(self, route: Route) -> Json:
        """Return what stands at `route`, or None."""
        value = find(self.tree, route)
        return None if value is MISSING else value

    def at(self, *route: Step) -> Place:
        """Return the place of a route in this document."""
        return Place(self.id, route)

    def span(self, place: Place) -> Span | None:
        """Return the span of `place`, or of the nearest thing above it; None without a text."""
        if place.span is not None or self._locate is None:
            return place.span
        found = self._locate(place.route, place.on_key)
        route = place.route
        while found is None and route:
            route = route[:-1]
            # The nearest thing above is best shown by its key: its value may be the whole file.
            found = self._locate(route, bool(route)) or self._locate(route, not route)
        return found

"""Edits: what to change in a document, said once and without positions.

Four verbs are enough for data. `apply` is their meaning; the linter's text edits (`as_text`) and the
webhook's JSON Patch (`as_json_patch`) are translations of it, and are tested against it. Two more
verbs change what a text says to people, and no data.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from rke2_policies.document import Span
from rke2_policies.route import MISSING, Json, Repeated, Route, find


class Set(NamedTuple):
    """Make the value at `route` be `value`, creating the mappings above it."""

    route: Route
    value: Json


class Append(NamedTuple):
    """Add `value` at the end of the list at `route`, creating the list."""

    route: Route
    value: Json


class Remove(NamedTuple):
    """Take away what stands at `route`, and its comments only where `comments` says so."""

    route: Route
    comments: bool = False


class Rename(NamedTuple):
    """Call the key at the end of `route` `key` instead. Its value and its place in the order stay."""

    route: Route
    key: str


class Reword(NamedTuple):
    """Write the comment `old`, or the part of a comment, as `new`; with "" take it away.

    No route leads to a comment: it stands at `span`, or the edit is refused.
    """

    span: Span
    old: str
    new: str = ""

    @property
    def route(self) -> Route:
        """A route that no data has, so that only another word about this comment is in the way."""
        return (Repeated("#", self.span.start),)


class Annotate(NamedTuple):
    """Write a comment, from its `#` on, beside what stands at `route`, or with `on_key` its key."""

    route: Route
    text: str
    on_key: bool = False


Edit: TypeAlias = Set | Append | Remove | Rename | Reword | Annotate
COMMENTS = (Reword, Annotate)
"""The verbs that change no data."""
Change: TypeAlias = Callable[[Json, Route], Json]


class EditError(ValueError):
    """The edit makes no sense for this document."""


class RewriteError(EditError):
    """The edit is right, but this text cannot be changed safely: the reason, for people."""


def apply(tree: Json, edit: Edit) -> Json:
    """Return `tree` with `edit` made. The given tree is left as it was, and shared where it can be."""
    if isinstance(edit, COMMENTS):
        return tree
    for step in edit.route:
        if isinstance(step, Repeated):
            raise EditError(f"{step.key} is said again further down")
    match edit:
        case Set(route, value):
            return _at(tree, route, lambda _, __: value)
        case Append(route, value):
            return _at(tree, route, lambda old, at: [*_list(old, at), value])
        case Remove(route):
            return _without(tree, route)
        case Rename(route, key):
            return _renamed(tree, route, key)


def _at(tree: Json, route: Route, change: Change, done: Route = ()) -> Json:
    if not route:
        return change(tree, done)
    step, rest = route[0], route[1:]
    if isinstance(step, int):
        if not isinstance(tree, list) or not 0 <= step < len(tree):
            raise EditError(f"there is no item {step} at {_name(done)}")
        return [_at(v, rest, change, (*done, step)) if i == step else v for i, v in enumerate(tree)]
    if tree is None:
        tree = {}
    if not isinstance(tree, dict):
        raise EditError(f"{_name(done)} is not a mapping")
    return {**tree, step: _at(tree.get(step), rest, change, (*done, step))}


def _list(old: Json, at: Route) -> list[Json]:
    if old is None:
        return []
    if isinstance(old, list):
        return old
    raise EditError(f"{_name(at)} is not a list")


def _without(tree: Json, route: Route) -> Json:
    if not route:
        raise EditError("a whole document is never removed")
    step, rest = route[0], route[1:]
    if isinstance(tree, dict) and step in tree:
        if rest:
            return {**tree, step: _without(tree[step], rest)}
        return {k: v for k, v in tree.items() if k != step}
    if isinstance(tree, list) and isinstance(step, int) and 0 <= step < len(tree):
        if rest:
            return [_without(v, rest) if i == step else v for i, v in enumerate(tree)]
        return [v for i, v in enumerate(tree) if i != step]
    return tree


def _renamed(tree: Json, route: Route, key: str) -> Json:
    if not route:
        raise EditError("a whole document has no name")
    if find(tree, route) is MISSING:
        return tree
    *above, old = route
    mapping = find(tree, tuple(above))
    if not isinstance(mapping, dict):
        raise EditError(f"item {old} of {_name(tuple(above))} has no name")
    if key != old and key in mapping:
        raise EditError(f"{_name((*above, key))} is there already")
    renamed = {key if k == old else k: v for k, v in mapping.items()}
    return _at(tree, tuple(above), lambda _, __: renamed)


def _name(route: Route) -> str:
    return ".".join(map(str, route)) or "the document"

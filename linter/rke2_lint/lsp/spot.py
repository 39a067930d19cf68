"""Spots: from an offset in a text to the route of what stands there."""

from __future__ import annotations

from typing import NamedTuple

from rke2_lint.masking import AnySource
from rke2_policies.document import Document, Span
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence
from rke2_policies.route import Route


class Spot(NamedTuple):
    """What stands at an offset: the entry that it belongs to, and where that is written."""

    document: Document
    route: Route
    span: Span
    on_key: bool
    in_scalar: bool
    """False between the words: in a comment, or where nothing is."""


def spot_at(source: AnySource, offset: int) -> Spot | None:
    """Return what stands at an offset; None where no document that can be read is around it."""
    for root, document in zip(source.roots, source.documents, strict=True):
        if root is not None and root.outer <= offset <= root.end:
            return _inside(root, document, offset)
    if len(source.documents) == 1 and source.roots[0] is None:
        return _among_entries(source.documents[0], offset)
    return None


def _inside(node: Node, document: Document, offset: int) -> Spot:
    route: Route = ()
    span = Span(node.outer, node.end)
    while True:
        if isinstance(node, Scalar | Alias):
            said = node.start <= offset <= node.end
            return Spot(document, route, span, on_key=False, in_scalar=said)
        found = _entry(node, offset)
        if found is None:
            return Spot(document, route, span, on_key=False, in_scalar=False)
        step, span, node = found
        route = (*route, step)
        if isinstance(step, str) and span.start <= offset <= span.end:
            return Spot(document, route, span, on_key=True, in_scalar=True)


def _entry(node: Mapping | Sequence, offset: int) -> tuple[str | int, Span, Node] | None:
    """Return the entry of a collection that an offset is in: its step, where it is called, its value."""
    if isinstance(node, Sequence):
        for place, item in enumerate(node.items):
            if item.outer <= offset <= item.end:
                return place, Span(item.start, item.end), item
        return None
    for key, value in node.pairs:
        # Aliases and merges say what is written elsewhere, under other names.
        if (
            isinstance(key, Scalar)
            and key.value != "<<"
            and key.start <= offset <= max(key.end, value.end)
        ):
            return key.value, Span(key.start, key.end), value
    return None


def _among_entries(document: Document, offset: int) -> Spot | None:
    """Find the entry of a document without nodes, as an environment file is."""
    tree = document.tree if isinstance(document.tree, dict) else {}
    for name in tree:
        key = document.span(document.at(name).key)
        value = document.span(document.at(name))
        if key and value and key.start <= offset <= value.end:
            return Spot(document, (name,), key, on_key=offset <= key.end, in_scalar=True)
    return None

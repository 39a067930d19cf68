"""Layout: how a document is written, measured on its nodes, so that new lines look like the old."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import TypeVar

from rke2_policies.edits.fragments import JsonStyle, Style
from rke2_policies.edits.lines import column, is_blank, line_start
from rke2_policies.lazy_pattern import lazily
from rke2_policies.nodes import Mapping, Node, Scalar, Sequence
from rke2_policies.yaml_source import Source

T = TypeVar("T")

_BLANKS = lazily(r"[ \t]*")


def style_near(text: str, nearest: Iterable[Node | None]) -> Style:
    """Return the style of the first of these nodes that shows one, measure by measure.

    A measure is the most frequent value in its node.
    """
    step: int | None = None
    offset: int | None = None
    gap: int | None = None
    for node in nearest:
        steps: list[int] = []
        offsets: list[int] = []
        gaps: list[int] = []
        for collection in _collections(node):
            _measure(text, collection, steps, offsets, gaps)
        step = step or _most(steps)
        offset = _most(offsets) if offset is None else offset
        gap = gap or _most(gaps)
        if step and gap and offset is not None:
            break
    step = step or 2
    return Style(step, step if offset is None else offset, gap or 1)


def quotes_of(nodes: Iterable[Node]) -> str:
    """Return the quotes that most of these scalars have."""
    styles = [n.style for n in nodes if isinstance(n, Scalar) and n.style in ("", "'", '"')]
    return _most(styles) or ""


def key_quotes_of(mapping: Mapping) -> str:
    """Return the quotes that all keys of a mapping have; none where they differ."""
    styles = {key.style for key, _ in mapping.pairs if isinstance(key, Scalar)}
    return styles.pop() if len(styles) == 1 and styles <= {"'", '"'} else ""


def gap_of(text: str, items: Iterable[Node]) -> int | None:
    """Return how many blanks most dashes have behind them; None where no item shows it."""
    return _most([gap for item in items if (gap := _gap(text, item))])


def is_json(source: Source, number: int) -> bool:
    """Say whether a document is written as JSON. `{}` alone may be either: the file's name tells."""
    named = source.path.lower().endswith(".json")
    return parses_as_json(source, number) and (named or bool(source.documents[number].tree))


def parses_as_json(source: Source, number: int) -> bool:
    """Say whether a document is an object or a list of JSON."""
    root = source.roots[number]
    if not isinstance(root, Mapping | Sequence) or not root.flow:
        return False
    try:
        json.loads(source.text[root.start : root.end])
    except (ValueError, RecursionError):
        return False
    return True


def json_style_of(source: Source, number: int) -> JsonStyle | None:
    """Return the style of a document that is JSON; None where it is not."""
    if not is_json(source, number):
        return None
    text = source.text
    indents: list[str] = []
    flat = spread = False
    comma = colon = ""
    for node in _collections(source.roots[number]):
        entries = [key for key, _ in node.pairs] if isinstance(node, Mapping) else node.items
        if not entries:
            continue
        first = entries[0].outer
        line = line_start(text, first)
        if line > node.start and is_blank(text[line:first]):
            opened = _BLANKS.match(text, line_start(text, node.start))
            indents.append(text[line:first].removeprefix(opened.group() if opened else ""))
            spread = spread or isinstance(node, Sequence)
        else:
            flat = flat or isinstance(node, Sequence)
            if len(entries) > 1 and not comma:
                last = node.pairs[0][1] if isinstance(node, Mapping) else entries[0]
                between = text[last.end : entries[1].outer]
                comma = between if between in (",", ", ") else ""
        if isinstance(node, Mapping) and not colon:
            key, value = node.pairs[0]
            colon = text[key.end : value.outer]
    colon = colon or ": "
    comma = comma or ("," if colon == ":" else ", ")
    return JsonStyle(_most(indents), comma, colon, flat_lists=flat and not spread)


def _collections(root: Node | None) -> Iterator[Mapping | Sequence]:
    waiting = [root]
    while waiting:
        node = waiting.pop()
        match node:
            case Mapping():
                yield node
                waiting += [value for _, value in reversed(node.pairs)]
            case Sequence():
                yield node
                waiting += reversed(node.items)


def _measure(
    text: str, node: Mapping | Sequence, steps: list[int], offsets: list[int], gaps: list[int]
) -> None:
    if node.flow:
        return
    if isinstance(node, Sequence):
        gaps += [gap for item in node.items if (gap := _gap(text, item))]
        return
    if not node.pairs:
        return
    left = column(text, node.pairs[0][0].outer)
    for _, value in node.pairs:
        match value:
            case Mapping(flow=False, pairs=[(key, _), *_]):
                steps.append(max(1, column(text, key.outer) - left))
            case Sequence(flow=False, items=[_, *_]):
                offsets.append(max(0, column(text, value.start) - left))


def _gap(text: str, item: Node) -> int:
    before = text[line_start(text, item.outer) : item.outer]
    dash = before.rstrip(" ")
    # An item that is not written stands directly behind its dash, and shows no gap.
    return len(before) - len(dash) if dash.endswith("-") else 0


def _most(votes: list[T]) -> T | None:
    # The first of those with the most votes.
    return Counter(votes).most_common(1)[0][0] if votes else None

"""Comments: what a file says to people, which no fix may change, lose or make up."""

from __future__ import annotations

from bisect import bisect_right
from typing import NamedTuple

from rke2_policies.edits.lines import line_end
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence
from rke2_policies.yaml_source import Source


class Comment(NamedTuple):
    """One comment: from its `#` to the end of its line."""

    start: int
    end: int
    text: str


def comments(source: Source) -> list[Comment]:
    """Return the comments outside scalars, in the order of the text."""
    text = source.text
    at = text.find("#")
    if at < 0:
        return []
    starts, ends = _scalars(source)
    found = []
    while at >= 0:
        behind = at + 1
        inside = bisect_right(starts, at) - 1
        if inside >= 0 and at < ends[inside]:
            behind = ends[inside]
        elif at == 0 or text[at - 1] in " \t\r\n\x85\u2028\u2029\ufeff":
            behind = line_end(text, at)
            found.append(Comment(at, behind, text[at:behind]))
        at = text.find("#", behind)
    return found


def _scalars(source: Source) -> tuple[list[int], list[int]]:
    """Return where scalars start and end. The header of a block scalar may end in a comment."""
    spans = []
    waiting: list[Node] = [root for root in source.roots if root is not None]
    while waiting:
        node = waiting.pop()
        match node:
            case Scalar():
                start = node.start
                if node.style in ("|", ">"):
                    start = min(line_end(source.text, start), node.end)
                if start < node.end:
                    spans.append((start, node.end))
            case Mapping():
                for pair in node.pairs:
                    waiting += pair
            case Sequence():
                waiting += node.items
            case Alias():
                pass
    spans.sort()
    return [start for start, _ in spans], [end for _, end in spans]

"""Comments: what a file says to people, which no fix may change, lose or make up."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from rke2_policies.edits import RewriteError
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


def prove_comments(before: Source, after: Source, dropped: Iterable[str] = ()) -> None:
    """Prove, with ruamel.yaml as a second witness, that a file says to people what it said before.

    RewriteError where it does not. `dropped` are the comments that were meant to go. This takes
    some 15 ms a file: too long for each fix, which `as_text` proves with our own reading alone, so
    that tests ask for it.
    """
    for witness in (_our_comments, _their_comments):
        expected = witness(before)
        if expected is None:  # it cannot read the file: tabs in odd places, for one
            continue
        for text in dropped:
            if text.rstrip() in expected:
                expected.remove(text.rstrip())
        if witness(after) != expected:
            raise RewriteError("the comments would not be the same afterwards")


def _our_comments(source: Source) -> list[str]:
    return sorted(comment.text.rstrip() for comment in comments(source))


def _their_comments(source: Source) -> list[str] | None:
    """Return the comments that ruamel.yaml's round-trip reader finds; None where it cannot read."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        found = [c for token in YAML().scan(source.text) for c in _texts(token.comment)]
    except YAMLError:
        return None
    # One token holds all comment lines up to the next thing that is none.
    lines = (line.strip() for text in found for line in text.splitlines())
    return sorted(line for line in lines if line.startswith("#"))


def _texts(comment: Any) -> Iterator[str]:
    """Return the texts in what ruamel.yaml hangs on a token: lists of lists of tokens, or a text."""
    match comment:
        case None:
            pass
        case str():
            yield comment
        case list() | tuple():
            for part in comment:
                yield from _texts(part)
        case _:
            yield comment.value


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

"""Nodes: what a YAML text is made of, with the offsets where each part stands.

They are composed from libyaml's events in `yaml_source`, without recursion. Aliases stay
aliases: the splicer must know that it would reach through one.
"""

from __future__ import annotations

from typing import TypeAlias


class Scalar:
    """A scalar. `style` is "" (plain), "'", '"', "|" or ">"; `tag` is None unless the text says one.

    `start` is the first character of the value, after anchor and tag (which start at `outer`);
    `end` is just behind the last one. A value that is not written has `start == end`.
    """

    __slots__ = ("anchor", "end", "outer", "start", "style", "tag", "value")

    def __init__(
        self,
        value: str,
        style: str,
        start: int,
        end: int,
        *,
        outer: int,
        anchor: str | None = None,
        tag: str | None = None,
    ) -> None:
        self.value = value
        self.style = style
        self.start = start
        self.end = end
        self.outer = outer
        self.anchor = anchor
        self.tag = tag


class Sequence:
    """A sequence. A block sequence starts at its first dash and ends where its last leaf ends."""

    __slots__ = ("anchor", "end", "flow", "items", "outer", "start", "tag")

    def __init__(
        self,
        start: int,
        *,
        flow: bool,
        outer: int,
        anchor: str | None = None,
        tag: str | None = None,
    ) -> None:
        self.items: list[Node] = []
        self.flow = flow
        self.start = start
        self.end = start
        self.outer = outer
        self.anchor = anchor
        self.tag = tag


class Mapping:
    """A mapping, its pairs in order, repeated keys and `<<` among them.

    A block mapping starts at its first key and ends where its last leaf ends, not where libyaml's
    end mark stands, which runs on over blank lines and the next key's comment.
    """

    __slots__ = ("anchor", "end", "flow", "outer", "pairs", "start", "tag")

    def __init__(
        self,
        start: int,
        *,
        flow: bool,
        outer: int,
        anchor: str | None = None,
        tag: str | None = None,
    ) -> None:
        self.pairs: list[tuple[Node, Node]] = []
        self.flow = flow
        self.start = start
        self.end = start
        self.outer = outer
        self.anchor = anchor
        self.tag = tag


class Alias:
    """`*name`: stands for `target`, which is written elsewhere."""

    __slots__ = ("end", "name", "outer", "start", "target")

    def __init__(
        self, name: str, target: Scalar | Sequence | Mapping, start: int, end: int
    ) -> None:
        self.name = name
        self.target = target
        self.start = start
        self.end = end
        self.outer = start


Node: TypeAlias = Scalar | Sequence | Mapping | Alias
Target: TypeAlias = Scalar | Sequence | Mapping


def resolve(node: Node) -> Target:
    """Return what a node stands for: itself, or an alias's target."""
    return node.target if isinstance(node, Alias) else node

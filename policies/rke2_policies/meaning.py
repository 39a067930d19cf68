"""From nodes to documents: what a composed YAML document says to go-yaml v2.4.0."""

from __future__ import annotations

from collections.abc import Iterator
from math import isfinite
from typing import Final, NamedTuple

from rke2_policies.composer import MAX_DEPTH, MAX_PROBLEMS, TOO_DEEP, Composed, Refused, Script
from rke2_policies.document import Document, DocumentId, Span
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence, Target
from rke2_policies.nodes import resolve as target_of
from rke2_policies.route import Json, Repeated, Route, Step, Templated, same
from rke2_policies.scalars import MEANINGFUL, ScalarError, is_merge, key_text, resolve
from rke2_policies.templates import is_templated, may_hold_placeholders

MAX_REPEATED: Final = 1000


class _Again(NamedTuple):
    """An entry whose key its mapping says again further down."""

    mapping: Mapping
    step: Repeated
    key: Node
    value: Json


class Meaning:
    """The meaning of one document. Refused where go-yaml would not go through its aliases."""

    def __init__(self, id: DocumentId, composed: Composed, script: Script) -> None:
        self.id = id
        self.root = composed.root
        self.finished = composed.finished
        self.span = composed.span
        self.template = script.template
        self.open = script.template is not None or may_hold_placeholders(script.text, composed.span)
        """Whether any value may wait to be filled in."""
        self.values: dict[int, Json] = {}
        self.problems: list[tuple[str, Span]] = []
        self.repeated: list[_Again] = []
        self.lost: list[tuple[Mapping, Json]] = []
        self.kubernetes = isinstance(self.root, Mapping) and any(
            type(key) is Scalar and key.value in ("apiVersion", "kind", "type")
            for key, _ in self.root.pairs
        )
        if composed.aliases:
            _check_aliases(composed)

    def document(self) -> Document:
        for node in self.finished:
            if isinstance(node, Mapping):
                self.values[id(node)] = self._mapping(node)
            else:
                self.values[id(node)] = [self._value(item) for item in node.items]
        tree = self._value(self.root)
        written_into = (
            self.template.written_into(self.root, self.finished, self.span)
            if self.template is not None
            else ()
        )
        if not self.repeated and not self.lost and not written_into:
            return Document(self.id, tree, self._locate)
        routes = self._routes()
        return Document(
            self.id,
            tree,
            self._locate,
            repeated={
                (*routes[id(entry.mapping)], entry.step): entry.value
                for entry in sorted(self.repeated, key=lambda entry: entry.key.start)
                if id(entry.mapping) in routes
            },
            lost_merges={
                (*routes[id(mapping)], "<<"): values
                for mapping, values in sorted(self.lost, key=lambda lost: lost[0].start)
                if id(mapping) in routes
            },
            generated=frozenset(routes[id(node)] for node in written_into if id(node) in routes),
        )

    def _problem(self, message: str, node: Node) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            self.problems.append((message, Span(node.outer, node.end)))

    def _value(self, node: Node) -> Json:
        if type(node) is Scalar:
            text = node.value
            if self.open and (type(text) is Templated or node.style not in ("|", ">")):
                if type(text) is Templated:
                    return text
                if is_templated(text):
                    return Templated(text)
            if node.tag is None and (node.style or (text and text[0] not in MEANINGFUL)):
                return text
            value = self._resolved(node)
            if self.kubernetes and type(value) is float and not isfinite(value):
                self._problem("Kubernetes refuses this number: JSON has nothing for it", node)
            return value
        if type(node) is Alias:
            return self._value(node.target)
        return self.values[id(node)]

    def _resolved(self, node: Scalar) -> Json:
        try:
            return resolve(node.value, node.style, node.tag)
        except ScalarError as error:
            self._problem(f"RKE2 and Kubernetes refuse this value: {error}", node)
            return node.value

    def _mapping(self, node: Mapping) -> dict[str, Json]:
        tree: dict[str, Json] = {}
        lost: dict[str, Json] | None = None
        repeats = False
        for key, item in node.pairs:
            if type(key) is Scalar and key.value == "<<" and _merges(key):
                if not self.kubernetes:
                    lost = {} if lost is None else lost
                self._merge(tree if lost is None else lost, item)
                continue
            name = self._key(key)
            value = self._value(item)
            if name in tree:
                repeats = True
                # In the order of the last entries: RKE2 goes through the file that way.
                earlier = tree.pop(name)
                if self.template is not None and not same(earlier, value):
                    value = Templated(name)  # two branches of a template, and nobody knows which
            tree[name] = value
        if lost is not None:
            self.lost.append((node, lost))
        if repeats and self.template is None:
            self._note_repeated(node)
        return tree

    def _note_repeated(self, node: Mapping) -> None:
        for (key, _), (step, item) in zip(node.pairs, self._entries(node), strict=True):
            if (
                isinstance(step, Repeated)
                and not _merges(key)
                and len(self.repeated) < MAX_REPEATED
            ):
                self.repeated.append(_Again(node, step, key, self._value(item)))

    def _merge(self, into: dict[str, Json], item: Node) -> None:
        """Merge as go-yaml does (decode.go, `merge`): what comes last in the mapping is in force."""
        sources: list[Node] = [item]
        if isinstance(item, Sequence):
            sources = item.items[::-1]  # in a list of mappings the first one is in force
        for source in sources:
            target = target_of(source)
            if not isinstance(target, Mapping):
                self._problem("only mappings can be merged: RKE2 and Kubernetes refuse this", item)
                return
            into.update(self.values[id(target)])

    def _key(self, node: Node) -> str:
        if type(node) is Scalar and node.tag is None and not self.open:
            text = node.value
            if node.style or (text and text[0] not in MEANINGFUL):
                return text
        target = target_of(node)
        if isinstance(target, Scalar):
            text = target.value
            if type(text) is Templated or (self.open and is_templated(text)):
                return Templated(text)
            value = self._resolved(target)
        else:
            value = self.values[id(target)]
        name = key_text(value)
        if name is not None:
            return name
        if self.kubernetes:
            self._problem("Kubernetes refuses this key", node)
        return "" if value is None else str(value)

    def _routes(self) -> dict[int, Route]:
        """Return the routes of all collections, aliases not followed."""
        routes: dict[int, Route] = {id(self.root): ()}
        for node in reversed(self.finished):
            route = routes.get(id(node))
            if route is None:  # it stands in a key
                continue
            for step, child in self._entries(node):
                if type(child) is Mapping or type(child) is Sequence:
                    routes[id(child)] = (*route, step)
        return routes

    def _entries(self, node: Sequence | Mapping) -> list[tuple[Step, Node]]:
        """Return the values in a collection, with the steps that lead to them."""
        if isinstance(node, Sequence):
            return list(enumerate(node.items))
        names = [self._key(key) for key, _ in node.pairs]
        last = {name: place for place, name in enumerate(names)}
        earlier: dict[str, int] = {}
        entries: list[tuple[Step, Node]] = []
        for place, (name, (_, item)) in enumerate(zip(names, node.pairs, strict=True)):
            if place == last[name]:
                entries.append((name, item))
            else:
                entries.append((Repeated(name, earlier.get(name, 0)), item))
                earlier[name] = earlier.get(name, 0) + 1
        return entries

    def _locate(self, route: Route, on_key: bool) -> Span | None:  # noqa: FBT001 - Document's Locate
        here: Node = self.root
        key: Node | None = None
        for step in route:
            found = self._child(target_of(here), step)
            if found is None:
                return None
            key, here = found
        if not on_key:
            return Span(here.start, here.end)
        return Span(key.start, key.end) if key is not None else None

    def _child(self, node: Target, step: Step) -> tuple[Node | None, Node] | None:
        """Return the key and the value to which a step leads, through merges too."""
        if isinstance(node, Sequence):
            if isinstance(step, int) and 0 <= step < len(node.items):
                return None, node.items[step]
            return None
        if isinstance(node, Scalar) or isinstance(step, int):
            return None
        if isinstance(step, Repeated):
            same = [(key, item) for key, item in node.pairs if self._is_named(key, step.key)]
            return same[step.occurrence] if step.occurrence < len(same) else None
        for key, item in reversed(node.pairs):
            if self._is_named(key, step) or (step == "<<" and _merges(key)):
                return key, item
            if self.kubernetes and _merges(key):
                for source in item.items if isinstance(item, Sequence) else (item,):
                    found = self._child(target_of(source), step)
                    if found is not None:
                        return found
        return None

    def _is_named(self, key: Node, name: str) -> bool:
        return not _merges(key) and self._key(key) == name


def _merges(key: Node) -> bool:
    return isinstance(key, Scalar) and is_merge(key.value, key.style, key.tag)


def _check_aliases(composed: Composed) -> None:
    """Refuse aliases that go-yaml finds excessive, and those that make a tree too deep.

    Nothing is expanded. The steps that go-yaml would take are counted, every alias adding the size
    of its target at once.
    """
    # Every alias doubles a document at most, and it is no deeper than it has collections.
    few = composed.aliases < 10 and composed.nodes << composed.aliases < _ALWAYS
    if few and len(composed.finished) <= MAX_DEPTH:
        return
    sizes: dict[int, int] = {}
    depths: dict[int, int] = {}

    def size(node: Node) -> int:
        if isinstance(node, Alias):
            return 1 + size(node.target)
        return 1 if isinstance(node, Scalar) else sizes[id(node)]

    for node in composed.finished:
        total, deepest = 1, 0
        for child in _decoded(node):
            target = target_of(child)
            if not isinstance(target, Scalar):
                deepest = max(deepest, depths[id(target)])
            total += size(child)
        sizes[id(node)] = total
        depths[id(node)] = deepest + 1
        if deepest >= MAX_DEPTH:
            raise Refused(TOO_DEEP, node.start, node.end)

    if size(composed.root) < _ALWAYS:
        return
    # Inside an alias the ratio only rises, so its end is the moment that counts. Outside it falls,
    # slower at last than what is allowed: there the ends count, and the place where that stops.
    steps, aliased = 1, 0
    waiting: list[Node] = [composed.root]
    while waiting:
        inner = waiting.pop()
        steps += 1
        if isinstance(inner, Alias):
            excessive = _excessive(steps, aliased)
            more = size(inner.target)
            steps, aliased = steps + more, aliased + more
            if excessive or _excessive(steps, aliased):
                raise Refused("the document contains excessive aliasing", inner.start, inner.end)
        elif not isinstance(inner, Scalar):
            waiting += list(_decoded(inner))[::-1]
        if (steps == _MANY or not waiting) and _excessive(steps, aliased):
            raise Refused("the document contains excessive aliasing", inner.start, inner.end)


def _decoded(node: Sequence | Mapping) -> Iterator[Node]:
    """Return the nodes inside which go-yaml decodes: all but `<<` and a list behind it."""
    if isinstance(node, Sequence):
        yield from node.items
        return
    for key, item in node.pairs:
        if not _merges(key):
            yield key
            yield item
        elif isinstance(item, Sequence):
            yield from item.items
        else:
            yield item


# decode.go of go-yaml v2.4.0: `unmarshal`, alias_ratio_range_low and alias_ratio_range_high.
_ALWAYS, _FEW, _MANY = 1000, 400_000, 4_000_000


def _excessive(steps: int, aliased: int) -> bool:
    """Say whether go-yaml gives up: 99 % of few steps may go through aliases, 10 % of many."""
    if aliased <= 100 or steps <= _ALWAYS:
        return False
    # In whole numbers, because a bomb's are too large for floats.
    allowed = 99 * (_MANY - _FEW) - 89 * (min(max(steps, _FEW), _MANY) - _FEW)
    return aliased * 100 * (_MANY - _FEW) > allowed * steps

"""Splices: which stretch of a text an edit changes, and into what.

Nothing here needs to be right about every text there is: `as_text` reads the file again and takes
only what means the edit and nothing else. What this module owes is a splice a person would make.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rke2_policies.edits import Append, Edit, Remove, Rename, RewriteError, Set, apply
from rke2_policies.edits.fragments import (
    Style,
    entry,
    flow,
    flow_entry,
    item,
    json_entry,
    json_lines,
    key_alone,
    scalar,
)
from rke2_policies.edits.layout import gap_of, json_style_of, key_quotes_of, quotes_of, style_near
from rke2_policies.edits.lines import (
    column,
    is_blank,
    line_end,
    line_start,
    newline_near,
    next_line,
)
from rke2_policies.edits.slots import (
    Slot,
    refuse_anchors,
    refuse_borrowed,
    refuse_properties,
    slot_below,
    walk,
)
from rke2_policies.lazy_pattern import lazily
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence
from rke2_policies.route import Json, Route, same
from rke2_policies.yaml_source import Source

_COLON = lazily(r"[ \t]*:")
_COMMA = lazily(r"[ \t]*,")
_COMMENT_LINE = lazily(r" *#")


class Splice(NamedTuple):
    """`text` in the place of what stands from `start` to `end`: offsets in code points."""

    start: int
    end: int
    text: str


class _Entry(NamedTuple):
    """A new entry of a flow collection: on one line, and as lines where the style spreads it."""

    flat: str
    spread: list[str]


class Splicer:
    """Chooses the splices for the edits of one document."""

    def __init__(self, source: Source, number: int) -> None:
        self.text = source.text
        self.newline = source.newline
        self.roots = source.roots
        self.root = source.roots[number]
        self.tree = source.documents[number].tree
        self.json = json_style_of(source, number)
        self.anchor: str | None = None
        """The nearest anchor above what the edit changes, for others to refer to."""
        self._near: list[Node | None] = []
        self._style: Style | None = None

    def candidates(self, edit: Edit) -> Iterator[list[Splice]]:
        """Yield ways to make an edit, the one that reads best first. RewriteError: there is none."""
        self._style = None
        if self.root is None:
            yield [self._first_document(apply(None, edit))]
            return
        slots, missing = walk(self.root, self.tree, edit)
        slot = slots[-1]
        self._near = [s.node for s in reversed(slots)]
        anchors = [s.node.anchor for s in slots if not isinstance(s.node, Alias) and s.node.anchor]
        self.anchor = anchors[-1] if anchors else None
        match edit:
            case Rename() | Remove() if missing:
                raise RewriteError("it is not there yet")
            case Rename(_, key):
                yield [self._rename(slot, key)]
            case Remove():
                yield from self._remove(slot, slots[-2])
            case Append(_, value) if not missing and isinstance(slot.node, Sequence):
                yield self._append(slot, slot.node, [value])
            case Append(_, value):
                yield from self._put(slot, missing, [value])
            case Set(_, value):
                yield from self._put(slot, missing, value)

    # Set and Append

    def _put(self, slot: Slot, missing: Route, value: Json) -> Iterator[list[Splice]]:
        if not missing:
            yield from self._over(slot, value)
            return
        for step in reversed(missing[1:]):
            value = {step: value}
        yield from self._put_entries(slot, {str(missing[0]): value})

    def _put_entries(self, slot: Slot, entries: dict[str, Json]) -> Iterator[list[Splice]]:
        """Add keys to a mapping, or to what becomes one: a null."""
        match slot.node:
            case Mapping(flow=False) as mapping:
                yield from self._add(mapping, entries)
            case Mapping() as mapping if mapping.pairs or not self._unfolds(slot):
                yield self._add_in_flow(slot, mapping, self._flow_pairs(mapping, entries))
            case _:
                yield self._fill(slot, entries)

    def _over(self, slot: Slot, value: Json) -> Iterator[list[Splice]]:
        """Write a value over the one that is there."""
        refuse_borrowed(slot)
        if same(slot.value, value):  # it is so already, before the edits that go with it
            yield []
            return
        match slot.node, value:
            case Scalar() as node, [first, *more] if slot.value is not None and same(
                slot.value, first
            ):
                yield self._wrap(slot, node, more)
            case Scalar(), list() | dict() if value:
                yield self._fill(slot, value)
            case Scalar() as node, _:
                yield [self._replace_scalar(slot, node, value)]
            case Sequence() as node, list() if same(slot.value, value[: len(slot.value)]):
                yield self._append(slot, node, value[len(slot.value) :])
            case Mapping(), dict() if list(slot.value) == list(value)[: len(slot.value)]:
                yield self._over_entries(slot, value)
            case Mapping() | Sequence() as node, _:
                yield from self._replace_collection(slot, node, value)

    def _over_entries(self, slot: Slot, value: dict[str, Json]) -> list[Splice]:
        """Write a mapping over one whose keys it keeps: what differs, then what is new."""
        splices: list[Splice] = []
        new: dict[str, Json] = {}
        for key, below in value.items():
            inner = slot_below(slot, key)
            if inner is None:
                new[key] = below
            elif not same(inner.value, below):
                splices += next(self._over(inner, below))
        return splices + (next(self._put_entries(slot, new)) if new else [])

    def _fill(self, slot: Slot, value: Json) -> list[Splice]:
        """Write a collection in the place of a null, an empty collection or a scalar."""
        node, parent = slot.node, slot.parent
        refuse_properties(node)
        if isinstance(node, Scalar) and node.style in ("|", ">"):
            raise RewriteError("there is a block of text in its place")
        quotes = quotes_of([node]) if slot.value is not None else ""
        written = node.start < node.end
        if self._in_flow(slot) or (parent is None and written):
            return [self._inline(slot, self._one_line(value, slot, quotes))]
        lines = self._block(value, quotes)
        if parent is None:
            return [self._lines_below(node.start, lines, 0)]
        if slot.key is None:
            if written or not is_blank(self.text[node.start : line_end(self.text, node.start)]):
                return [self._inline(slot, self._one_line(value, slot, quotes))]
            gap = " " * self.style.gap
            indent = column(self.text, node.start) + len(gap)
            first = Splice(node.start, node.start, gap + lines[0])
            return [first, self._lines_below(node.start, lines[1:], indent)]
        colon = self._behind_colon(slot.key, node)
        indent = self._indent_below(slot.key, value)
        if not written:
            return [self._lines_below(colon, lines, indent)]
        if self._on_line_of(colon, node.start):
            return [Splice(colon, node.end, ""), self._lines_below(node.end, lines, indent)]
        return [self._lines_at(node.start, node.end, lines)]

    def _inline(self, slot: Slot, written: str) -> Splice:
        """Write a value on one line in the place of a slot's text, or where it has none."""
        node = slot.node
        if node.start == node.end:
            colon = "" if self.text[node.start - 1 : node.start] in (":", "-") else ":"
            written = f"{colon} {written}"
        return Splice(node.start, node.end, written)

    def _replace_scalar(self, slot: Slot, node: Scalar, value: Json) -> Splice:
        refuse_properties(node)
        if node.style == "|" and isinstance(value, str):
            return self._replace_literal(node, value)
        if node.style in ("|", ">"):
            raise RewriteError("there is a block of text in its place")
        return self._inline(slot, self._one_line(value, slot, node.style))

    def _replace_literal(self, node: Scalar, value: str) -> Splice:
        """Write the lines of a `|` block that change; its header and its other lines stay."""
        text = self.text
        old, new = node.value.rstrip("\n").split("\n"), value.rstrip("\n").split("\n")
        if len(node.value) - len("\n".join(old)) != len(value) - len("\n".join(new)):
            raise RewriteError("the block of text would end in another way")
        if value.lstrip("\n")[:1] in (" ", "\t"):
            raise RewriteError("the block of text would start with blanks")
        starts: list[int] = []
        line = next_line(text, node.start)
        while line < node.end and len(starts) < len(old):
            starts.append(line)
            line = next_line(text, line)
        written = next((i for i, said in enumerate(old) if said), None)
        if len(starts) < len(old) or written is None:
            raise RewriteError("the block of text cannot be changed line by line")
        pad = " " * (line_end(text, starts[written]) - starts[written] - len(old[written]))
        head = _common(old, new)
        tail = min(_common(old[::-1], new[::-1]), len(old) - head, len(new) - head)
        newline = newline_near(text, node.start, self.newline)
        lines = [pad + said if said else "" for said in new[head : len(new) - tail]]
        # Each line goes with the line break before it: the last one may have none of its own.
        start = line_end(text, starts[head - 1]) if head else line_end(text, node.start)
        end = line_end(text, starts[len(old) - tail - 1]) if tail < len(old) else start
        return Splice(start, end, "".join(newline + line for line in lines))

    def _wrap(self, slot: Slot, node: Scalar, more: list[Json]) -> list[Splice]:
        """Make a scalar the first item of a list. Its text stays, and so does its comment."""
        refuse_properties(node)
        start, end = node.start, node.end
        if node.style in ("|", ">") or not self._on_line_of(start, end):
            raise RewriteError("a text of several lines stands in its place")
        if self._in_flow(slot):
            outer, inner = self._json_pads(slot, [slot.value, *more])
            comma = "," if inner else self.json.comma if self.json else ", "
            items = [comma + inner + self._one_line(below, slot, node.style) for below in more]
            return [
                Splice(start, start, "[" + inner),
                Splice(end, end, "".join(items) + outer + "]"),
            ]
        lines = self._block(more, node.style)
        dash = "-" + " " * self.style.gap
        if slot.key is None or not self._on_line_of(slot.key.end, start):
            left = column(self.text, start)
            return [Splice(start, start, dash), self._lines_below(end, lines, left)]
        indent = self._indent_below(slot.key, [slot.value])
        lead = newline_near(self.text, start, self.newline) + " " * indent + dash
        first = Splice(self._behind_colon(slot.key, node), start, lead)
        return [first, self._lines_below(end, lines, indent)]

    def _replace_collection(
        self, slot: Slot, node: Mapping | Sequence, value: Json
    ) -> Iterator[list[Splice]]:
        """Write a value over a whole collection. Comments inside are the proof's to refuse."""
        refuse_anchors(node)
        if isinstance(value, list | dict) and value:
            if node.start + 2 >= node.end and self._unfolds(slot):
                yield self._fill(slot, value)
            elif node.flow:
                yield [Splice(node.start, node.end, self._one_line(value, slot, ""))]
            elif isinstance(value, dict) and isinstance(node, Sequence) and slot.key is not None:
                # A list may stand in its key's column; a mapping may not.
                start = line_start(self.text, node.start)
                pad = " " * self._indent_below(slot.key, value)
                newline = newline_near(self.text, start, self.newline)
                lines = newline.join(pad + line for line in self._block(value))
                yield [Splice(start, node.end, lines)]
            else:
                yield [self._lines_at(node.start, node.end, self._block(value))]
            return
        siblings = slot.parent.items if isinstance(slot.parent, Sequence) else []
        written = self._one_line(value, slot, quotes_of(siblings))
        if slot.key is not None and not node.flow:
            yield [Splice(self._behind_colon(slot.key, node), node.end, " " + written)]
        yield [Splice(node.start, node.end, written)]

    # Block collections

    def _add(self, mapping: Mapping, entries: dict[str, Json]) -> Iterator[list[Splice]]:
        """Add entries to a block mapping: at its end, or further up where nothing can follow it."""
        text, first = self.text, mapping.pairs[0][0]
        if self._is_explicit(first):
            raise RewriteError("the keys are written in the `? key` form")
        left = column(text, first.outer)
        style = self.style._replace(key_quotes=key_quotes_of(mapping))
        lines = [line for key, value in entries.items() for line in entry(key, value, style)]
        yield [self._lines_below(mapping.end, lines, left)]
        # A `|` where the file ends without a line break: any line below becomes its text.
        if len(mapping.pairs) > 1:
            key, value = mapping.pairs[-2]
            yield [self._lines_below(max(key.end, value.end), lines, left)]
        elif not self._has_comment_above(first.outer):
            pad = newline_near(text, first.outer, self.newline) + " " * left
            yield [Splice(first.outer, first.outer, pad.join([*lines, ""]))]

    def _has_comment_above(self, at: int) -> bool:
        start = line_start(self.text, at)
        above = line_start(self.text, max(0, start - 2))
        return start > 0 and self.text[above:start].lstrip().startswith("#")

    def _append(self, slot: Slot, sequence: Sequence, values: list[Json]) -> list[Splice]:
        quotes = quotes_of(sequence.items)
        if sequence.flow:
            if not sequence.items and self._unfolds(slot) and isinstance(values[0], list | dict):
                return self._fill(slot, values)
            return self._add_in_flow(slot, sequence, self._flow_items(sequence, values))
        gap = gap_of(self.text, sequence.items) or self.style.gap
        style = self.style._replace(quotes=quotes, gap=gap)
        lines = [line for value in values for line in item(value, style)]
        return [self._lines_below(sequence.end, lines, column(self.text, sequence.start))]

    # Flow collections

    def _flow_pairs(self, mapping: Mapping, entries: dict[str, Json]) -> list[_Entry]:
        if self.json is not None:
            flat = self.json._replace(indent=None)
            return [
                _Entry(json_entry(key, value, flat)[0], json_entry(key, value, self.json))
                for key, value in entries.items()
            ]
        quotes = key_quotes_of(mapping)
        style = Style(quotes=quotes, key_quotes=quotes)
        written = [flow_entry(key, value, style) for key, value in entries.items()]
        return [_Entry(text, [text]) for text in written]

    def _flow_items(self, sequence: Sequence, values: list[Json]) -> list[_Entry]:
        if self.json is not None:
            flat = self.json._replace(indent=None)
            return [_Entry(json_lines(v, flat)[0], json_lines(v, self.json)) for v in values]
        style = Style(quotes=quotes_of(sequence.items))
        return [_Entry(text, [text]) for text in (flow(value, style) for value in values)]

    def _add_in_flow(self, slot: Slot, node: Mapping | Sequence, new: list[_Entry]) -> list[Splice]:
        """Add entries at the end of a flow collection, laid out like the one before them."""
        text, close = self.text, node.end - 1
        if text[node.start] not in "{[":
            raise RewriteError("there are no brackets around it")
        entries = _stretches(node)
        if not entries:
            return [self._first_in_flow(slot, node, new)]
        start, end = entries[-1]
        comma = _COMMA.match(text, end)
        behind = comma.end() if comma else end
        below = line_end(text, behind)
        rest = text[behind : min(below, close)].strip()
        line = line_start(text, start)
        spread = line > node.start and is_blank(text[line:start])
        newline = newline_near(text, node.start, self.newline)
        pad = newline + (text[line:start] if spread else " " * column(text, entries[0][0]))
        if (spread and not rest and below < close) or rest.startswith("#"):
            # On lines of their own; a comment stays beside the entry that it stands beside.
            written = [pad + (pad.join(e.spread) if spread else e.flat) for e in new]
            here = [] if comma else [Splice(end, end, ",")]
            return [*here, Splice(below, below, ",".join(written) + ("," if comma else ""))]
        if spread:
            written = ["," + pad + pad.join(e.spread) for e in new]
        else:
            written = [(self.json.comma if self.json else ", ") + e.flat for e in new]
        return [Splice(end, end, "".join(written))]

    def _first_in_flow(self, slot: Slot, node: Mapping | Sequence, new: list[_Entry]) -> Splice:
        """Add entries to an empty flow collection."""
        text, start, close = self.text, node.start + 1, node.end - 1
        outer, inner = self._json_pads(slot, [0] if isinstance(node, Sequence) else {"k": 0})
        if inner:
            written = ",".join(inner + inner.join(e.spread) for e in new)
            return Splice(start, close, written + outer)
        flat = (self.json.comma if self.json else ", ").join(e.flat for e in new)
        return Splice(start if is_blank(text[start:close]) else close, close, flat)

    # Rename and Remove

    def _rename(self, slot: Slot, name: str) -> Splice:
        key = slot.key
        if not isinstance(key, Scalar):
            raise RewriteError("the key is an alias")
        refuse_properties(key)
        if self._is_explicit(key):
            raise RewriteError("the key is written in the `? key` form")
        if self.json is not None:
            return Splice(key.start, key.end, json_lines(name, self.json)[0])
        written = key_alone(name, key.style, in_flow=self._in_flow(slot))
        return Splice(key.start, key.end, written)

    def _remove(self, slot: Slot, around: Slot) -> Iterator[list[Splice]]:
        parent = slot.parent
        if parent is None:
            raise RewriteError("a whole document is never removed")
        refuse_anchors(slot.node)
        if parent.flow:
            yield from self._remove_in_flow(parent, slot.place)
            return
        start, end = self._block_stretch(parent, slot.place)
        if len(_stretches(parent)) > 1:
            if slot.place == 0 and not is_blank(self.text[line_start(self.text, start) : start]):
                yield [Splice(start, self._block_stretch(parent, 1)[0], "")]
            else:
                yield [self._whole_lines(start, end)]
            return
        empty = "{}" if isinstance(parent, Mapping) else "[]"
        if around.key is None or self._on_line_of(around.key.end, start):
            yield [Splice(parent.start, parent.end, empty)]
        else:
            colon = self._behind_colon(around.key, parent)
            yield [Splice(colon, colon, " " + empty), self._whole_lines(start, end)]

    def _block_stretch(self, parent: Mapping | Sequence, place: int) -> tuple[int, int]:
        """Return where an entry of a block collection starts, with its dash, and ends."""
        start, end = _stretches(parent)[place]
        return (self._dash(parent, place) if isinstance(parent, Sequence) else start), end

    def _whole_lines(self, start: int, end: int) -> Splice:
        """Take away whole lines. A file that ends without a line break still does afterwards."""
        first, last = line_start(self.text, start), next_line(self.text, end)
        if last == line_end(self.text, end) and first > 0:
            before = first - 2 if self.text[first - 2 : first] == "\r\n" else first - 1
            return Splice(before, last, "")
        return Splice(first, last, "")

    def _remove_in_flow(self, node: Mapping | Sequence, place: int) -> Iterator[list[Splice]]:
        if self.text[node.start] not in "{[":
            raise RewriteError("there are no brackets around it")
        stretches = _stretches(node)
        start, end = stretches[place]
        if len(stretches) == 1:
            yield [Splice(node.start + 1, node.end - 1, "")]
        if place > 0:
            yield [Splice(stretches[place - 1][1], end, "")]
        if place < len(stretches) - 1:
            yield [Splice(start, stretches[place + 1][0], "")]

    # Where things stand

    def _behind_colon(self, key: Node, node: Node) -> int:
        """Return where a value's own text may start: behind the colon, anchor and tag."""
        if node.outer < node.start:
            return node.outer + len(self.text[node.outer : node.start].rstrip())
        found = _COLON.match(self.text, key.end)
        if found is None or self._is_explicit(key):
            raise RewriteError("the key is written in the `? key` form")
        return found.end()

    def _is_explicit(self, key: Node) -> bool:
        return self.text[line_start(self.text, key.outer) : key.outer].rstrip(" \t").endswith("?")

    def _dash(self, sequence: Sequence, place: int) -> int:
        """Return where the dash of a block sequence's item stands."""
        if place == 0:
            return sequence.start
        left = column(self.text, sequence.start)
        behind = sequence.items[place].outer
        line = next_line(self.text, sequence.items[place - 1].end)
        while line + left < behind:
            if self.text[line + left] == "-" and is_blank(self.text[line : line + left]):
                return line + left
            line = next_line(self.text, line)
        raise RewriteError("the dash of the item was not found")

    def _on_line_of(self, at: int, other: int) -> bool:
        return line_start(self.text, at) == line_start(self.text, other)

    def _in_flow(self, slot: Slot) -> bool:
        return self.json is not None or (slot.parent is not None and slot.parent.flow)

    def _unfolds(self, slot: Slot) -> bool:
        """Say whether an empty flow collection gives way to a block: it is a block key's value."""
        return isinstance(slot.parent, Mapping) and not self._in_flow(slot)

    # How things are written

    @property
    def style(self) -> Style:
        """The style around what the edit changes, measured when it is first asked for."""
        if self._style is None:
            self._style = style_near(self.text, [*self._near, *self.roots])
        return self._style

    def _one_line(self, value: Json, slot: Slot, quotes: str) -> str:
        """Write a value for the place of a slot: on one line, but where JSON spreads it."""
        if self.json is not None:
            outer, inner = self._json_pads(slot, value)
            return outer.join(
                json_lines(value, self.json if inner else self.json._replace(indent=None))
            )
        style = Style(quotes=quotes)
        if self._in_flow(slot) or isinstance(value, list | dict):
            return flow(value, style)
        return scalar(value, style)

    def _json_pads(self, slot: Slot, value: Json) -> tuple[str, str]:
        """Return what goes before the last bracket of a new collection, and before its entries.

        That is a line break and blanks where JSON is spread over lines, and nothing elsewhere.
        """
        json, entry_starts = self.json, (slot.key or slot.node).outer
        line = line_start(self.text, entry_starts)
        if (
            json is None
            or json.indent is None
            or not isinstance(value, list | dict)
            or (json.flat_lists and isinstance(value, list))
            or not is_blank(self.text[line:entry_starts])
        ):
            return "", ""
        outer = newline_near(self.text, line, self.newline) + self.text[line:entry_starts]
        return outer, outer + json.indent

    def _block(self, value: Json, quotes: str = "") -> list[str]:
        """Return the lines of a block collection that starts in column 0."""
        style = self.style._replace(quotes=quotes)
        if isinstance(value, dict):
            return [line for key, below in value.items() for line in entry(key, below, style)]
        return [line for below in value for line in item(below, style)]

    def _indent_below(self, key: Node, value: Json) -> int:
        """Return the column of a block collection below its key."""
        deeper = self.style.offset if isinstance(value, list) else self.style.step
        return column(self.text, key.outer) + deeper

    def _lines_below(self, at: int, lines: list[str], indent: int) -> Splice:
        """Write lines below the line of `at`, and below the comments that hang on it.

        A last line without a line break stays without one.
        """
        at = self._behind_deeper_comments(at, indent)
        end, below = line_end(self.text, at), next_line(self.text, at)
        newline = newline_near(self.text, at, self.newline)
        pad = " " * indent
        if below == end:
            return Splice(end, end, "".join(newline + pad + line for line in lines))
        return Splice(below, below, "".join(pad + line + newline for line in lines))

    def _behind_deeper_comments(self, at: int, indent: int) -> int:
        """Go on over comments on lines of their own that stand further right than what comes next."""
        below = next_line(self.text, at)
        while below > at:
            found = _COMMENT_LINE.match(self.text, below)
            if found is None or found.end() - below - 1 <= indent:
                break
            at, below = found.end(), next_line(self.text, found.end())
        return at

    def _lines_at(self, start: int, end: int, lines: list[str]) -> Splice:
        """Write lines in the place of a stretch, all in the column where it starts."""
        pad = newline_near(self.text, start, self.newline) + " " * column(self.text, start)
        return Splice(start, end, pad.join(lines))

    def _first_document(self, tree: Json) -> Splice:
        """Write the first document of a file that has none, below its comments."""
        end, lines = len(self.text), self._block(tree)
        if line_start(self.text, end) < end:
            newline = newline_near(self.text, end, self.newline)
            return Splice(end, end, "".join(newline + line for line in lines))
        return Splice(end, end, "".join(line + self.newline for line in lines))


def _stretches(node: Mapping | Sequence) -> list[tuple[int, int]]:
    """Return where the entries of a collection start and end."""
    if isinstance(node, Mapping):
        return [(key.outer, max(key.end, value.end)) for key, value in node.pairs]
    return [(below.outer, below.end) for below in node.items]


def _common(one: list[str], other: list[str]) -> int:
    """Return how many lines two texts have in common at their start."""
    count = 0
    for line, twin in zip(one, other, strict=False):
        if line != twin:
            break
        count += 1
    return count

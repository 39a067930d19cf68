"""YAML files as RKE2 and Kubernetes read them: bytes in, documents with true positions out.

libyaml gives the events; they are composed here, in one loop without recursion, because libyaml's
own composer dies of 100,000 brackets. What the scalars mean is go-yaml's word (`scalars`).
"""

from __future__ import annotations

import codecs
import gc
import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from typing import Any, Final, NamedTuple

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
    StreamEndEvent,
)
from yaml.reader import ReaderError

from rke2_policies.document import Document, DocumentId, Span
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence, Target
from rke2_policies.nodes import resolve as target_of
from rke2_policies.route import Json, Repeated, Route, Step
from rke2_policies.scalars import MEANINGFUL, ScalarError, is_merge, key_text, plain
from rke2_policies.scalars import resolve as meaning

try:
    from yaml import CSafeLoader as _Loader

    FAST = True
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

    FAST = False
"""Whether libyaml reads. Without it files take 25 times as long, and tabs are refused more often."""

MAX_BYTES: Final = 16 * 1024 * 1024
MAX_DEPTH: Final = 200
"""How deep collections may stand in each other. The deepest custom resources have some sixty levels,
and everything that walks a tree stays clear of Python's own limit."""
MAX_PROBLEMS: Final = 20
_TOO_DEEP = f"more than {MAX_DEPTH} collections stand in each other"
MAX_REPEATED: Final = 1000

_ENCODINGS = (
    # go-yaml and libyaml tell UTF-16 by its mark only (readerc.go, yaml_parser_determine_encoding).
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# What go-yaml's reader and libyaml's refuse (readerc.go, yaml_parser_update_buffer).
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEXT_DOCUMENT = re.compile(r"(?<=[\r\n])---(?=[ \t\r\n]|\Z)")
_LINE_END = re.compile(r"\r\n|\n|\r")
_TO_COLON = re.compile(r"(?:[ \t\r\n]|#[^\r\n]*(?=[\r\n]))*:")
# Anchor and tag, in any order, with the blanks, line ends and comments that follow each.
_PROPERTIES = re.compile(
    r"(?:(?:&[\w-]+|!<[^>\s]*>|![^\s]*)(?:[ \t\r\n]+(?:#[^\r\n]*)?)*)+", re.ASCII
)
_FIRST_INDENT = re.compile(r"[\r\n]( *)[^ \r\n]")
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*")
_BAD_ESCAPE = re.compile(r'"(?:[^\\]|\\[^/])*\\/', re.DOTALL)


class SyntaxProblem(NamedTuple):
    """Why a document cannot be read, or why RKE2 and Kubernetes would refuse it."""

    document: int
    """The document's place in the file, from 0."""
    message: str
    span: Span


class Position(NamedTuple):
    """Line and column of a character, from 1, in code points."""

    line: int
    column: int


class Source:
    """A file: its text, its nodes, and the documents they say.

    `roots` and `documents` run side by side; a document that cannot be read has the root None and
    the tree None, and is among the `problems`.
    """

    __slots__ = (
        "_encoding",
        "_lines",
        "_mark",
        "_original",
        "documents",
        "masked",
        "newline",
        "path",
        "problems",
        "roots",
        "text",
    )

    def __init__(
        self, path: str, text: str, mark: bytes, encoding: str, original: bytes | None
    ) -> None:
        self.path = path
        self.text = text
        """The text without its byte order mark."""
        self.masked: str | None = None
        """Why the text had to be masked before it was parsed ("Go/Helm template"); never fixed then."""
        self.roots: tuple[Node | None, ...] = ()
        self.documents: tuple[Document, ...] = ()
        self.problems: tuple[SyntaxProblem, ...] = ()
        self.newline = _newline(text)
        """The line ending that the file uses most."""
        self._mark = mark
        self._encoding = encoding
        self._original = original
        self._lines: list[int] | None = None

    @classmethod
    def read(cls, path: str, data: bytes) -> Source:
        """Read a file. Any bytes will do: what is wrong with them is among the `problems`."""
        mark, encoding = next(((m, e) for m, e in _ENCODINGS if data.startswith(m)), (b"", "utf-8"))
        if len(data) > MAX_BYTES:
            source = cls(path, "", mark, encoding, data)
            message = f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB, and was not read"
            source.problems = (SyntaxProblem(0, message, Span(0, 0)),)
            return source
        body = data[len(mark) :]
        try:
            source = cls(path, body.decode(encoding), mark, encoding, None)
            readable = len(source.text)
        except UnicodeDecodeError as bad:
            source = cls(path, body.decode(encoding, "replace"), mark, encoding, data)
            readable = len(body[: bad.start].decode(encoding, "replace"))
        source._parse(readable)
        return source

    def with_text(self, text: str) -> Source:
        """Read another text as this file. Byte order mark and encoding are kept."""
        source = Source(self.path, text, self._mark, self._encoding, None)
        source._parse(len(text))
        return source

    @property
    def data(self) -> bytes:
        """The bytes of the file."""
        if self._original is not None:
            return self._original
        return self._mark + self.text.encode(self._encoding)

    def position(self, offset: int) -> Position:
        """Return where a character stands. Lines end at LF, CR LF and CR, as in editors."""
        if self._lines is None:
            self._lines = [0, *(found.end() for found in _LINE_END.finditer(self.text))]
        line = bisect_right(self._lines, offset)
        return Position(line, offset - self._lines[line - 1] + 1)

    def _parse(self, readable: int) -> None:
        collecting = gc.isenabled()
        gc.disable()  # composing makes nothing but what is kept: 1.9 times as fast without
        try:
            try:
                reading = _Reading(self.path, self.text, readable)
                reading.run()
            except ReaderError:  # it says no position that could be used
                found = _UNREADABLE.search(self.text)
                reading = _Reading(self.path, self.text, found.start() if found else 0)
                reading.run()
        finally:
            if collecting:
                gc.enable()
        self.roots = tuple(reading.roots)
        self.documents = tuple(reading.documents)
        self.problems = tuple(reading.problems)


def _newline(text: str) -> str:
    both = text.count("\r\n")
    counts = {"\n": text.count("\n") - both, "\r\n": both, "\r": text.count("\r") - both}
    return max(counts, key=counts.__getitem__)


class _Refused(Exception):  # noqa: N818 - it ends a document, and is no error of ours
    """The document cannot be read, or RKE2 and Kubernetes would refuse it."""

    def __init__(self, message: str, start: int, end: int) -> None:
        super().__init__(message)
        self.message = message
        self.span = Span(start, end)


class _Reading:
    """One way through a text: documents one after the other, and on after a broken one."""

    def __init__(self, path: str, text: str, readable: int) -> None:
        self.path = path
        self.text = text
        self.readable = readable
        """Where the text ends, or where the first character stands that nobody can read."""
        self.roots: list[Node | None] = []
        self.documents: list[Document] = []
        self.problems: list[SyntaxProblem] = []
        self.ended = True
        """Whether the last document was read to an end that the text shows."""

    def run(self) -> None:
        base = 0
        while True:
            at = self._stream(base)
            if at is None or len(self.problems) >= MAX_PROBLEMS:
                break
            # `---` at the start of a line is a mark wherever it stands: the next document begins.
            found = _NEXT_DOCUMENT.search(self.text, max(at - 1, base + 1), self.readable)
            if found is None:
                break
            base = found.start()
        if self.readable < len(self.text):
            self._break_off()
        elif not self.documents:
            self.roots.append(None)
            self.documents.append(Document(DocumentId(self.path), None))

    def _stream(self, base: int) -> int | None:
        """Read from `base` to the end, or to a document that cannot be read: return where."""
        text = self.text[base : self.readable]
        if FAST and text.startswith("\ufeff"):
            text = "\ufeff" + text  # libyaml takes the first one away, and does not count it
        loader = _Loader(text)
        at = base
        try:
            next_event: Callable[[], Any] = loader.get_event
            while True:
                event: Any = next_event()
                if type(event) is DocumentStartEvent:
                    at = event.start_mark.index + base
                    self.ended = False
                    self._document(event, next_event, base)
                elif type(event) is StreamEndEvent:
                    return None
        except _Refused as refused:
            self._refuse(refused)
            return max(at, refused.span.start)
        except yaml.MarkedYAMLError as error:
            broken = _syntax(error, base, len(self.text))
            self._refuse(broken)
            return max(at, broken.span.start)
        finally:
            loader.dispose()

    def _document(self, event: Any, next_event: Callable[[], Any], base: int) -> None:
        start: int = event.start_mark.index + base
        end: int = event.end_mark.index + base
        if event.version is not None and tuple(event.version) != (1, 1):
            raise _Refused("RKE2 and Kubernetes know YAML 1.1 only", start, end)
        composed = _compose(next_event, self.text, base, end)
        number = len(self.documents)
        reader = _Meaning(DocumentId(self.path, number), composed)
        self.documents.append(reader.document())
        self.roots.append(composed.root)
        self.problems += reader.problems
        self.ended = composed.ended

    def _refuse(self, refused: _Refused) -> None:
        number = len(self.documents)
        self.problems.append(SyntaxProblem(number, refused.message, refused.span))
        self.roots.append(None)
        self.documents.append(Document(DocumentId(self.path, number), None))

    def _break_off(self) -> None:
        """Give up the document in which the first unreadable character stands."""
        if self.documents and not self.ended:
            number = len(self.documents) - 1
            self.roots.pop()
            self.documents.pop()
            self.problems = [p for p in self.problems if p.document < number]
        character = self.text[self.readable]
        message = (
            "the bytes from here on are not text of the file's encoding"
            if character == "\ufffd"
            else f"the character U+{ord(character):04X} is not allowed in YAML"
        )
        self._refuse(_Refused(message, self.readable, self.readable + 1))


class _Composed(NamedTuple):
    root: Node
    finished: list[Sequence | Mapping]
    """All collections, inner ones before those around them."""
    aliased: bool
    ended: bool


def _compose(next_event: Callable[[], Any], text: str, base: int, floor: int) -> _Composed:
    """Compose one document from its events. `floor` is where its `---` ends."""
    anchors: dict[str, Target] = {}
    finished: list[Sequence | Mapping] = []
    around: list[tuple[Sequence | Mapping | None, list[Any], Node | None]] = []
    here: Sequence | Mapping | None = None
    children: list[Any] = []
    key: Node | None = None
    aliased = False
    node: Node
    while True:
        event = next_event()
        kind = type(event)
        if kind is ScalarEvent:
            node = _scalar(event, text, base, floor, key, here)
            if node.anchor is not None:
                anchors[node.anchor] = node
        elif kind is MappingStartEvent or kind is SequenceStartEvent:
            if len(around) >= MAX_DEPTH:
                at = event.start_mark.index + base
                raise _Refused(_TOO_DEEP, at, at + 1)
            around.append((here, children, key))
            here = _collection(event, text, base)
            children = here.pairs if type(here) is Mapping else here.items  # type: ignore[union-attr]
            key = None
            if here.anchor is not None:
                anchors[here.anchor] = here
            continue
        elif kind is MappingEndEvent or kind is SequenceEndEvent:
            done: Any = here
            # A block collection's end mark lies, and `[a: b]` has a mapping without brackets.
            if done.flow and event.end_mark.index > event.start_mark.index:
                done.end = event.end_mark.index + base
            elif children:
                last = children[-1]
                done.end = last[1].end if type(done) is Mapping else last.end
            finished.append(done)
            node = done
            here, children, key = around.pop()
        elif kind is AliasEvent:
            aliased = True
            start, end = event.start_mark.index + base, event.end_mark.index + base
            target = anchors.get(event.anchor)
            if target is None:
                raise _Refused(f"there is no anchor &{event.anchor} above this alias", start, end)
            node = Alias(event.anchor, target, start, end)
        else:
            return _Composed(children[0], finished, aliased, event.explicit)

        if type(here) is not Mapping:
            children.append(node)
        elif key is None:
            key = node
        else:
            children.append((key, node))
            key = None


def _scalar(
    event: Any, text: str, base: int, floor: int, key: Node | None, here: Sequence | Mapping | None
) -> Scalar:
    start = outer = event.start_mark.index + base
    end = event.end_mark.index + base
    value, style, anchor, tag = event.value, event.style or "", event.anchor, event.tag
    if style == "":
        if value == "":
            if anchor is None and tag is None:
                start = end = outer = _null(text, start, floor, key, here)
            else:
                start = end
        elif anchor is not None or tag is not None:
            start = _behind_properties(text, start)
    else:
        if anchor is not None or tag is not None:
            start = _behind_properties(text, start)
        if style in "|>":
            end = _end_of_block(text, start, end, value)
        elif style == '"' and "\\/" in text[start:end] and _BAD_ESCAPE.match(text, start, end):
            raise _Refused("RKE2 and Kubernetes do not know the escape \\/", start, end)
    return Scalar(value, style, start, end, outer=outer, anchor=anchor, tag=tag)


def _collection(event: Any, text: str, base: int) -> Sequence | Mapping:
    start = outer = event.start_mark.index + base
    if event.anchor is not None or event.tag is not None:
        # The mark behind the properties: behind the bracket, at the first key, at the first
        # dash, or (in a list that is not indented) behind it.
        start = event.end_mark.index + base
        if event.flow_style or (
            type(event) is SequenceStartEvent and text[start : start + 1] != "-"
        ):
            start -= 1
    make = Mapping if type(event) is MappingStartEvent else Sequence
    return make(start, flow=bool(event.flow_style), outer=outer, anchor=event.anchor, tag=event.tag)


def _behind_properties(text: str, outer: int) -> int:
    found = _PROPERTIES.match(text, outer)
    return found.end() if found else outer


def _null(
    text: str, mark: int, floor: int, key: Node | None, here: Sequence | Mapping | None
) -> int:
    """Return where a value that is not written would stand: behind its colon, dash or `---`."""
    if here is None:
        return floor
    if key is None or text[mark - 1 : mark] == ":":
        return mark
    found = _TO_COLON.match(text, key.end, mark)
    return found.end() if found else key.end


def _end_of_block(text: str, start: int, end: int, value: str) -> int:
    """Return the end of the last line of a block scalar, without its line break.

    Blank lines below it belong to the scalar only where it keeps them (`|+`).
    """
    found = _BLOCK_HEADER.match(text, start)
    header = found.end() if found else start + 1
    if not value:
        return header
    kept = "+" in text[start:header]
    indent: int | None = None
    while True:
        if text[end - 1] == "\n":
            end -= 2 if text[end - 2 : end - 1] == "\r" else 1
        elif text[end - 1] == "\r":
            end -= 1
        if kept:
            return end
        begin = max(text.rfind("\n", header, end), text.rfind("\r", header, end)) + 1
        blank = text[begin:end].strip(" ")
        if blank or begin == 0:
            return end
        if begin < end:
            if indent is None:
                indent = _indent_of_block(text[header:end], value)
            if end - begin > indent:
                return end  # blanks beyond the indent are text
        end = begin


def _indent_of_block(raw: str, value: str) -> int:
    written = _FIRST_INDENT.search(raw)
    meant = _FIRST_INDENT.search("\n" + value)
    return len(written[1]) - len(meant[1]) if written and meant else 0


def _syntax(error: yaml.MarkedYAMLError, base: int, length: int) -> _Refused:
    """Say what libyaml says, at the place where a person would look."""
    mark, problem = error.problem_mark, error.problem or "not YAML"
    if error.context_mark is not None and (
        mark is None or problem.startswith(("could not find expected ':'", "found unexpected end"))
    ):
        mark = error.context_mark  # what was begun there; libyaml noticed only further down
    at = min(base + mark.index if mark is not None else base, length)
    context = f"{error.context}: " if error.context else ""
    return _Refused(context + problem, at, min(at + 1, length))


class _Again(NamedTuple):
    """An entry whose key its mapping says again further down."""

    mapping: Mapping
    step: Repeated
    key: Node
    value: Json


class _Meaning:
    """What a composed document says to go-yaml."""

    def __init__(self, id: DocumentId, composed: _Composed) -> None:
        self.id = id
        self.root = composed.root
        self.finished = composed.finished
        self.values: dict[int, Json] = {}
        self.problems: list[SyntaxProblem] = []
        self.repeated: list[_Again] = []
        self.lost: list[tuple[Mapping, Json]] = []
        self.kubernetes = type(self.root) is Mapping and any(
            type(key) is Scalar and key.value in ("apiVersion", "kind", "type")
            for key, _ in self.root.pairs
        )
        if composed.aliased:
            _check_aliases(composed)

    def document(self) -> Document:
        for node in self.finished:
            self.values[id(node)] = (
                self._mapping(node)
                if type(node) is Mapping
                else [self._value(n) for n in node.items]  # type: ignore[union-attr]
            )
        tree = self._value(self.root)
        if not self.repeated and not self.lost:
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
        )

    def _problem(self, message: str, node: Node) -> None:
        if len(self.problems) < MAX_PROBLEMS:
            span = Span(node.outer, node.end)
            self.problems.append(SyntaxProblem(self.id.number, message, span))

    def _value(self, node: Node) -> Json:
        if type(node) is Scalar:
            text = node.value
            if node.tag is None:
                return text if node.style or (text and text[0] not in MEANINGFUL) else plain(text)
            try:
                return meaning(text, node.style, node.tag)
            except ScalarError as error:
                self._problem(f"RKE2 and Kubernetes refuse this value: {error}", node)
                return text
        if type(node) is Alias:
            return self._value(node.target)
        return self.values[id(node)]

    def _mapping(self, node: Mapping) -> Json:
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
            if name in tree:
                repeats = True
                # In the order of the last entries: RKE2 goes through the file that way.
                del tree[name]
            tree[name] = self._value(item)
        if lost is not None:
            self.lost.append((node, lost))
        if repeats:
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
        if type(item) is Sequence:
            sources = item.items[::-1]  # in a list of mappings the first one is in force
        for source in sources:
            if type(source) is Alias and type(source.target) is Mapping:
                values = self.values[id(source.target)]
            elif type(source) is Mapping:
                values = self.values[id(source)]
            else:
                self._problem("only mappings can be merged: RKE2 and Kubernetes refuse this", item)
                return
            into.update(values)

    def _key(self, node: Node) -> str:
        if type(node) is Scalar and node.tag is None:
            text = node.value
            if node.style or (text and text[0] not in MEANINGFUL):
                return text
        value = self._value(node)
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


def _check_aliases(composed: _Composed) -> None:
    """Refuse what go-yaml refuses: aliases inside what they stand for, and too many of them.

    Nothing is expanded. The steps that go-yaml would take are counted, every alias adding the size
    of its target at once.
    """
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
                if id(target) not in sizes:
                    raise _Refused(
                        "the value of this anchor contains itself", child.start, child.end
                    )
                deepest = max(deepest, depths[id(target)])
            total += size(child)
        sizes[id(node)] = total
        depths[id(node)] = deepest + 1
        if deepest >= MAX_DEPTH:
            raise _Refused(_TOO_DEEP, node.start, node.end)

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
                raise _Refused("the document contains excessive aliasing", inner.start, inner.end)
        elif not isinstance(inner, Scalar):
            waiting += list(_decoded(inner))[::-1]
        if (steps == _MANY or not waiting) and _excessive(steps, aliased):
            raise _Refused("the document contains excessive aliasing", inner.start, inner.end)


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

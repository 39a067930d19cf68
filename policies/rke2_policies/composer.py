"""From text to nodes: libyaml's events, composed in one loop without recursion.

libyaml's own composer dies of 100,000 brackets. Where libyaml 0.2.5 is kinder than go-yaml v2.4.0,
with which RKE2 and Kubernetes read, the document is refused here too.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import islice
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

from rke2_policies.document import Span
from rke2_policies.lazy_pattern import lazily
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Sequence, Target
from rke2_policies.route import Templated
from rke2_policies.templates import Mask, column_of

try:
    from yaml import CSafeLoader as _Loader

    FAST = True
except ImportError:  # PyYAML was built without libyaml
    from yaml import SafeLoader as _Loader  # type: ignore[assignment]

    FAST = False
"""Whether libyaml reads. Without it files take 25 times as long, and tabs are refused more often."""

MAX_DEPTH: Final = 200
"""How deep collections may stand in each other. The deepest custom resources have some sixty levels,
and with this everything that walks a tree stays clear of Python's own limit."""
MAX_NODES: Final = 300_000
"""How many values and keys a file may have: some 6 MB, a second and 100 MB of memory."""
MAX_PROBLEMS: Final = 20
TOO_DEEP: Final = f"more than {MAX_DEPTH} collections stand in each other"
_TOO_MANY = f"more than {MAX_NODES:,} values stand in the file: the rest was not read"

_MOST_STAND_INS: Final = 500
"""How many characters may have one in a text, and how many are tried for each."""
_PRIVATE = range(0xE000, 0xF900)
"""Characters without a meaning of their own, which texts hardly have."""
_ESCAPED_PRIVATE = lazily(r"\\(?:u|U0000)([eEfF][0-9a-fA-F]{3})")
_BREAK = "\r\n\x85\u2028\u2029"  # YAML 1.1 has five
_BLANK = " \t" + _BREAK
# What go-yaml's reader and libyaml's refuse (readerc.go, yaml_parser_update_buffer).
_UNREADABLE = lazily("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NEXT_DOCUMENT = lazily(r"(?<=[\r\n])---(?=[ \t\r\n]|\Z)")
_TO_COLON = lazily(rf"(?:[{_BLANK}]|#[^{_BREAK}]*+)*+:")
# Anchor and tag, in any order, with the blanks, line ends and comments that follow each.
_PROPERTIES = lazily(
    rf"(?:(?:&[0-9A-Za-z_-]+|!<[^>]*>|![^{_BLANK}]*)(?:[{_BLANK}]|#[^{_BREAK}]*+)*+)+"
)
_BLOCK_HEADER = lazily(r"[|>][-+0-9]*")
_FIRST_INDENT = lazily(r"[\r\n]( *)[^ \r\n]")
# What libyaml notices only below the place where it was begun.
_NOTICED_LATE = ("could not find expected ':'", "found unexpected end")
_ESCAPED_SLASH = lazily(r'"(?:[^\\]|\\[^/])*\\/', re.DOTALL)
# What JSON writes with a backslash and YAML 1.1 does not: a pair of surrogates, one alone, a slash.
_JSON_ESCAPE = lazily(
    r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})"
    r"|u[dD][89a-fA-F][0-9a-fA-F]{2}|(/)|.)",
    re.DOTALL,
)
_REST_OF_LINE = lazily(r"[^\r\n]*")
_COLON_IN_BRACKETS = lazily(r"""(?<=[^\s"'\[\]{},]):(?=[,\]}])""")


class Refused(Exception):  # noqa: N818 - it ends a document, and is no error of ours
    """A document cannot be read, or RKE2 and Kubernetes would refuse it."""

    def __init__(self, message: str, start: int, end: int, *, at: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.span = Span(start, end)
        self.at = start if at is None else at
        """Where the parser stood when it gave up."""


class Script(NamedTuple):
    """A text, and how it is written for libyaml: with as many characters, some of them others."""

    text: str
    written: str
    stand_ins: dict[int, str]
    """What some characters of `written` stand for, as for `str.translate`."""
    template: Mask | None = None
    escaped: frozenset[int] = frozenset()
    """Which of the characters that could stand for others a text with stand-ins has escaped."""


class Composed(NamedTuple):
    """One document."""

    root: Node
    finished: list[Sequence | Mapping]
    """All its collections, inner ones before those around them."""
    nodes: int
    """No fewer than there are."""
    aliases: int
    span: Span
    """From the end of the document above it to its own."""


class _NoStandInError(Exception):
    """A text has all the characters that could stand for others, or needs too many."""


def script_of(text: str, template: Mask | None = None, *, is_json: bool = False) -> Script:
    """Return how a text is given to libyaml. `is_json`: it is read as JSON, too."""
    script = Script(text, text if template is None else template.text, {}, template)
    try:
        if "\ufeff" in text[1:]:
            # libyaml drops a byte order mark at the start of any line, go-yaml takes it for text.
            script, stand_in = _with_stand_in(script, "\ufeff")
            written = script.written
            script = script._replace(written=written[0] + written[1:].replace("\ufeff", stand_in))
        if is_json and ("\\u" in text or "\\/" in text):
            script = _without_json_escapes(script)
    except _NoStandInError:
        pass  # libyaml says what is wrong
    return script


def _without_json_escapes(script: Script) -> Script:
    """Return a script without the escapes that only JSON knows. Raises _NoStandInError."""
    script, nothing = _with_stand_in(script, "")
    known: dict[str, str] = {}

    def write(found: re.Match[str]) -> str:
        nonlocal script
        escape = found[0]
        if escape not in known:
            meant = _meant_by(found)
            if not meant:
                return escape
            script, stand_in = _with_stand_in(script, meant)
            known[escape] = stand_in + nothing * (len(escape) - 1)
        return known[escape]

    written = _JSON_ESCAPE.sub(write, script.written)
    return script._replace(written=written)


def _meant_by(escape: re.Match[str]) -> str:
    """Return the character that an escape of JSON means; "" where YAML knows the escape, too."""
    high, low, slash = escape.groups()
    if high:
        return bytes.fromhex(high + low).decode("utf-16-be")
    # Half a pair is no character, for Go neither (encoding/json decode.go `unquote`).
    return slash or ("\ufffd" if len(escape[0]) > len(r"\u") else "")


def mended(script: Script, refused: Refused) -> Script | None:
    r"""Return a script without what libyaml refuses though go-yaml reads it; None if it is not that.

    `[host:]` and `{a:}`, where the colon is text like any other, and `"\\'"`.
    """
    try:
        if refused.message.endswith("found unexpected ':'"):
            script, stand_in = _with_stand_in(script, ":")
            written = _COLON_IN_BRACKETS.sub(stand_in, script.written)
        elif refused.message.endswith("found unknown escape character"):
            script, nothing = _with_stand_in(script, "")
            script, quote = _with_stand_in(script, "'")
            line = _REST_OF_LINE.match(script.written, refused.at)
            end = line.end() if line else refused.at
            written = script.written
            rest = written[refused.at : end].replace("\\'", nothing + quote)
            written = written[: refused.at] + rest + written[end:]
        else:
            return None
    except _NoStandInError:
        return None
    return script._replace(written=written) if written != script.written else None


def _with_stand_in(script: Script, meant: str) -> tuple[Script, str]:
    """Choose a character that the text does not have, to stand for another one.

    Raises _NoStandInError.
    """
    for code, character in script.stand_ins.items():
        if character == meant:
            return script, chr(code)
    if not script.stand_ins:
        escaped = (int(code, 16) for code in _ESCAPED_PRIVATE.findall(script.text))
        script = script._replace(escaped=frozenset(escaped))
    taken = script.escaped.union(script.stand_ins)
    tried = (code for code in _PRIVATE if code not in taken)
    free = (code for code in islice(tried, _MOST_STAND_INS) if chr(code) not in script.text)
    found = next(free, None)
    if found is None or len(script.stand_ins) >= _MOST_STAND_INS:
        raise _NoStandInError
    return script._replace(stand_ins={**script.stand_ins, found: meant}), chr(found)


def compose(script: Script, readable: int) -> list[Composed | Refused]:
    """Return the documents of a text, in order; a broken one does not hide those behind it.

    `readable` is where the first character stands that could not be decoded, or the end.
    """
    try:
        return _Composer(script, readable).run()
    except ReaderError:  # it says no position that could be used
        found = _UNREADABLE.search(script.written)
        return _Composer(script, found.start() if found else 0).run()


class _Composer:
    def __init__(self, script: Script, readable: int) -> None:
        self.script = script
        self.written = script.written
        self.restores = script.written != script.text
        self.readable = readable
        self.results: list[Composed | Refused] = []
        self.complete = True
        """Whether the last document was read to an end that the text says."""
        self.nodes_left = MAX_NODES
        self.floor = 0
        """Where the last document ends."""

    def run(self) -> list[Composed | Refused]:
        base = 0
        broken = 0
        while broken < MAX_PROBLEMS:
            at = self._stream(base)
            if at is None or self.nodes_left <= 0:
                break
            broken += 1
            # `---` at the start of a line is a mark wherever it stands: the next document begins.
            found = _NEXT_DOCUMENT.search(self.written, max(at - 1, base + 1), self.readable)
            if found is None:
                break
            base = found.start()
        if self.readable < len(self.written):
            if self.results and not self.complete:
                self.results.pop()  # the character stands in it
            self.results.append(_unreadable(self.script.text, self.readable))
        return self.results

    def _stream(self, base: int) -> int | None:
        """Read from `base` to the end, or to a document that cannot be read: return where."""
        text = self.written[base : self.readable]
        if FAST and text.startswith("\ufeff"):
            text = "\ufeff" + text  # libyaml takes the first one away, and does not count it
        at = base
        loader = _Loader(text)
        try:
            next_event: Callable[[], Any] = loader.get_event
            while True:
                event: Any = next_event()
                if type(event) is DocumentStartEvent:
                    at = int(event.start_mark.index) + base  # type: ignore[union-attr]
                    self.complete = False
                    self.results.append(self._document(event, next_event, base))
                elif type(event) is StreamEndEvent:
                    return None
        except Refused as refused:
            self.results.append(refused)
            return max(at, refused.span.start)
        except yaml.MarkedYAMLError as error:
            broken = _syntax(error, base, self.written)
            self.results.append(broken)
            return max(at, broken.span.start)
        finally:
            loader.dispose()

    def _document(self, event: Any, next_event: Callable[[], Any], base: int) -> Composed:
        begin, floor = event.start_mark.index + base, event.end_mark.index + base
        if event.version is not None and tuple(event.version) != (1, 1):
            raise Refused("RKE2 and Kubernetes know YAML 1.1 only", begin, floor)
        anchors: dict[str, Target] = {}
        finished: list[Sequence | Mapping] = []
        around: list[tuple[Sequence | Mapping | None, list[Any], Node | None]] = []
        here: Sequence | Mapping | None = None
        children: list[Any] = []
        key: Node | None = None
        aliases = 0
        node: Node
        left = self.nodes_left
        while True:
            event = next_event()
            kind = type(event)
            left -= 1
            if kind is ScalarEvent:
                node = self._scalar(event, base, floor, key, here)
                if node.anchor is not None:
                    anchors[node.anchor] = node
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                if len(around) >= MAX_DEPTH:
                    at = event.start_mark.index + base
                    raise Refused(TOO_DEEP, at, at + 1)
                around.append((here, children, key))
                key = None
                here = self._collection(event, base)
                children = here.pairs if isinstance(here, Mapping) else here.items
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
                aliases += 1
                start, end = event.start_mark.index + base, event.end_mark.index + base
                target = anchors.get(event.anchor)
                if target is None:
                    raise Refused(
                        f"there is no anchor &{event.anchor} above this alias", start, end
                    )
                if type(target) is not Scalar and target.start == target.end:  # still open
                    message = f"the value of the anchor &{event.anchor} contains itself"
                    raise Refused(message, start, end)
                node = Alias(event.anchor, target, start, end)
            else:
                self.complete = event.explicit
                nodes, self.nodes_left = self.nodes_left - left, left
                span = Span(self.floor, event.start_mark.index + base)
                self.floor = span.end
                return Composed(children[0], finished, nodes, aliases, span)

            if left <= 0:
                self.nodes_left = 0
                raise Refused(_TOO_MANY, node.outer, node.end)
            if type(here) is not Mapping:
                children.append(node)
            elif key is None:
                key = node
            else:
                children.append((key, node))
                key = None

    def _scalar(
        self, event: Any, base: int, floor: int, key: Node | None, here: Sequence | Mapping | None
    ) -> Scalar:
        written = self.written
        start = outer = event.start_mark.index + base
        end = event.end_mark.index + base
        value, style, anchor, tag = event.value, event.style or "", event.anchor, event.tag
        if anchor is not None or tag is not None:
            start = end if value == style == "" else _behind_properties(written, start)
        elif value == style == "":
            start = end = outer = _where_null_stands(written, start, floor, key, here)
        if style == "":
            if "?" in value and here is not None and here.flow:
                message = "RKE2 and Kubernetes take a ? inside brackets for a sign: quote this text"
                raise Refused(message, start, end)
        elif style in "|>":
            end = _end_of_block(written, start, end, value)
        elif (
            style == '"'
            and "\\/" in written[start:end]
            and _ESCAPED_SLASH.match(written, start, end)
        ):
            raise Refused("RKE2 and Kubernetes do not know the escape \\/", start, end)
        node = Scalar(value, style, start, end, outer=outer, anchor=anchor, tag=tag)
        if self.restores:
            self._restore(node, key)
        return node

    def _restore(self, node: Scalar, key: Node | None) -> None:
        """Give back to a scalar the text that the file has there."""
        text, start, end = self.script.text, node.start, node.end
        template = self.script.template
        node.value = node.value.translate(self.script.stand_ins)
        if template is None:
            return
        if template.text[start:end] != text[start:end]:
            edge = 1 if node.style in ("'", '"') else 0
            node.value = Templated(text[start + edge : end - edge])
        elif node.value == "" and node.style in ("", "|", ">"):
            column = column_of(text, key.start) if key is not None else -1
            action = template.printed_behind(end, column)
            if action is not None:
                node.value = Templated(text[action.start : action.end])

    def _collection(self, event: Any, base: int) -> Sequence | Mapping:
        start = outer = event.start_mark.index + base
        flow = bool(event.flow_style)
        if event.anchor is not None or event.tag is not None:
            # The mark behind the properties: behind the bracket, at the first key, at the first
            # dash, or (in a list that is not indented) behind it.
            start = event.end_mark.index + base
            if flow or (
                type(event) is SequenceStartEvent and self.written[start : start + 1] != "-"
            ):
                start -= 1
        make = Mapping if type(event) is MappingStartEvent else Sequence
        return make(start, flow=flow, outer=outer, anchor=event.anchor, tag=event.tag)


def _behind_properties(text: str, outer: int) -> int:
    found = _PROPERTIES.match(text, outer)
    return found.end() if found else outer


def _where_null_stands(
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
    indent: int | None = None
    while True:
        if text[end - 1] == "\n":
            end -= 2 if text[end - 2] == "\r" else 1
        elif text[end - 1] == "\r":
            end -= 1
        if "+" in text[start:header]:
            return end
        begin = max(text.rfind("\n", header, end), text.rfind("\r", header, end)) + 1
        if begin == 0 or text[begin:end].strip(" "):
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


def _syntax(error: yaml.MarkedYAMLError, base: int, text: str) -> Refused:
    """Say what libyaml says, at the place where a person would look."""
    mark, problem = error.problem_mark, error.problem or "not YAML"
    at = base + mark.index if mark is not None else base
    start = at
    if error.context_mark is not None and problem.startswith(_NOTICED_LATE):
        start = base + error.context_mark.index
    start = min(start, len(text))
    context = f"{error.context}: " if error.context else ""
    message = _of_character(problem, text[at : at + 1]) or context + problem
    return Refused(message, start, min(start + 1, len(text)), at=at)


def _of_character(problem: str, character: str) -> str:
    """Say what is wrong about a character that libyaml only calls one; "" where it says more."""
    is_tab = character == "\t"
    if is_tab and ("cannot start any token" in problem or "violates indentation" in problem):
        return "this line is indented with a tab: YAML is indented with spaces"
    if character and "cannot start any token" in problem:
        return f"no value begins with {character}: put it in quotes"
    return ""


def _unreadable(text: str, at: int) -> Refused:
    if text[at] == "\ufffd":
        message = "the bytes from here on are not text of the file's encoding"
    else:
        message = f"the character U+{ord(text[at]):04X} is not allowed in YAML"
    return Refused(message, at, at + 1)

"""Templates: how a file is read that a template engine has yet to fill in, without rendering it.

Its actions are masked by as many other characters, so that what is left is YAML and every offset
stays true. What an action decides is not known and not guessed: such values are `Templated`, and the
collections into which an action may write are told. Actions in quotes, comments and block scalars
are data: they stay, and make no file a template.
"""

from __future__ import annotations

import re
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

from rke2_policies.document import Span
from rke2_policies.lazy_pattern import lazily
from rke2_policies.nodes import Mapping, Node, Scalar, Sequence
from rke2_policies.route import Templated

PRINT, OPEN, ELSE, END, SILENT = "print", "open", "else", "end", "silent"
GO, JINJA, PLACEHOLDERS = "Go/Helm template", "Jinja template", "text with placeholders"

_BEGIN = lazily(r"\{\{|\{%|^[ \t]*\{#", re.MULTILINE)
_CLOSING = {"{": "}}", "%": "%}", "#": "#}"}
_COMMENT = lazily(r"\{\{-?\s*/\*")
_STEP = lazily(r"""\}\}|%\}|["'`]""")
_REST_OF_STRING = {
    '"': lazily(r'(?:[^"\\\r\n]|\\.)*"'),
    "'": lazily(r"(?:[^'\\\r\n]|\\.)*'"),
    "`": lazily(r"[^`]*`"),
}
_WORD = lazily(r"\{[{%][-+~]?\s*(/\*|[A-Za-z_]\w*|\$\w*\s*(?:,\s*\$\w+\s*)?:?=(?!=))?")
_INDENT = lazily(r"\bn?indent\s*\(?\s*([0-9]{1,3})\b")
_GO_ONLY = lazily(
    r"\{\{-?\s*(?:/\*|[.$(`]|(?:if|else|end|range|with|define|block|template|include|toYaml|tpl)\b)"
)
_OPENING = frozenset(
    ("if", "for", "range", "with", "block", "define", "macro", "call", "filter", "raw")
)
_SAYING_NOTHING = frozenset(("import", "from", "extends", "do", "break", "continue"))

_WHOLE_LINE = lazily(r"[^\r\n]+")
_NOTHING = lazily(r"(?:[ \t\r\n]|#[^\r\n]*+)*+")
_LINE = lazily(r"([^\r\n]*)(?:\r\n|\n|\r|\Z)")
# A line with nothing that opens, and where its text begins.
_QUIET = lazily(r"([ \t]*(?:-[ \t]+)*)[^\"'\[{|>&!]*")
_BLOCK_HEADER = lazily(r"[|>][-+0-9]*[ \t]*(?:#.*)?\Z")
_CLOSED = {"'": lazily(r"(?:[^']|'')*'(?!')"), '"': lazily(r'(?:[^"\\]|\\.)*"')}
_PLAIN = lazily(r"(?:[^\s:#]|:(?!\s|\Z)|(?<=\S)#|[ \t]+(?![\s#]|\Z))+")
_PLAIN_IN_FLOW = lazily(
    r"(?:[^\s:#,\[\]{}]|:(?![\s,\[\]{}]|\Z)|(?<=\S)#|[ \t]+(?![\s#,\[\]{}]|\Z))+"
)

_PLACEHOLDER = lazily(
    r"""
      (?<!\$)\$\{[A-Za-z_][^{}\r\n]*\}                      # ${CLUSTER_NAME:=production}
    | (?<![\w%])%[A-Za-z_][A-Za-z0-9_]+%(?!\w)              # %K8S_VERSION%
    | (?<![\w@])@[A-Za-z_][A-Za-z0-9_]+@(?!\w)              # @TOKEN@
    | (?<!<)<[A-Za-z](?:[\w./-]*|[\w./, -]*(?=>\s*\Z))>(?!>) # <required>, <the name of it>
    """,
    re.VERBOSE,
)
_MARKS = lazily(r"\$\{|<[A-Za-z]|%[A-Za-z_]|@[A-Za-z_]|\{\{|\{%")
_SUBSTITUTED = lazily(
    r"\$\{[^{}\r\n]*\}|(?<![\w%])%[A-Za-z_][A-Za-z0-9_]+%(?!\w)|(?<![\w@])@[A-Za-z_][A-Za-z0-9_]+@(?!\w)"
)


Branch: TypeAlias = tuple[int, int]
"""What stands between an OPEN or ELSE and its ELSE or END: it may come once, never, or often."""


class Action(NamedTuple):
    """One `{{ … }}`, `{% … %}` or `{# … #}`."""

    start: int
    end: int
    role: str
    """PRINT writes something; OPEN, ELSE and END part the text; SILENT does neither."""
    indent: int | None
    """How far what it prints is indented, where it says so (`nindent 4`)."""


class Mask(NamedTuple):
    """A text without its actions, of the same length, and what the actions do."""

    text: str
    kind: str
    lone: tuple[Action, ...] = ()
    """Actions that have lines of their own, which are comments in the masked text."""
    inline: tuple[Action, ...] = ()
    """Actions that share a line with YAML, which are words or blanks in the masked text."""
    branches: tuple[tuple[int, Branch], ...] = ()
    """Every offset where another branch begins to be the innermost one, and that branch."""
    otherwise: tuple[Branch, ...] = ()
    """The branches that begin with an ELSE."""

    def printed_behind(self, offset: int, column: int) -> Action | None:
        """Return the action that writes a value which the text leaves out at `offset`.

        `column` is where the value's key stands: what is indented less is not its value.
        """
        place = bisect_left(self.lone, offset, key=lambda action: action.start)
        while place < len(self.lone):
            action = self.lone[place]
            if not _NOTHING.fullmatch(self.text, offset, action.start):
                return None
            if action.role == PRINT:
                return action if action.indent is None or action.indent >= column else None
            offset = action.start
            place += 1
        return None

    def written_into(
        self, root: Node, collections: list[Sequence | Mapping], span: Span
    ) -> list[Sequence | Mapping]:
        """Return the collections into which the template may write more, or less, than is seen.

        `collections` are those of the document, `span` is where it stands.
        """
        found: dict[int, Sequence | Mapping] = {}
        found |= {id(c): c for c in collections if _has_templated_key(c)}
        found |= {id(c): c for c in self._conditional(root, collections)}
        first = bisect_left(self.lone, span.start, key=lambda action: action.start)
        last = bisect_left(self.lone, span.end, key=lambda action: action.start)
        for action in self.lone[first:last]:
            if action.role == PRINT:
                found |= {id(c): c for c in self._printed_into(root, action)}
        return list(found.values())

    def _conditional(
        self, root: Node, collections: list[Sequence | Mapping]
    ) -> Iterator[Sequence | Mapping]:
        """Yield collections that have an entry in a branch in which they do not stand as a whole."""
        owners = {id(root): -1}
        for collection in collections:
            owners |= {id(child): start for start, child in _entries(collection)}
        for collection in collections:
            owner = owners.get(id(collection))
            if owner is None:  # it stands in a key
                continue
            for start, _ in _entries(collection):
                begin, end = self._branch_around(start)
                if not begin <= owner < end:
                    yield collection
                    break

    def _branch_around(self, offset: int) -> Branch:
        place = bisect_right(self.branches, offset, key=lambda turn: turn[0])
        return self.branches[place - 1][1] if place else _EVERYTHING

    def _printed_into(self, root: Node, action: Action) -> list[Sequence | Mapping]:
        """Return the collections that go on where an action prints, by how far it is indented."""
        path: list[Sequence | Mapping] = []
        node: Node | None = root
        while isinstance(node, (Sequence, Mapping)):
            path.append(node)
            if node.flow and node.start < action.start < node.end:
                path = [node]
            node = _last_before(node, action.start)
        if path and path[0].flow:
            return path[:1]
        left_out = isinstance(node, Scalar) and type(node.value) is Templated
        if node is not None and left_out and self.printed_behind(node.end, -1) == action:
            return []  # it prints this value, which the text leaves out
        column = action.indent
        if column is None:
            column = column_of(self.text, action.start)
            if column == 0:
                return path  # what it prints may bring its own indent
        blocks = [c for c in path if column_of(self.text, c.start) <= column]
        deepest = max((column_of(self.text, c.start) for c in blocks), default=-1)
        return [c for c in blocks if column_of(self.text, c.start) == deepest]

    def without_branch(self, offset: int) -> Mask | None:
        """Mask the branch around `offset` that begins with an ELSE: two of them may be no YAML."""
        around = [branch for branch in self.otherwise if branch[0] <= offset < branch[1]]
        if not around:
            return None
        start, end = max(around)
        return self._replace(
            text=_commented_out(self.text, start, end),
            otherwise=tuple(branch for branch in self.otherwise if branch != (start, end)),
        )

    def without_line(self, offset: int) -> Mask | None:
        """Mask the whole line of the last inline action that begins before `offset`."""
        before = [action for action in self.inline if action.start <= offset]
        if not before:
            return None
        action = before[-1]
        begin = action.start - column_of(self.text, action.start)
        found = _LINE.match(self.text, begin)
        end = found.end(1) if found else begin
        return self._replace(
            text=self.text[:begin] + _comment(self.text[begin:end]) + self.text[end:],
            inline=tuple(a for a in self.inline if not begin <= a.start < end),
            lone=tuple(sorted((*self.lone, action._replace(role=PRINT)))),
        )


def mask(text: str, *, placeholders: bool = False) -> Mask | None:
    """Mask a Go, Helm or Jinja template; None where all its actions are data, or there are none.

    With `placeholders`, `${X}`, `%X%` and `@X@` are masked as well: inside brackets, at the start of
    a value or on a line of their own they are no YAML, everywhere else they may stay.
    """
    marked = "{{" in text or "{%" in text or "{#" in text
    actions = list(_actions(text)) if marked else []
    kind = _kind(text, actions)
    if placeholders:
        actions = _with_placeholders(text, actions)
    if not actions:
        return None
    masking = _Masking(text, actions)
    masked = masking.run()
    if masked == text:
        return None
    branches, otherwise = _branches(actions, len(text))
    return Mask(
        masked,
        kind,
        tuple(masking.lone),
        tuple(masking.inline),
        tuple(_turns(branches)),
        tuple(otherwise),
    )


def _kind(text: str, actions: list[Action]) -> str:
    if not actions:
        return PLACEHOLDERS
    if any(_GO_ONLY.match(text, action.start) for action in actions):
        return GO
    return JINJA


def _with_placeholders(text: str, actions: list[Action]) -> list[Action]:
    more = [Action(*found.span(), PRINT, None) for found in _SUBSTITUTED.finditer(text)]
    together: list[Action] = []
    for action in sorted((*actions, *more)):
        if not together or action.start >= together[-1].end:
            together.append(action)
    return together


def may_hold_placeholders(text: str, span: Span) -> bool:
    """Say whether any value in a stretch of text could be `is_templated`."""
    return _MARKS.search(text, span.start, span.end) is not None


def is_templated(value: str) -> bool:
    """Say whether a value waits to be filled in: `${X}`, `<required>`, `%X%`, `@X@`, `{{ x }}`.

    Mail addresses, `50%`, `$(VAR)`, `a < b` and the like are ordinary text.
    """
    if _PLACEHOLDER.search(value) is not None:
        return "</" not in value  # that is markup
    return any(begin >= 0 and value.find(end, begin) > 0 for begin, end in _actions_in(value))


def _actions_in(value: str) -> Iterator[tuple[int, str]]:
    yield value.find("{{"), "}}"
    yield value.find("{%"), "%}"


def _actions(text: str) -> Iterator[Action]:
    at = 0
    knows_strings = True
    missing: set[str] = set()
    while (begin := _BEGIN.search(text, at)) is not None:
        start = begin.end() - 2
        closing = _CLOSING[text[start + 1]]
        end = _end_of_action(text, start, closing) if knows_strings else None
        if end is None and closing not in missing:
            # Strings that do not close would make this slow: from here on they are not looked at.
            knows_strings = False
            found = text.find(closing, start + 2)
            end = found + 2 if found >= 0 else None
            if end is None:
                missing.add(closing)
        if end is None:
            at = start + 2
            continue
        yield _action(text, start, end)
        at = end


def _end_of_action(text: str, start: int, closing: str) -> int | None:
    if closing == "#}" or _COMMENT.match(text, start):
        mark = "#}" if closing == "#}" else "*/"
        found = text.find(mark, start + 2)
        found = text.find(closing, found) if found >= 0 else found
        return found + 2 if found >= 0 else None
    at = start + 2
    while (step := _STEP.search(text, at)) is not None:
        if step[0] == closing:
            return step.end()
        at = step.end()
        if step[0] in _REST_OF_STRING:
            string = _REST_OF_STRING[step[0]].match(text, at)
            at = string.end() if string else at
    return None


def _action(text: str, start: int, end: int) -> Action:
    role = SILENT
    found = _WORD.match(text, start)
    word = (found[1] if found else None) or ""
    if text[start + 1] == "{":
        if word in ("else", "end"):
            role = ELSE if word == "else" else END
        elif word in _OPENING:
            role = OPEN
        elif (not word.startswith(("/*", "$")) and word not in _SAYING_NOTHING) or (
            word.startswith("$") and not word.endswith("=")
        ):
            role = PRINT
    elif text[start + 1] == "%":
        if word in ("else", "elif"):
            role = ELSE
        elif word.startswith("end"):
            role = END
        elif word in _OPENING or (word == "set" and "=" not in text[start:end]):
            role = OPEN
        elif word == "include":
            role = PRINT
    indent = _INDENT.search(text, start, end) if role == PRINT else None
    return Action(start, end, role, int(indent[1]) if indent else None)


def _branches(actions: list[Action], length: int) -> tuple[list[Branch], list[Branch]]:
    branches: list[Branch] = []
    otherwise: list[Branch] = []
    waiting: list[Action] = []
    for action in actions:
        if action.role in (ELSE, END) and waiting:
            opening = waiting.pop()
            branches.append((opening.end, action.start))
            if opening.role == ELSE:
                otherwise.append((opening.end, action.start))
        if action.role in (OPEN, ELSE):
            waiting.append(action)
    branches += ((action.end, length) for action in waiting)
    return branches, otherwise


_EVERYTHING: Branch = (-1, sys.maxsize)


def _turns(branches: list[Branch]) -> Iterator[tuple[int, Branch]]:
    """Yield every offset where another branch begins to be the innermost one, and that branch."""
    around = [_EVERYTHING]
    for branch in sorted(branches, key=lambda branch: (branch[0], -branch[1])):
        while around[-1][1] <= branch[0]:
            end = around.pop()[1]
            yield end, around[-1]
        around.append(branch)
        yield branch[0], branch
    while len(around) > 1:
        end = around.pop()[1]
        yield end, around[-1]


def _entries(collection: Sequence | Mapping) -> list[tuple[int, Node]]:
    """Return the values in a collection, each with the offset where its entry begins."""
    if isinstance(collection, Sequence):
        return [(item.outer, item) for item in collection.items]
    return [(key.outer, item) for key, item in collection.pairs]


def _last_before(collection: Sequence | Mapping, offset: int) -> Node | None:
    """Return the value of the last entry that begins before `offset`."""
    if isinstance(collection, Sequence):
        place = bisect_left(collection.items, offset, key=lambda item: item.outer)
        return collection.items[place - 1] if place else None
    place = bisect_left(collection.pairs, offset, key=lambda pair: pair[0].outer)
    return collection.pairs[place - 1][1] if place else None


def _has_templated_key(collection: Sequence | Mapping) -> bool:
    return isinstance(collection, Mapping) and any(
        isinstance(key, Scalar) and type(key.value) is Templated for key, _ in collection.pairs
    )


def column_of(text: str, offset: int) -> int:
    """Return how many characters stand before `offset` on its line."""
    return offset - max(text.rfind("\n", 0, offset), text.rfind("\r", 0, offset)) - 1


def _comment(line: str) -> str:
    """Return a comment as long as a line, and indented like it."""
    indent = len(line) - len(line.lstrip(" \t"))
    return line[:indent] + ("#".ljust(len(line) - indent) if indent < len(line) else "")


def _commented_out(text: str, start: int, end: int) -> str:
    """Make comments of the whole lines between two offsets."""
    first = _LINE.match(text, start)
    begin = first.end() if first else end
    stop = end - column_of(text, end)
    if begin >= stop:
        return text
    lines = _WHOLE_LINE.sub(lambda found: _comment(found[0]), text[begin:stop])
    return text[:begin] + lines + text[stop:]


class _Line(NamedTuple):
    start: int
    raw: str
    view: str
    """The line with every action replaced by as many `T`, or blanks where it goes on from above."""
    actions: list[Action]
    bare: bool
    """Nothing stands on it but blanks, actions, and perhaps a comment behind them."""

    @property
    def indent(self) -> int:
        return len(self.raw) - len(self.raw.lstrip(" \t"))


class _Masking:
    """One way through a template, line by line, as an editor's highlighter goes."""

    def __init__(self, text: str, actions: list[Action]) -> None:
        self.text = text
        self.actions = actions
        self.lone: list[Action] = []
        self.inline: list[Action] = []
        self.data: set[Action] = set()
        self.quote = ""
        """The kind of quote that the last line left open."""
        self.depth = 0
        """How many brackets are open."""
        self.column = -1
        """Where the innermost block collection of the last line stands."""
        self.block: int | None = None
        """Where the collection stands that holds the open block scalar: text is indented more."""

    def run(self) -> str:
        lines = list(self._lines())
        # For every line the indents of the next one with text of its own, a comment or not.
        following = [(-1, -1)]
        for line in reversed(lines[1:]):
            text, yaml = following[-1]
            if not line.bare:
                text = line.indent
                yaml = yaml if line.raw.lstrip()[:1] == "#" else line.indent
            following.append((text, yaml))
        parts: list[str] = []
        at = 0
        for line, (next_text, next_yaml) in zip(lines, reversed(following), strict=True):
            parts += (self.text[at : line.start], self._masked(line, next_text, next_yaml))
            at = line.start + len(line.raw)
        parts.append(self.text[at:])
        return "".join(parts)

    def _lines(self) -> Iterator[_Line]:
        first = 0
        for found in _LINE.finditer(self.text):
            start, end = found.span(1)
            while first < len(self.actions) and self.actions[first].end <= start:
                first += 1
            here: list[Action] = []
            own: list[str] = []
            view: list[str] = []
            at = start
            for place in range(first, len(self.actions)):
                action = self.actions[place]
                if action.start >= end:
                    break
                here.append(action)
                begin, stop = max(action.start, start), min(action.end, end)
                own.append(self.text[at:begin])
                view += (
                    self.text[at:begin],
                    ("T" if action.start >= start else " ") * (stop - begin),
                )
                at = stop
            own.append(self.text[at:end])
            view.append(self.text[at:end])
            before, behind = own[0].strip(), "".join(own).strip()
            bare = not behind or (bool(here) and not before and behind[0] == "#")
            yield _Line(start, self.text[start:end], "".join(view), here, bare)

    def _masked(self, line: _Line, next_text: int, next_yaml: int) -> str:
        raw = line.raw
        if self.block is not None:
            if not raw.strip() or line.indent > self.block:
                return raw
            if line.bare and next_text > self.block:
                return " " * len(raw)  # a control between two lines of the block scalar
            self.block = None
        if line.actions and line.bare and not self.quote:
            if raw.lstrip()[:1] == "#":
                return raw  # the rest of an action in a comment
            self.lone += (action for action in line.actions if action.start >= line.start)
            return _comment(raw)
        if not (line.actions or self.quote or self.depth) and (quiet := _QUIET.fullmatch(raw)):
            self.column = quiet.end(1)
            return raw
        blank, value = self._lex(line)
        if value is not None and value.role == PRINT and next_yaml > self.column and not self.depth:
            blank.add(value)  # the value goes on below: a word here would be in its way
            self.lone.append(value)
        parts: list[str] = []
        at = 0
        for action in line.actions:
            begin = max(action.start - line.start, 0)
            end = min(action.end - line.start, len(raw))
            if action in self.data:
                continue
            masked = " " * (end - begin) if action in blank else line.view[begin:end]
            parts += (raw[at:begin], masked)
            at = end
            if action.start >= line.start and action not in blank:
                self.inline.append(action)
        parts.append(raw[at:])
        return "".join(parts)

    def _lex(self, line: _Line) -> tuple[set[Action], Action | None]:
        """Follow a line's quotes, brackets and comments, and note which of its actions are data.

        Return those that must become blanks (controls at its end, and what follows a value that is
        complete), and the one that is a whole value, with nothing behind it.
        """
        view = line.view
        blank: set[Action] = set()
        value: Action | None = None
        by_place = {action.start - line.start: action for action in line.actions}
        at, size = 0, len(view)
        comment = size
        complete = False
        key = 0
        if self.quote:
            at = self._quoted(line, -1)
            complete = True
        elif view.startswith(("---", "...")) and view[3:4] in ("", " ", "\t"):
            at, self.column, self.depth = 3, -1, 0
        while at < size:
            character = view[at]
            following = view[at + 1 : at + 2]
            spaced = following in ("", " ", "\t")
            if character in " \t":
                at += 1
            elif character == "#" and (at == 0 or view[at - 1] in " \t"):
                comment = at
                break
            elif character in "]}" and self.depth:
                self.depth -= 1
                at, complete = at + 1, True
            elif character == "," and self.depth:
                at, complete = at + 1, False
            elif complete:
                action = by_place.get(at)
                if character == ":" and (spaced or self.depth):
                    complete = False
                    self.column = self.column if self.depth else key
                elif action is not None:
                    blank.add(action)
                    at = action.end - line.start - 1
                at += 1
            elif character in "\"'":
                key, complete = at, True
                self.quote = character
                at = self._quoted(line, at)
            elif character in "-?" and spaced and not self.depth:
                self.column = at
                at += 1
            elif character in "&!":
                at = min(
                    (i for i in (view.find(" ", at), view.find("\t", at)) if i >= 0), default=size
                )
            elif character in "[{":
                self.depth += 1
                at += 1
            elif character in "|>" and not self.depth and _BLOCK_HEADER.match(view, at):
                self.block = self.column
                break
            else:
                found = (_PLAIN_IN_FLOW if self.depth else _PLAIN).match(view, at)
                key, complete = at, found is not None
                end = found.end() if found else at + 1
                value = by_place.get(at)
                value = value if value is not None and value.end == line.start + end else None
                at = end
        self.data.update(a for a in line.actions if a.start - line.start >= comment)
        blank.update(self._trailing(line, comment))
        if value is not None and line.view[value.end - line.start : comment].strip(" \t"):
            value = None
        return blank, value

    def _quoted(self, line: _Line, opening: int) -> int:
        """Go to the end of a quoted scalar, or of the line. Its actions are data unless they quote."""
        found = _CLOSED[self.quote].match(line.view, opening + 1)
        end = found.end() if found else len(line.view)
        first = bisect_right(line.actions, line.start + opening, key=lambda action: action.start)
        last = bisect_left(line.actions, line.start + end, key=lambda action: action.start)
        for action in line.actions[first:last]:
            written = self.text[action.start : action.end]
            if self.quote not in written and (self.quote == "'" or "\\" not in written):
                self.data.add(action)
        if found:
            self.quote = ""
        return end

    def _trailing(self, line: _Line, comment: int) -> list[Action]:
        """Return a line's controls if they are all that it has of actions, and stand at its end."""
        masked = [a for a in line.actions if a not in self.data]
        if not masked or any(a.role == PRINT or a.start < line.start for a in masked):
            return []
        begin = masked[0].start - line.start
        tail = line.view[begin:comment].replace(" ", "").replace("\t", "")
        return masked if tail.strip("T") == "" else []

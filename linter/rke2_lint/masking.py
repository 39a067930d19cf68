"""Which stretches of a file are secret, and how text is shown without them.

Reports end up in CI logs and in code scanning. A masked value keeps its length: columns stay true.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias

from rke2_policies.document import Span
from rke2_policies.nodes import Alias, Mapping, Node, Scalar, Target, resolve

if TYPE_CHECKING:
    from rke2_policies.environment_file import EnvironmentFile
    from rke2_policies.yaml_source import Source

AnySource: TypeAlias = "Source | EnvironmentFile"

# Patterns are compiled when they are first needed: few files need more than the first.
_WORDS = (
    r"(?:token|secret[-_]?key|access[-_]?key|datastore[-_]endpoint|passw(?:or)?d|passphrase"
    r"|client[-_]?secret|private[-_]?key|api[-_]?key)"
)
_OF_KIND = r"""["']?(?:kind|type)["']?\s*:\s*(?:[!&]\S*\s+)*["']?Secret\b"""
# Without one of these there is nothing to mask: a search for words is far quicker than patterns.
_HINTS = (
    "token", "secretkey", "secret-key", "secret_key", "accesskey", "access-key", "access_key", "datastore",
    "passw", "passphrase", "clientsecret", "client-secret", "client_secret", "private", "apikey", "api-key",
    "api_key", "://",
)  # fmt: skip
_IS_SECRET = rf"(?i){_OF_KIND}"
_NAME = rf"(?s)(?:.*-)?{_WORDS}\+?"
_HUMP = r"(?<=[a-z0-9])(?=[A-Z])"
_IN_URL = r"(?<=://)[^\s/@:]*:([^\s/]+)(?=@)"
# `token: x`, `"token": "x"`, `RKE2_TOKEN=x`: in comments, and in texts inside texts.
_SAID = rf"""(?i){_WORDS}\+?["']?[ \t]*[:=][ \t]*"""
_ASSIGNED = rf"""{_SAID}("[^"\r\n]*"?|'[^'\r\n]*'?|[^\s"',}}\][{{|>&*][^\s,}}\]]*)"""
# Messages also speak of a "token: …" in plain words.
_IN_VARIABLE = rf"(?i){_WORDS}=([^\s,]+)"
_REST_OF_LINE = rf"{_SAID}([^\s|>][^\r\n]*)"
_NEXT_DOCUMENT = r"(?m)^---"
_OPEN_LINE = (
    r"(?m)^(?![ \t]*[\"']?(?:apiVersion|kind|type|metadata|name|namespace|data|stringData)\b)"
    r"[ \t]*(\S[^\r\n]*)"
)
_LINE = r"\S(?:[^\r\n]*\S)?"
# What a Secret says of itself. Its annotations may repeat all of it (kubectl's last-applied).
_OPEN = frozenset({"apiVersion", "kind", "type", "metadata", "immutable"})
_OPEN_METADATA = frozenset({"name", "namespace", "labels", "generateName"})
_SHORTEST = 4
"""Values that are shorter are not looked for in messages: they would be found in any word."""


def _may_hold(text: str) -> bool:
    lower = text.lower()
    if any(hint in lower for hint in _HINTS):
        return True
    return "secret" in lower and re.search(_IS_SECRET, text) is not None


@cache
def is_secret_name(name: str) -> bool:
    """Tell whether the value under a key of this name is nobody's business."""
    plain = re.sub(_HUMP, "-", name).lower().replace("_", "-").replace(".", "-")
    return re.fullmatch(_NAME, plain) is not None


def masked(text: str) -> str:
    """Return a message without the secrets that can be told by their looks: `NAME=value` and URLs."""
    if _may_hold(text):
        for pattern in (_IN_URL, _IN_VARIABLE):
            text = re.sub(pattern, _only_group, text)
    return text


def _only_group(found: re.Match[str]) -> str:
    start, end = found.start(1) - found.start(), found.end(1) - found.start()
    return found[0][:start] + "*" * (end - start) + found[0][end:]


class Secrets:
    """The secret stretches of one text, in order and apart from each other."""

    __slots__ = ("_ends", "_starts", "_text", "_values")

    def __init__(self, source: AnySource) -> None:
        self._text = source.text
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._values: list[str] = []
        # Meaning is asked of every file: `kind: "\u0053ecret"` is a Secret, and does not look it.
        secret = set(self._by_meaning(source))
        if _may_hold(source.text):
            secret.update(_by_looks(source))
        for start, end in sorted(secret):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], end)
            else:
                self._starts.append(start)
                self._ends.append(end)

    def spans(self, start: int, end: int) -> list[Span]:
        """Return the secret stretches between two offsets."""
        found = []
        for at in range(max(bisect_right(self._starts, start) - 1, 0), len(self._starts)):
            if self._starts[at] >= end:
                break
            if self._ends[at] > start:
                found.append(Span(max(self._starts[at], start), min(self._ends[at], end)))
        return found

    def shown(self, start: int, end: int) -> str:
        """Return a stretch of the text as it may be shown."""
        text = ""
        for secret in self.spans(start, end):
            hidden = self._text[secret.start : secret.end]
            text += self._text[start : secret.start]
            text += re.sub(_LINE, lambda found: "*" * len(found[0]), hidden)
            start = secret.end
        return text + self._text[start:end]

    def message(self, text: str) -> str:
        """Return a message without the secrets of this text."""
        return masked(self._without_values(text))

    def inserted(self, text: str) -> str:
        """Return what a fix puts in as it may be shown: it may repeat what stood there."""
        text = self._without_values(text)
        for pattern in (_IN_URL, _ASSIGNED) if _may_hold(text) else ():
            text = re.sub(pattern, _only_group, text)
        return text

    def _without_values(self, text: str) -> str:
        for value in self._values:
            text = text.replace(value, "*" * len(value))
        return text

    def _by_meaning(self, source: AnySource) -> Iterator[Span]:
        """Yield what stands under secret keys and in Secrets."""
        waiting: list[Node] = [root for root in source.roots if root is not None]
        while waiting:
            node = waiting.pop()
            if isinstance(node, Mapping):
                for value in _hidden(node):
                    yield from self._secret(resolve(value))
                for pair in node.pairs:
                    waiting += pair
            elif not isinstance(node, Scalar | Alias):
                waiting += node.items

    def _secret(self, node: Target) -> Iterator[Span]:
        if node.start < node.end:
            yield Span(node.start, node.end)
        waiting: list[Node] = [node]
        while waiting:
            inner = waiting.pop()
            if isinstance(inner, Scalar):
                value = inner.value.strip()
                if len(value) >= _SHORTEST and "\n" not in value:
                    self._values.append(value)
            elif isinstance(inner, Mapping):
                waiting += (value for _, value in inner.pairs)
            elif isinstance(inner, Alias):
                yield Span(inner.target.start, inner.target.end)
            else:
                waiting += inner.items


def _hidden(mapping: Mapping) -> Iterator[Node]:
    """Yield the values of a mapping that are secret."""
    said = {key.value: value for key, value in mapping.pairs if isinstance(key, Scalar)}
    for key, value in mapping.pairs:
        if isinstance(key, Scalar) and is_secret_name(key.value):
            yield value
    if _text(said.get("kind")) == "Secret" or _text(said.get("type")).lower() == "secret":
        metadata = resolve(said["metadata"]) if "metadata" in said else None
        about = metadata.pairs if isinstance(metadata, Mapping) else []
        yield from (value for key, value in mapping.pairs if _text(key) not in _OPEN)
        yield from (value for key, value in about if _text(key) not in _OPEN_METADATA)
    if is_secret_name(_text(said.get("name"))) and "value" in said:
        yield said["value"]  # an entry of `env` or of `agentEnvVars`


def _text(node: Node | None) -> str:
    target = resolve(node) if node is not None else None
    return target.value if isinstance(target, Scalar) else ""


def _by_looks(source: AnySource) -> Iterator[Span]:
    """Yield what looks like a secret wherever it stands, and more of it where nobody could parse."""
    text = source.text
    patterns = [_IN_URL, _ASSIGNED]
    if source.problems or source.masked or not any(source.roots):
        patterns.append(_REST_OF_LINE)
        bounds = [0, *(found.start() for found in re.finditer(_NEXT_DOCUMENT, text)), len(text)]
        for start, end in pairwise(bounds):
            if re.search(_IS_SECRET, text[start:end]):
                for found in re.finditer(_OPEN_LINE, text[start:end]):
                    yield Span(start + found.start(1), start + found.end(1))
    for start, end in _hinting_lines(text):
        line = text[start:end]
        for pattern in patterns:
            for found in re.finditer(pattern, line):
                yield Span(start + found.start(1), start + found.end(1))


def _hinting_lines(text: str) -> Iterator[Span]:
    """Yield the lines in which a pattern could find something."""
    lower = text.lower()
    if len(lower) != len(text):
        yield Span(0, len(text))  # some capitals have small letters of two characters
        return
    starts = set()
    for hint in _HINTS:
        at = lower.find(hint)
        while at >= 0:
            start = max(lower.rfind("\n", 0, at), lower.rfind("\r", 0, at)) + 1
            end = _line_end(lower, at)
            starts.add(Span(start, end))
            at = lower.find(hint, end)
    yield from starts


def _line_end(text: str, at: int) -> int:
    end = text.find("\n", at)
    if end < 0:
        end = len(text)
    carriage = text.find("\r", at, end)
    return carriage if carriage >= 0 else end

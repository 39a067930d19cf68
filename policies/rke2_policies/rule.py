"""Rules: what a rule is, and the decorator that makes one of a function."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, NamedTuple, TypeAlias, TypeVar

from rke2_policies.finding import Problem, Severity
from rke2_policies.lazy_pattern import lazily

T = TypeVar("T")
Check: TypeAlias = Callable[[T], Iterable[Problem]]

_BLOCK = lazily(r"^```yaml (before|after|good)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_POLICY = lazily(r"^```yaml policy\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FOLDER = "etc/rancher/rke2/"


class Example(NamedTuple):
    """One example of a rule's page: files that the rule finds something in, and what they become.

    Without `after` there is nothing that a fix could do by itself; a good example has no `before`,
    and its `after` stays silent.
    """

    before: Mapping[str, str]
    after: Mapping[str, str]


class Rule(Generic[T]):
    """One thing that can be wrong, asked of one type of subject."""

    __slots__ = ("check", "doc", "id", "severity", "subject")

    def __init__(
        self, id: str, subject: type[T], severity: Severity, check: Check[T], doc: str
    ) -> None:
        self.id = id
        self.subject = subject
        self.severity = severity
        self.check = check
        self.doc = doc

    @property
    def summary(self) -> str:
        """The first line of the rule's page: one sentence."""
        return self.doc.strip().partition("\n")[0]

    @property
    def parts(self) -> list[str | Example]:
        """The page below its summary, in order: paragraphs, and examples.

        A block names its file, or has the usual name. It belongs to the example of the block before
        if it is another file of the same kind, or what a fix makes of it.
        """
        _, _, page = self.doc.strip().partition("\n")
        found: list[str | Example] = []
        before: dict[str, str] = {}
        after: dict[str, str] = {}
        last, end = "", 0
        for block in _BLOCK.finditer(page):
            kind, name, text = block.groups(default="")
            path = _path(name, text)
            if prose := page[end : block.start()].strip():
                found.append(prose)
            same_kind = before if kind == "before" else after
            another_file = kind == last and name and path not in same_kind
            if not (another_file or (last, kind) == ("before", "after")):
                before, after = {}, {}
                found.append(Example(before, after))
            (before if kind == "before" else after)[path] = text
            last, end = kind, block.end()
        if prose := page[end:].strip():
            found.append(prose)
        return found

    @property
    def policy(self) -> str:
        """The policy file under which the examples are as the page says; "" where any will do."""
        found = _POLICY.search(self.doc)
        return found[1] if found else ""

    @property
    def examples(self) -> list[Example]:
        """The examples of the page, in order."""
        return [part for part in self.parts if isinstance(part, Example)]


AnyRule: TypeAlias = Rule[Any]


def _path(name: str, text: str) -> str:
    if not name:
        return "cluster.yaml" if "apiVersion:" in text else f"{_FOLDER}config.yaml"
    return name if "/rancher/" in f"/{name}" or name.startswith("etc/") else f"{_FOLDER}{name}"


def rule(subject: type[T], *, severity: Severity) -> Callable[[Check[T]], Rule[T]]:
    """Make a rule of a check. Its id is its module's name, its page the module's docstring."""

    def make(check: Check[T]) -> Rule[T]:
        module = check.__module__
        name = module.rpartition(".")[2].replace("_", "-")
        return Rule(name, subject, severity, check, sys.modules[module].__doc__ or "")

    return make

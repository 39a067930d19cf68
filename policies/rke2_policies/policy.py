"""Policies: which rules count, how much, and what the webhook may do about them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from rke2_policies.finding import Severity


class Exemption(NamedTuple):
    """A rule that does not count somewhere, and why."""

    rule: str
    where: str
    """`namespace/name` of a cluster, or the path of a file; `*` and `?` as in a shell."""
    reason: str
    until: str | None
    """The last day on which it holds, `YYYY-MM-DD`."""

    def holds(self, rule: str, where: str, today: str) -> bool:
        """Return whether it exempts a rule at a place on a day."""
        if rule != self.rule or (self.until is not None and today > self.until):
            return False
        return matches(self.where, where)


def matches(pattern: str, text: str) -> bool:
    """Match `*` (any characters) and `?` (one character), and nothing else."""
    at, star, mark = 0, -1, 0
    position = 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark, at = at, position, at + 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at, position = at + 1, position + 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return all(character == "*" for character in pattern[at:])


class Admission(NamedTuple):
    """What the webhook does (section `webhook` of a policy)."""

    on_create: str = "inject"
    """`inject`, `warn` or `off`."""
    on_update: str = "with-rollout"
    """`with-rollout`, `warn`, `inject` or `off`."""
    patch: tuple[str, ...] = (
        "missing-nft-pin",
        "selector-drops-pin",
        "selector-may-drop-pin",
        "invalid-backend",
    )
    """The rules whose safe fixes are made."""
    deny: tuple[str, ...] = ()
    """The rules whose findings are refused, on the validate endpoint."""
    ignore_users: tuple[str, ...] = (
        "system:serviceaccount:cattle-system:rancher",
        "system:serviceaccount:cattle-system:rancher-webhook-sudo",
        "system:serviceaccount:cattle-resources-system:rancher-backup",
    )
    """Who only keeps the books: nothing of theirs is changed."""


class Policy(NamedTuple):
    """What an organisation wants. A rule that `levels` does not name has its own severity."""

    name: str
    levels: Mapping[str, Severity | None]
    """Rule id → its severity; None turns it off."""
    others: bool = True
    """Whether rules that `levels` does not name are asked at all."""
    exempt: tuple[Exemption, ...] = ()
    admission: Admission = Admission()

    def asks(self, rule: str) -> bool:
        """Return whether a rule is asked."""
        return self.levels[rule] is not None if rule in self.levels else self.others

    def exempted(self, rule: str, where: str, today: str) -> Iterator[Exemption]:
        """Yield the exemptions of a rule that hold at a place on a day (`YYYY-MM-DD`)."""
        return (one for one in self.exempt if one.holds(rule, where, today))


DEFAULT = Policy("default", {})

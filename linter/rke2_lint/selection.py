"""Which rules are asked: `--select` and `--ignore`."""

from __future__ import annotations

from collections.abc import Sequence

from rke2_policies import catalog
from rke2_policies.edit_distance import nearest
from rke2_policies.finding import Severity
from rke2_policies.policy import DEFAULT, Policy


class UnknownRuleError(Exception):
    """There is no rule of this name; the message says which there may be."""


def check(names: Sequence[str]) -> None:
    """Raise UnknownRuleError for the first name that no rule has."""
    for name in names:
        if name not in catalog.names():
            near = nearest(name, catalog.names())
            hint = f"did you mean {near}?" if near else "`rke2-lint rule` lists them"
            raise UnknownRuleError(f"there is no rule {name}; {hint}")


def policy_of(select: Sequence[str], ignore: Sequence[str]) -> Policy:
    """Return the policy that asks the selected rules, or all if none is, without the ignored ones."""
    levels: dict[str, Severity | None] = {name: catalog.rule(name).severity for name in select}
    levels.update(dict.fromkeys(ignore))
    return DEFAULT._replace(levels=levels, others=not select)

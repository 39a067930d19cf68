"""Which rules are asked: `--select` and `--ignore`."""

from __future__ import annotations

from collections.abc import Sequence

from rke2_policies import catalog
from rke2_policies.edit_distance import meant
from rke2_policies.policy import Policy


class UnknownRuleError(Exception):
    """There is no rule of this name; the message says which there may be."""


def check(names: Sequence[str], *, about_files: bool = False) -> None:
    """Raise UnknownRuleError for the first name that no rule has.

    `about_files`: those about live nodes are not meant, which nobody asks about files.
    """
    known = catalog.lint_names() if about_files else catalog.names()
    for name in names:
        if name in known:
            continue
        if name in catalog.names():
            raise UnknownRuleError(f"{name} is about live nodes: `rke2-lint node` asks it")
        near = meant(name, known)
        hint = f"did you mean {near}?" if near else "`rke2-lint rule` lists them"
        raise UnknownRuleError(f"there is no rule {name}; {hint}")


def narrowed(policy: Policy, select: Sequence[str], ignore: Sequence[str]) -> Policy:
    """Return a policy that asks the selected rules, or its own if none is, without the ignored ones.

    A rule that is selected is asked though the policy turns it off; where an override turns it off,
    for some files or clusters, it stays so.
    """
    if not (select or ignore):
        return policy
    levels = dict(policy.levels)
    if select:
        levels = {name: policy.levels.get(name) or catalog.rule(name).severity for name in select}
    levels.update(dict.fromkeys(ignore))
    overrides = tuple(
        one._replace(
            levels={
                rule: level
                for rule, level in one.levels.items()
                if rule not in ignore and (not select or rule in select)
            }
        )
        for one in policy.overrides
    )
    others = policy.others and not select
    return policy._replace(levels=levels, others=others, overrides=overrides)


def explaining(policy: Policy, select: Sequence[str]) -> Policy:
    """Return a policy that asks all of its own rules, and the selected ones though it turns them off."""
    return policy._replace(levels={**policy.levels, **narrowed(policy, select, ()).levels})

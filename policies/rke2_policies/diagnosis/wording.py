"""Words about live nodes, for messages."""

from __future__ import annotations

from collections.abc import Sequence

from rke2_policies.diagnosis.live_node import CLUSTERS_OWN, LiveNode
from rke2_policies.diagnosis.owners import CUSTOM

_MOST_NAMES = 5
_LONGEST_RULE = 100


def counted(count: int, what: str) -> str:
    """Return a number with its noun."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def by_owner(node: LiveNode) -> str:
    """Return whose the legacy rules are: `custom`, or `12 custom, 3 calico`."""
    owners = node.owners
    if len(owners) == 1:
        return next(iter(owners))
    return ", ".join(f"{count} {owner}" for owner, count in owners.items())


def foreign_rules(node: LiveNode) -> str:
    """Return the legacy rules that are not the cluster's own, as a noun; "" where there are none."""
    owners = [owner for owner in node.owners if owner not in CLUSTERS_OWN]
    if not owners:
        return ""
    named = [owner for owner in owners if owner != CUSTOM]
    if not named:
        return "the custom rules"
    more = ", and the custom ones" if CUSTOM in owners else ""
    return f"the rules of {' and '.join(named)}{more}"


def first_rule(node: LiveNode) -> str:
    """Return one legacy rule, with its table."""
    rule = node.legacy_rules[0]
    text = rule.text if len(rule.text) <= _LONGEST_RULE else f"{rule.text[:_LONGEST_RULE]}…"
    return f"{rule.table}: {text}"


def some(names: Sequence[str]) -> str:
    """Return some of many names."""
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return ", ".join(names[:_MOST_NAMES]) + more

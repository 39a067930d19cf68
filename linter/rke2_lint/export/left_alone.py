"""Clusters of which a policy wants something else than of the others: the export leaves them alone.

A policy that pins to nft what an override says to be pinned to legacy, for hosts that know nothing
else, would break kube-proxy there.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from rke2_lint.export.cel import matching, selecting
from rke2_policies.policy import Override, Policy

_NAME = "(has(object.metadata.name) ? object.metadata.name : '')"
_NAMED = f"(request.namespace + '/' + {_NAME})"


def exempt(policy: Policy, rule: str) -> str:
    """Return in CEL whether the policy exempts `object` from a rule; "" where it exempts nobody.

    The last day of an exemption is not minded: CEL knows none.
    """
    names = dict.fromkeys(one.where for one in policy.exempt if one.rule == rule)
    return "\n".join(_any(f"{_NAMED}.matches({matching(where)})" for where in names))


def overridden(policy: Policy, rules: Collection[str]) -> str:
    """Return in CEL whether an override means `object` and says otherwise of the backend or a rule."""
    meant = (_meant(one) for one in policy.for_path("").overrides if _matters(one, rules))
    return "\n".join(_any(meant))


def _matters(override: Override, rules: Collection[str]) -> bool:
    return "backend" in override.params or any(rule in override.levels for rule in rules)


def _meant(override: Override) -> str:
    patterns = (one if "/" in one else f"*/{one}" for one in override.clusters)
    named = " || ".join(f"{_NAMED}.matches({matching(one)})" for one in patterns)
    labelled = selecting(override.labels) if override.labels is not None else ""
    return " && ".join(f"({one})" for one in (named, labelled) if one)


def _any(conditions: Iterator[str]) -> Iterator[str]:
    """Write conditions of which one has to hold, each on a line of its own."""
    for number, each in enumerate(conditions):
        yield f"|| {each}" if number else each

"""`rke2-lint node`: look at nodes, say how they are, and what to do."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable

from rke2_lint.files import Lookup, absolute
from rke2_lint.health.told import Told
from rke2_lint.inspection import today
from rke2_lint.node.files_of_nodes import UnreadableError
from rke2_lint.node.finding_nodes import find
from rke2_lint.node.this_node import ThisNode
from rke2_policies.diagnose import diagnose
from rke2_policies.diagnosis.evidence import Evidence
from rke2_policies.policy import DEFAULT, Params, Policy

Gather = Callable[[Params], Evidence]


def look(paths: Iterable[str], lookup: Lookup) -> Told:
    """Return what there is to tell of the nodes of some paths; of this very node without any.

    The policy is that of the folder in which somebody stands: dumps have none of their own. Raises
    UsageError for a policy that cannot be used.
    """
    policy = lookup.policy_for(f"{absolute('.')}/.") or DEFAULT
    together: dict[str, list[Gather]] = {}
    unreadable: list[str] = []
    seen: set[str] = set()
    paths = list(paths)
    if not paths:
        together["this node"] = [ThisNode().evidence]
    for path in paths:
        try:
            found = find(path)
        except UnreadableError as error:
            unreadable.append(f"{path}: {error}")
            continue
        for one in found:
            if one.where not in seen:
                seen.add(one.where)
                together.setdefault(one.together, []).append(one.gather)
    diagnoses = []
    for name, gathers in together.items():
        evidence = list(_gathered(name, gathers, policy, unreadable))
        if evidence:
            diagnoses.append(diagnose(evidence, policy, name=_called(name), today=today()))
    return Told(diagnoses, unreadable)


def _gathered(
    name: str, gathers: Iterable[Gather], policy: Policy, unreadable: list[str]
) -> Iterable[Evidence]:
    taken: dict[str, int] = {}
    for gather in gathers:
        try:
            evidence = gather(policy.for_node().params)
        except UnreadableError as error:
            unreadable.append(f"{name}: {error}")
            continue
        # Two bundles of one node, of different days: both are told, each by a name of its own.
        number = taken[evidence.name] = taken.get(evidence.name, 0) + 1
        yield evidence if number == 1 else evidence._replace(name=f"{evidence.name} ({number})")


def _called(folder: str) -> str:
    return os.path.basename(folder) or folder

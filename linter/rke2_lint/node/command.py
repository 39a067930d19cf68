"""`rke2-lint node`: look at nodes, say how they are, and what to do."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterable

from rke2_lint.files import Lookup, absolute
from rke2_lint.health.told import Told
from rke2_lint.inspection import today
from rke2_lint.node.files_of_nodes import UnreadableError
from rke2_lint.node.finding_nodes import Found, find
from rke2_lint.node.this_node import ThisNode
from rke2_policies.diagnose import diagnose
from rke2_policies.diagnosis.evidence import Evidence
from rke2_policies.policy import DEFAULT, Policy


def look(paths: Iterable[str], lookup: Lookup) -> Told:
    """Return what there is to tell of the nodes of some paths; of this very node without any.

    The policy is that of the folder in which somebody stands: dumps have none of their own. Raises
    UsageError for a policy that cannot be used.
    """
    policy = lookup.policy_for(f"{absolute('.')}/.") or DEFAULT
    together: dict[str, list[Found]] = {}
    unreadable: list[str] = []
    seen: set[str] = set()
    paths = list(paths)
    if not paths:
        together["this node"] = [Found("this node", "this node", ThisNode().evidence)]
    for path in paths:
        try:
            found = find(path)
        except UnreadableError as error:
            unreadable.append(f"{path}: {error}")
            continue
        for one in found:
            if one.where not in seen:
                seen.add(one.where)
                together.setdefault(one.together, []).append(one)
    diagnoses = []
    for name, nodes in together.items():
        evidence = list(_gathered(name, nodes, policy, unreadable))
        if evidence:
            diagnoses.append(diagnose(evidence, policy, name=_called(name), today=today()))
    return Told(diagnoses, unreadable)


def _gathered(
    name: str, nodes: Iterable[Found], policy: Policy, unreadable: list[str]
) -> Iterable[Evidence]:
    found: list[tuple[str, Evidence]] = []
    for node in nodes:
        try:
            found.append((node.where, node.gather(policy.for_node().params)))
        except UnreadableError as error:
            unreadable.append(f"{name}: {error}")
    times = Counter(evidence.name for _, evidence in found)
    taken: set[str] = set()
    for number, (where, evidence) in enumerate(found, start=1):
        if times[evidence.name] > 1:
            # Bundles of one node, of different days: all are told, by the names of their files.
            several = f"{evidence.name} ({os.path.basename(where)}"
            own = f"{several})" if f"{several})" not in taken else f"{several}, {number})"
            taken.add(own)
            evidence = evidence._replace(name=own)
        yield evidence


def _called(folder: str) -> str:
    return os.path.basename(folder) or folder

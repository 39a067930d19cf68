"""Diagnosing: evidence of nodes in, what is wrong with each and what to do about it out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple, TypeAlias

from rke2_policies import catalog
from rke2_policies.diagnosis.evidence import Evidence
from rke2_policies.diagnosis.live_node import LiveCluster, LiveNode
from rke2_policies.diagnosis.remedy import Step, steps
from rke2_policies.engine import weigh
from rke2_policies.exempting import Exempted
from rke2_policies.finding import Finding, Problem, Severity
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.rule import AnyRule

UNPINNED = "unpinned-kube-proxy"
"""Says only that there is no pin; whatever `explains` says it better."""

Verdict: TypeAlias = Literal["pass", "warning", "error", "not-applicable"]
VERDICTS: tuple[Verdict, ...] = ("error", "warning", "pass", "not-applicable")
"""The worst first."""


class NodeDiagnosis(NamedTuple):
    """What is to be said of one node."""

    node: LiveNode
    verdict: Verdict
    findings: tuple[Finding, ...]
    """The gravest first."""
    exempted: tuple[Exempted, ...]
    """What was found and accepted by the policy, with a reason."""
    steps: tuple[Step, ...]
    """What to do, in order; nothing where nothing counts."""


class Diagnosis(NamedTuple):
    """What is to be said of nodes that belong together."""

    name: str
    """What they are: a cluster, a folder; "" where that has no name."""
    nodes: tuple[NodeDiagnosis, ...]
    """By name."""

    def count(self, verdict: Verdict) -> int:
        """Return how many nodes have a verdict."""
        return sum(one.verdict == verdict for one in self.nodes)


def diagnose(
    evidence: Iterable[Evidence], policy: Policy = DEFAULT, *, name: str = "", today: str = ""
) -> Diagnosis:
    """Ask every live rule about nodes that belong together, by themselves and side by side.

    `policy` gives the levels, the exemptions (`where` is the node's name) and the backend.
    `today` (`YYYY-MM-DD`) ends exemptions; without it they all hold.
    """
    policy = policy.for_node()
    nodes = tuple(
        LiveNode(one, policy.params) for one in sorted(evidence, key=lambda one: one.name)
    )
    found = _found(nodes, LiveCluster(name, nodes), policy)
    return Diagnosis(
        name,
        tuple(
            _judged(node, [one for one in found if one.problem.place == node.place], policy, today)
            for node in nodes
        ),
    )


def _found(nodes: Sequence[LiveNode], cluster: LiveCluster, policy: Policy) -> list[Finding]:
    rules = [rule for rule in catalog.live_rules().values() if policy.asks(rule.id)]
    found: dict[Problem | tuple[str, str, str], Finding] = {}
    subjects: list[LiveNode | LiveCluster] = [node for node in nodes if not node.not_applicable]
    for subject in (*subjects, cluster):
        for rule in rules:
            if rule.subject is not type(subject):
                continue
            for problem in rule.check(subject):
                key = (rule.id, problem.place.document.path, problem.message)
                found.setdefault(key, _finding(rule, problem, policy))
    return list(found.values())


def _finding(rule: AnyRule, problem: Problem, policy: Policy) -> Finding:
    severity = weigh(problem, rule, policy.levels.get(rule.id))
    return Finding(rule.id, severity, problem, (problem.place.document.path,))


def _judged(
    node: LiveNode, findings: Sequence[Finding], policy: Policy, today: str
) -> NodeDiagnosis:
    explained = any(one.problem.explains for one in findings)
    counting: list[Finding] = []
    exempted: list[Exempted] = []
    for finding in findings:
        if explained and finding.rule == UNPINNED:
            continue
        exemption = next(policy.exempted(finding.rule, node.name, today), None)
        if exemption is None:
            counting.append(finding)
        else:
            exempted.append(Exempted(finding, exemption))
    counting.sort(key=lambda one: (-one.severity, one.rule, one.problem.message))
    verdict = _verdict(node, counting)
    needed = steps(node) if verdict in ("warning", "error") else ()
    return NodeDiagnosis(node, verdict, tuple(counting), tuple(exempted), needed)


def _verdict(node: LiveNode, findings: Iterable[Finding]) -> Verdict:
    worst = max((one.severity for one in findings), default=Severity.NOTE)
    if worst is Severity.ERROR:
        return "error"
    if worst is Severity.WARNING:
        return "warning"
    return "not-applicable" if node.not_applicable else "pass"

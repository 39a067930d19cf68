"""JUnit's XML for what runs builds: a suite a node, a case a finding.

Like the linter's own (reporters/junit.py): notes are cases that pass, and a node without findings is
one case that passes.
"""

from __future__ import annotations

from collections.abc import Iterable

from rke2_lint.health.told import Told
from rke2_lint.xml_text import attributes, text
from rke2_policies.diagnose import NodeDiagnosis
from rke2_policies.finding import Finding, Severity


def render(told: Told) -> str:
    """Return a suite for each node, and one for what could not be looked at."""
    nodes = list(told.nodes)
    several = len(told.clusters) > 1
    suites = [
        _suite(one, f"{diagnosis.name}/" if several else "")
        for diagnosis in told.diagnoses
        for one in diagnosis.nodes
    ]
    if told.unreadable:
        suites.append(_unreadable(told.unreadable))
    tests = sum(max(1, len(one.findings)) for one in nodes) + len(told.unreadable)
    failures = sum(_fails(finding) for one in nodes for finding in one.findings)
    about = attributes(
        name=told.command, tests=tests, failures=failures, errors=len(told.unreadable)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{about}>\n{"".join(suites)}</testsuites>\n'


def _suite(one: NodeDiagnosis, cluster: str) -> str:
    name = cluster + one.node.name
    skipped = int(one.verdict == "not-applicable" and not one.findings)
    about = attributes(
        name=name, tests=max(1, len(one.findings)), failures=sum(map(_fails, one.findings)),
        errors=0, skipped=skipped,
    )  # fmt: skip
    cases = [_case(name, finding) for finding in one.findings]
    if skipped:
        reason = attributes(message=one.node.not_applicable)
        case = attributes(name="not applicable", classname=name)
        cases = [f"    <testcase{case}>\n      <skipped{reason}/>\n    </testcase>\n"]
    elif not cases:
        cases = [f"    <testcase{attributes(name='nothing found', classname=name)}/>\n"]
    return f"  <testsuite{about}>\n{''.join(cases)}  </testsuite>\n"


def _case(node: str, finding: Finding) -> str:
    case = attributes(name=finding.rule, classname=node)
    severity = finding.severity.name.lower()
    problem = finding.problem
    said = "\n".join(
        text(line) for line in (f"{node}: {severity}: {problem.message}", problem.remedy) if line
    )
    if _fails(finding):
        about = attributes(type=severity, message=problem.message)
        told = f"<failure{about}>{said}</failure>"
    else:
        told = f"<system-out>{said}</system-out>"
    return f"    <testcase{case}>\n      {told}\n    </testcase>\n"


def _unreadable(lines: Iterable[str]) -> str:
    cases = []
    for line in lines:
        error = attributes(type="unreadable", message=line)
        case = attributes(name=line, classname="unreadable")
        cases.append(f"    <testcase{case}>\n      <error{error}/>\n    </testcase>\n")
    about = attributes(
        name="unreadable", tests=len(cases), failures=0, errors=len(cases), skipped=0
    )
    return f"  <testsuite{about}>\n{''.join(cases)}  </testsuite>\n"


def _fails(finding: Finding) -> bool:
    return finding.severity > Severity.NOTE

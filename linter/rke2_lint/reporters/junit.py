"""JUnit's XML, which nearly everything shows that runs builds: a suite a file, a case a finding.

As Jenkins' schema has it (jenkinsci/xunit-plugin junit-10.xsd). Notes do not fail a build, so they
are cases that pass. There are no times: the same files give the same report.
"""

from __future__ import annotations

from itertools import groupby

from rke2_lint.outcome import Outcome
from rke2_lint.remarks import Remark
from rke2_lint.xml_text import attributes, text

_UNREADABLE = "unreadable"


def render(outcome: Outcome) -> str:
    """Return a suite for each file that was understood, and one for what could not be read."""
    found = {path: list(each) for path, each in groupby(outcome.remarks, key=lambda one: one.path)}
    paths = sorted({*found, *(path for path, _ in outcome.kinds)})
    suites = [_suite(path, found.get(path, [])) for path in paths]
    if outcome.unreadable:
        suites.append(_unreadable(outcome.unreadable))
    failures = sum(one.severity != "note" for one in outcome.remarks)
    tests = sum(max(1, len(found.get(path, []))) for path in paths) + len(outcome.unreadable)
    about = attributes(
        name="rke2-lint", tests=tests, failures=failures, errors=len(outcome.unreadable)
    )
    return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites{about}>\n{"".join(suites)}</testsuites>\n'


def _suite(path: str, remarks: list[Remark]) -> str:
    failures = sum(one.severity != "note" for one in remarks)
    about = attributes(
        name=path, tests=max(1, len(remarks)), failures=failures, errors=0, skipped=0, file=path
    )
    cases = [_case(one) for one in remarks] or [
        f"    <testcase{attributes(name='nothing found', classname=path)}/>\n"
    ]
    return f"  <testsuite{about}>\n{''.join(cases)}  </testsuite>\n"


def _case(one: Remark) -> str:
    where = f"{one.region.line}:{one.region.column}"
    case = attributes(name=f"{one.rule} ({where})", classname=one.path)
    lines = [f"{one.path}:{where}: {one.severity}: {one.message}"]
    lines += (f"{each.path}:{each.region.line}: {each.message}" for each in one.related)
    if one.machines:
        lines.append(f"machines: {', '.join(one.machines)}")
    if one.change is not None:
        lines.append(f"fix ({one.change.safety}): {one.change.title}")
    if one.refusal:
        lines.append(f"{'not by --fix' if one.change else 'no fix'}: {one.refusal}")
    said = "\n".join(map(text, lines))
    if one.severity == "note":
        told = f"<system-out>{said}</system-out>"
    else:
        told = f"<failure{attributes(type=one.severity, message=one.message)}>{said}</failure>"
    return f"    <testcase{case}>\n      {told}\n    </testcase>\n"


def _unreadable(lines: list[str]) -> str:
    about = attributes(name=_UNREADABLE, tests=len(lines), failures=0, errors=len(lines), skipped=0)
    cases = []
    for line in lines:
        case = attributes(name=line, classname=_UNREADABLE)
        error = attributes(type=_UNREADABLE, message=line)
        cases.append(f"    <testcase{case}>\n      <error{error}/>\n    </testcase>\n")
    return f"  <testsuite{about}>\n{''.join(cases)}  </testsuite>\n"

"""A file of RKE2 or Rancher has to parse."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.file import Broken
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Broken, severity=Severity.ERROR)
def check(broken: Broken) -> Iterator[Problem]:
    yield Problem(broken.message, broken.place)

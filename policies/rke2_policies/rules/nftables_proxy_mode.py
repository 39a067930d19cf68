"""With proxy-mode=nftables kube-proxy needs no pin."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    mode = machine.argument("kube-proxy", "proxy-mode")
    if mode is not None and mode.setting == "nftables":
        message = (
            "kube-proxy uses nftables natively, which needs no pin: "
            "check that this is Kubernetes 1.31 or later, and Linux 5.13 or later"
        )
        yield machine.problem(message, mode.place)

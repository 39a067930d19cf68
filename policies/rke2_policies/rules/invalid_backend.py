"""IPTABLES_MODE is `nft` to the letter: nothing checks it, and anything else breaks kube-proxy."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    entry = machine.reading.entry
    if entry is None or machine.reading.verdict != "broken":
        return
    if "," in entry.setting or "\n" in entry.text:
        return  # comma-joined and multi-line-entry say what is wrong.
    value = entry.setting
    safety = Safety.SAFE if pin.means_nft(value) else Safety.UNSAFE
    message = f"{pin.VARIABLE}={value} breaks kube-proxy's iptables: the word is {pin.WANTED}"
    yield machine.problem(message, entry.place, fix=pin.respelling(entry, safety))

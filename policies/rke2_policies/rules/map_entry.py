"""Every item of the environment is NAME=VALUE: a mapping is none."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.environment.entries:
        if not isinstance(entry.value, dict):
            continue
        one = pin.variable_of(entry.value)
        ours = pin.names_variable(entry.value)
        lost = ours and machine.reading.verdict == "unpinned"
        fix = None
        if one is not None:
            plain = one[0] == pin.VARIABLE and pin.means_nft(one[1])
            text = pin.PIN if plain else f"{one[0]}={one[1]}"
            safety = Safety.SAFE if plain else Safety.UNSAFE
            fix = Fix(f"write {text}", (Set(entry.place.route, text),), safety)
        message = "this item is a mapping, not NAME=VALUE: RKE2 logs it and goes on without it"
        severity = Severity.ERROR if lost else None
        yield machine.problem(message, entry.place, fix=fix, explains=lost, severity=severity)

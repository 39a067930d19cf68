"""Every variable is an item of its own: commas are never split."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Append, Edit, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.pin import Entry
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine.environment.entries:
        parts = [part.strip() for part in entry.text.split(",")]
        if isinstance(entry.text, Templated) or len(parts) < 2:
            continue
        first, *others = parts
        if first.startswith(f"{pin.VARIABLE}="):
            what = f"{pin.VARIABLE} is {entry.setting!r}, which breaks kube-proxy's iptables"
        elif any(part.startswith(f"{pin.VARIABLE}=") for part in others):
            what = f"{entry.name} swallows {pin.VARIABLE}, which is not set"
        else:
            continue
        lost = machine.verdict in ("unpinned", "unknown", "broken")
        severity = None if lost else Severity.WARNING
        message = f"commas do not separate variables: {what}"
        fix = _split(entry, parts)
        yield machine.problem(message, entry.place, fix=fix, explains=lost, severity=severity)


def _split(entry: Entry, parts: list[str]) -> Fix | None:
    if not isinstance(entry.value, str) or not all("=" in part for part in parts):
        return None
    route = entry.place.route
    edits: tuple[Edit, ...]
    if isinstance(route[-1], int):
        edits = (Set(route, parts[0]), *(Append(route[:-1], part) for part in parts[1:]))
    else:
        edits = (Set(route, parts),)
    return Fix("split it into items", edits, Safety.UNSAFE)

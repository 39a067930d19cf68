"""What a command that saves rules has said: dumps, or why there are none."""

from __future__ import annotations

from typing import NamedTuple

from rke2_policies.diagnosis.evidence import Damage
from rke2_policies.diagnosis.rule_dump import Backend, Family, RuleDump, read_dumps

SAVING: tuple[tuple[str, Backend, Family], ...] = (
    ("iptables-legacy-save", "legacy", 4),
    ("ip6tables-legacy-save", "legacy", 6),
    ("iptables-nft-save", "nft", 4),
    ("ip6tables-nft-save", "nft", 6),
)
"""All that is ever called of iptables: the bare names would make kube-proxy's choice for it."""


class Said(NamedTuple):
    """What a command wrote, and how it ended."""

    output: str
    errors: str
    fault: str
    """Why it did not do what it should; "" where it did."""


def dumps_of(
    said: Said, tool: str, backend: Backend, family: Family, *, by_host: bool = False
) -> tuple[tuple[RuleDump, ...], Damage | None]:
    """Return the dumps that one of `SAVING` wrote, and what is wrong where there are none."""
    if said.fault and not said.output:
        found = read_dumps(said.errors, backend, family, source=tool, by_host=by_host)
        if said.errors.strip() and found:
            # The kernel has no such tables.
            return found, None
        return (), Damage(tool, said.fault)
    text = f"{said.output.rstrip()}\n{said.errors}" if said.output else said.errors
    found = read_dumps(text, backend, family, source=tool, by_host=by_host, with_errors=True)
    if said.fault:
        found = tuple(
            one._replace(complete=False, faults=(*one.faults, said.fault)) for one in found
        )
    return found, None

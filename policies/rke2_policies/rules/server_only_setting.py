"""What only servers know is ignored in an agent's file."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.facts import is_server_only
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.rule import rule


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    if node.role != "agent":
        return
    for name, setting in node.machine.settings.items():
        if not is_server_only(name) or setting.place is None:
            continue
        message = f"an agent does not know {name} and skips it"
        if name == "disable-kube-proxy":
            message += ": whether kube-proxy runs is the servers' say"
        if node.role_is_guess:
            message += (
                " (this looks like an agent's file: say --as rke2-server-config if it is not)"
            )
        yield Problem(message, setting.place.key)

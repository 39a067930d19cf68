"""A pin in the service's environment is out of sight, and the configuration replaces it."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.rule import rule


@rule(Node, severity=Severity.NOTE)
def check(node: Node) -> Iterator[Problem]:
    said = node.machine.environment.said
    for one in node.environment:
        document = one.document
        value = document[(pin.ENVIRONMENT_KEY,)] if document is not None else None
        if document is None or not isinstance(value, str):
            continue
        place = document.at(pin.ENVIRONMENT_KEY)
        if said[-1].place == place:
            if pin.VARIABLE in value:
                message = f"the pin works here, but nobody who reads {node.name} sees it"
                yield Problem(message, place)
        else:
            message = (
                f"{said[-1].by} sets {pin.KEY}, which replaces this since v1.31.8, v1.32.4 and v1.33.0; "
                "before, both were added up"
            )
            related = ((said[-1].place.key, "this one counts"),)
            yield Problem(message, place, None, related, Severity.WARNING)

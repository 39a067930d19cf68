"""RKE2 loses `<<` in its own files: what it would merge is not there."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.route import Json
from rke2_policies.rule import rule


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    for one in node.files:
        document = one.document
        for route, merged in document.lost_merges.items() if document is not None else ():
            if document is None:
                continue
            ours = _names(merged) and node.machine.verdict == "unpinned"
            message = "RKE2 loses << in its own files: write the settings out"
            severity = Severity.ERROR if ours else None
            yield Problem(message, Place(document.id, route).key, None, (), severity, explains=ours)


def _names(merged: Json) -> bool:
    match merged:
        case dict():
            return any(key.removesuffix("+") == pin.KEY for key in merged)
        case list():
            return any(map(_names, merged))
        case _:
            return False

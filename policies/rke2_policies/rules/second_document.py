"""RKE2 reads the first YAML document of a file only."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Document
from rke2_policies.facts import rke2_flags
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.rule import rule


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    for one in node.files:
        for document in one.file.documents[1:]:
            said = _settings(document)
            if not said:
                continue
            ours = any(name.removesuffix("+") == pin.KEY for name in said)
            lost = ours and node.machine.verdict == "unpinned"
            message = "RKE2 reads the first document of a file only: nothing of this one counts"
            severity = Severity.ERROR if lost else None
            yield Problem(message, document.at(said[0]).key, None, (), severity, explains=lost)


def _settings(document: Document) -> list[str]:
    tree = document.tree
    names = list(tree) if isinstance(tree, dict) else []
    said = [name for name in names if name.removesuffix("+") in rke2_flags()]
    return sorted(said, key=lambda name: name.removesuffix("+") != pin.KEY)

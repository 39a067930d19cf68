"""RKE2 reads only *.yaml and *.yml right in config.yaml.d."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import ConfigFile, Node
from rke2_policies.rke2_merge import lines
from rke2_policies.rule import rule


@rule(Node, severity=Severity.ERROR)
def check(node: Node) -> Iterator[Problem]:
    lost = node.machine.verdict == "unpinned"
    for one in node.ignored:
        place = _says(one)
        if place is None:
            continue
        message = f"RKE2 never reads this file: {_why(one.file.path)}"
        severity = None if lost else Severity.NOTE
        yield Problem(message, place.key, None, (), severity, explains=lost)


def _says(one: ConfigFile) -> Place | None:
    document = one.document
    if document is None:
        return None
    return next((line.place for line in lines(document) if line.key == pin.KEY), None)


def _why(path: str) -> str:
    folder, _, name = path.rpartition("/")
    parent = folder.rpartition("/")[2]
    if parent == "config.d":
        return "the folder is called config.yaml.d"
    if not parent.lower().endswith((".yaml.d", ".yml.d")):
        return "it does not look into folders of config.yaml.d"
    return f"{name} ends neither in .yaml nor in .yml"

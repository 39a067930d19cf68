"""Drop-ins are read in byte order: `10-` comes before `9-`."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import ConfigFile, Node
from rke2_policies.rke2_merge import lines
from rke2_policies.rule import rule

_NUMBER = re.compile(r"\d+")


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    saying = [one for one in node.drop_ins if _says(one)]
    for earlier, later in itertools.pairwise(saying):
        one, other = _number(earlier), _number(later)
        document = later.document
        if one is not None and other is not None and one > other and document is not None:
            message = (
                f"{later.by} is read after {earlier.by}: names are sorted as text, not as numbers"
            )
            place = next(line.place for line in lines(document) if line.key == pin.KEY)
            related = ((earlier.place, "this one is read first"),)
            yield Problem(message, place.key, None, related)


def _says(one: ConfigFile) -> bool:
    return one.document is not None and any(line.key == pin.KEY for line in lines(one.document))


def _number(one: ConfigFile) -> int | None:
    found = _NUMBER.match(one.by.rpartition("/")[2])
    return int(found[0]) if found else None

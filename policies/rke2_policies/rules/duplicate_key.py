"""A key is said once: of several the last one counts."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.document import Document, Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.route import Repeated
from rke2_policies.rule import rule


@rule(Document, severity=Severity.WARNING)
def check(document: Document) -> Iterator[Problem]:
    for route in document.repeated:
        step = route[-1]
        if isinstance(step, Repeated) and not step.key.endswith("+"):
            place = Place(document.id, route)
            last = document.at(*route[:-1], step.key)
            message = f"{step.key} is said again further down, and the last one counts"
            yield Problem(message, place.key, None, ((last.key, "this one counts"),))

"""How RKE2 merges its own configuration files.

The base file first, then the drop-ins of its `.d` folder in byte order of their names; of each the
first YAML document; every top-level entry in order. A key that comes again replaces the whole
value; `key+` appends to it, if it was seen before (k3s-io/k3s pkg/configfilearg/parser.go
`readConfigFile`; rke2-docs docs/install/configuration.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from rke2_policies import pin
from rke2_policies.document import Document, Place
from rke2_policies.machine import Said, Setting
from rke2_policies.route import Json, Repeated


class Line(NamedTuple):
    """One top-level entry of a configuration file."""

    key: str
    appends: bool
    value: Json
    place: Place


def lines(document: Document) -> Iterator[Line]:
    """Yield the top-level entries of a document in the order of the text, repeated ones among them."""
    tree = document.tree
    if not isinstance(tree, dict):
        return
    found: list[tuple[str, Place, Json]] = [
        (key, document.at(key), value) for key, value in tree.items()
    ]
    earlier = [
        (step.key, Place(document.id, route), value)
        for route, value in document.repeated.items()
        if len(route) == 1 and isinstance(step := route[0], Repeated)
    ]
    if earlier:
        found = sorted([*earlier, *found], key=lambda entry: _start(document, entry[1]))
    for name, place, value in found:
        appends = name.endswith("+")
        yield Line(name[:-1] if appends else name, appends, value, place)


def _start(document: Document, place: Place) -> int:
    span = document.span(place.key)
    return span.start if span else 0


def merge(files: Iterable[tuple[str, Document]]) -> dict[str, Setting]:
    """Return the settings that files come to; each file is (how to call it, its first document)."""
    settings: dict[str, Setting] = {}
    for by, document in files:
        for line in lines(document):
            before = settings.get(line.key)
            entries = pin.entries(line.value, line.place)
            value = line.value
            if line.appends and before is not None:
                value = [*_slice(before.value), *_slice(value)]
                entries = (*before.entries, *entries)
            said = Said(line.value, line.place, by, entries)
            earlier = before.said if before is not None else ()
            settings[line.key] = Setting(line.key, value, (*earlier, said))
    return settings


def _slice(value: Json) -> list[Json]:
    return value if isinstance(value, list) else [value]

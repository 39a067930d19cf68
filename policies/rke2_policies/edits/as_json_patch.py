"""Edits as JSON Patch (RFC 6902), for the API server to make.

`add` alone sets values: on a member that an object has it replaces it (RFC 6902, 4.1), so that the
patch still fits where another webhook has taken the member away. `replace` on a missing path fails,
and a patch that fails stops the request even under `failurePolicy: Ignore`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from rke2_policies.edits import Append, Edit, Remove, Rename, apply
from rke2_policies.route import Json, Route, find, pointer, same

Operation = dict[str, Any]


def json_patch(tree: Json, edits: Iterable[Edit]) -> list[Operation]:
    """Return the operations that turn `tree` into what the edits ask for; none where it is so."""
    operations: list[Operation] = []
    for edit in edits:
        wanted = apply(tree, edit)
        if not same(wanted, tree):
            operations += _operations(tree, edit, wanted)
            tree = wanted
    return operations


def _operations(tree: Json, edit: Edit, wanted: Json) -> Iterator[Operation]:
    match edit:
        case Remove(route):
            yield {"op": "remove", "path": pointer(route)}
        case Rename(route, key):
            renamed = (*route[:-1], key)
            yield {"op": "add", "path": pointer(renamed), "value": find(wanted, renamed)}
            yield {"op": "remove", "path": pointer(route)}
        case Append(route, value) if isinstance(find(tree, route), list):
            yield {"op": "add", "path": pointer(route) + "/-", "value": value}
        case _:
            member = _nearest_member(tree, edit.route)
            yield {"op": "add", "path": pointer(member), "value": find(wanted, member)}


def _nearest_member(tree: Json, route: Route) -> Route:
    """Return the longest part of `route` that is a member of an object that is there.

    `add` at an index inserts, so an item that changes is given with its whole list.
    """
    for length in range(len(route), 0, -1):
        if isinstance(find(tree, route[: length - 1]), dict):
            return route[:length]
    return ()

"""Routes: where something is in a document, as a tuple of steps."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeAlias

Json: TypeAlias = Any
"""A JSON value. Narrow it with `match` where its shape matters."""


class Repeated(NamedTuple):
    """A step to an earlier entry of a key that its mapping says again further down.

    The plain key leads to the last entry, which is the one in force; `occurrence` counts the
    earlier ones from 0. Only places use such steps, never edits.
    """

    key: str
    occurrence: int


Step: TypeAlias = str | int | Repeated
Route: TypeAlias = tuple[Step, ...]


class Missing:
    """The type of `MISSING`: nothing stands there, which is not the same as `null`."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "MISSING"

    def __bool__(self) -> bool:
        return False


MISSING = Missing()


class Templated(str):
    """A value that a template decides: its text is what the file says, its value is not known."""

    __slots__ = ()


def find(tree: Json, route: Route) -> Json | Missing:
    """Return what stands at `route`, or MISSING."""
    here = tree
    for step in route:
        # No `match`: this is asked a hundred times of every object.
        if isinstance(here, dict):
            here = here.get(step, MISSING)
        elif isinstance(here, list) and isinstance(step, int) and 0 <= step < len(here):
            here = here[step]
        else:
            return MISSING
    return here


def pointer(route: Route) -> str:
    """Write `route` as an RFC 6901 JSON Pointer."""
    return "".join(
        "/"
        + str(step.key if isinstance(step, Repeated) else step)
        .replace("~", "~0")
        .replace("/", "~1")
        for step in route
    )


def same(one: Json, other: Json) -> bool:
    """Compare as JSON does: `1`, `1.0` and `true` are three different values."""
    if one is other:
        return True
    match one, other:
        case dict(), dict():
            return one.keys() == other.keys() and all(same(v, other[k]) for k, v in one.items())
        case list(), list():
            return len(one) == len(other) and all(map(same, one, other))
        case str(), str():
            return one == other
        case _:
            return type(one) is type(other) and bool(
                one == other or (one != one and other != other)
            )

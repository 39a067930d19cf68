"""The chart, rendered by Helm's own code, as objects that tests can look into."""

from __future__ import annotations

import importlib
import json
import os
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml


def needed(module: str) -> Any:
    """Return a module of the extra `charts`: without it tests are skipped, or fail if they must run."""
    if os.environ.get("RKE2_LINT_CHARTS") == "required":
        return importlib.import_module(module)
    return pytest.importorskip(module, reason=f"no {module} here: `make charts` installs it")


helm = needed("helm_python")

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts/rke2-webhook"
RELEASE, NAMESPACE = "rke2-webhook", "cattle-system"

_STEP = re.compile(r"([^.\[\]]+)|\[([^\]]+)\]")


class Objects:
    """What a release would consist of."""

    def __init__(self, rendered: Mapping[str, str]) -> None:
        self.notes = next(
            (text for path, text in rendered.items() if path.endswith("NOTES.txt")), ""
        )
        self.all: list[dict[str, Any]] = [
            each
            for path, text in sorted(rendered.items())
            if path.endswith(".yaml")
            for each in yaml.safe_load_all(text)
            if each
        ]

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(self.all)

    def of(self, kind: str, ending: str = "") -> list[dict[str, Any]]:
        """Return all objects of a kind whose name ends so."""
        return [
            each
            for each in self.all
            if each["kind"] == kind and each["metadata"]["name"].endswith(ending)
        ]

    def one(self, kind: str, ending: str = "") -> Any:
        (only,) = self.of(kind, ending)
        return only

    def at(self, where: str) -> Any:
        """Return what stands at `Kind/name-ending: a.b[0].c[name of an item]`; None if nothing does.

        Without the place, return how many objects there are.
        """
        which, _, place = where.partition(":")
        kind, _, ending = which.partition("/")
        if not place:
            return len(self.of(kind, ending))
        found: Any = self.of(kind, ending)
        if not found:
            return None
        (found,) = found
        for key, item in _STEP.findall(place.strip()):
            if found is None:
                return None
            if key:
                found = found.get(key)
            elif item.isdigit():
                found = found[int(item)] if int(item) < len(found) else None
            elif item.startswith("~"):
                found = found.get(item[1:])  # a key with dots in it
            else:
                found = next((each for each in found if each.get("name") == item), None)
        return found


def render(
    values: Mapping[str, Any] | None = None, release: str = RELEASE, namespace: str = NAMESPACE
) -> Objects:
    """Return the objects under these values. Raises HelmError if the values are refused.

    Nobody changes them: the same ones come again for the same values.
    """
    return _rendered(json.dumps(values or {}, sort_keys=True), release, namespace)


@cache
def _rendered(values: str, release: str, namespace: str) -> Objects:
    given = json.loads(values)
    _chart().validate_schema(given)
    return Objects(_chart().render(given, name=release, namespace=namespace))


@cache
def _chart() -> Any:
    return helm.Chart.load(CHART)


class Value(NamedTuple):
    """One key of values.yaml that is set as a whole."""

    path: str
    default: Any


def leaves(schema: Mapping[str, Any], above: str = "") -> Iterator[Value]:
    """Yield the keys of the values, as their schema has them."""
    for name, each in schema["properties"].items():
        path = f"{above}{name}"
        if "properties" in each and "default" not in each:
            yield from leaves(each, f"{path}.")
        else:
            yield Value(path, each["default"])


def nested(path: str, value: Any) -> dict[str, Any]:
    """Return the values in which one key says something."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


def merged(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with others laid over them, as Helm does it."""
    both = dict(one)
    for name, value in other.items():
        here = both.get(name)
        both[name] = (
            merged(here, value) if isinstance(here, dict) and isinstance(value, dict) else value
        )
    return both

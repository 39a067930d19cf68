"""The catalog: every rule there is."""

from __future__ import annotations

import importlib
from functools import cache

from rke2_policies import rules as package
from rke2_policies.rule import AnyRule, Rule


def names() -> tuple[str, ...]:
    """Return the ids of all rules, sorted, without importing one."""
    return tuple(name.replace("_", "-") for name in sorted(package.__all__))


@cache
def rules() -> dict[str, AnyRule]:
    """Return all rules by id, sorted."""
    return {name: rule(name) for name in names()}


@cache
def rule(id: str) -> AnyRule:
    """Return one rule by its id. `KeyError`: there is none."""
    name = id.replace("-", "_")
    if name not in package.__all__:
        raise KeyError(id)
    module = importlib.import_module(f"{package.__name__}.{name}")
    (one,) = [value for value in vars(module).values() if isinstance(value, Rule)]
    return one

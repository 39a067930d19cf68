"""The catalog: every rule there is, found by looking, not by being told."""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache

from rke2_policies import rules as package
from rke2_policies.rule import AnyRule, Rule


@cache
def rules() -> dict[str, AnyRule]:
    """Return all rules by id, sorted."""
    found = {}
    for name in sorted(info.name for info in pkgutil.iter_modules(package.__path__)):
        one = rule(name.replace("_", "-"))
        found[one.id] = one
    return found


@cache
def rule(id: str) -> AnyRule:
    """Return one rule by its id. `KeyError`: there is none."""
    name = f"{package.__name__}.{id.replace('-', '_')}"
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        raise KeyError(id) from error
    (one,) = [value for value in vars(module).values() if isinstance(value, Rule)]
    return one

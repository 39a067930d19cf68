"""The catalog: every rule there is, those about files and those about live nodes and clusters."""

from __future__ import annotations

import importlib
from functools import cache

from rke2_policies import rules as package
from rke2_policies.rule import AnyRule, Rule

_LIVE = "rke2_policies.live_rules"


def names() -> tuple[str, ...]:
    """Return the ids of all rules, live ones among them, sorted, without importing one."""
    return tuple(sorted((*lint_names(), *live_names())))


def lint_names() -> tuple[str, ...]:
    """Return the ids of the rules about files, sorted, without importing one."""
    return tuple(name.replace("_", "-") for name in sorted(package.__all__))


def live_names() -> tuple[str, ...]:
    """Return the ids of the rules about live nodes and clusters, sorted, without importing one."""
    modules: list[str] = importlib.import_module(_LIVE).__all__
    return tuple(name.replace("_", "-") for name in sorted(modules))


@cache
def rules() -> dict[str, AnyRule]:
    """Return all rules about files by id, sorted."""
    return {name: rule(name) for name in lint_names()}


@cache
def rules_by_subject() -> dict[type, list[AnyRule]]:
    """Return the rules about files, sorted by id, for each type of subject that they are asked of."""
    found: dict[type, list[AnyRule]] = {}
    for rule in rules().values():
        found.setdefault(rule.subject, []).append(rule)
    return found


@cache
def live_rules() -> dict[str, AnyRule]:
    """Return all rules about live nodes and clusters by id, sorted."""
    return {name: rule(name) for name in live_names()}


@cache
def rule(id: str) -> AnyRule:
    """Return one rule by its id. `KeyError`: there is none."""
    name = id.replace("-", "_")
    if name in package.__all__:
        module = importlib.import_module(f"{package.__name__}.{name}")
    elif id in live_names():
        module = importlib.import_module(f"{_LIVE}.{name}")
    else:
        raise KeyError(id)
    (one,) = [value for value in vars(module).values() if isinstance(value, Rule)]
    return one

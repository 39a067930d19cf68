"""Label selectors as Kubernetes evaluates them (k8s.io/apimachinery `LabelSelectorAsSelector`)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from rke2_policies.lazy_pattern import lazily
from rke2_policies.route import Json, Route, Templated

_NAME = lazily(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?")
_PREFIX = lazily(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")
_FIELDS = ("matchLabels", "matchExpressions")


class Requirement(NamedTuple):
    """One condition on one label."""

    key: str
    operator: str
    values: tuple[str, ...]
    route: Route
    """Where it stands, below the selector."""

    def holds(self, labels: Mapping[str, str]) -> bool | None:
        """Return whether labels meet it; None where a template decides."""
        if isinstance(self.key, Templated):
            return None
        value = labels.get(self.key)
        match self.operator:
            case "Exists":
                return value is not None
            case "DoesNotExist":
                return value is None
            case "In" | "NotIn":
                if value is None:
                    return self.operator == "NotIn"
                if value in self.values:
                    return self.operator == "In"
                if isinstance(value, Templated) or Templated in map(type, self.values):
                    return None
                return self.operator == "NotIn"
            case _:
                return None


class Selector(NamedTuple):
    """A selector that the API server takes. Without requirements it selects everything."""

    requirements: tuple[Requirement, ...]

    def matches(self, labels: Mapping[str, str]) -> bool | None:
        """Return whether it selects something with these labels; None where a template decides."""
        answer: bool | None = True
        for requirement in self.requirements:
            holds = requirement.holds(labels)
            if holds is False:
                return False
            if holds is None:
                answer = None
        return answer


class Invalid(NamedTuple):
    """Why a selector is refused, and where, below the selector."""

    message: str
    route: Route


def parse(selector: Json) -> Selector | Invalid:
    """Read a selector. `null` is for the caller to judge: Rancher applies such entries to all."""
    if selector is None:
        return Selector(())
    if not isinstance(selector, dict):
        return Invalid("a label selector is a mapping", ())
    requirements = []
    labels = selector.get("matchLabels")
    if labels is not None:
        if not isinstance(labels, dict):
            return Invalid("matchLabels is a mapping of strings", ("matchLabels",))
        for key, value in labels.items():
            route: Route = ("matchLabels", key)
            if not isinstance(value, str):
                return Invalid(f"the value of label {key} has to be a string: quote it", route)
            requirements.append(Requirement(key, "In", (value,), route))
    expressions = selector.get("matchExpressions")
    if expressions is not None:
        if not isinstance(expressions, list):
            return Invalid("matchExpressions is a list", ("matchExpressions",))
        for i, expression in enumerate(expressions):
            parsed = _expression(expression, ("matchExpressions", i))
            if isinstance(parsed, Invalid):
                return parsed
            requirements.append(parsed)
    for requirement in requirements:
        problem = _malformed(requirement)
        if problem:
            return Invalid(problem, requirement.route)
    return Selector(tuple(requirements))


def _expression(expression: Json, route: Route) -> Requirement | Invalid:
    match expression:
        case {"key": str(key), "operator": str(operator)}:
            values = expression.get("values")
        case _:
            return Invalid("an expression has a key and an operator", route)
    values = [] if values is None else values
    if not isinstance(values, list) or not all(isinstance(v, str) for v in values):
        return Invalid("the values of an expression are a list of strings", (*route, "values"))
    if operator in ("In", "NotIn"):
        if not values:
            return Invalid(f"{operator} needs at least one value", route)
    elif operator in ("Exists", "DoesNotExist"):
        if values:
            return Invalid(f"{operator} takes no values", (*route, "values"))
    elif not isinstance(operator, Templated):
        return Invalid(
            f"there is no operator {operator}: there are In, NotIn, Exists and DoesNotExist",
            (*route, "operator"),
        )
    return Requirement(key, operator, tuple(values), route)


def _malformed(requirement: Requirement) -> str | None:
    if not isinstance(requirement.key, Templated):
        prefix, slash, name = requirement.key.rpartition("/")
        if not _NAME.fullmatch(name) or (slash and not _PREFIX.fullmatch(prefix)):
            return f"{requirement.key!r} is no label key"
    for value in requirement.values:
        if value and not isinstance(value, Templated) and not _NAME.fullmatch(value):
            return f"{value!r} is no label value"
    return None

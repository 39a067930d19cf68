"""Policy files: YAML that says what an organisation wants, one schema for both doors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from rke2_policies import catalog
from rke2_policies.edit_distance import nearest
from rke2_policies.finding import Severity
from rke2_policies.lazy_pattern import lazily
from rke2_policies.policy import DEFAULT, Admission, Exemption, Policy
from rke2_policies.route import Json, Repeated, Route
from rke2_policies.yaml_source import Source

LEVELS: Mapping[str, Severity | None] = {
    "off": None,
    "note": Severity.NOTE,
    "warning": Severity.WARNING,
    "error": Severity.ERROR,
}
_DAY = lazily(r"\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])")
_TOP = ("name", "extends", "levels", "exempt", "webhook")
_EXEMPTION = ("rule", "where", "reason", "until")
_WEBHOOK = ("onCreate", "onUpdate", "patch", "deny", "ignoreUsers")
_CREATE = ("inject", "warn", "off")
_UPDATE = ("with-rollout", "warn", "inject", "off")


class PolicyError(ValueError):
    """A policy that cannot be used: the file, the line, what is wrong and what would be right."""


def read_policy(path: str, data: bytes, base: Callable[[str], Policy] | None = None) -> Policy:
    """Read a policy file; `base` finds the policy that it `extends` (else only `default` is there).

    Raises PolicyError.
    """
    return _Reader(path, data).policy(base or _baseline)


def _baseline(name: str) -> Policy:
    if name != "default":
        raise KeyError(name)
    return DEFAULT


class _Reader:
    """One file while it is read: it knows where things stand, for its errors."""

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.source = Source.read(path, data)
        if self.source.problems:
            problem = self.source.problems[0]
            line = self.source.position(problem.span.start).line
            raise PolicyError(f"{path}:{line}: {problem.message}")
        if self.source.masked is not None:
            raise PolicyError(f"{path}:{self.template()}: a policy is no template")
        if len(self.source.documents) > 1:
            span = self.source.documents[1].span(self.source.documents[1].at())
            line = self.source.position(span.start).line if span else 1
            raise PolicyError(f"{path}:{line}: a policy is one YAML document")
        self.document = self.source.documents[0] if self.source.documents else None

    def template(self) -> int:
        """Return the line where a template's text starts."""
        starts = (self.source.text.find(opening) for opening in ("{{", "{%", "{#"))
        return self.source.position(min((at for at in starts if at >= 0), default=0)).line

    def error(self, route: Route, message: str, *, key: bool = False) -> PolicyError:
        """Return the error of a place."""
        if self.document is None:
            return PolicyError(f"{self.path}:1: {message}")
        place = self.document.at(*route)
        span = self.document.span(place.key if key else place)
        line = self.source.position(span.start).line if span else 1
        return PolicyError(f"{self.path}:{line}: {message}")

    def policy(self, base: Callable[[str], Policy]) -> Policy:
        tree = self.document.tree if self.document is not None else None
        for again in self.document.repeated if self.document is not None else ():
            said = again[-1]
            key = said.key if isinstance(said, Repeated) else said
            raise self.error(again, f"{key} is said twice", key=True)
        top = self.mapping((), tree, _TOP)
        under = DEFAULT
        if top.get("extends") is not None:
            name = self.text(("extends",), top["extends"])
            try:
                under = base(name)
            except KeyError:
                raise self.error(("extends",), f"there is no policy {name} to extend") from None
        levels = {**under.levels, **self.levels(top.get("levels"))}
        exempt = (*under.exempt, *self.exemptions(top.get("exempt")))
        admission = self.admission(top.get("webhook"), under.admission)
        given = top.get("name")
        name = under.name if given is None else self.text(("name",), given)
        return Policy(name, levels, under.others, exempt, admission)

    def levels(self, tree: Json) -> dict[str, Severity | None]:
        found: dict[str, Severity | None] = {}
        for rule, level in self.mapping(("levels",), tree).items():
            route = ("levels", rule)
            self.rule(route, rule, key=True)
            # YAML 1.1 reads `off` as false.
            word = "off" if level is False else level
            found[rule] = LEVELS[self.choice(route, word, LEVELS)]
        return found

    def exemptions(self, tree: Json) -> Iterable[Exemption]:
        for i, entry in enumerate(self.list(("exempt",), tree)):
            route: Route = ("exempt", i)
            fields = self.mapping(route, entry, _EXEMPTION)
            for field in ("rule", "where", "reason"):
                if fields.get(field) in (None, ""):
                    raise self.error(route, f"an exemption needs a {field}")
            until = fields.get("until")
            if until is not None and not (isinstance(until, str) and _is_day(until)):
                raise self.error((*route, "until"), "until is a day, such as 2027-03-31")
            rule = self.text((*route, "rule"), fields["rule"])
            self.rule((*route, "rule"), rule)
            where = self.text((*route, "where"), fields["where"])
            reason = self.text((*route, "reason"), fields["reason"])
            yield Exemption(rule, where, reason, until)

    def admission(self, tree: Json, under: Admission) -> Admission:
        route: Route = ("webhook",)
        fields = self.mapping(route, tree, _WEBHOOK)

        def chosen(field: str, choices: Iterable[str], otherwise: str) -> str:
            if fields.get(field) is None:
                return otherwise
            word = "off" if fields[field] is False else fields[field]
            return self.choice((*route, field), word, choices)

        def texts(field: str, otherwise: tuple[str, ...], *, rules: bool) -> tuple[str, ...]:
            if fields.get(field) is None:
                return otherwise
            items = self.list((*route, field), fields[field])
            for i, item in enumerate(items):
                self.text((*route, field, i), item)
                if rules:
                    self.rule((*route, field, i), item)
            return tuple(items)

        return Admission(
            chosen("onCreate", _CREATE, under.on_create),
            chosen("onUpdate", _UPDATE, under.on_update),
            texts("patch", under.patch, rules=True),
            texts("deny", under.deny, rules=True),
            texts("ignoreUsers", under.ignore_users, rules=False),
        )

    def mapping(
        self, route: Route, tree: Json, keys: Iterable[str] | None = None
    ) -> dict[str, Json]:
        if tree is None:
            return {}
        if not isinstance(tree, dict):
            raise self.error(route, f"{_name(route)} is a mapping")
        for key in tree if keys is not None else ():
            if key not in tuple(keys or ()):
                near = nearest(key, tuple(keys or ()))
                hint = f"; did you mean {near}?" if near else f"; there are {', '.join(keys or ())}"
                raise self.error((*route, key), f"there is no key {key}{hint}", key=True)
        return tree

    def list(self, route: Route, tree: Json) -> list[Json]:
        if tree is None:
            return []
        if not isinstance(tree, list):
            raise self.error(route, f"{_name(route)} is a list")
        return tree

    def text(self, route: Route, value: Json) -> str:
        if not isinstance(value, str):
            raise self.error(route, f"{_name(route)} is a string")
        if not value.strip():
            raise self.error(route, f"{_name(route)} is empty")
        return value

    def choice(self, route: Route, value: Json, choices: Iterable[str]) -> str:
        if not isinstance(value, str) or value not in choices:
            near = nearest(value, choices) if isinstance(value, str) else None
            hint = f"; did you mean {near}?" if near else ""
            said = f", not {value}{hint}" if isinstance(value, str) else ""
            raise self.error(route, f"{_name(route)} is one of {', '.join(choices)}{said}")
        return value

    def rule(self, route: Route, name: str, *, key: bool = False) -> None:
        if name not in catalog.names():
            near = nearest(name, catalog.names())
            hint = f"; did you mean {near}?" if near else ""
            raise self.error(route, f"there is no rule {name}{hint}", key=key)


def _is_day(text: str) -> bool:
    """Return whether a text is a day of the calendar, `YYYY-MM-DD`."""
    if not _DAY.fullmatch(text):
        return False
    year, month, day = map(int, text.split("-"))
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    if month == 2:
        return day <= (29 if leap else 28)
    return day <= (30 if month in (4, 6, 9, 11) else 31)


def _name(route: Route) -> str:
    return ".".join(str(step) for step in route) or "a policy"

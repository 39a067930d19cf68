"""Policy files: YAML that says what an organisation wants, one schema for both doors.

What the keys are is said in `policy_keys.py`; here they are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from typing import Any, NoReturn

import rke2_policies
from rke2_policies import catalog, path_glob
from rke2_policies.document import Document, DocumentId
from rke2_policies.edit_distance import meant, nearest
from rke2_policies.finding import Severity
from rke2_policies.label_selector import Invalid, Selector, parse
from rke2_policies.path_glob import PathGlob
from rke2_policies.pin import VARIABLE
from rke2_policies.policy import (
    DEFAULT,
    Exemption,
    Override,
    Policy,
    RequiredSetting,
)
from rke2_policies.policy_keys import (
    BASELINES,
    LEVELS,
    POLICY,
    REQUIRED_SETTING,
    ByName,
    Glob,
    LabelSelector,
    Many,
    RuleName,
    Section,
    Shape,
    Text,
    Values,
    Word,
)
from rke2_policies.route import Json, Repeated, Route
from rke2_policies.yaml_source import Source

_LONGEST_CHAIN = 20
_LONGEST_MESSAGE = 400
_RULES_ARE_LISTED = "`rke2-lint rule` lists them"
ADMISSION = {
    "on_create": "onCreate",
    "on_update": "onUpdate",
    "patch": "patch",
    "deny": "deny",
    "ignore_users": "ignoreUsers",
}
"""The fields of `Admission`, each with its key in the section `webhook`."""


class PolicyError(ValueError):
    """A policy that cannot be used: the file, the line, what is wrong and what would be right."""


class NoBaseError(LookupError):
    """A policy that cannot be extended; the message says why."""


def read_policy(
    path: str,
    data: bytes | Mapping[str, Json],
    base: Callable[[str], Policy] | None = None,
    *,
    folder: str | None = None,
    table: str = "",
    lines: Mapping[Route, int] | None = None,
) -> Policy:
    """Read a policy: the bytes of a YAML file, or a tree that somebody has parsed already.

    `base` finds the policy that it `extends` (else only the baselines are there); it may raise
    NoBaseError, KeyError, or the PolicyError of that policy. `folder` is the one that globs count
    from, as the paths are written that they are asked about: that of `path` if it is not said.
    `table` is what the tree is called in the file (`tool.rke2-lint`), and `lines` where its parts
    stand; errors name keys where there is no line.

    Raises PolicyError.
    """
    folder = path.rpartition("/")[0] if folder is None else folder
    reader = _Reader(path, data, folder, table, lines or {})
    return reader.policy(base or builtin)


def load_policy(
    path: str,
    read: Callable[[str], bytes],
    *,
    standing: str = "",
    above: tuple[str, ...] = (),
) -> Policy:
    """Read a policy file, and all that it extends, file by file.

    `read` returns the bytes of a file, and may raise OSError. `standing` is the folder, in full,
    that relative paths are seen from. `above` are the files that extend this one.

    Raises PolicyError.
    """
    try:
        data = read(path)
    except OSError as error:
        raise PolicyError(f"{path}: {error.strerror or 'it cannot be read'}") from None
    folder = resolve(standing, path).rpartition("/")[0]
    return read_policy(path, data, bases(path, read, standing=standing, above=above), folder=folder)


def bases(
    path: str, read: Callable[[str], bytes], *, standing: str = "", above: tuple[str, ...] = ()
) -> Callable[[str], Policy]:
    """Return what finds the policies that a file extends: baselines, and files relative to it."""

    def base(name: str) -> Policy:
        if name in BASELINES:
            return builtin(name)
        other = resolve(path.rpartition("/")[0], name)
        chain = (*above, path)
        if resolve(standing, other) in [resolve(standing, one) for one in chain]:
            raise NoBaseError(f"it extends itself: {' → '.join((*chain, other))}")
        if len(chain) > _LONGEST_CHAIN:
            raise NoBaseError(f"more than {_LONGEST_CHAIN} policies extend one another")
        try:
            data = read(other)
        except (OSError, ValueError) as error:  # ValueError: no system has a path like this.
            near = nearest(name, BASELINES)
            hint = f"; did you mean {near}?" if near else ""
            why = (isinstance(error, OSError) and error.strerror) or "it cannot be read"
            seen = "" if other == name else f"{other}: "
            raise NoBaseError(f"there is no policy {name} to extend: {seen}{why}{hint}") from None
        found = resolve(standing, other).rpartition("/")[0]
        further = bases(other, read, standing=standing, above=chain)
        return read_policy(other, data, further, folder=found)

    return base


def resolve(folder: str, path: str) -> str:
    """Return a path that is relative to a folder, without `.` and `..` where they can go."""
    whole = path if path.startswith("/") or not folder else f"{folder}/{path}"
    steps: list[str] = []
    for step in whole.split("/"):
        if step == ".." and steps and steps[-1] != "..":
            steps.pop()
        elif step not in ("", "."):
            steps.append(step)
    return ("/" if whole.startswith("/") else "") + "/".join(steps)


def builtin(name: str) -> Policy:
    """Return a baseline by its name. `KeyError`: there is none."""
    if name not in BASELINES:
        raise KeyError(name)
    return DEFAULT if name == "default" else _baseline(name)


@cache
def _baseline(name: str) -> Policy:
    # Not importlib.resources, which would cost as much time as all of PyYAML.
    loader: Any = rke2_policies.__spec__.loader
    data = loader.get_data(f"{rke2_policies.__path__[0]}/baselines/{name}.yaml")
    return read_policy(f"{name}.yaml", data)._replace(name=name)


class _Reader:
    """One policy while it is read: it knows where things stand, for its errors."""

    def __init__(
        self,
        path: str,
        data: bytes | Mapping[str, Json],
        folder: str,
        table: str,
        lines: Mapping[Route, int],
    ) -> None:
        self.path = path
        self.folder = folder
        self.table = table
        self.lines = lines
        self.source: Source | None = None
        self.document: Document | None = None
        if not isinstance(data, bytes):
            self.document = Document(DocumentId(path), data)
            return
        self.source = source = Source.read(path, data)
        if source.problems:
            problem = source.problems[0]
            line = source.position(problem.span.start).line
            raise PolicyError(f"{path}:{line}: {problem.message}")
        if source.masked is not None:
            raise PolicyError(f"{path}:{self.template(source)}: a policy is no template")
        if len(source.documents) > 1:
            span = source.documents[1].span(source.documents[1].at())
            line = source.position(span.start).line if span else 1
            raise PolicyError(f"{path}:{line}: a policy is one YAML document")
        self.document = source.documents[0] if source.documents else None

    def template(self, source: Source) -> int:
        """Return the line where a template's text starts."""
        starts = (source.text.find(opening) for opening in ("{{", "{%", "{#"))
        return source.position(min((at for at in starts if at >= 0), default=0)).line

    def place(self, route: Route, *, key: bool = False) -> str:
        """Return where something stands, for people: the file and the line, or the table's key."""
        if self.document is None:
            return f"{self.path}:1"
        if self.source is None and (line := self.line(route)):
            return f"{self.path}:{line}"
        if self.source is None:
            name = _line(".".join(filter(None, (self.table, *map(str, route)))))
            return f"{self.path}: {name}" if name else self.path
        place = self.document.at(*route)
        span = self.document.span(place.key if key else place)
        return f"{self.path}:{self.source.position(span.start).line if span else 1}"

    def line(self, route: Route) -> int | None:
        """Return the line of a part of a tree, or of the nearest part around it."""
        inside = (route[:end] for end in range(len(route), -1, -1))
        return next((self.lines[one] for one in inside if one in self.lines), None)

    def error(self, route: Route, message: str, *, key: bool = False) -> PolicyError:
        """Return the error of a place: one line, whatever was written there."""
        return PolicyError(f"{self.place(route, key=key)}: {_line(message)}")

    # From the tree to a policy.

    def policy(self, base: Callable[[str], Policy]) -> Policy:
        tree = self.document.tree if self.document is not None else None
        for again in self.document.repeated if self.document is not None else ():
            said = again[-1]
            key = said.key if isinstance(said, Repeated) else said
            raise self.error(again, f"{key} is said twice", key=True)
        top = self.section((), tree, POLICY)
        under = self.below(top.get("extends"), base).taken_over(self.folder)
        levels, params = self.levels(top.get("levels")), self.params(top.get("params"))
        overrides = tuple(self.overrides(top.get("overrides") or ()))
        exempt = tuple(self.exemptions(top.get("exempt") or ()))
        webhook = top.get("webhook") or {}
        admission = under.admission._replace(
            **{field: _frozen(webhook[key]) for field, key in ADMISSION.items() if key in webhook}
        )
        fixable = tuple(top["fixable"]) if "fixable" in top else under.fixable
        return Policy(
            top.get("name", under.name),
            {**under.levels, **levels},
            under.others,
            (*under.exempt, *exempt),
            admission,
            under.params.with_changes(params),
            (*under.overrides, *overrides),
            self.globs("include", top["include"]) if "include" in top else under.include,
            (*under.exclude, *self.globs("exclude", top.get("exclude", ()))),
            fixable,
            (*under.unfixable, *top.get("unfixable", ())),
            {**under.origins, **dict(self.origins(top, under))},
        )

    def below(self, name: str | None, base: Callable[[str], Policy]) -> Policy:
        if name is None:
            return DEFAULT
        try:
            return base(name)
        except NoBaseError as error:
            raise self.error(("extends",), str(error)) from None
        except KeyError:
            near = nearest(name, BASELINES)
            hint = f"; did you mean {near}?" if near else ""
            message = f"there is no policy {name} to extend{hint}"
            raise self.error(("extends",), message) from None

    def levels(self, said: Mapping[str, str] | None) -> dict[str, Severity | None]:
        return {rule: LEVELS[level] for rule, level in (said or {}).items()}

    def params(self, said: Mapping[str, Json] | None) -> dict[str, Any]:
        """Return the fields of Params that are said."""
        said = said or {}
        changes: dict[str, Any] = {}
        if "backend" in said:
            changes["backend"] = said["backend"]
        if "required-settings" in said:
            changes["required_settings"] = {
                name: _required(name, wanted) if wanted is not None else None
                for name, wanted in said["required-settings"].items()
            }
        return changes

    def overrides(self, said: Iterable[Mapping[str, Json]]) -> Iterator[Override]:
        for number, one in enumerate(said):
            route: Route = ("overrides", number)
            if not any(one.get(key) for key in ("paths", "clusters", "labels")):
                raise self.error(route, "an override needs paths, clusters or labels")
            if not any(one.get(key) for key in ("levels", "params")):
                raise self.error(route, "an override needs levels or params")
            params = self.params(one.get("params"))
            if "backend" in params and "reason" not in one:
                raise self.error(route, "an override of the backend needs a reason")
            labels = parse(one["labels"]) if "labels" in one else None
            yield Override(
                self.globs("overrides", one.get("paths", ()), number, "paths"),
                tuple(one.get("clusters", ())),
                labels if isinstance(labels, Selector) else None,
                self.levels(one.get("levels")),
                params,
                one.get("reason", ""),
            )

    def exemptions(self, said: Iterable[Mapping[str, Json]]) -> Iterator[Exemption]:
        for one in said:
            yield Exemption(
                one["rule"], one["where"], one["reason"], one.get("until"), folder=self.folder
            )

    def globs(self, top: str, said: Iterable[str], *below: str | int) -> tuple[PathGlob, ...]:
        return tuple(
            PathGlob(pattern, self.folder, self.place((top, *below, number)))
            for number, pattern in enumerate(said)
        )

    def origins(self, top: Mapping[str, Json], under: Policy) -> Iterator[tuple[str, str]]:
        """Yield where each key is said; items of lists that are added to, by their number."""
        first = {"exempt": len(under.exempt), "overrides": len(under.overrides)}
        for key, value in top.items():
            if key == "extends":
                continue
            if key in first:
                for number in range(len(value)):
                    yield f"{key}.{first[key] + number}", self.place((key, number))
            elif isinstance(value, dict):
                for name, inner in value.items():
                    if (key, name) == ("params", "required-settings"):
                        for setting in inner:
                            route: Route = (key, name, setting)
                            yield f"{key}.{name}.{setting}", self.place(route, key=True)
                    else:
                        yield f"{key}.{name}", self.place((key, name), key=True)
            else:
                yield key, self.place((key,), key=True)

    # From what is written to what the table asks for.

    def read(self, route: Route, shape: Shape, value: Json) -> Json:
        """Return a value as the table's shape has it."""
        match shape:
            case Section():
                return self.section(route, value, shape)
            case ByName():
                return self.by_name(route, value, shape)
            case Many():
                items = self.list(route, value)
                if len(items) < shape.at_least:
                    raise self.error(route, f"{_name(route)} is empty")
                return [self.read((*route, i), shape.item, item) for i, item in enumerate(items)]
            case Word(choices):
                # YAML 1.1 reads `off` as false.
                return self.choice(route, "off" if value is False else value, choices)
            case RuleName():
                return self.rule(route, self.text(route, value))
            case Glob():
                problem = path_glob.problem(self.text(route, value))
                if problem:
                    raise self.error(route, f"{_name(route)}: {problem}")
                return value
            case Text(pattern, wanted):
                if wanted and not (
                    isinstance(_plain(value), str) and re.search(pattern, _plain(value))
                ):
                    raise self.error(route, f"{_name(route)} is {wanted}")
                return self.text(route, _plain(value))
            case LabelSelector():
                return self.selector(route, value)
            case Values(in_full):
                return self.values(route, value, in_full=in_full)
            case _:
                raise TypeError(shape)

    def section(self, route: Route, tree: Json, section: Section) -> dict[str, Json]:
        """Return what is said of a section's keys; null says nothing."""
        names = tuple(key.name for key in section.keys)
        tree = self.mapping(route, tree)
        for name in tree:
            if name not in names:
                self.no_such(route, name, "key", names)
        for key in section.keys:
            if key.required and tree.get(key.name) in (None, ""):
                raise self.error(route, f"{section.called} needs a {key.name}")
        return {
            key.name: self.read((*route, key.name), key.shape, tree[key.name])
            for key in section.keys
            if tree.get(key.name) is not None
        }

    def by_name(self, route: Route, tree: Json, shape: ByName) -> dict[str, Json]:
        names = shape.names
        found: dict[str, Json] = {}
        for name, value in self.mapping(route, tree).items():
            if name not in names:
                self.no_such(route, name, shape.kind, names)
            nothing = value is None and shape.nullable
            found[name] = None if nothing else self.read((*route, name), shape.value, value)
        return found

    def no_such(self, route: Route, name: Json, kind: str, names: tuple[str, ...]) -> NoReturn:
        others = {"key": f"there are {', '.join(names)}", "rule": _RULES_ARE_LISTED}
        near = meant(str(name), names)
        hint = f"did you mean {near}?" if near else others.get(kind, "")
        message = f"there is no {kind} {name}{'; ' if hint else ''}{hint}"
        raise self.error((*route, name), message, key=True)

    def mapping(self, route: Route, tree: Json) -> dict[str, Json]:
        if tree is None:
            return {}
        if not isinstance(tree, dict):
            raise self.error(route, f"{_name(route)} is a mapping")
        return tree

    def list(self, route: Route, tree: Json) -> list[Json]:
        if not isinstance(tree, list):
            raise self.error(route, f"{_name(route)} is a list")
        return tree

    def text(self, route: Route, value: Json) -> str:
        if not isinstance(value, str):
            remedy = ": quote it" if isinstance(value, bool | int | float) else ""
            raise self.error(route, f"{_name(route)} is a string{remedy}")
        if not value.strip():
            raise self.error(route, f"{_name(route)} is empty")
        return value

    def choice(self, route: Route, value: Json, choices: tuple[str, ...]) -> str:
        if not isinstance(value, str) or value not in choices:
            near = nearest(value, choices) if isinstance(value, str) else None
            hint = f"; did you mean {near}?" if near else ""
            said = f", not {value}{hint}" if isinstance(value, str) else ""
            raise self.error(route, f"{_name(route)} is one of {', '.join(choices)}{said}")
        return value

    def rule(self, route: Route, name: str) -> str:
        if name not in catalog.names():
            near = meant(name, catalog.names())
            hint = f"did you mean {near}?" if near else _RULES_ARE_LISTED
            raise self.error(route, f"there is no rule {name}; {hint}")
        return name

    def selector(self, route: Route, value: Json) -> Json:
        names = ("matchLabels", "matchExpressions")
        for name in self.mapping(route, value):
            if name not in names:
                near = nearest(str(name), names)
                hint = f"did you mean {near}?" if near else "labels stand below matchLabels"
                message = f"there is no key {name}; {hint}"
                raise self.error((*route, name), message, key=True)
        parsed = parse(value)
        if isinstance(parsed, Invalid):
            raise self.error((*route, *parsed.route), f"{_name(route)}: {parsed.message}")
        return value

    def values(self, route: Route, value: Json, *, in_full: bool) -> Json:
        """Return what a setting has to be, in short or in full."""
        match value:
            case dict() if in_full:
                return self.section(route, value, REQUIRED_SETTING)
            case list():
                if not value:
                    raise self.error(route, f"{_name(route)} is empty")
                return [self.item((*route, i), one) for i, one in enumerate(value)]
            case bool() | int():
                return value
            case str():
                return self.item(route, value)
            case _:
                message = (
                    f"{_name(route)} is a string, a whole number, true, false or a list of strings"
                )
                raise self.error(route, message)

    def item(self, route: Route, value: Json) -> str:
        text = self.text(route, value)
        if text.lstrip().startswith(VARIABLE):
            message = f"{VARIABLE} is not required here: params.backend says which one is wanted"
            raise self.error(route, message)
        return text


def _required(name: str, said: Json) -> RequiredSetting:
    long = said if isinstance(said, dict) else {"value": said}
    value = long["value"]
    items = tuple(value) if isinstance(value, list) else None
    return RequiredSetting(name, items or value, long.get("role", ""), long.get("reason", ""))


def _line(text: str) -> str:
    """Return a text as one line that can be printed, and not too long."""
    said = "".join(one if one.isprintable() else "\N{REPLACEMENT CHARACTER}" for one in text)
    return said if len(said) <= _LONGEST_MESSAGE else f"{said[: _LONGEST_MESSAGE - 1]}…"


def _plain(value: Json) -> Json:
    """Return a day as its text: TOML has days of its own, and is parsed before it comes here."""
    return str(value) if type(value).__name__ == "date" else value


def _frozen(value: Json) -> Json:
    return tuple(value) if isinstance(value, list) else value


def _name(route: Route) -> str:
    return ".".join(str(step) for step in route) or "a policy"

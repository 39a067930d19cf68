"""`rke2-lint config`: what is in force for a path, and which line says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from rke2_lint.files import File, Lookup, read_or_nothing
from rke2_lint.paint import Paint, harmless
from rke2_policies import catalog
from rke2_policies.finding import Severity
from rke2_policies.label_selector import Selector
from rke2_policies.manifest import Manifest, manifests
from rke2_policies.policy import DEFAULT, Exemption, Override, Policy, RequiredSetting
from rke2_policies.policy_file import ADMISSION
from rke2_policies.scopes import labels_of
from rke2_policies.yaml_source import Source

BUILT_IN = "built in"
_HEADS = ("KEY", "VALUE", "FROM")


class Entry(NamedTuple):
    """One key, as a policy file has it."""

    key: str
    value: Any
    """As JSON has it; None where nothing is said, which then stands for all or for none."""
    origin: str
    """The file and the line that say it; "" for what is built in."""


class OfCluster(NamedTuple):
    """What overrides say of one cluster in a file."""

    name: str
    """`namespace/name`."""
    entries: tuple[Entry, ...]


class InForce(NamedTuple):
    """What is in force for a path."""

    path: str
    configuration: str
    """The configuration that is nearest; "" for none."""
    excluded: str
    """Why the path is not looked at; "" if it is."""
    entries: tuple[Entry, ...]
    clusters: tuple[OfCluster, ...]
    """The clusters in a file for which overrides say something else."""


def in_force(lookup: Lookup, path: str, where: str) -> InForce:
    """Return what is in force for a path; `where` is it in full. Raises UsageError."""
    policy = lookup.policy_for(where) or DEFAULT
    configurations = lookup.configurations
    return InForce(
        path,
        configurations.file_for(where) if configurations is not None else "",
        configurations.excluded(where) if configurations is not None else "",
        tuple(_entries(policy, where)),
        tuple(_of_clusters(policy, where)),
    )


def render(told: InForce, paint: Paint) -> str:
    """Return a table for people."""
    source = harmless(told.configuration) if told.configuration else "no configuration"
    lines = [f"{paint('bold', harmless(told.path))}: {source}"]
    if told.excluded:
        lines.append(f"It is not looked at: {harmless(told.excluded)}.")
    lines += ["", *_table(told.entries, paint)]
    for name, entries in told.clusters:
        lines += ["", paint("bold", f"Cluster {harmless(name)}"), "", *_table(entries, paint)]
    return "".join(f"{line}\n" for line in lines)


def _table(entries: Iterable[Entry], paint: Paint) -> Iterator[str]:
    """Yield the lines of a table."""
    rows = [row for entry in entries for row in _rows(entry)]
    widths = [max(map(len, column)) for column in zip(_HEADS, *rows, strict=True)]
    yield paint("bold", "  ".join(map(str.ljust, _HEADS, widths)).rstrip())
    for key, value, origin in rows:
        shown = paint("dim", origin) if origin == BUILT_IN else origin
        yield f"{key.ljust(widths[0])}  {value.ljust(widths[1])}  {shown}".rstrip()


def _rows(entry: Entry) -> Iterator[tuple[str, str, str]]:
    """Yield the lines of an entry: one for each item of a list, or part of a mapping."""
    match entry.value:
        case list(items) if items:
            said = [_words(item, entry.key) for item in items]
        case dict(parts) if parts:
            said = [f"{name}: {_words(part, entry.key)}" for name, part in parts.items()]
        case value:
            said = [_words(value, entry.key)]
    first, *others = map(harmless, said)
    yield entry.key, first, harmless(entry.origin) or BUILT_IN
    yield from (("", item, "") for item in others)


def render_json(told: InForce) -> str:
    """Return the same for programs. Version 1 never loses or changes a field."""
    import json

    tree = {
        "version": 1,
        "path": told.path,
        "configuration": told.configuration or None,
        "excluded": told.excluded or None,
        "settings": _settings(told.entries),
        "clusters": [
            {"name": name, "settings": _settings(entries)} for name, entries in told.clusters
        ],
    }
    return json.dumps(tree, indent=2) + "\n"


def _settings(entries: Iterable[Entry]) -> list[dict[str, Any]]:
    return [{"key": one.key, "value": one.value, "from": one.origin or None} for one in entries]


def _entries(policy: Policy, where: str) -> Iterator[Entry]:
    """Yield all keys. What an override says for the path is told as if it were said for all."""
    origins = dict(policy.origins)
    waiting: list[Entry] = []
    for number, override in enumerate(policy.overrides):
        key = f"overrides.{number}"
        if not override.is_for_path(where):
            continue
        if override.asks_for_cluster or waiting:
            waiting.append(Entry(key, _override(override), origins.get(key, "")))
        else:
            origins |= dict.fromkeys(_keys(override), origins.get(key, ""))
    here = policy.for_path(where)
    yield Entry("name", here.name, origins.get("name", ""))
    yield from _levels_and_params(here, origins)
    yield from waiting
    for key, globs in (("include", here.include), ("exclude", here.exclude)):
        if not globs:
            yield Entry(key, None, "")
        for glob in globs:
            yield Entry(key, glob.pattern, glob.place)
    for key, rules in (("fixable", here.fixable), ("unfixable", here.unfixable or None)):
        yield Entry(key, None if rules is None else list(rules), origins.get(key, ""))
    for number, exemption in enumerate(here.exempt):
        key = f"exempt.{number}"
        yield Entry(key, _exemption(exemption), origins.get(key, ""))
    for field, name in ADMISSION.items():
        value = getattr(here.admission, field)
        key = f"webhook.{name}"
        yield Entry(key, list(value) if isinstance(value, tuple) else value, origins.get(key, ""))


def _levels_and_params(policy: Policy, origins: Mapping[str, str]) -> Iterator[Entry]:
    for rule in catalog.rules().values():
        level = policy.levels.get(rule.id, rule.severity)
        yield Entry(f"levels.{rule.id}", _level(level), origins.get(f"levels.{rule.id}", ""))
    yield Entry("params.backend", policy.params.backend, origins.get("params.backend", ""))
    for setting in policy.params.required_settings.values():
        key = f"params.required-settings.{setting.name}"
        yield Entry(key, _required(setting), origins.get(key, ""))


def _of_clusters(policy: Policy, where: str) -> Iterator[OfCluster]:
    """Yield what overrides say of the clusters in a file, if it is one that can be read."""
    asking: list[tuple[Override, str]] = []
    for number, override in enumerate(policy.overrides):
        if override.is_for_path(where) and (override.asks_for_cluster or asking):
            asking.append((override, policy.origins.get(f"overrides.{number}", "")))
    here = policy.for_path(where)
    for cluster in _clusters(where) if asking else ():
        name, labels = f"{cluster.namespace}/{cluster.name}", labels_of(cluster.tree)
        origins: dict[str, str] = {}
        for override, origin in asking:
            if override.is_for_cluster(name, labels):
                origins |= dict.fromkeys(_keys(override), origin)
        entries = {
            one.key: one for one in _levels_and_params(here.for_cluster(name, labels), origins)
        }
        if origins:
            said = (entries.get(key, Entry(key, None, origins[key])) for key in origins)
            yield OfCluster(name, tuple(said))


def _clusters(path: str) -> Iterator[Manifest]:
    for document in Source.read(path, read_or_nothing(File(path))).documents:
        for one in manifests(document):
            if (one.group, one.kind) == ("provisioning.cattle.io", "Cluster"):
                yield one


def _keys(override: Override) -> Iterator[str]:
    """Yield the keys that an override says."""
    yield from (f"levels.{rule}" for rule in override.levels)
    if "backend" in override.params:
        yield "params.backend"
    for setting in override.params.get("required_settings", ()):
        yield f"params.required-settings.{setting}"


def _level(level: Severity | None) -> str:
    return "off" if level is None else level.name.lower()


def _required(setting: RequiredSetting | None) -> Any:
    if setting is None:
        return None
    value = list(setting.value) if isinstance(setting.value, tuple) else setting.value
    if not (setting.role or setting.reason):
        return value
    long = {"value": value, "role": setting.role, "reason": setting.reason}
    return {name: one for name, one in long.items() if one != ""}


def _override(override: Override) -> dict[str, Any]:
    told = {
        "paths": [glob.pattern for glob in override.paths],
        "clusters": list(override.clusters),
        "labels": _selector(override.labels) if override.labels is not None else None,
        "levels": {rule: _level(level) for rule, level in override.levels.items()},
        "params": _params(override.params),
        "reason": override.reason,
    }
    return {name: value for name, value in told.items() if value}


def _selector(selector: Selector) -> dict[str, Any]:
    expressions = [
        {"key": one.key, "operator": one.operator, "values": list(one.values)}
        for one in selector.requirements
    ]
    return {"matchExpressions": expressions}


def _params(params: Mapping[str, Any]) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if "backend" in params:
        told["backend"] = params["backend"]
    if "required_settings" in params:
        settings = params["required_settings"].items()
        told["required-settings"] = {name: _required(one) for name, one in settings}
    return told


def _exemption(exemption: Exemption) -> dict[str, Any]:
    fields = ("rule", "where", "reason", "until")
    told = {field: getattr(exemption, field) for field in fields}
    return {field: value for field, value in told.items() if value is not None}


def _within(value: Any, key: str) -> str:
    """Return a value that stands in another one, with brackets around what holds others."""
    said = _words(value, key)
    match value:
        case {"matchExpressions": _}:
            return said
        case dict():
            return f"{{{said}}}"
        case list():
            return f"[{said}]"
        case _:
            return said


def _requirement(expression: dict[str, Any]) -> str:
    """Return a condition on a label as kubectl has it in `--selector`."""
    key, values = expression["key"], expression["values"]
    match expression["operator"]:
        case "Exists":
            return str(key)
        case "DoesNotExist":
            return f"!{key}"
        case "In" if len(values) == 1:
            return f"{key}={values[0]}"
        case operator:
            return f"{key} {operator.lower()} ({','.join(values)})"


def _words(value: Any, key: str) -> str:
    """Return a value for people."""
    match value:
        case None:
            return "every file" if key == "include" else "all" if key == "fixable" else "none"
        case [] | ():
            return "none"
        case bool():
            return str(value).lower()
        case list():
            return ", ".join(_words(item, key) for item in value)
        case {"matchExpressions": list(expressions)}:
            return ", ".join(map(_requirement, expressions))
        case dict():
            return ", ".join(f"{name}: {_within(item, key)}" for name, item in value.items())
        case _:
            return str(value)

"""Policies: which rules count, how much, what is wanted where, and what may be done about it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from rke2_policies.document import Place
from rke2_policies.finding import Severity
from rke2_policies.label_selector import Selector
from rke2_policies.path_glob import PathGlob, counts_there
from rke2_policies.route import Json


class Exemption(NamedTuple):
    """A rule that does not count somewhere, and why."""

    rule: str
    where: str
    """`namespace/name` of a cluster, or the path of a file; `*` and `?` as in a shell."""
    reason: str
    until: str | None
    """The last day on which it holds, `YYYY-MM-DD`."""
    folder: str = ""
    """The folder, in full, of the file that says it: paths are seen from there."""
    place: Place | None = None
    """The comment or the annotation that says it; None where it is the policy."""

    def is_for_path(self, path: str) -> bool:
        """Return whether `where` means a file, its path written as the folder is."""
        return PathGlob(self.where, self.folder).matches(path)

    def holds(self, rule: str, where: str, today: str) -> bool:
        """Return whether it exempts a rule at a place on a day."""
        if rule != self.rule or (self.until is not None and today > self.until):
            return False
        return matches(self.where, where)


def matches(pattern: str, text: str) -> bool:
    """Match `*` (any characters) and `?` (one character), and nothing else."""
    at, star, mark = 0, -1, 0
    position = 0
    while position < len(text):
        if at < len(pattern) and pattern[at] == "*":
            star, mark, at = at, position, at + 1
        elif at < len(pattern) and pattern[at] in ("?", text[position]):
            at, position = at + 1, position + 1
        elif star >= 0:
            mark += 1
            at, position = star + 1, mark
        else:
            return False
    return all(character == "*" for character in pattern[at:])


class Admission(NamedTuple):
    """What the webhook does (section `webhook` of a policy)."""

    on_create: str = "inject"
    """`inject`, `warn` or `off`."""
    on_update: str = "with-rollout"
    """`with-rollout`, `warn`, `inject` or `off`."""
    patch: tuple[str, ...] = (
        "missing-nft-pin",
        "selector-drops-pin",
        "selector-may-drop-pin",
        "invalid-backend",
    )
    """The rules whose safe fixes are made."""
    deny: tuple[str, ...] = ()
    """The rules whose findings are refused, on the validate endpoint."""
    ignore_users: tuple[str, ...] = (
        "system:serviceaccount:cattle-system:rancher",
        "system:serviceaccount:cattle-system:rancher-webhook-sudo",
        "system:serviceaccount:cattle-resources-system:rancher-backup",
    )
    """Who only keeps the books: nothing of theirs is changed."""


class RequiredSetting(NamedTuple):
    """One setting that machines have to run with."""

    name: str
    """The key, such as `profile` or `kube-apiserver-arg`."""
    value: Json
    """The value, or a tuple of the items that its list has to hold."""
    role: str = ""
    """`server`, `agent`, or "" for both."""
    reason: str = ""


class Params(NamedTuple):
    """What rules ask for: the parts of them that an organisation decides."""

    backend: str = "nft"
    """What kube-proxy is to be pinned to: `nft` or `legacy`."""
    required_settings: Mapping[str, RequiredSetting] = {}
    """What `required-settings` asks for, by the setting's name."""

    def with_changes(self, changes: Mapping[str, Any]) -> Params:
        """Return others: a backend replaces this one, settings are laid over these; None drops."""
        settings = {**self.required_settings, **changes.get("required_settings", {})}
        kept = {name: one for name, one in settings.items() if one is not None}
        return Params(changes.get("backend", self.backend), kept)


class Override(NamedTuple):
    """Other levels and params for some files or clusters; each condition that is there has to hold."""

    paths: tuple[PathGlob, ...] = ()
    clusters: tuple[str, ...] = ()
    """`namespace/name` or `name`; `*` and `?` as in a shell."""
    labels: Selector | None = None
    """What the labels of the Cluster object have to be."""
    levels: Mapping[str, Severity | None] = {}
    params: Mapping[str, Any] = {}
    """What is changed of the policy's `Params` here (`Params.with_changes`)."""
    reason: str = ""

    @property
    def asks_for_cluster(self) -> bool:
        """Whether it is for certain clusters only."""
        return bool(self.clusters) or self.labels is not None

    def is_for_path(self, path: str) -> bool:
        """Return whether its paths mean a file; they do if there are none. "" is no file."""
        return not self.paths or (path != "" and any(glob.matches(path) for glob in self.paths))

    def is_for_cluster(self, name: str, labels: Mapping[str, str]) -> bool:
        """Return whether it means a cluster, `namespace/name`. Labels of templates are no match."""
        if self.clusters and not any(_names(pattern, name) for pattern in self.clusters):
            return False
        return self.labels is None or self.labels.matches(labels) is True


def _names(pattern: str, cluster: str) -> bool:
    return matches(pattern, cluster if "/" in pattern else cluster.partition("/")[2])


class Policy(NamedTuple):
    """What an organisation wants. A rule that `levels` does not name has its own severity."""

    name: str
    levels: Mapping[str, Severity | None]
    """Rule id → its severity; None turns it off."""
    others: bool = True
    """Whether rules that `levels` does not name are asked at all."""
    exempt: tuple[Exemption, ...] = ()
    admission: Admission = Admission()
    params: Params = Params()
    overrides: tuple[Override, ...] = ()
    """What is another for some files or clusters; of several that hold, a later one wins."""
    include: tuple[PathGlob, ...] = ()
    """The files to look at, if only these."""
    exclude: tuple[PathGlob, ...] = ()
    """The files not to look at."""
    fixable: tuple[str, ...] | None = None
    """The rules whose fixes may be made; None for all."""
    unfixable: tuple[str, ...] = ()
    """The rules whose fixes are never made."""
    origins: Mapping[str, str] = {}
    """Where each key was said, for people: `levels.syntax` → `.rke2-lint.yaml:4`."""

    def asks(self, rule: str) -> bool:
        """Return whether a rule is asked."""
        return self.levels[rule] is not None if rule in self.levels else self.others

    def may_ask(self, rule: str) -> bool:
        """Return whether a rule is asked anywhere: here, or where an override says so."""
        if self.asks(rule):
            return True
        return any(override.levels.get(rule) is not None for override in self.overrides)

    def may_fix(self, rule: str) -> bool:
        """Return whether the fixes of a rule may be made."""
        return rule not in self.unfixable and (self.fixable is None or rule in self.fixable)

    def exempted(self, rule: str, where: str, today: str) -> Iterator[Exemption]:
        """Yield the exemptions of a rule that hold at a place on a day (`YYYY-MM-DD`)."""
        return (one for one in self.exempt if one.holds(rule, where, today))

    def for_path(self, path: str) -> Policy:
        """Return the policy for a file. What is left of its overrides is for certain clusters."""
        policy = self
        left: list[Override] = []
        for override in self.overrides:
            if not override.is_for_path(path):
                continue
            if override.asks_for_cluster or left:
                left.append(override._replace(paths=()))
            else:
                policy = policy._with(override)
        return policy._replace(overrides=tuple(left))

    def for_cluster(self, name: str, labels: Mapping[str, str]) -> Policy:
        """Return the policy for a cluster, `namespace/name`, in a file that `for_path` was asked for."""
        policy = self
        for override in self.overrides:
            if override.is_for_cluster(name, labels):
                policy = policy._with(override)
        return policy._replace(overrides=())

    def for_node(self) -> Policy:
        """Return the policy for what is no cluster, in a file that `for_path` was asked for."""
        policy = self
        for override in self.overrides:
            if not override.asks_for_cluster:
                policy = policy._with(override)
        return policy._replace(overrides=())

    def taken_over(self, folder: str) -> Policy:
        """Return it as a policy in `folder` extends it: globs of names count there."""
        if not (self.exempt or self.overrides or self.include or self.exclude):
            return self
        return self._replace(
            exempt=tuple(
                one if counts_there(one.where, one.folder, folder) else one._replace(folder=folder)
                for one in self.exempt
            ),
            overrides=tuple(
                one._replace(paths=tuple(glob.taken_over(folder) for glob in one.paths))
                for one in self.overrides
            ),
            include=tuple(glob.taken_over(folder) for glob in self.include),
            exclude=tuple(glob.taken_over(folder) for glob in self.exclude),
        )

    def _with(self, override: Override) -> Policy:
        return self._replace(
            levels={**self.levels, **override.levels},
            params=self.params.with_changes(override.params),
        )


DEFAULT = Policy("default", {})

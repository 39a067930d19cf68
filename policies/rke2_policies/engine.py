"""The engine: files in, findings and machines out, and the plan of what is changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from rke2_policies import catalog, exempting
from rke2_policies.cluster import Cluster
from rke2_policies.dialects import cluster_api, rancher_cluster, rke1, rke2_config
from rke2_policies.document import Document, DocumentId, Place
from rke2_policies.edits import Edit, Rename
from rke2_policies.exempting import Context, Exempted
from rke2_policies.file import Broken, File
from rke2_policies.finding import Finding, Fix, Problem, Safety, Severity
from rke2_policies.foreign import Foreign
from rke2_policies.machine import Machine
from rke2_policies.manifest import Manifest, manifests
from rke2_policies.node import Node
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.route import Route
from rke2_policies.rule import AnyRule
from rke2_policies.scopes import Scopes, labels_of

MISSING_PIN = "missing-nft-pin"
TAKING = frozenset({"selector-drops-pin", "drop-in-drops-pin"})
"""Rules that say which list takes the pin away: what is wrong inside that list says it better."""


class NotApplicable(NamedTuple):
    """An object for which the pin means nothing, or that was left alone, and why."""

    place: Place
    reason: str


class Report(NamedTuple):
    """Everything the engine has to say, sorted by path, document and place."""

    findings: tuple[Finding, ...]
    machines: tuple[Machine, ...]
    not_applicable: tuple[NotApplicable, ...]
    skipped: tuple[NotApplicable, ...]
    """What was left alone because it is not clear what it is."""
    kinds: tuple[tuple[str, str], ...]
    """What each path was taken for, and why."""
    exempted: tuple[Exempted, ...] = ()
    """What was found, and somebody has accepted with a reason."""


class Inventory(NamedTuple):
    """What the files hold, before any rule is asked."""

    clusters: tuple[Cluster, ...]
    nodes: tuple[Node, ...]
    foreign: tuple[Foreign, ...]
    manifests: tuple[Manifest, ...]
    broken: tuple[Broken, ...]
    skipped: tuple[NotApplicable, ...]
    kinds: tuple[tuple[str, str], ...]


def evaluate(
    files: Sequence[File], policy: Policy = DEFAULT, *, today: str = "", ignores: bool = True
) -> Report:
    """Find out what every machine runs with, and ask every rule about it.

    `today` (`YYYY-MM-DD`) ends exemptions; without it they all hold. `ignores`: whether comments and
    annotations that accept a finding are heard.
    """
    return ask(files, take_inventory(files, policy), policy, today=today, ignores=ignores)


def ask(
    files: Sequence[File],
    inventory: Inventory,
    policy: Policy = DEFAULT,
    *,
    today: str = "",
    ignores: bool = True,
) -> Report:
    """Ask every rule about what was found in files; whoever has two questions takes stock once."""
    findings = _findings(inventory, policy, Scopes(files, policy) if policy.overrides else None)
    exempted: list[Exempted] = []
    context = _context(files, inventory)
    if exempting.matters(context, policy, ignores=ignores):
        findings, exempted = exempting.sort_out(findings, context, policy, today, ignores=ignores)
    order = {file.path: i for i, file in enumerate(sorted(files, key=lambda file: file.path))}
    documents = {document.id: document for file in files for document in file.documents}

    def by_place(place: Place) -> tuple[int, int, int]:
        document = documents.get(place.document)
        span = document.span(place) if document is not None else place.span
        return order.get(place.document.path, 0), place.document.number, span.start if span else 0

    # All machines of a cluster are in one place, so that groups of them are sorted.
    groups = [(cluster.at(cluster.route), cluster.machines) for cluster in inventory.clusters]
    groups += [(node.machine.place, (node.machine,)) for node in inventory.nodes]
    outside = [NotApplicable(one.place, one.reason) for one in inventory.foreign]
    outside += dict.fromkeys(
        NotApplicable(machine.place, machine.reason)
        for _, group in groups
        for machine in group
        if machine.verdict == "not-applicable"
    )
    groups += [(one.place, (_as_machine(one),)) for one in inventory.foreign]
    groups.sort(key=lambda group: by_place(group[0]))
    return Report(
        tuple(sorted(findings, key=lambda f: (*by_place(f.problem.place), f.rule))),
        tuple(machine for _, group in groups for machine in group),
        tuple(sorted(outside, key=lambda one: by_place(one.place))),
        inventory.skipped,
        inventory.kinds,
        tuple(sorted(exempted, key=lambda one: by_place(one.finding.problem.place))),
    )


def _context(files: Sequence[File], inventory: Inventory) -> Context:
    """Return what decides whether a finding is accepted."""
    clusters = inventory.clusters
    return Context(
        files,
        inventory.manifests,
        {machine.name: cluster.name for cluster in clusters for machine in cluster.machines},
        frozenset(c.document.id for c in clusters if any(file.unknown for file in c.files)),
        frozenset(one.place.document.path for one in inventory.skipped),
    )


def take_inventory(files: Sequence[File], policy: Policy = DEFAULT) -> Inventory:
    """Tell what the files hold: clusters, nodes, and what only looks like them.

    Each machine is judged by the backend that the policy wants for it.
    """
    scopes = Scopes(files, policy) if policy.overrides else None
    params = policy.params
    objects = [
        one
        for file in files
        if file.kind in (None, "rancher-cluster")
        for document in file.documents
        for one in manifests(document)
    ]
    clusters: list[Cluster] = []
    foreign: list[Foreign] = []
    kinds: list[tuple[str, str]] = []
    for one in objects:
        reason = cluster_api.reason(one) or rancher_cluster.reason_not_applicable(one)
        if reason is not None:
            foreign.append(_foreign(one, reason))
            kinds.append((one.document.id.path, f"{one.kind} of {one.group or 'no API group'}"))
        elif (one.group, one.kind) in rancher_cluster.KINDS:
            if scopes is not None:
                params = _of_object(scopes, one.document.id.path, one).params
            clusters.append(rancher_cluster.cluster(one, objects, params))
            kinds.append(
                (one.document.id.path, f"Rancher {one.kind}: its apiVersion and kind say so")
            )
    nodes: list[Node] = []
    skipped: list[NotApplicable] = []
    for group in rke2_config.groups(files):
        kind = rke2_config.kind_of(group)
        first = group.files[0]
        place = Place(DocumentId(first.path), ())
        if kind.runtime == "rke2":
            if scopes is not None:
                params = scopes.of_file(first.path).params
            node = rke2_config.node(group, params)
            if group.read or node.machine.environment.said or group.ignored:
                nodes.append(node)
                kinds.append((group.name, f"RKE2 configuration: {kind.why}"))
        elif kind.runtime == "k3s" and group.read and group.read[0].documents:
            document = group.read[0].documents[0]
            reason = f"K3s's configuration ({kind.why}): it has no kube-proxy-extra-env"
            foreign.append(Foreign(document, (), group.name, reason, "k3s", ((),)))
            kinds.append((group.name, f"K3s configuration: {kind.why}"))
        elif first.documents and (reason := rke1.reason(first.documents[0])):
            foreign.append(Foreign(first.documents[0], (), group.name, reason, "", ()))
            kinds.append((group.name, "RKE1 configuration: its nodes say so"))
        elif kind.why:
            skipped.append(NotApplicable(place, kind.why))
    return Inventory(
        tuple(clusters),
        tuple(nodes),
        tuple(foreign),
        tuple(objects),
        (*(one for file in files for one in file.broken), *_without_mapping(nodes)),
        tuple(skipped),
        tuple(kinds),
    )


def _without_mapping(nodes: Iterable[Node]) -> Iterator[Broken]:
    """Yield the files of nodes that parse, but hold something else than settings."""
    for node in nodes:
        for one in node.files:
            if one.document is not None and not isinstance(one.document.tree, dict | None):
                yield Broken(one.document.at(), "there is no mapping here, and RKE2 does not start")


def _foreign(one: Manifest, reason: str) -> Foreign:
    spec: Route = (*one.route, "spec")
    config = spec if one.kind == "RKEControlPlane" else (*spec, "rkeConfig")
    routes: list[Route] = [(*config, "machineGlobalConfig")]
    entries = one.document[(*config, "machineSelectorConfig")]
    count = len(entries) if isinstance(entries, list) else 0
    routes += [(*config, "machineSelectorConfig", i, "config") for i in range(count)]
    runtime = "k3s" if reason.startswith("K3s") else ""
    name = f"{one.namespace}/{one.name or 'unnamed'}"
    return Foreign(one.document, one.route, name, reason, runtime, tuple(routes))


def _as_machine(foreign: Foreign) -> Machine:
    machine = Machine(foreign.name, (), foreign.place, {}, home=None, origin="foreign")
    return machine.decide("not-applicable", foreign.reason)


def _subjects(inventory: Inventory) -> Iterator[tuple[Any, tuple[Machine, ...]]]:
    """Yield everything that a rule can be asked about, with the machines that it stands for."""
    for cluster in inventory.clusters:
        yield cluster, cluster.machines
        for machine in cluster.machines:
            yield machine, (machine,)
    for node in inventory.nodes:
        yield node, (node.machine,)
        yield node.machine, (node.machine,)
    for foreign in inventory.foreign:
        yield foreign, ()
    for manifest in inventory.manifests:
        yield manifest, ()
    for broken in inventory.broken:
        yield broken, ()
    seen: set[DocumentId] = set()
    for document, machines in _documents(inventory):
        if document.id not in seen:
            seen.add(document.id)
            yield document, machines


def _documents(inventory: Inventory) -> Iterator[tuple[Document, tuple[Machine, ...]]]:
    for cluster in inventory.clusters:
        yield cluster.document, cluster.machines
    for node in inventory.nodes:
        for one in node.files:
            if one.document is not None:
                yield one.document, (node.machine,)


def _of_object(scopes: Scopes, path: str, object: Manifest) -> Policy:
    """Return the policy for what is said of a cluster in a file."""
    return scopes.of_cluster(path, rancher_cluster.name_of(object), labels_of(object.tree))


class _Levels:
    """How much a rule counts where a policy has overrides: by the finding's file, and its cluster."""

    def __init__(self, inventory: Inventory, scopes: Scopes) -> None:
        self._scopes = scopes
        self._clusters = {
            id(machine): (cluster.name, labels_of(cluster.document[cluster.route]))
            for cluster in inventory.clusters
            for machine in cluster.machines
        }

    def policy(self, subject: object, machines: tuple[Machine, ...], problem: Problem) -> Policy:
        """Return the policy for what was found in a subject."""
        path = problem.place.document.path
        match subject:
            case Foreign():
                name, labels = subject.name, labels_of(subject.document[subject.route])
            case _ if machines and id(machines[0]) in self._clusters:
                name, labels = self._clusters[id(machines[0])]
            case _:
                return self._scopes.of_file(path)
        return self._scopes.of_cluster(path, name, labels)


def _problems(
    inventory: Inventory, policy: Policy
) -> Iterator[tuple[Any, tuple[Machine, ...], AnyRule, Problem]]:
    """Yield what the policy's rules find in each subject, and the machines that it stands for."""
    asks = policy.may_ask if policy.overrides else policy.asks
    asked: dict[type, list[AnyRule]] = {}
    # Machines that are configured alike share their settings, and differ by name and labels, of
    # which no rule about machines speaks: one answer is all of theirs.
    of_settings: dict[int, list[tuple[AnyRule, Problem]]] = {}
    for subject, machines in _subjects(inventory):
        kind = type(subject)
        found = of_settings.get(id(subject.settings)) if kind is Machine else None
        if found is None:
            if kind not in asked:
                about = catalog.rules_by_subject().get(kind, ())
                asked[kind] = [rule for rule in about if asks(rule.id)]
            found = [(rule, problem) for rule in asked[kind] for problem in rule.check(subject)]
            if kind is Machine:
                of_settings[id(subject.settings)] = found
        for rule, problem in found:
            yield subject, machines, rule, problem


def _findings(inventory: Inventory, policy: Policy, scopes: Scopes | None) -> list[Finding]:
    rules = catalog.rules()
    # The same problem on many machines is one finding.
    told: dict[tuple[str, Place, str], tuple[Problem, dict[str, None]]] = {}
    explained: dict[str, list[Place]] = {}
    taken: set[str] = set()
    levels = _Levels(inventory, scopes) if scopes is not None else None
    scoped: dict[tuple[str, Place, str], Policy] = {}
    for subject, machines, rule, problem in _problems(inventory, policy):
        names = dict.fromkeys(machine.name for machine in machines)
        key = (rule.id, problem.place, problem.message)
        if levels is not None:
            own = levels.policy(subject, machines, problem)
            if not own.asks(rule.id):
                continue
            scoped[key] = own
        known, affected = told.setdefault(key, (problem, {}))
        affected.update(names)
        if _severity(problem, rule) > _severity(known, rule):
            told[key] = (problem, affected)
        if problem.explains and rule.id not in TAKING:
            for name in names:
                explained.setdefault(name, []).append(problem.place)
        elif problem.explains:
            taken.update(names)
    findings = []
    for key, (problem, names) in told.items():
        rule_id, place, _ = key
        left = tuple(names)
        if rule_id == MISSING_PIN:
            left = tuple(name for name in left if name not in explained and name not in taken)
        elif rule_id in TAKING:
            left = tuple(
                name
                for name in left
                if not any(_inside(other, place) for other in explained.get(name, ()))
            )
        if left or not names:
            level = scoped.get(key, policy).levels.get(rule_id)
            severity = weigh(problem, rules[rule_id], level)
            findings.append(Finding(rule_id, severity, problem, left))
    return findings


def weigh(problem: Problem, rule: AnyRule, level: Severity | None) -> Severity:
    """Return how much a problem counts where a policy gives its rule a level, or none (None).

    What a rule says of a better or worse case is moved as far as the policy moves the rule; where
    the policy says less than the rule, nothing is more than it says.
    """
    if level is None or level == rule.severity:
        return _severity(problem, rule)
    if problem.severity is None:
        return min(level, problem.most)
    moved = problem.severity + level - rule.severity
    if level < rule.severity:
        moved = min(moved, level)
    return min(Severity(max(Severity.NOTE, min(moved, Severity.ERROR))), problem.most)


def _severity(problem: Problem, rule: AnyRule) -> Severity:
    return min(problem.severity or rule.severity, problem.most)


def _inside(place: Place, outer: Place) -> bool:
    return place.document == outer.document and place.route[: len(outer.route)] == outer.route


def plan(
    findings: Iterable[Finding], allow: Safety = Safety.SAFE, policy: Policy = DEFAULT
) -> dict[DocumentId, list[Fix]]:
    """Choose what to change, document by document. Both doors ask here, so both do the same.

    A fix is made as a whole or not at all. Of two that touch the same spot, the first is made; the
    other one's turn comes when the result is looked at again.
    """
    chosen: dict[DocumentId, list[Fix]] = {}
    for finding in findings:
        fix = finding.problem.fix
        if fix is None or fix.safety < allow or not policy.may_fix(finding.rule):
            continue
        before = chosen.setdefault(finding.problem.place.document, [])
        taken = [edit for one in before for edit in one.edits]
        if not any(_touch(edit, other) for edit in fix.edits for other in taken):
            before.append(fix)
    return {document: fixes for document, fixes in chosen.items() if fixes}


def _touch(one: Edit, other: Edit) -> bool:
    return any(_meet(here, there) for here in _routes(one) for there in _routes(other))


def _routes(edit: Edit) -> tuple[Route, ...]:
    """Return the routes that an edit changes: a renamed key is gone, and another one is there."""
    if isinstance(edit, Rename):
        return edit.route, (*edit.route[:-1], edit.key)
    return (edit.route,)


def _meet(one: Route, other: Route) -> bool:
    shorter, longer = sorted((one, other), key=len)
    return longer[: len(shorter)] == shorter

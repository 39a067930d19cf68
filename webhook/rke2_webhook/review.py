"""The answer to one AdmissionReview: pure, so that it is tested without a server.

What is injected, and when, protects running clusters: a change of a machine's configuration
restarts RKE2 there (rancher/rancher pkg/capr/planner/config.go `restartStamp`), and Rancher's own
service accounts update Clusters at any time. So on UPDATE nothing is injected that would change a
machine which the request leaves alone, and nothing at all into a restore: Rancher waits until the
Cluster equals the snapshot's (pkg/controllers/provisioningv2/provisioningcluster/controller.go
`reconcileClusterSpecEtcdRestore`).
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import jsonpatch
import orjson

from rke2_policies import pin
from rke2_policies.document import Document, DocumentId
from rke2_policies.edits import Append, Edit, EditError, Set, apply
from rke2_policies.edits.as_json_patch import json_patch
from rke2_policies.engine import Inventory, Report, ask, plan, take_inventory
from rke2_policies.file import File
from rke2_policies.finding import Finding, Fix, Safety, Severity
from rke2_policies.label_selector import Selector, parse
from rke2_policies.machine import Machine
from rke2_policies.pin import Pin
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.route import MISSING, Json, Route, find, same
from rke2_policies.scopes import labels_of

OPT_OUT_LABEL = "rke2-lint.dev/webhook"
MAX_WARNING = 120
"""Characters; the API server cuts longer ones (k8s.io/apiserver pkg/warning)."""
MAX_WARNINGS = 12
MAX_DENIAL = 2_000
"""Characters of a denial's message."""
_MEND = "mend it in Git"
# With a rule's id and a fix's title together no longer than this, a place has room beside them.
_MOST_TITLE = 80
_CONFIG: Route = ("spec", "rkeConfig")
_GLOBAL: Route = (*_CONFIG, "machineGlobalConfig")
# An object is in no file. Nothing that its sender says may be taken for a path, the uid neither:
# that of a file of RKE2's own would tell what is in it.
_NO_PATH = "object"
# A fix may uncover another one; what needs more rounds than this is a fault of ours.
_ROUNDS = 8
_NAMES_VARIABLE = re.compile(rf"\s*{pin.VARIABLE}\b")
_AFTER_VARIABLE = re.compile(rf"\b{pin.VARIABLE}\b(.*)", re.IGNORECASE | re.DOTALL)


DECISIONS = {
    "injected": "the pin was added",
    "kept": "an update leaves out of its lists what was injected, and nothing else: they stay",
    "pinned": "every machine has the pin already",
    "warned": "something is wrong; people are told, and nothing is changed",
    "left-alone": "a machine has no pin, and somebody accepts that, or it is only a note",
    "denied": "`/validate` refused what the policy's `deny` names",
    "no-rollout": "the pin would restart machines that the update leaves alone",
    "recreated": "an object is created again for a cluster that runs already",
    "old-object-unreadable": "what an update changes cannot be told",
    "not-applicable": "no machine takes a pin: K3s, imported, kube-proxy off, nftables, too old",
    "bookkeeping": "an update by one of the policy's `ignoreUsers`",
    "off": "the policy's `onCreate` or `onUpdate` is `off`",
    "opted-out": 'the label `rke2-lint.dev/webhook: "off"`',
    "restoring": "an etcd snapshot is restored with all of its configuration",
    "deleting": "it is about to go",
    "subresource": "a write of the status, or of another subresource",
    "other-operation": "neither CREATE nor UPDATE",
    "not-a-cluster": "no Cluster of `provisioning.cattle.io`",
    "malformed": "the API server is about to refuse it for its types",
    "nested-too-deep": "nobody writes such an object",
}
"""What is decided, in a word, and what it means."""
Addition: TypeAlias = Set | Append
"""The edits that leave: none takes anything away."""


class Decision(NamedTuple):
    """What is done with a request, and why."""

    word: str
    """One of DECISIONS, for metrics, logs and the audit log."""
    edits: tuple[Edit, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    denial: str = ""
    wanted: Pin = pin.NFT
    """The pin that the policy wants for the object."""


class SelfCheckError(AssertionError):
    """A patch of ours does not do what it is for: a fault of ours, which changes nothing."""


def answer(
    review: Mapping[str, Json], policy: Policy = DEFAULT, *, validate: bool = False, today: str = ""
) -> dict[str, Json]:
    """Return the AdmissionReview v1 that answers one, as `/mutate` or, with `validate`, `/validate`.

    `review` is any JSON object with a `request` that has a `uid`. `today` (`YYYY-MM-DD`) ends
    exemptions; without it they all hold. Raises SelfCheckError, and nothing else.
    """
    request = review["request"]
    try:
        decision = _guarded(request) or _decide(request, policy, validate=validate, today=today)
        patch = _checked(request["object"], decision.edits) if decision.edits else b""
    except (RecursionError, orjson.JSONEncodeError):
        # Nobody writes such an object, but anybody may send one.
        decision, patch = Decision("nested-too-deep"), b""
    response: dict[str, Json] = {"uid": request["uid"], "allowed": not decision.denial}
    if decision.denial:
        response["status"] = {
            "code": 422, "reason": "Invalid", "message": decision.denial,
        }  # fmt: skip
    if patch:
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(patch).decode()
    told = warnings(decision)
    if told:
        response["warnings"] = told
    annotations = {"decision": decision.word}
    rules = sorted({finding.rule for finding in decision.findings})
    if rules:
        annotations["rules"] = ",".join(rules)
    response["auditAnnotations"] = annotations
    return {"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response}


def _guarded(request: Mapping[str, Json]) -> Decision | None:
    """Return the decision on a request in which nothing is even looked at; None on all others."""
    match request:
        case {"operation": "CREATE" | "UPDATE", "object": dict(new)}:
            pass
        case _:
            return Decision("other-operation")
    if request.get("subResource"):
        return Decision("subresource")
    if new.get("kind") != "Cluster" or not _text(new.get("apiVersion")).startswith(
        "provisioning.cattle.io/"
    ):
        return Decision("not-a-cluster")
    metadata = _mapping(new.get("metadata"))
    if metadata.get("deletionTimestamp") is not None:
        return Decision("deleting")
    if _mapping(metadata.get("labels")).get(OPT_OUT_LABEL) == "off":
        return Decision("opted-out")
    restore = find(new, ("spec", "rkeConfig", "etcdSnapshotRestore"))
    if _mapping(restore).get("restoreRKEConfig") == "all":
        return Decision("restoring")
    if not _is_well_formed(new):
        return Decision("malformed")
    return None


def _decide(request: Mapping[str, Json], policy: Policy, *, validate: bool, today: str) -> Decision:
    tree = _named(request)
    policy = _for_object(policy, request)
    wanted = pin.WANTED[policy.params.backend]
    update = request["operation"] == "UPDATE"
    bookkeeping = _requester(request) in policy.admission.ignore_users
    if update and bookkeeping:
        return Decision("bookkeeping")
    running = update or bookkeeping or _runs_already(tree)
    mode = policy.admission.on_update if running else policy.admission.on_create
    if mode == "off":
        return Decision("off")
    subject = Subject.of(tree, policy, today)
    word, edits, told = "", list[Edit](), list[str]()
    if mode != "warn" and not validate:
        patching = _patching(policy)
        kept = _kept(request, subject, patching) if update else None
        if kept is not None:
            word, edits, subject = "kept", [*kept.edits], kept.after
            told = [_of_kept(kept.before.tree, edit) for edit in kept.edits]
        change = _change(subject, patching, only_global=running)
        alone = ""
        if change.edits and running and mode == "with-rollout":
            alone = _stays_alone(request, change) if update else "recreated"
        if change.edits and not alone:
            told += [_of_edit(change.before.tree, edit) for edit in change.edits]
            word, edits, subject = "injected", [*edits, *change.edits], change.after
        word = word or alone
    found = subject.asked(_telling(policy))
    refused = [one for one in found.findings if validate and one.rule in policy.admission.deny]
    if refused:
        said = "; ".join(dict.fromkeys(f"{one.rule}: {one.problem.message}" for one in refused))
        denial = f"refused by the policy {policy.name}: {said}"[:MAX_DENIAL]
        return Decision("denied", (), found.findings, (), denial)
    word = word or _word(found)
    return Decision(word, tuple(edits), found.findings, tuple(told), wanted=wanted)


def _word(found: Report) -> str:
    """Return what is to be said of an object in which nothing is changed."""
    applicable = [one for one in found.machines if one.verdict != "not-applicable"]
    if not applicable:
        return "not-applicable"
    if all(one.verdict == "pinned" for one in applicable):
        return "pinned"
    warned = any(one.severity >= Severity.WARNING for one in found.findings)
    return "warned" if warned else "left-alone"


# Which rules are asked.


def _name_of(request: Mapping[str, Json]) -> str:
    """Return the `namespace/name` of a request's object."""
    metadata = _mapping(request["object"].get("metadata"))
    namespace = _text(metadata.get("namespace")) or _text(request.get("namespace")) or "default"
    return f"{namespace}/{_text(metadata.get('name')) or _text(request.get('name'))}"


def _named(request: Mapping[str, Json]) -> Json:
    """Return a request's object with its namespace and name, which the request may know better."""
    tree = request["object"]
    metadata = _mapping(tree.get("metadata"))
    if _text(metadata.get("namespace")) and _text(metadata.get("name")):
        return tree
    namespace, _, name = _name_of(request).partition("/")
    return {**tree, "metadata": {**metadata, "namespace": namespace, "name": name}}


def _for_object(policy: Policy, request: Mapping[str, Json]) -> Policy:
    """Return the policy for a request's object; overrides for files are none for an object."""
    if not policy.overrides:
        return policy
    return policy.for_path("").for_cluster(_name_of(request), labels_of(request["object"]))


def _telling(policy: Policy) -> Policy:
    """Return the policy that asks what is told. An annotation may be there for the linter."""
    return policy._replace(levels={**policy.levels, "unused-ignore": None})


def _patching(policy: Policy) -> Policy:
    """Return the policy that asks the rules whose fixes are made, and no others."""
    wanted = [rule for rule in policy.admission.patch if policy.asks(rule)]
    return policy._replace(levels=dict.fromkeys(wanted, Severity.ERROR), others=False)


class Subject(NamedTuple):
    """One state of an object, with what it holds: found once, however much is asked about it."""

    tree: Json
    file: File
    inventory: Inventory
    policy: Policy
    """What its machines are judged by."""
    today: str = ""
    """The day that ends what is accepted for a time."""

    @classmethod
    def of(cls, tree: Json, policy: Policy, today: str = "") -> Subject:
        """Take stock of an object."""
        file = File(_NO_PATH, (Document(DocumentId(_NO_PATH), tree),), kind="rancher-cluster")
        return cls(tree, file, take_inventory([file], policy), policy, today)

    def asked(self, policy: Policy) -> Report:
        """Return what a policy's rules say of it."""
        return ask([self.file], self.inventory, policy, today=self.today)

    def changed(self, edits: Iterable[Edit]) -> Subject:
        """Return it after edits."""
        return self.of(_applied(self.tree, edits), self.policy, self.today)

    @property
    def machines(self) -> tuple[Machine, ...]:
        """Its machines, in the order of its pools."""
        return tuple(one for cluster in self.inventory.clusters for one in cluster.machines)


# What is changed.


class Change(NamedTuple):
    """All that the fixes do to an object."""

    edits: tuple[Addition, ...]
    before: Subject
    after: Subject


def _change(subject: Subject, policy: Policy, *, only_global: bool) -> Change:
    """Return what all safe fixes do, those that another one uncovers included.

    The last round finds nothing more to do, so that the patched object has no patch.
    """
    now, made = subject, list[Addition]()
    wanted = pin.WANTED[policy.params.backend]
    for _ in range(_ROUNDS):
        plans = plan(now.asked(policy).findings, Safety.SAFE, policy).values()
        fixes = [fix for fixes in plans for fix in fixes]
        edits = [
            edit
            for fix in fixes
            if _is_ours(now.tree, fix, wanted, only_global=only_global)
            for edit in fix.edits
            if isinstance(edit, Addition)
        ]
        if not edits:
            return Change(tuple(made), subject, now)
        now = now.changed(edits)
        made += edits
    raise SelfCheckError("the fixes do not come to an end")


def _is_ours(tree: Json, fix: Fix, wanted: Pin, *, only_global: bool) -> bool:
    """Return whether a fix may be made here: it only adds, where it may, and overrides nobody."""
    for edit in fix.edits:
        if not isinstance(edit, Addition) or edit.route[: len(_CONFIG)] != _CONFIG:
            return False
        if only_global and edit.route[: len(_GLOBAL)] != _GLOBAL:
            return False
        adds = isinstance(edit, Append) or isinstance(edit.value, list)
        if adds and edit.route[-1] == pin.KEY:
            value = find(tree, edit.route)
            if pin.names_variable(_added(edit, value)) and _is_decided(value, wanted):
                return False
    try:
        _applied(tree, fix.edits)
    except EditError:
        return False
    return True


def _added(edit: Addition, value: Json) -> list[Json]:
    """Return the items that an edit adds to a value."""
    if isinstance(edit, Append):
        return [edit.value]
    return [item for item in edit.value if item != value]


def _is_decided(value: Json, wanted: Pin) -> bool:
    """Return whether a value says what kube-proxy is to use, so that nothing is added to it.

    Also where RKE2 does not understand how it says that it wants the other backend.
    """
    items = value if isinstance(value, list) else [value]
    texts = [item.strip() for item in items if isinstance(item, str)]
    for text in texts:
        named = _AFTER_VARIABLE.search(text)
        if text.startswith(f"{pin.VARIABLE}=") or (named and wanted.is_denied_in(named[1])):
            return True
    return False


class Environment(NamedTuple):
    """A place that sets kube-proxy's environment, and for which machines."""

    route: Route
    selector: Json
    value: Json


def _environments(tree: Json) -> Iterator[Environment]:
    """Yield machineGlobalConfig's, said or not, and those that entries of selectors say."""
    route: Route = (*_GLOBAL, pin.KEY)
    yield Environment(route, None, find(tree, route))
    entries = find(tree, (*_CONFIG, "machineSelectorConfig"))
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        config = _mapping(entry.get("config"))
        if pin.KEY in config:
            route = (*_CONFIG, "machineSelectorConfig", number, "config", pin.KEY)
            yield Environment(route, entry.get("machineLabelSelector"), config[pin.KEY])


def _kept(request: Mapping[str, Json], subject: Subject, policy: Policy) -> Change | None:
    """Return how the lists stay as they are from which an update takes what is injected, and no more.

    Who applies a manifest again, from Git or with Terraform, says each list as it stands there,
    without the pin and the required items that were injected, and means no change. But it would be
    one, which restarts RKE2 on every machine. With the lists as they were, kube-proxy's environment
    is what it was, on every machine and whatever labels it has. So it is all of them or none.
    """
    old = request.get("oldObject")
    if not isinstance(old, dict) or not _is_well_formed(old):
        return None
    wanted, required = pin.WANTED[policy.params.backend], _required(policy)
    before, now = list(_environments(old)), list(_environments(subject.tree))
    if len(before) != len(now):
        return None
    edits: list[Addition] = []
    bare: list[Addition] = []
    for was, is_now in zip(before, now, strict=True):
        if not same(was.selector, is_now.selector):
            return None
        if same(was.value, is_now.value):
            continue
        lost = _lost(was.value, is_now.value, wanted, required)
        if lost is None:
            return None
        edits.append(Set(is_now.route, was.value))
        if lost:
            bare.append(Set(is_now.route, [one for one in _items(was.value) if one not in lost]))
    if not edits:
        return None
    kept = Change(tuple(edits), subject, subject.changed(edits))
    # The policy may want no pin there, or another one.
    fixed, left = (_change(one, policy, only_global=False).edits for one in (subject, kept.after))
    mended = all(_changes(fixed, edit.route) and not _changes(left, edit.route) for edit in edits)
    if mended and bare:
        # Somebody may accept that the required items are missing, and not that the pin is.
        missed = _change(kept.after.changed(bare), policy, only_global=False).edits
        mended = all(_changes(missed, edit.route) for edit in bare)
    return kept if mended else None


def _required(policy: Policy) -> tuple[Json, ...]:
    """Return the items that kube-proxy's environment has to hold, and that are injected."""
    setting = policy.params.required_settings.get(pin.KEY)
    if setting is None or not policy.asks("required-settings"):
        return ()
    return tuple(_items(list(setting.value) if isinstance(setting.value, tuple) else setting.value))


def _changes(edits: Iterable[Edit], place: Route) -> bool:
    return any(edit.route[: len(place)] == place for edit in edits)


def _lost(was: Json, now: Json, wanted: Pin, required: Sequence[Json]) -> list[Json] | None:
    """Return the required items that a value said, and another one leaves out.

    None where more has changed: only they and the pin may go, and the pin may be misspelt now.
    """
    anywhere = Document(DocumentId(""), None).at()
    if wanted.read(pin.entries(was, anywhere)).verdict != "pinned":
        return None
    before, others = ([one for one in _items(value) if _mode(one) is None] for value in (was, now))
    lost = [one for one in before if one in required and one not in others]
    said, modes = (
        [mode for one in _items(value) if (mode := _mode(one)) is not None] for value in (was, now)
    )
    # The last one counts; those before it may only say what they said.
    if modes and not wanted.is_meant_by(modes[-1]):
        return None
    if not all(mode in said or wanted.is_meant_by(mode) for mode in modes):
        return None
    return lost if same([one for one in before if one not in lost], others) else None


def _mode(item: Json) -> str | None:
    """Return what an item sets IPTABLES_MODE to; None where it sets something else."""
    name, equals, value = _text(item).strip().partition("=")
    return value if equals and name == pin.VARIABLE else None


def _items(value: Json) -> list[Json]:
    """Return the items of a list; a single value is one, and what is empty is none."""
    if isinstance(value, list):
        return value
    return [] if value is MISSING or value in (None, "") else [value]


def _applied(tree: Json, edits: Iterable[Edit]) -> Json:
    for edit in edits:
        tree = apply(tree, edit)
    return tree


def _checked(tree: Json, edits: Sequence[Edit]) -> bytes:
    """Return the patch of the edits, once it was seen to do what they say.

    A patch that fails stops the request even under `failurePolicy: Ignore`, so none leaves that
    was not applied here (seen on a real API server: tests/e2e).
    """
    patch = orjson.dumps(json_patch(tree, edits))
    # What is applied is what leaves: jsonpatch builds the values that it is given into the object.
    operations = orjson.loads(patch)
    if not operations or any(operation["op"] != "add" for operation in operations):
        raise SelfCheckError("a patch holds something else than additions")
    copied = tree
    for edit in edits:
        copied = _copied_along(copied, edit.route)
    try:
        patched = jsonpatch.apply_patch(copied, operations, in_place=True)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        raise SelfCheckError("a patch does not fit") from error
    if not same(patched, _applied(tree, edits)):
        raise SelfCheckError("a patch does something else than its edits")
    return patch


def _copied_along(tree: Json, route: Route) -> Json:
    """Return `tree` with what stands along `route` copied, and all else shared."""
    if not isinstance(tree, dict | list):
        return tree
    copied: Json = tree.copy()
    below = find(tree, route[:1]) if route else MISSING
    if below is not MISSING:
        copied[route[0]] = _copied_along(below, route[1:])
    return copied


# Whether a running cluster may be touched.


def _requester(request: Mapping[str, Json]) -> str:
    return _text(_mapping(request.get("userInfo")).get("username"))


def _runs_already(tree: Json) -> bool:
    """Return whether an object is created again for a cluster that runs: restored, or moved."""
    finalizers = _mapping(tree.get("metadata")).get("finalizers")
    ranchers = isinstance(finalizers, list) and any("cattle.io" in _text(one) for one in finalizers)
    return bool(tree.get("status")) or ranchers


def _stays_alone(request: Mapping[str, Json], change: Change) -> str:
    """Return why an injection would change machines that an update leaves alone; "" if none."""
    old, tree = request.get("oldObject"), request["object"]
    if not isinstance(old, dict) or not _is_well_formed(old):
        return "old-object-unreadable"
    was = {machine.name: machine for machine in Subject.of(old, DEFAULT).machines}
    if not was:
        return "old-object-unreadable"
    version: Route = ("spec", "kubernetesVersion")
    if _text(find(old, version)) != _text(find(tree, version)):
        return ""
    custom = _is_custom(tree)
    if custom != _is_custom(old):
        return "no-rollout"
    # Machines of a custom cluster carry labels that nobody here knows: what a selector sets is not
    # certain for any of them, nor whether it keeps the injection away.
    unsure = _set_by_selectors(old) | _set_by_selectors(tree) if custom else frozenset()
    touched = [
        machine
        for machine, injected in zip(change.before.machines, change.after.machines, strict=True)
        if custom or not same(_in_force(machine), _in_force(injected))
    ]
    running = [machine for machine in touched if machine.name in was]
    rolls = running and not any(
        same(_computed(was[machine.name], unsure), _computed(machine, unsure))
        for machine in running
    )
    return "" if rolls else "no-rollout"


def _in_force(machine: Machine) -> dict[str, Json]:
    return {
        name: setting.value
        for name, setting in machine.settings.items()
        if setting.value is not MISSING
    }


def _computed(machine: Machine, unsure: frozenset[str]) -> dict[str, Json]:
    """Return the configuration in force of a machine, the pin and what is unsure left aside."""
    settings = {key: value for key, value in _in_force(machine).items() if key not in unsure}
    items = _items(settings.pop(pin.KEY, None))
    others = [item for item in items if item and not _is_the_pin(item)]
    if others:
        settings[pin.KEY] = others
    return settings


def _is_the_pin(item: Json) -> bool:
    return isinstance(item, str) and _NAMES_VARIABLE.match(item) is not None


def _is_custom(tree: Json) -> bool:
    return not find(tree, (*_CONFIG, "machinePools"))


def _set_by_selectors(tree: Json) -> frozenset[str]:
    """Return the settings that some machines may get, and others not."""
    entries = find(tree, (*_CONFIG, "machineSelectorConfig"))
    return frozenset(
        key
        for entry in (entries if isinstance(entries, list) else ())
        if parse(entry.get("machineLabelSelector")) != Selector(())
        for key in _mapping(entry.get("config"))
    )


# What is said.


def warnings(decision: Decision) -> list[str]:
    """Return what a person is told of a decision: few lines, each short enough to be shown whole."""
    said = [*decision.warnings]
    if not decision.denial:
        worth = (one for one in decision.findings if one.severity >= Severity.WARNING)
        said += (_of_finding(finding, decision.wanted) for finding in worth)
    unique = list(dict.fromkeys(_short(text) for text in said))
    if len(unique) > MAX_WARNINGS:
        more = len(unique) - MAX_WARNINGS + 1
        unique = [*unique[: MAX_WARNINGS - 1], f"and {more} more: lint the Cluster with rke2-lint"]
    return unique


def _of_finding(finding: Finding, wanted: Pin) -> str:
    if finding.rule == "missing-nft-pin":
        missing = f"kube-proxy is not pinned to {wanted.backend}"
        return f"{missing}: commit {pin.KEY}: [{wanted.text}] to Git"
    rule, problem = finding.rule, finding.problem
    title = problem.fix.title if problem.fix is not None else ""
    # What is to be done comes last, and is never cut off: everything else gives way to it.
    done = f": {title}" if title and title not in problem.message else ""
    whole = f"{rule}: {problem.message}; {_MEND}{done}"
    if len(whole) <= MAX_WARNING:
        return whole
    where = f"{rule} in {_where(problem.place.route)}"
    end = f": {_MEND}: {title}"
    if not title or len(rule) + len(title) > _MOST_TITLE:
        end = f": {_MEND}, see rke2-lint rule {rule}"
    room = MAX_WARNING - len(end)
    return (where if len(where) <= room else f"{where[: room - 3]}...") + end


def _of_kept(tree: Json, edit: Addition) -> str:
    before = _items(find(tree, edit.route))
    what = ", ".join(str(item) for item in _items(edit.value) if item not in before)
    end = f" in {_where(edit.route)}: commit it to Git, or opt out: label {OPT_OUT_LABEL}=off"
    whole = f"kept {what}{end}"
    return whole if len(whole) <= MAX_WARNING else f"kept {pin.KEY}{end}"


def _of_edit(tree: Json, edit: Addition) -> str:
    before = find(tree, edit.route)
    adds = isinstance(edit, Append) or isinstance(edit.value, list)
    values = _added(edit, before) if adds else [edit.value]
    verb = "wrote" if isinstance(before, str) and not adds else "added"
    at = max(number for number, step in enumerate(edit.route) if isinstance(step, str))
    setting, where = edit.route[at], _where(edit.route[:at])
    whole = f"{verb} {setting}: {', '.join(map(str, values))} in {where}: commit it to Git"
    return whole if len(whole) <= MAX_WARNING else f"changed {where}: commit it to Git"


def _where(route: Route) -> str:
    """Return a place in a Cluster, for people: an entry of a list by its number, and no deeper."""
    steps = route[len(_CONFIG) :] if route[: len(_CONFIG)] == _CONFIG else route
    above = steps[: steps.index(pin.KEY)] if pin.KEY in steps else steps
    names = (f"[{step}]" if isinstance(step, int) else f".{step}" for step in above[:2])
    return "".join(names).lstrip(".") or "rkeConfig"


def _short(text: str) -> str:
    """Return a warning as a header can carry it: one line of printable text, and not too long."""
    line = text
    if not text.isprintable():
        line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= MAX_WARNING else f"{line[: MAX_WARNING - 3]}..."


# Shapes.


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _is_well_formed(tree: Json) -> bool:
    """Return whether what is read here has the types that the API server asks for.

    It calls webhooks before it looks at an object's types, and refuses all others afterwards.
    """
    spec = tree.get("spec")
    config = spec.get("rkeConfig") if isinstance(spec, dict) else spec
    if not isinstance(config, dict):
        return config is None
    entries, pools = config.get("machineSelectorConfig"), config.get("machinePools")
    return (
        isinstance(config.get("machineGlobalConfig"), dict | None)
        and _are_mappings(entries, {"config": dict, "machineLabelSelector": dict})
        and _are_mappings(pools, {"name": str, "machineOS": str, "labels": dict})
    )


def _are_mappings(items: Json, fields: Mapping[str, type]) -> bool:
    """Return whether items are none, or all mappings whose fields, where they say any, are so."""
    if items is None:
        return True
    return isinstance(items, list) and all(
        isinstance(item, dict)
        and all(isinstance(item.get(name), kind | None) for name, kind in fields.items())
        for item in items
    )

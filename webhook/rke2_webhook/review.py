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
import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import jsonpatch
import orjson

from rke2_policies import pin
from rke2_policies.document import Document, DocumentId
from rke2_policies.edits import Edit, apply
from rke2_policies.edits.as_json_patch import json_patch
from rke2_policies.engine import Report, evaluate, plan
from rke2_policies.file import File
from rke2_policies.finding import Finding, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.policy import DEFAULT, Policy
from rke2_policies.route import MISSING, Json, Route, find, same

IGNORE_ANNOTATION = "rke2-lint.dev/ignore"
OPT_OUT_LABEL = "rke2-lint.dev/webhook"
MAX_WARNING = 120
"""Characters; the API server cuts longer ones (k8s.io/apiserver pkg/warning)."""
MAX_WARNINGS = 12
_GLOBAL: Route = ("spec", "rkeConfig", "machineGlobalConfig")
# A fix may uncover another one; what needs more rounds than this is a fault of ours.
_ROUNDS = 8


class Decision(NamedTuple):
    """What is done with a request, and why: the word goes into metrics, logs and the audit log."""

    word: str
    edits: tuple[Edit, ...] = ()
    findings: tuple[Finding, ...] = ()
    warnings: tuple[str, ...] = ()
    denial: str = ""


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
    decision = _guarded(request) or _decide(request, policy, validate=validate, today=today)
    response: dict[str, Json] = {"uid": request["uid"], "allowed": not decision.denial}
    if decision.denial:
        response["status"] = {
            "code": 422, "reason": "Invalid", "message": decision.denial,
        }  # fmt: skip
    if decision.edits:
        operations = _checked(request["object"], decision.edits)
        response["patchType"] = "JSONPatch"
        response["patch"] = base64.b64encode(orjson.dumps(operations)).decode()
    warnings = _told(decision)
    if warnings:
        response["warnings"] = warnings
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
    return None


def _decide(request: Mapping[str, Json], policy: Policy, *, validate: bool, today: str) -> Decision:
    tree = request["object"]
    update = request["operation"] == "UPDATE"
    bookkeeping = _requester(request) in policy.admission.ignore_users
    if update and bookkeeping:
        return Decision("bookkeeping")
    running = update or bookkeeping or _runs_already(tree)
    mode = policy.admission.on_update if running else policy.admission.on_create
    if mode == "off":
        return Decision("off")
    waived = _waived(tree, policy, today)
    edits: tuple[Edit, ...] = ()
    why = ""
    if mode != "warn" and not validate:
        edits = _edits(request["uid"], tree, _patching(policy, waived), only_global=running)
        if edits and running and mode == "with-rollout":
            why = _stays_alone(request, tree, edits, update=update)
    if edits and not why:
        after = _evaluate(request["uid"], _applied(tree, edits), _without(policy, waived))
        return Decision(
            "injected", edits, after.findings, tuple(_of_edit(tree, edit) for edit in edits)
        )
    found = _evaluate(request["uid"], tree, _without(policy, waived))
    refused = [one for one in found.findings if validate and one.rule in policy.admission.deny]
    if refused:
        said = "; ".join(dict.fromkeys(f"{one.rule}: {one.problem.message}" for one in refused))
        denial = f"refused by the policy {policy.name}: {said}"
        return Decision("denied", (), found.findings, (), denial)
    return Decision(why or _word(found), findings=found.findings)


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


def _waived(tree: Json, policy: Policy, today: str) -> frozenset[str]:
    """Return the rules that an annotation or an exemption takes out for this object."""
    metadata = _mapping(tree.get("metadata"))
    ignored = _text(_mapping(metadata.get("annotations")).get(IGNORE_ANNOTATION))
    listed = ignored.split(maxsplit=1)[0] if ignored.strip() else ""
    names = {name.strip() for name in listed.split(",") if name.strip()}
    where = f"{_text(metadata.get('namespace')) or 'default'}/{_text(metadata.get('name'))}"
    names |= {one.rule for one in policy.exempt if one.holds(one.rule, where, today)}
    return frozenset(names)


def _without(policy: Policy, waived: frozenset[str]) -> Policy:
    if not waived:
        return policy
    return policy._replace(levels={**policy.levels, **dict.fromkeys(waived)})


def _patching(policy: Policy, waived: frozenset[str]) -> Policy:
    """Return the policy that asks the rules whose fixes are made, and no others."""
    wanted = [rule for rule in policy.admission.patch if policy.asks(rule) and rule not in waived]
    return Policy(policy.name, dict.fromkeys(wanted, Severity.ERROR), others=False)


def _evaluate(uid: str, tree: Json, policy: Policy) -> Report:
    document = Document(DocumentId(uid), tree)
    return evaluate([File(uid, (document,), kind="rancher-cluster")], policy)


# What is changed.


def _edits(uid: str, tree: Json, policy: Policy, *, only_global: bool) -> tuple[Edit, ...]:
    """Return the edits of all safe fixes, those that another one uncovers included.

    The last round finds nothing more to do, so that the patched object has no patch.
    """
    made: list[Edit] = []
    for _ in range(_ROUNDS):
        fixes = plan(_evaluate(uid, tree, policy).findings, Safety.SAFE)
        edits = [edit for some in fixes.values() for fix in some for edit in fix.edits]
        if only_global:
            edits = [edit for edit in edits if edit.route[: len(_GLOBAL)] == _GLOBAL]
        if not edits:
            return tuple(made)
        tree = _applied(tree, edits)
        made += edits
    raise SelfCheckError("the fixes do not come to an end")


def _applied(tree: Json, edits: Iterable[Edit]) -> Json:
    for edit in edits:
        tree = apply(tree, edit)
    return tree


def _checked(tree: Json, edits: Sequence[Edit]) -> list[dict[str, Any]]:
    """Return the patch of the edits, once it was seen to do what they say.

    A patch that fails stops the request even under `failurePolicy: Ignore`, so none leaves that
    was not applied here (seen on a real API server: tests/e2e).
    """
    operations = json_patch(tree, edits)
    if not operations or any(operation["op"] != "add" for operation in operations):
        raise SelfCheckError("a patch holds something else than additions")
    try:
        patched = jsonpatch.apply_patch(copy.deepcopy(tree), operations)
    except jsonpatch.JsonPatchException as error:
        raise SelfCheckError("a patch does not fit") from error
    if not same(patched, _applied(tree, edits)):
        raise SelfCheckError("a patch does something else than its edits")
    return operations


# Whether a running cluster may be touched.


def _requester(request: Mapping[str, Json]) -> str:
    return _text(_mapping(request.get("userInfo")).get("username"))


def _runs_already(tree: Json) -> bool:
    """Return whether an object is created again for a cluster that runs: restored, or moved."""
    finalizers = _mapping(tree.get("metadata")).get("finalizers")
    ranchers = isinstance(finalizers, list) and any("cattle.io" in _text(one) for one in finalizers)
    return bool(tree.get("status")) or ranchers


def _stays_alone(
    request: Mapping[str, Json], tree: Json, edits: Sequence[Edit], *, update: bool
) -> str:
    """Return why an injection would change machines that the request leaves alone; "" if none."""
    if not update:
        return "recreated"
    old = request.get("oldObject")
    before = _plan(request["uid"], old) if isinstance(old, dict) else None
    if before is None or not before.machines or not isinstance(old, dict):
        return "old-object-unreadable"
    now = _plan(request["uid"], tree)
    then = _plan(request["uid"], _applied(tree, edits))
    version: Route = ("spec", "kubernetesVersion")
    if not same(_found(old, version), _found(tree, version)):
        return ""
    # Machines of a custom cluster carry labels that nobody here knows, so that a selector may give
    # them a configuration that none of the role combinations shows.
    custom = _is_custom(old), _is_custom(tree)
    if custom != (False, False) and (
        custom != (True, True) or _selects_by_unknown_labels(tree, old)
    ):
        return "no-rollout"
    was = {one.name: _computed(one) for one in before.machines}
    is_now = {one.name: _computed(one) for one in now.machines}
    touched = [
        new.name
        for new, injected in zip(now.machines, then.machines, strict=True)
        if not same(_in_force(new), _in_force(injected))
    ]
    running = [name for name in touched if name in was]
    rolls = running and all(not same(was[name], is_now[name]) for name in running)
    return "" if rolls else "no-rollout"


def _plan(uid: str, tree: Json) -> Report:
    """Return the machines of an object, without asking any rule."""
    return _evaluate(uid, tree, Policy("none", {}, others=False))


def _in_force(machine: Machine) -> dict[str, Json]:
    return {
        name: setting.value
        for name, setting in machine.settings.items()
        if setting.value is not MISSING
    }


def _computed(machine: Machine) -> dict[str, Json]:
    """Return the configuration in force of a machine, the pin left aside."""
    settings = _in_force(machine)
    value = settings.pop(pin.KEY, None)
    items = value if isinstance(value, list) else [value]
    others = [item for item in items if item and not _is_the_pin(item)]
    if others:
        settings[pin.KEY] = others
    return settings


def _is_the_pin(item: Json) -> bool:
    return isinstance(item, str) and item.strip().partition("=")[0] == pin.VARIABLE


def _is_custom(tree: Json) -> bool:
    return not find(tree, ("spec", "rkeConfig", "machinePools"))


def _selects_by_unknown_labels(*trees: Json) -> bool:
    """Return whether a selector asks for labels that do not follow from a machine's roles."""
    for tree in trees:
        entries = find(tree, ("spec", "rkeConfig", "machineSelectorConfig"))
        for entry in entries if isinstance(entries, list) else []:
            selector = _mapping(_mapping(entry).get("machineLabelSelector"))
            keys = list(_mapping(selector.get("matchLabels")))
            expressions = selector.get("matchExpressions")
            listed = expressions if isinstance(expressions, list) else []
            keys += [_text(_mapping(expression).get("key")) for expression in listed]
            if any(not key.endswith(("-role", "/cluster-name", "/control-plane")) for key in keys):
                return True
    return False


# What is said.


def _told(decision: Decision) -> list[str]:
    said = [*decision.warnings]
    if not decision.denial:
        worth = (one for one in decision.findings if one.severity >= Severity.WARNING)
        said += map(_of_finding, worth)
    unique = list(dict.fromkeys(_short(text) for text in said))
    if len(unique) > MAX_WARNINGS:
        more = len(unique) - MAX_WARNINGS + 1
        unique = [*unique[: MAX_WARNINGS - 1], f"and {more} more: lint the Cluster with rke2-lint"]
    return unique


def _of_finding(finding: Finding) -> str:
    if finding.rule == "missing-nft-pin":
        return f"kube-proxy is not pinned to nft: commit {pin.KEY}: [{pin.PIN}] to Git"
    return f"{finding.rule}: {finding.problem.message}"


def _of_edit(tree: Json, edit: Edit) -> str:
    where = "machineGlobalConfig"
    if edit.route[: len(_GLOBAL)] != _GLOBAL:
        where = f"machineSelectorConfig[{edit.route[3]}]"
    verb = "wrote" if isinstance(find(tree, edit.route), str) else "added"
    return f"{verb} {pin.KEY}: {pin.PIN} in {where}: commit it to Git"


def _short(text: str) -> str:
    """Return a warning as a header can carry it: one line of printable text, and not too long."""
    line = "".join(character if character.isprintable() else " " for character in text)
    return line if len(line) <= MAX_WARNING else f"{line[: MAX_WARNING - 3]}..."


# Shapes.


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _found(tree: Json, route: Route) -> Json:
    value = find(tree, route)
    return None if value is MISSING else value

"""ValidatingAdmissionPolicy: the API server itself warns of what is wrong, and notes it down.

kubernetes/website content/en/docs/reference/access-authn-authz/validating-admission-policy.md:
stable in Kubernetes 1.30. A message may not have several lines, and what is audited is the message.
"""

from __future__ import annotations

import textwrap
from typing import NamedTuple

from rke2_lint.export import NothingToExportError
from rke2_lint.export.conditions import (
    VARIABLES,
    accepted,
    conditions_of_all,
    indented,
    matching,
)
from rke2_lint.export.wanted import is_told, wanted
from rke2_policies.policy import Policy

_HEAD = """\
# Written by rke2-lint @VERSION@: `rke2-lint export --format validating-admission-policy`.
# For Kubernetes 1.30 and later.
#
# Whoever creates or updates a Cluster of RKE2 is warned of a missing or broken pin, and the audit
# log has it; nothing is changed. No rule is told that the policy turns off, and nobody who opts out
# with the label @LABEL@=off or the annotation rke2-lint.dev/ignore. What the
# webhook tells, and this cannot:
# - places: which selector, which item;
# - Clusters whose machineSelectorConfig says anything of kube-proxy: they are not judged;
# - all other rules: misspelt variables, items joined by commas, lists in lists, templates, …;
# - the last day of an annotation or an exemption: both count after it, too;
# - overrides of the policy: Clusters that one is for are left alone.
"""

_POLICY = """\
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicy
metadata:
  name: @NAME@
spec:
  failurePolicy: Ignore
"""

_VARIABLES = """\
    - name: isJudged
      expression: >-
        variables.usesIptables && variables.selectors.size() == 0
    - name: isFlat
      expression: >-
        variables.items.all(item, type(item) != list && type(item) != map)
    - name: isOther
      expression: >-
        variables.mode.matches('^[ \\\\t\\\\n]*@OTHER@([ \\\\t\\\\n]+-f)?[ \\\\t\\\\n]*$')
"""

_BINDING = """\
---
apiVersion: admissionregistration.k8s.io/v1
kind: ValidatingAdmissionPolicyBinding
metadata:
  name: @NAME@
spec:
  policyName: @NAME@
  validationActions: [@ACTIONS@]
"""


class _Told(NamedTuple):
    """What is told of one rule. Both texts are CEL."""

    rule: str
    found: str
    message: str


_RULES = (
    _Told(
        "missing-nft-pin",
        "variables.modes.size() == 0 && variables.isFlat",
        "'kube-proxy is not pinned to @BACKEND@: commit @KEY@: [@ITEM@] to Git'",
    ),
    _Told(
        "empty-backend",
        "variables.modes.size() > 0 && variables.mode == ''",
        "'empty-backend: @VARIABLE@ is empty, which means detection: write @ITEM@; mend it in Git'",
    ),
    _Told(
        "legacy-backend",
        "variables.isOther",
        "'legacy-backend: kube-proxy is pinned to @OTHER@: write @ITEM@; mend it in Git'",
    ),
    # A value with `$(` is another variable's, and one with a comma or a line feed is several.
    _Told(
        "invalid-backend",
        "variables.mode != '' && !variables.isWanted && !variables.isOther\n"
        "&& !variables.mode.contains('$(') && !variables.mode.matches('[,\\\\n\\\\r]')",
        "'invalid-backend: @VARIABLE@ is \"' + variables.mode + '\", which breaks iptables of kube-proxy: '\n"
        "+ 'write @ITEM@; mend it in Git'",
    ),
    _Told(
        "map-instead-of-list",
        "type(variables.value) == map",
        "'map-instead-of-list: @KEY@ is a mapping, which Rancher drops: '\n"
        "+ 'write [@ITEM@]; mend it in Git'",
    ),
    _Told(
        "map-entry",
        "type(variables.value) == list && variables.items.exists(item, type(item) == map)",
        "'map-entry: an item of @KEY@ is a mapping, which RKE2 leaves out: '\n"
        "+ 'write NAME=VALUE; mend it in Git'",
    ),
)


def render(policy: Policy) -> str:
    """Return the policies and their bindings: what is warned of, and what is refused, if anything.

    Raises NothingToExportError.
    """
    return wanted(policy).fill(template(policy))


def template(policy: Policy) -> str:
    """Return the same with its `@WORDS@`. Raises NothingToExportError."""
    denied = [one for one in _RULES if one.rule in policy.admission.deny and policy.asks(one.rule)]
    told = [one for one in _RULES if one not in denied and is_told(policy, one.rule)]
    if not told and not denied:
        names = ", ".join(one.rule for one in _RULES)
        raise NothingToExportError(f"the policy tells nobody of any of {names}")
    written = [_policy(policy, told, "Warn, Audit")] if told else []
    if denied:
        refusing = _policy(policy, denied, "Deny, Audit")
        written.append(refusing.replace("@NAME@", "@NAME@-required"))
    return _HEAD + _of_denial(policy, denied) + "---\n".join(written)


def _of_denial(policy: Policy, denied: list[_Told]) -> str:
    """Return the comment on what `webhook.deny` names: who is refused for it, and who is not."""
    known = {one.rule for one in _RULES}
    others = [rule for rule in policy.admission.deny if rule not in known and policy.asks(rule)]
    said = []
    if denied:
        names = ", ".join(one.rule for one in denied)
        said.append(f"A second policy, @NAME@-required, refuses what webhook.deny names: {names}.")
    if others:
        names = ", ".join(others)
        said.append(f"webhook.deny names more, which only the webhook refuses: {names}.")
    lines = textwrap.wrap(" ".join(said), 84, break_on_hyphens=False)
    return "".join(["#\n", *(f"# {line}\n" for line in lines)]) if said else ""


def _policy(policy: Policy, rules: list[_Told], actions: str) -> str:
    operations, only_new = _operations(policy)
    conditions = conditions_of_all(policy, [one.rule for one in rules], only_new=only_new)
    return (
        f"{_POLICY}{matching(operations)}{conditions}{VARIABLES}{_VARIABLES}"
        f"  validations:\n{''.join(_validation(policy, one) for one in rules)}"
        f"{_BINDING.replace('@ACTIONS@', actions)}"
    )


def _operations(policy: Policy) -> tuple[str, bool]:
    """Return the operations, and whether Clusters that run already are left out."""
    match policy.admission.on_create, policy.admission.on_update:
        case "off", "off":
            raise NothingToExportError("webhook.onCreate and webhook.onUpdate are off")
        case "off", _:
            return "UPDATE", False
        case _, "off":
            return "CREATE", True
        case _:
            return "CREATE, UPDATE", False


def _validation(policy: Policy, told: _Told) -> str:
    return (
        "    - expression: >-\n"
        f"        !variables.isJudged || !({indented(told.found, 10)})\n"
        f"        || {indented(accepted(policy, told.rule), 8)}\n"
        "      messageExpression: >-\n"
        f"        {indented(told.message, 8)}\n"
    )

"""MutatingAdmissionPolicy: the API server itself adds the pin to new Clusters.

kubernetes/website content/en/docs/reference/access-authn-authz/mutating-admission-policy.md: stable
in Kubernetes 1.36, beta (and off) in 1.34.
"""

from __future__ import annotations

from rke2_lint.export import NothingToExportError
from rke2_lint.export.conditions import CONDITIONS, MATCHING, NEW, VARIABLES
from rke2_lint.export.wanted import wanted
from rke2_policies.policy import Policy

_HEAD = """\
# Written by rke2-lint @VERSION@: `rke2-lint export --format mutating-admission-policy`.
# Kubernetes 1.36; in 1.34 and 1.35 with apiVersion v1beta1 and the feature switched on.
#
# New Clusters of RKE2 get @KEY@: [@ITEM@]. What the webhook does, and this cannot:
# - warnings that say which line to commit to Git;
# - selectors of machineSelectorConfig that take the pin away are left as they are;
# - updates: a policy does not know whether an update rolls out every machine, so it changes none;
# - the date of an exemption: an annotation counts after its `until`, too;
# - several misspelt items: they are left alone.
@OVERRIDES@"""

_META = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: @NAME@
spec:
  failurePolicy: Ignore
  reinvocationPolicy: IfNeeded
"""

_MUTATION = """\
    - name: plain
      expression: >-
        (variables.value == null || type(variables.value) == string || type(variables.value) == list)
        && variables.items.all(item, type(item) != list && type(item) != map)
    # Somebody has decided it, in words that may even be wrong: legacy stays legacy.
    - name: decided
      expression: >-
        variables.texts.filter(item, item.trim().startsWith('@VARIABLE@=')
          || item.matches('(?is)\\\\b@VARIABLE@\\\\b.*@OTHER@'))
    - name: misspelt
      expression: >-
        variables.modes.filter(item,
          !(item.trim().substring(@LENGTH@).trim() in ['@BACKEND@', '@BACKEND@ -f'])
          && item.trim().substring(@LENGTH@).trim().replace('"', '').replace("'", '').trim().lowerAscii()
            in [@MEANINGS@])
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          !variables.usesIptables || !variables.plain ? [] :
          variables.section == null ? [JSONPatch{
            op: 'add', path: '/spec/rkeConfig/machineGlobalConfig',
            value: {'@KEY@': ['@ITEM@']}
          }] :
          variables.decided.size() == 0 ? (
            type(variables.value) == list && variables.items.size() > 0 ? [JSONPatch{
              op: 'add', path: '/spec/rkeConfig/machineGlobalConfig/@KEY@/-', value: '@ITEM@'
            }] : [JSONPatch{
              op: 'add', path: '/spec/rkeConfig/machineGlobalConfig/@KEY@',
              value: variables.items + ['@ITEM@']
            }]) :
          variables.decided.size() == 1 && variables.misspelt.size() == 1 ? [JSONPatch{
            op: 'add', path: '/spec/rkeConfig/machineGlobalConfig/@KEY@',
            value: type(variables.value) == string ? dyn('@ITEM@') :
              dyn(variables.items.map(item, item == variables.misspelt[0] ? dyn('@ITEM@') : item))
          }] : []
---
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicyBinding
metadata:
  name: @NAME@
spec:
  policyName: @NAME@
"""


def render(policy: Policy) -> str:
    """Return the policy and its binding. Raises NothingToExportError."""
    if policy.admission.on_create != "inject":
        said = f"webhook.onCreate is {policy.admission.on_create}: nothing is to be injected"
        raise NothingToExportError(said)
    text = _HEAD + _META + MATCHING + CONDITIONS + NEW + VARIABLES + _MUTATION
    return wanted(policy).fill(text.replace("@OPERATIONS@", "CREATE"))

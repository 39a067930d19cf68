"""MutatingAdmissionPolicy: the API server itself adds the pin to new Clusters.

kubernetes/website content/en/docs/reference/access-authn-authz/mutating-admission-policy.md: stable
in Kubernetes 1.36, beta (and off) in 1.34.
"""

from __future__ import annotations

from rke2_lint.export import NothingToExportError
from rke2_lint.export.conditions import VARIABLES, conditions_of_new, matching
from rke2_lint.export.wanted import respells, wanted, why_not_injected
from rke2_policies.policy import Policy

LIMITS = """\
# New Clusters of RKE2 get @KEY@: [@ITEM@].
# Not those that opt out with the label @LABEL@=off, or with the annotation
# rke2-lint.dev/ignore. Nobody's "@OTHER@" is overridden, and an update changes nothing. What the
# webhook does, and this cannot:
# - warnings that say what to commit to Git;
# - selectors of machineSelectorConfig that take the pin away: they are left as they are, and so is
#   a Cluster in which a selector for all machines says @KEY@;
# - updates that roll out every machine anyway, and updates that take the pin away again;
# - the last day of an annotation or an exemption: both count after it, too;
# - overrides of the policy: Clusters that one is for are left alone.
"""

_HEAD = """\
# Written by rke2-lint @VERSION@: `rke2-lint export --format mutating-admission-policy`.
# For Kubernetes 1.36; in 1.34 and 1.35 with apiVersion v1beta1 and the feature switched on.
#
"""

_META = """\
apiVersion: admissionregistration.k8s.io/v1
kind: MutatingAdmissionPolicy
metadata:
  name: @NAME@
spec:
  failurePolicy: Ignore
  reinvocationPolicy: IfNeeded
"""

_DECIDED = """\
    - name: isPlain
      expression: >-
        (variables.value == null || type(variables.value) == string || type(variables.value) == list)
        && variables.items.all(item, type(item) != list && type(item) != map)
    - name: isSaidForAll
      expression: >-
        variables.selectors.exists(entry, '@KEY@' in entry['config'] && (
          !('machineLabelSelector' in entry) || type(entry['machineLabelSelector']) != map
          || ['matchLabels', 'matchExpressions'].all(field, !(field in entry['machineLabelSelector'])
            || entry['machineLabelSelector'][field] == null
            || entry['machineLabelSelector'][field] == {} || entry['machineLabelSelector'][field] == [])))
    # Somebody has decided it, in words that may even be wrong: @OTHER@ stays @OTHER@.
    - name: decided
      expression: >-
        variables.texts.filter(item, item.trim().startsWith('@VARIABLE@=')
          || item.matches('(?is)\\\\b@VARIABLE@\\\\b.*@OTHER@'))
"""

_MISSPELT = """\
    - name: isMisspelt
      expression: >-
        !variables.isWanted
        && variables.mode.matches('(?is)^\\\\s*["\\']*\\\\s*(@MEANINGS@)\\\\s*["\\']*\\\\s*$')
"""

_MUTATIONS = """\
  mutations:
    - patchType: JSONPatch
      jsonPatch:
        expression: >-
          !variables.usesIptables || !variables.isPlain || variables.isSaidForAll ? [] :
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
"""

_RESPELLING = """\
          variables.isMisspelt ? [type(variables.value) == string ? JSONPatch{
            op: 'add', path: '/spec/rkeConfig/machineGlobalConfig/@KEY@', value: '@ITEM@'
          } : JSONPatch{
            op: 'replace', value: '@ITEM@',
            path: '/spec/rkeConfig/machineGlobalConfig/@KEY@/'
              + string(variables.items.lastIndexOf(variables.modes[variables.modes.size() - 1]))
          }] :
"""

_BINDING = """\
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
    return wanted(policy).fill(template(policy))


def template(policy: Policy) -> str:
    """Return the same with its `@WORDS@`. Raises NothingToExportError."""
    return f"{_HEAD}{LIMITS}{_META}{evaluation(policy)}{_BINDING}"


def evaluation(policy: Policy) -> str:
    """Return when and how a Cluster is changed. Raises NothingToExportError."""
    if why := why_not_injected(policy):
        raise NothingToExportError(f"{why}: nothing is to be injected")
    respelt, respelling = (_MISSPELT, _RESPELLING) if respells(policy) else ("", "")
    return (
        f"{matching('CREATE')}{conditions_of_new(policy)}{VARIABLES}{_DECIDED}{respelt}"
        f"{_MUTATIONS}{respelling}          []\n"
    )

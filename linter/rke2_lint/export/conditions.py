"""Conditions in CEL: which Clusters a policy is about, and what they say of kube-proxy.

The native policies and Kyverno's share them, and each was run by a real API server
(tests/e2e/test_export.py). Every step asks first whether something is there, and of which type: a
condition that fails is an error, which `failurePolicy: Fail` would turn into a refusal. One that
says no outweighs others that fail, so the first one guards the others.
"""

from __future__ import annotations

from rke2_lint.export.left_alone import exempt, overridden
from rke2_lint.export.wanted import RULE
from rke2_policies.policy import Policy

_MATCHING = """\
  matchConstraints:
    matchPolicy: Equivalent
    objectSelector:
      matchExpressions:
        - {key: @LABEL@, operator: NotIn, values: ["off"]}
    resourceRules:
      - apiGroups: [provisioning.cattle.io]
        apiVersions: [v1]
        resources: [clusters]
        operations: [@OPERATIONS@]
"""

_CONDITIONS = """\
  matchConditions:
    - name: runs-rke2
      expression: >-
        has(object.spec) && type(object.spec) == map
        && has(object.spec.rkeConfig) && type(object.spec.rkeConfig) == map
        && has(object.spec.kubernetesVersion) && type(object.spec.kubernetesVersion) == string
        && object.spec.kubernetesVersion.contains('+rke2')
    # First in v1.21.4+rke2r2 and v1.22.3 (rancher/rke2 #1463, #1526).
    - name: version-has-the-setting
      expression: >-
        !object.spec.kubernetesVersion.matches('^v1[.]([0-9]|1[0-9]|20|21[.][0-3]|22[.][0-2])([.+]|$)')
    - name: is-well-formed
      expression: >-
        !has(object.spec.rkeConfig.machineGlobalConfig)
        || object.spec.rkeConfig.machineGlobalConfig == null
        || type(object.spec.rkeConfig.machineGlobalConfig) == map
    - name: is-not-deleted
      expression: >-
        !has(object.metadata.deletionTimestamp)
    # The selector lets through whose old object it selects; Kyverno, what has no old object.
    - name: is-not-opted-out
      expression: >-
        !has(object.metadata.labels) || !('@LABEL@' in object.metadata.labels)
        || object.metadata.labels['@LABEL@'] != 'off'
    # Rancher waits until the Cluster equals the snapshot's.
    - name: is-not-restored
      expression: >-
        !has(object.spec.rkeConfig.etcdSnapshotRestore)
        || type(object.spec.rkeConfig.etcdSnapshotRestore) != map
        || !has(object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig)
        || object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig != 'all'
"""

_NOT_BOOKKEEPING = """\
    # These keep the books: nobody would read what they are told.
    - name: is-not-bookkeeping
      expression: >-
        request.operation != 'UPDATE' || !(request.userInfo.username in @USERS@)
"""

_NEW = """\
    # A restored or moved Cluster runs already: a change would restart all of its nodes.
    - name: does-not-run-yet
      expression: >-
        (!has(object.status) || object.status == null
          || (type(object.status) == map && size(object.status) == 0))
        && (!has(object.metadata.finalizers)
          || !object.metadata.finalizers.exists(name, name.contains('cattle.io')))
        && !(request.userInfo.username in @USERS@)
"""

_ACCEPTED = """\
has(object.metadata.annotations) && 'rke2-lint.dev/ignore' in object.metadata.annotations
&& object.metadata.annotations['rke2-lint.dev/ignore']
  .matches('^\\\\s*([^\\\\s,]+,\\\\s*)*@ACCEPTED@(,\\\\s*[^\\\\s,]+)*,?(\\\\s|$)')
"""

VARIABLES = """\
  variables:
    - name: section
      expression: >-
        has(object.spec.rkeConfig.machineGlobalConfig) ? object.spec.rkeConfig.machineGlobalConfig : null
    - name: value
      expression: >-
        variables.section != null && '@KEY@' in variables.section ? variables.section['@KEY@'] : null
    # What RKE2 makes of it: one argument of each item, and one of a scalar.
    - name: items
      expression: >-
        variables.value == null || variables.value == '' ? [] :
        (type(variables.value) == list ? variables.value : [variables.value])
    - name: texts
      expression: >-
        variables.items.filter(item, type(item) == string)
    - name: modes
      expression: >-
        variables.texts.filter(item, item.trim().startsWith('@VARIABLE@='))
    # The last one counts; the script takes it unquoted, so that `-f` is a word of its own.
    - name: mode
      expression: >-
        variables.modes.size() == 0 ? '' :
        variables.modes[variables.modes.size() - 1].trim().substring(@LENGTH@)
    - name: isWanted
      expression: >-
        variables.mode.matches('^[ \\\\t\\\\n]*@BACKEND@([ \\\\t\\\\n]+-f)?[ \\\\t\\\\n]*$')
    - name: arguments
      expression: >-
        variables.section == null || !('kube-proxy-arg' in variables.section) ? [] :
        (type(variables.section['kube-proxy-arg']) == list
          ? variables.section['kube-proxy-arg'] : [variables.section['kube-proxy-arg']])
    - name: proxyModes
      expression: >-
        variables.arguments.filter(item, type(item) == string && item.matches('^-*proxy-mode='))
    - name: isDisabled
      expression: >-
        variables.section != null && 'disable-kube-proxy' in variables.section
        && (variables.section['disable-kube-proxy'] == true
          || (type(variables.section['disable-kube-proxy']) == string
            && variables.section['disable-kube-proxy'].lowerAscii() in ['true', 't', 'yes', 'y']))
    - name: usesIptables
      expression: >-
        !variables.isDisabled && (variables.proxyModes.size() == 0
          || !variables.proxyModes[variables.proxyModes.size() - 1].matches('=nftables$'))
    # What machineSelectorConfig says of kube-proxy, in place of machineGlobalConfig.
    - name: selectors
      expression: >-
        !has(object.spec.rkeConfig.machineSelectorConfig)
        || type(object.spec.rkeConfig.machineSelectorConfig) != list ? [] :
        object.spec.rkeConfig.machineSelectorConfig.filter(entry, type(entry) == map
          && 'config' in entry && type(entry['config']) == map
          && ['@KEY@', 'kube-proxy-arg', 'disable-kube-proxy'].exists(key, key in entry['config']))
"""


def matching(operations: str) -> str:
    """Return the `matchConstraints` for these operations."""
    return _MATCHING.replace("@OPERATIONS@", operations)


def conditions_of_new(policy: Policy) -> str:
    """Return the `matchConditions` for Clusters that are new, and not exempt from the pin."""
    return f"{_CONDITIONS}{_overridden(policy, [RULE])}{_not_exempt(policy)}{_NEW}"


def conditions_of_all(policy: Policy, rules: list[str], *, only_new: bool) -> str:
    """Return the `matchConditions` for all Clusters that any of the rules may be about."""
    who = _NEW if only_new else _NOT_BOOKKEEPING
    return f"{_CONDITIONS}{_overridden(policy, rules)}{who}"


def accepted(policy: Policy, rule: str) -> str:
    """Return in CEL whether an annotation or the policy accepts what a rule finds."""
    by_policy = exempt(policy, rule)
    said = f"({_ACCEPTED.replace('@ACCEPTED@', rule).rstrip()})"
    return f"{said}\n|| {by_policy}" if by_policy else said


def indented(text: str, width: int) -> str:
    """Return a text with all lines but the first moved to the right."""
    return text.replace("\n", "\n" + " " * width)


def _not_exempt(policy: Policy) -> str:
    expression = indented(accepted(policy, RULE), 10)
    return f"    - name: is-not-exempt\n      expression: >-\n        !({expression})\n"


def _overridden(policy: Policy, rules: list[str]) -> str:
    others = indented(overridden(policy, rules), 10)
    if not others:
        return ""
    why = "    # Of these, the policy wants something else: they are left alone.\n"
    return f"{why}    - name: is-not-overridden\n      expression: >-\n        !({others})\n"

"""Conditions in CEL: which Clusters a policy is about, and what they say of kube-proxy.

Both native policies share them, and each was run by a real API server (tests/e2e/test_export.py).
Every step is guarded by `has()`: a condition that fails is an error, which `failurePolicy: Fail`
would turn into a refusal.
"""

from __future__ import annotations

MATCHING = """\
  matchConstraints:
    matchPolicy: Equivalent
    objectSelector:
      matchExpressions:
        - {key: rke2-lint.dev/webhook, operator: NotIn, values: ["off"]}
    resourceRules:
      - apiGroups: [provisioning.cattle.io]
        apiVersions: [v1]
        resources: [clusters]
        operations: [@OPERATIONS@]
"""

CONDITIONS = """\
  matchConditions:
    - name: runs-rke2
      expression: >-
        has(object.spec) && object.spec != null
        && has(object.spec.rkeConfig) && object.spec.rkeConfig != null
        && has(object.spec.kubernetesVersion) && object.spec.kubernetesVersion.contains('+rke2')
    # First in v1.21.4+rke2r2 and v1.22.3 (rancher/rke2 #1463, #1526).
    - name: version-has-the-setting
      expression: >-
        !object.spec.kubernetesVersion.matches('^v1[.]([0-9]|1[0-9]|20|21[.][0-3]|22[.][0-2])([.+]|$)')
    - name: is-not-deleted
      expression: >-
        !has(object.metadata.deletionTimestamp)
    # Rancher waits until the Cluster equals the snapshot's.
    - name: is-not-restored
      expression: >-
        !has(object.spec.rkeConfig.etcdSnapshotRestore)
        || object.spec.rkeConfig.etcdSnapshotRestore == null
        || !has(object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig)
        || object.spec.rkeConfig.etcdSnapshotRestore.restoreRKEConfig != 'all'
    - name: is-not-exempt
      expression: >-
        !has(object.metadata.annotations)
        || !('rke2-lint.dev/ignore' in object.metadata.annotations)
        || !object.metadata.annotations['rke2-lint.dev/ignore'].trim().split(' ')[0].split(',')
          .exists(rule, rule.trim() == '@RULE@')
"""

NEW = """\
    # A restored or moved Cluster runs already: a change would restart all of its nodes.
    - name: does-not-run-yet
      expression: >-
        (!has(object.status) || object.status == null || size(object.status) == 0)
        && (!has(object.metadata.finalizers)
          || !object.metadata.finalizers.exists(name, name.contains('cattle.io')))
        && !(request.userInfo.username in [@USERS@])
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
    - name: arguments
      expression: >-
        variables.section == null || !('kube-proxy-arg' in variables.section) ? [] :
        (type(variables.section['kube-proxy-arg']) == list
          ? variables.section['kube-proxy-arg'] : [variables.section['kube-proxy-arg']])
    - name: proxyModes
      expression: >-
        variables.arguments.filter(item, type(item) == string && item.matches('^-*proxy-mode='))
    - name: usesIptables
      expression: >-
        (variables.section == null || !('disable-kube-proxy' in variables.section)
          || !(string(variables.section['disable-kube-proxy']).lowerAscii() in ['true', 't', 'yes', 'y']))
        && (variables.proxyModes.size() == 0
          || !variables.proxyModes[variables.proxyModes.size() - 1].matches('=nftables$'))
"""

"""A selector asks for a role with Exists or DoesNotExist, because the label is "true" or absent.

A Machine without a role does not have the label with the value `"false"`, it does not have the
label (rancher/rancher pkg/controllers/provisioningv2/provisioningcluster/template.go), and
`NotIn` matches where a label is absent (kubernetes/kubernetes
staging/src/k8s.io/apimachinery/pkg/labels/selector.go `Matches`). So `NotIn ["true"]` works, but
only by that rule, and `NotIn ["false"]` matches every machine. The fix says the first one with
`DoesNotExist`, which selects the same machines; it is unsafe. For the second one, say what you
mean: `Exists` or `DoesNotExist`.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config: {kubelet-arg: [max-pods=250]}
        machineLabelSelector:
          matchExpressions:
            - key: rke.cattle.io/worker-role
              operator: NotIn
              values: ["true"]
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config: {kubelet-arg: [max-pods=250]}
        machineLabelSelector:
          matchExpressions:
            - key: rke.cattle.io/worker-role
              operator: DoesNotExist
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchExpressions:
            - {key: rke.cattle.io/worker-role, operator: NotIn, values: ["false"]}
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config: {kubelet-arg: [max-pods=250]}
        machineLabelSelector:
          matchExpressions:
            - {key: rke.cattle.io/worker-role, operator: DoesNotExist}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.edits import Remove, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.label_selector import Selector
from rke2_policies.route import Templated
from rke2_policies.rule import rule

_ROLES = tuple(f"rke.cattle.io/{role}-role" for role in ("control-plane", "etcd", "worker"))


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    if all(machine.verdict == "not-applicable" for machine in cluster.machines):
        return
    for layer in cluster.layers[1:]:
        selector = layer.selector
        for requirement in selector.requirements if isinstance(selector, Selector) else ():
            values = requirement.values
            if requirement.operator != "NotIn" or requirement.key not in _ROLES:
                continue
            if any(isinstance(value, Templated) for value in values):
                continue
            route = (*layer.entry.route, "machineLabelSelector", *requirement.route)
            fix = None
            if "true" in values:
                what = "works only because NotIn matches an absent label"
                edits = (Set((*route, "operator"), "DoesNotExist"), Remove((*route, "values")))
                fix = Fix("say DoesNotExist", edits, Safety.UNSAFE)
                instead = "say DoesNotExist"
            else:
                what = 'matches every machine, because the label is "true" or absent'
                instead = "say Exists or DoesNotExist"
            message = f"{requirement.key} NotIn {', '.join(values)} {what}: {instead}"
            yield Problem(message, cluster.at((*route, "operator")), fix)

"""A selector's kube-proxy-extra-env replaces the list before it, so it repeats the pin.

Rancher takes `machineGlobalConfig`, and then every entry of `machineSelectorConfig` that selects
the machine, in order; each replaces whole keys, and no list is added to another (rancher/rancher
pkg/capr/planner/config.go `addUserConfig`). An empty list or `null` replaces as well. A drop-in
of `machineSelectorFiles` does the same on the node. The machines that are selected lose the pin,
the others keep it. The fix adds the pin to the list that counts for them. It is a warning where a
template may still add it, and without a fix where the list stands in a Secret or ConfigMap.

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
      - config:
          kube-proxy-extra-env:
            - GOGC=50   # less memory
        machineLabelSelector:
          matchLabels: {rke.cattle.io/rke-machine-pool-name: edge}
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: edge, workerRole: true}
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
      - config:
          kube-proxy-extra-env:
            - GOGC=50   # less memory
            - IPTABLES_MODE=nft
        machineLabelSelector:
          matchLabels: {rke.cattle.io/rke-machine-pool-name: edge}
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: edge, workerRole: true}
```

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
      - config: {kube-proxy-extra-env: []}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/etcd-role: "true"}
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
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/etcd-role: "true"}
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorFiles:
      - fileSources:
          - configMap:
              name: shop-proxy
              items:
                - {key: proxy, path: /etc/rancher/rke2/config.yaml.d/99-proxy.yaml}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-proxy, namespace: fleet-default}
data:
  proxy: |
    kube-proxy-extra-env: [GOGC=50]
```

A later entry may give the pin back:

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
      - config: {kube-proxy-extra-env: [GOGC=50]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
      - config: {kube-proxy-extra-env: [GOGC=50, IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    loss = machine.loss
    undecided = machine.verdict == "unknown" and machine.reading.verdict == "unpinned"
    if machine.origin != "rancher" or loss is None:
        return
    if machine.verdict != "unpinned" and not undecided:
        return
    kept, taker = loss
    # Where the list means to name the variable, another rule says why it does not.
    if pin.names_variable(taker.value):
        return
    fix = machine.pin.adding(taker.value, taker.place) if taker.by_configuration else None
    message = (
        f"this replaces the list that pins kube-proxy: {taker.by} takes the pin away; "
        f"add {machine.pin.text}"
    )
    related = ((machine.pin.place_of(kept.entries, kept.place), f"{kept.by} sets it"),)
    severity = None if machine.verdict == "unpinned" else Severity.WARNING
    yield machine.problem(
        message, taker.place.key, fix=fix, related=related, explains=True, severity=severity
    )

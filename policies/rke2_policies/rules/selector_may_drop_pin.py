"""A list that a selector sets for labelled machines of a custom cluster repeats the pin.

The machines of a custom cluster register themselves, and their registration command may give them
labels (`--label`), which become labels of the Machine (rancher/rancher
pkg/controllers/capr/unmanaged/controller.go). The Cluster does not say which machines have them.
Those that do get the list of the entry in place of the one before (pkg/capr/planner/config.go
`addUserConfig`), and lose the pin. It is a warning, because there may be none. The fix adds the
pin to the list; it is safe, and restarts RKE2 only where the entry applies.

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
          kube-proxy-extra-env: [GOGC=50]
        machineLabelSelector:
          matchLabels: {site: edge}
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
          kube-proxy-extra-env: [GOGC=50, IPTABLES_MODE=nft]
        machineLabelSelector:
          matchLabels: {site: edge}
```

The labels of machine pools are known:

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
      - config:
          kube-proxy-extra-env: [GOGC=50]
        machineLabelSelector:
          matchLabels: {site: edge}
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Requirement, Selector
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    pinned = next((one for one in cluster.machines if one.verdict == "pinned"), None)
    if not cluster.custom or pinned is None or pinned.decided_by is None:
        return
    for layer in cluster.layers[1:]:
        place = layer.place / pin.KEY
        if not isinstance(layer.selector, Selector) or pin.KEY not in layer.config:
            continue
        value = layer.config[pin.KEY]
        asked = [one for one in layer.selector.requirements if _may_be_given(one, cluster)]
        rest = [one for one in layer.selector.requirements if one not in asked]
        known = Selector(tuple(rest))
        reachable = any(known.matches(pool.labels) for pool in cluster.pools)
        if not asked or not reachable or pin.read(pin.entries(value, place)).verdict == "pinned":
            continue
        labels = " and ".join(one.key for one in asked)
        message = (
            f"machines that register with the label {labels} lose the pin, because this replaces "
            f"the list before it: add {pin.PIN}"
        )
        related = ((pinned.decided_by, "this pins the others"),)
        yield Problem(message, place.key, pin.adding(value, place), related)


def _may_be_given(requirement: Requirement, cluster: Cluster) -> bool:
    """Return whether a machine may meet a condition by a label from its registration command."""
    if requirement.operator not in ("In", "Exists"):
        return False
    known = any(requirement.key in pool.labels for pool in cluster.pools)
    # Labels of Nodes are the matter of selector-never-matches.
    return not known and "kubernetes.io/" not in requirement.key

"""A pin for all machines stands in machineGlobalConfig, because an entry without selector hides it.

An entry of `machineSelectorConfig` whose `machineLabelSelector` is missing, null or empty applies
to every machine (rancher/rancher pkg/capr/planner/config.go `addUserConfig`). The pin works. But
it looks as if it were for some machines only, and who adds a selector to the entry later takes
the pin from all others. It is a note, and there is no automatic fix: with your next change move
the list to machineGlobalConfig, which changes nothing on the machines.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - config:
          protect-kernel-defaults: false
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
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
        machineLabelSelector: {}
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
      - config:
          protect-kernel-defaults: false
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Selector
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.NOTE)
def check(cluster: Cluster) -> Iterator[Problem]:
    if all(machine.verdict == "not-applicable" for machine in cluster.machines):
        return
    for layer in cluster.layers[1:]:
        place = layer.place / pin.KEY
        setting = cluster.pin.read(pin.entries(layer.config.get(pin.KEY), place))
        # A selector of another name is the matter of pruned-selector.
        other = set(cluster.document[layer.entry.route]) - {"config", "machineLabelSelector"}
        if layer.selector == Selector(()) and setting.verdict == "pinned" and not other:
            message = (
                f"{layer.by} has no selector and applies to every machine: "
                "move this to machineGlobalConfig"
            )
            yield Problem(message, place.key)

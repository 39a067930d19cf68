"""A file that Rancher writes beside 50-rancher.yaml is known, and keeps the pin.

`machineSelectorFiles` can write into RKE2's own configuration (rancher/rancher
pkg/capr/planner/config.go `renderFiles`). A file in `config.yaml.d` that sorts after
`50-rancher.yaml` replaces the Cluster's lists; one before it counts where the Cluster does not
set the key. What such a file says stands in a Secret or ConfigMap, and where that is not in the
input, the machine's backend is unknown. There is no automatic fix: give the Secret or ConfigMap
to rke2-lint as well, or have the file use `kube-proxy-extra-env+`. It is also a warning where
such a file is `dynamic`: no change of it restarts RKE2, so a pin in it arrives with the next
restart only.

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
          - secret:
              name: shop-proxy
              items:
                - {key: proxy, path: /etc/rancher/rke2/config.yaml.d/99-proxy.yaml}
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorFiles:
      - fileSources:
          - configMap:
              name: shop-proxy
              items:
                - {key: proxy, path: /etc/rancher/rke2/config.yaml.d/40-proxy.yaml, dynamic: true}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: shop-proxy, namespace: fleet-default}
data:
  proxy: |
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
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
    kube-proxy-extra-env+: [GOGC=50]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    for file in cluster.files:
        if file.unknown and any(
            machine.verdict == "unknown" and machine.reason.startswith(file.by)
            for machine in cluster.machines
        ):
            when = "is read after 50-rancher.yaml and may replace" if file.wins else "may set"
            message = f"{file.path} {when} {pin.KEY}: {file.unknown}"
            yield Problem(message, file.place)
        elif file.dynamic and file.said is not None:
            message = (
                f"{file.path} sets {pin.KEY}, but is dynamic: it takes effect when RKE2 restarts"
            )
            yield Problem(message, file.place)

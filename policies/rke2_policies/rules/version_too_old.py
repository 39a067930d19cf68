"""kube-proxy-extra-env is set for versions that know it, because Rancher drops it for older ones.

The setting is in RKE2 since v1.21.3+rke2r2 and v1.22.3+rke2r1 (rancher/rke2 #1463 and #1526), and
in Rancher's table since v1.21.4+rke2r2 (rancher/kontainer-driver-metadata). Rancher drops it for
versions before that, without a word (rancher/rancher pkg/capr/planner/filter.go). There is no
automatic fix: upgrade the cluster. A cluster of such a version that does not set it is not
applicable, and nothing is said of it.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.20.15+rke2r2
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.21.4+rke2r2
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.facts import too_old
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    if not too_old(cluster.version):
        return
    for layer in cluster.layers:
        if pin.KEY in layer.config:
            message = (
                f"{cluster.version_text} does not know {pin.KEY}, and nothing of it arrives: "
                "upgrade the cluster"
            )
            related = ((cluster.at((*cluster.spec_route, "kubernetesVersion")), "the version"),)
            yield Problem(message, (layer.place / pin.KEY).key, None, related)

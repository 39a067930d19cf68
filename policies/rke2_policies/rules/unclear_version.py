"""kubernetesVersion names a release of RKE2, because it says which runtime the machines get.

Rancher takes a version with `k3s` in it for K3s, and all others for RKE2 (rancher/rancher
pkg/capr/common.go `GetRuntime`); without a version it does not plan the cluster ("kubernetesVersion
not set", pkg/controllers/provisioningv2/provisioningcluster/controller.go). The version also says
which settings exist. As long as it is not clear, a missing pin is a warning and no error. There
is no automatic fix: write the version, such as `v1.33.4+rke2r1`. A templated version is not
reported here, because the template may well be right.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4
  rkeConfig:
    machineGlobalConfig:
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
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    text = cluster.version_text
    if cluster.version is not None or isinstance(text, Templated):
        return  # What a template decides is said of the machines.
    spec = cluster.spec_route
    if isinstance(cluster.spec, Templated) or spec in cluster.document.generated:
        return
    what = "is missing" if text in (None, "") else f"{text} names no release of RKE2"
    message = f"kubernetesVersion {what}: write one such as v1.33.4+rke2r1"
    place = cluster.at((*spec, "kubernetesVersion"))
    yield Problem(message, place.key if text is None else place)

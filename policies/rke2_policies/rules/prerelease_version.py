"""kubernetesVersion names a release, because Rancher's table of settings has no pre-releases.

Rancher looks up in its table which settings a release knows, and drops the others; the table
holds releases only, and for a version that it lacks, Rancher takes the settings of all releases
together (rancher/rancher pkg/channelserver; pkg/capr/planner). So a setting that this version
does not know is not dropped, and RKE2 logs it and goes on. The pin is not affected. It is a note,
and there is nothing to fix: use a release in production.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.34.0-rc1+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.34.1+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.NOTE)
def check(cluster: Cluster) -> Iterator[Problem]:
    if cluster.version is not None and cluster.version.prerelease:
        message = (
            f"{cluster.version_text} is a pre-release, which Rancher's table of settings lacks: "
            "settings that this version does not know are not dropped"
        )
        yield Problem(message, cluster.at((*cluster.spec_route, "kubernetesVersion")))

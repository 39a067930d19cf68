"""Every machineLabelSelector is valid, because Rancher plans no machine of the cluster otherwise.

Rancher turns each selector of `machineSelectorConfig` and `machineSelectorFiles` into one of
Kubernetes' own (rancher/rancher pkg/capr/planner/config.go; k8s.io/apimachinery
`LabelSelectorAsSelector`). An operator that does not exist, an `In` without values, or a key or
value that no label can have is an error there, and the plan of every machine fails. The API
server does not check operators or labels, so the cluster is accepted and then stands still; a
value that is no string it refuses. There is no automatic fix: write the selector that was meant.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector:
          matchExpressions:
            - {key: rke.cattle.io/worker-role, operator: Equals, values: ["true"]}
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
      - machineLabelSelector:
          matchLabels:
            rke.cattle.io/worker-role: true
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector:
          matchExpressions:
            - {key: rke.cattle.io/worker-role, operator: In, values: ["true"]}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Invalid, parse
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    for field in ("machineSelectorConfig", "machineSelectorFiles"):
        entries = cluster.document[(*cluster.config_route, field)]
        for i, entry in enumerate(entries if isinstance(entries, list) else []):
            if not isinstance(entry, dict):
                continue
            selector = parse(entry.get("machineLabelSelector"))
            if isinstance(selector, Invalid):
                route = (*cluster.config_route, field, i, "machineLabelSelector", *selector.route)
                message = f"{selector.message}; Rancher can plan no machine of {cluster.name}"
                yield Problem(message, cluster.at(route), explains=True)

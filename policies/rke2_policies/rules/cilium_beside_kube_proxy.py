"""Cilium replaces kube-proxy only where disable-kube-proxy turns kube-proxy off.

`kubeProxyReplacement` is a value of Cilium's chart. It does not stop RKE2's own kube-proxy, which
runs on every node until `disable-kube-proxy` is true for all servers (rancher/rke2-docs
docs/networking/basic_network_options.md). With both, two programs write rules for the same
Services, and kube-proxy still detects its backend, so it still needs the pin (rule
`missing-nft-pin`). There is no automatic fix: whether kube-proxy goes is a decision about the
whole cluster.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    chartValues:
      rke2-cilium:
        kubeProxyReplacement: true
    machineGlobalConfig:
      cni: cilium
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    chartValues:
      rke2-cilium:
        kubeProxyReplacement: true
    machineGlobalConfig:
      cni: cilium
      disable-kube-proxy: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.route import Templated
from rke2_policies.rule import rule

_KEY = "disable-kube-proxy"


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    route = (*cluster.config_route, "chartValues", "rke2-cilium", "kubeProxyReplacement")
    value = cluster.document[route]
    if value is not True and value not in ("true", "strict"):
        return
    servers = [machine for machine in cluster.machines if machine.is_server] or cluster.machines
    if any(machine.open or isinstance(machine[_KEY].value, Templated) for machine in servers):
        return
    running = [machine[_KEY] for machine in servers if machine[_KEY].value is not True]
    if not running:
        return
    related = tuple(
        dict.fromkeys((s.place.key, f"{_KEY} is not true here") for s in running if s.place)
    )
    message = f"Cilium is to replace kube-proxy, but kube-proxy still runs: set {_KEY}: true"
    yield Problem(message, cluster.at(route), None, related)

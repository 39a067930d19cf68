"""kube-proxy takes no chart values, because it is a static pod and not a chart.

Up to v1.21.2 kube-proxy came from the chart `rke2-kube-proxy`; since v1.21.3+rke2r2 RKE2 writes a
static pod (rancher/rke2 commits 2e20125c2 and 8d379ef8c), and values for a chart that is not
there reach nothing. It is an error where they name IPTABLES_MODE and a machine lacks the pin, and
otherwise a warning. The fix sets the pin in machineGlobalConfig and removes the values, and is
unsafe; where nothing is lacking, the removal is only shown. There is none for `legacy`.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    chartValues:
      rke2-canal:
        flannel: {iface: eth1}
      rke2-kube-proxy:
        extraEnv:
          - name: IPTABLES_MODE
            value: nft
    machineGlobalConfig:
      cni: canal
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    chartValues:
      rke2-canal:
        flannel: {iface: eth1}
    machineGlobalConfig:
      cni: canal
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
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
    chartValues:
      rke2-kube-proxy: {proxyMode: iptables}
      rke2-canal: {}
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
    chartValues:
      rke2-canal: {}
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
    chartValues:
      rke2-canal: {}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.edits import Remove
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.moving import lacks_pin, to_global_config
from rke2_policies.rule import rule

_CHART = "rke2-kube-proxy"


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    place = cluster.at((*cluster.config_route, "chartValues", _CHART))
    charts = cluster.document[place.route[:-1]]
    if not isinstance(charts, dict) or _CHART not in charts:
        return
    if all(machine.verdict == "not-applicable" for machine in cluster.machines):
        return
    values = charts[_CHART]
    lost = pin.names_variable(values) and lacks_pin(cluster)
    fix: Fix | None = Fix("remove it", (Remove(place.route),), Safety.SHOWN)
    if cluster.pin.is_denied_in(str(values)):
        fix = None
    elif lost:
        fix = to_global_config(cluster, place.route)
    unpinned = any(machine.verdict == "unpinned" for machine in cluster.machines)
    severity = Severity.ERROR if lost and unpinned else Severity.WARNING
    message = (
        f"RKE2 has no chart {_CHART} since v1.21.3, and these values reach nothing: "
        f"the pin belongs in machineGlobalConfig.{pin.KEY}"
    )
    explains = lost and fix is not None
    yield Problem(message, place.key, fix, (), severity, explains=explains)

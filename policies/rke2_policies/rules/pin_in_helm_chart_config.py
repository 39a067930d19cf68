"""kube-proxy takes no HelmChartConfig, because it is a static pod and not a chart.

Up to v1.21.2 kube-proxy came from the chart `rke2-kube-proxy`; since v1.21.3+rke2r2 RKE2 writes a
static pod (rancher/rke2 commits 2e20125c2 and 8d379ef8c). The API server stores the object, and
nobody reads it. It is an error where it names IPTABLES_MODE, because somebody relies on it, and
otherwise a warning. There is no automatic fix: set `kube-proxy-extra-env` in the Cluster or in
every node's config.yaml, and delete the object.

```yaml before
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata:
  name: rke2-kube-proxy
  namespace: kube-system
spec:
  valuesContent: |-
    extraEnv:
      - name: IPTABLES_MODE
        value: nft
```

```yaml before
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata:
  name: rke2-kube-proxy
  namespace: kube-system
spec:
  valuesContent: |-
    proxyMode: iptables
```

```yaml good
apiVersion: helm.cattle.io/v1
kind: HelmChartConfig
metadata:
  name: rke2-canal
  namespace: kube-system
spec:
  valuesContent: |-
    calico:
      felixIptablesBackend: nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.manifest import Manifest
from rke2_policies.rule import rule

_CHART = "rke2-kube-proxy"


@rule(Manifest, severity=Severity.WARNING)
def check(manifest: Manifest) -> Iterator[Problem]:
    kind = (manifest.group, manifest.kind, manifest.name)
    if kind != ("helm.cattle.io", "HelmChartConfig", _CHART):
        return
    severity = Severity.ERROR if pin.names_variable(manifest.tree.get("spec")) else None
    message = (
        f"RKE2 has no chart {_CHART} since v1.21.3, and this object reaches nothing: "
        f"the pin belongs in {pin.KEY}"
    )
    yield Problem(message, manifest.place / "metadata" / "name", severity=severity)

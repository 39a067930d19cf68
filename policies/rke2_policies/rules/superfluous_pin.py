"""A cluster without kube-proxy has no pin, because there is nothing to pin.

With `disable-kube-proxy: true` RKE2 writes no static pod for kube-proxy, and nobody reads its
environment (rancher/rke2 pkg/executor/staticpod/staticpod.go `KubeProxy`). The pin harms nothing,
and is right again as soon as somebody turns kube-proxy on. So it is a note, and there is no
automatic fix: remove it if you want the file to say only what counts.

```yaml before
cni: cilium
disable-kube-proxy: true
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
      disable-kube-proxy: "true"
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good
cni: cilium
disable-kube-proxy: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    reading = machine.reading
    if machine.verdict != "not-applicable" or not machine.reason.startswith("disable-kube-proxy"):
        return
    if reading.verdict == "pinned" and reading.entry is not None:
        message = "kube-proxy is disabled, so the pin does nothing: it may be removed"
        yield machine.problem(message, reading.entry.place)

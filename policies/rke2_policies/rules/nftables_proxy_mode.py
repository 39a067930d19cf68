"""With proxy-mode=nftables kube-proxy needs no pin, if Kubernetes and the kernel support it.

In this mode kube-proxy writes nftables rules itself, and does not call iptables for Services;
IPTABLES_MODE then changes nothing, and harms nothing. Kubernetes has it as beta since 1.31 and as
stable since 1.33, for Linux 5.13 and later (kubernetes/kubernetes pkg/features/kube_features.go;
KEP-3866); RKE2 calls it experimental (rancher/rke2-docs
docs/networking/basic_network_options.md). The linter sees neither the kernel nor, in files, the
version, so this is a note: check both. There is nothing to fix. The mode `ipvs` still needs the
pin, because it uses iptables as well.

```yaml before
kube-proxy-arg:
  - proxy-mode=nftables
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-arg: [--proxy-mode=nftables, v=2]
```

```yaml good
kube-proxy-arg:
  - proxy-mode=ipvs
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    mode = machine.argument("kube-proxy", "proxy-mode")
    if mode is None or mode.setting != "nftables":
        return
    # Not where kube-proxy is off, or never runs.
    if machine.verdict == "not-applicable" and machine.decided_by == mode.place:
        message = (
            "kube-proxy uses nftables natively, which needs no pin: "
            "check that this is Kubernetes 1.31 or later, and Linux 5.13 or later"
        )
        yield machine.problem(message, mode.place)

"""No kube-proxy is pinned to the legacy backend, unless the policy wants it.

`IPTABLES_MODE=legacy` makes kube-proxy write its rules with the old iptables, while the host's
own rules and those of the network plugin are in nftables on a current system. The kernel then
works with two sets of rules that do not know each other, and NAT rules seem to be missing: that
is what SUSE article 000022178, "Cause", describes. There is never an automatic fix, because
somebody wrote `legacy` on purpose: write `nft`, or, for hosts that have only the old iptables, say
`backend: legacy` in an override of the policy, with the reason. There the pin to nft is what is
found, because nothing of kube-proxy works with it on such a host.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft, IPTABLES_MODE=legacy]
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if not machine.is_pinned_otherwise or machine.decided_by is None:
        return
    unless = ", unless the host has only the old iptables"
    message = f"kube-proxy is pinned to {machine.pin.other}: write {machine.pin.text}"
    if machine.pin is pin.LEGACY:
        unless = ", because the policy says that this host has only the old iptables"
    yield machine.problem(f"{message}{unless}", machine.decided_by)

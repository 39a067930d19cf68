"""IPTABLES_MODE is set once, because of several only the last one counts.

RKE2 writes every item into the pod, and kubelet takes the last variable of a name
(kubernetes/kubernetes pkg/kubelet/kubelet_pods.go `makeEnvironmentVariables`). An earlier
`IPTABLES_MODE` has no effect, and misleads whoever reads it. If the last one is not `nft`,
another rule says so, as an error. The fix removes the earlier item; it is only shown, because it
deletes a line.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=legacy
  - GOGC=50
  - IPTABLES_MODE=nft
```

```yaml after
kube-proxy-extra-env:
  - GOGC=50
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
      kube-proxy-extra-env: [IPTABLES_MODE=nft, IPTABLES_MODE=nft]
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
```

```yaml good
kube-proxy-extra-env:
  - GOGC=50
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Remove
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    said = [entry for entry in machine.environment.entries if entry.name == pin.VARIABLE]
    for entry in said[:-1]:
        last = said[-1]
        fix = None
        # Only an item of a list holds nothing else.
        if entry.whole and isinstance(entry.place.route[-1], int):
            fix = Fix("remove the earlier one", (Remove(entry.place.route),), Safety.SHOWN)
        message = f"this {pin.VARIABLE} does not count: a later one replaces it"
        related = ((last.place, f"this one counts: {last.text}"),)
        yield machine.problem(message, entry.place, fix=fix, related=related)

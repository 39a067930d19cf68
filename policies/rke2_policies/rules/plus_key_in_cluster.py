"""A Cluster has no key with a `+`, because only RKE2's own files know it, and Rancher drops it.

In RKE2's files `kube-proxy-extra-env+` adds to the list before it (k3s-io/k3s
pkg/configfilearg/parser.go). Rancher looks every key up in its table of settings, does not find
this one, and leaves it out without a word (rancher/rancher pkg/capr/planner/filter.go); in a
Cluster a later list replaces the earlier one, always. It is an error where a machine loses its
pin by it, and otherwise a warning. The fix renames the key, and is unsafe. There is none where
`kube-proxy-extra-env` is set as well, or where the key says `legacy`: write one list.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env+:
        - IPTABLES_MODE=nft
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
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
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env+: [GOGC=50]
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
```

```yaml good
kube-proxy-extra-env+:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Rename
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.origin != "rancher" or machine.verdict == "not-applicable":
        return
    for said in machine[f"{pin.KEY}+"].said:
        says = machine.pin.read(said.entries).verdict
        fix = None
        if not machine.environment.said and says != "other":
            rename = Rename(said.place.route, pin.KEY)
            fix = Fix("take the + away", (rename,), Safety.UNSAFE)
        lost = says != "unpinned" and machine.reading.verdict == "unpinned"
        severity = None if lost and machine.verdict == "unpinned" else Severity.WARNING
        message = (
            f"Rancher does not know {pin.KEY}+ and drops it: write the whole list of {pin.KEY}"
        )
        explains = lost and fix is not None
        yield machine.problem(
            message, said.place.key, fix=fix, explains=explains, severity=severity
        )

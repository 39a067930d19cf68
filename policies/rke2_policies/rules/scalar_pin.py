"""kube-proxy-extra-env is a list, because nothing can be added to a single text.

RKE2 makes one argument of a text, as of a list with one item (k3s-io/k3s
pkg/configfilearg/parser.go), and Rancher passes it on, so the pin works. But the next variable
has no place: somebody writes it behind a comma, or in a second key, and the pin is lost. The fix
is only shown: it changes nothing for kube-proxy, but Rancher would restart RKE2 on every node
for it (rancher/rancher pkg/capr/planner/config.go). Make it a list with your next change.

```yaml before
kube-proxy-extra-env: IPTABLES_MODE=nft
```

```yaml after
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
    machineGlobalConfig: {cni: cilium, kube-proxy-extra-env: "IPTABLES_MODE=nft"}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig: {cni: cilium, kube-proxy-extra-env: ["IPTABLES_MODE=nft"]}
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict != "pinned":
        return
    for said in machine.environment.said:
        decides = said.place == machine.decided_by
        if decides and said.by_configuration and isinstance(said.value, str):
            message = f"{pin.KEY} is a single text: it works, but nothing can be added to it"
            edit = Set(said.place.route, [said.value])
            fix = Fix("make it a list", (edit,), Safety.SHOWN)
            yield machine.problem(message, said.place, fix=fix)

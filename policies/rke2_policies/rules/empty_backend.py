"""IPTABLES_MODE has a value, because an empty one leaves the choice to detection.

The script that chooses the backend takes `IPTABLES_MODE` only where it is not empty; otherwise it
counts rules, as if nothing were set (k3s-io/k3s-root iptables-detect/iptables-detect.sh). One
legacy rule is then enough to make kube-proxy write legacy rules, if there are no nft rules yet.
The fix writes `nft`. It is unsafe: somebody may have meant detection. It is a warning where the
pin may come from elsewhere, such as a template.

```yaml before
kube-proxy-extra-env:
  - GOGC=50
  - IPTABLES_MODE=
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
      kube-proxy-extra-env: "IPTABLES_MODE="
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: "IPTABLES_MODE=nft"
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    entry = machine.reading.entry
    if entry is None or machine.reading.verdict != "unpinned":
        return
    if machine.verdict == "not-applicable":
        return
    severity = None if machine.verdict == "unpinned" else Severity.WARNING
    message = f"{pin.VARIABLE} is empty, which means detection: write {machine.pin.text}"
    fix = machine.pin.respelling(entry, Safety.UNSAFE)
    yield machine.problem(message, entry.place, fix=fix, explains=True, severity=severity)

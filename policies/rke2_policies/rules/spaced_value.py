"""The value of IPTABLES_MODE is `nft` alone, because spaces around it work only by luck.

RKE2 passes the value on as it is, and kube-proxy's image hands it to `xtables-set-mode.sh`
without quotes, so that the shell drops the spaces (k3s-io/k3s-root
iptables-detect/iptables-detect.sh). It works in all releases until now; quotes in that script
would make every iptables call of kube-proxy fail. The fix writes the pin without the spaces. It
is safe, but a changed configuration restarts RKE2.

```yaml before
kube-proxy-extra-env:
  - "IPTABLES_MODE= nft"
```

```yaml after
kube-proxy-extra-env:
  - "IPTABLES_MODE=nft"
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - GOGC=50
        - IPTABLES_MODE= nft
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
        - GOGC=50
        - IPTABLES_MODE=nft
```

RKE2 trims an item as a whole:

```yaml good
kube-proxy-extra-env:
  - " IPTABLES_MODE=nft "
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    entry = machine.reading.entry
    if entry is not None and machine.verdict == "pinned" and entry.setting != machine.pin.backend:
        message = (
            f"{pin.VARIABLE} is {entry.setting!r}, which works only because a script does not "
            f"quote it: write {machine.pin.text}"
        )
        yield machine.problem(message, entry.place, fix=machine.pin.respelling(entry))

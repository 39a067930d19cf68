"""The variable is called IPTABLES_MODE, because kube-proxy's image knows no other name.

The script that chooses the backend reads `IPTABLES_MODE`, in capital letters (k3s-io/k3s-root
iptables-detect/iptables-detect.sh). A variable of another name arrives in the container, and has
no effect there: `FELIX_IPTABLESBACKEND` is Calico's, `IPTABLES_BACKEND` that of other images. It
is an error where the machine has no pin by it, and a warning where another item sets it. The fix
writes `IPTABLES_MODE=nft` in its place, and is unsafe; there is none where the value is `legacy`.

```yaml before
kube-proxy-extra-env:
  - iptables_mode=nft
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
    machineGlobalConfig:
      kube-proxy-extra-env: [FELIX_IPTABLESBACKEND=NFT]
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

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - IPTABLE_MODE=legacy
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - GODEBUG=netdns=go
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edit_distance import nearest
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule

# Names that other tools or other times have for the same wish.
_OTHERS = frozenset(
    {
        "FELIX_IPTABLESBACKEND",
        "IPTABLES_BACKEND",
        "IPTABLES_VARIANT",
        "IPTABLES_TYPE",
        "XTABLES_MODE",
    }
)


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    for entry in machine.environment.entries:
        name = entry.name.strip()
        if name == pin.VARIABLE or not name:
            continue
        if name.upper() not in _OTHERS and nearest(name, (pin.VARIABLE,)) is None:
            continue
        severity = None if machine.verdict == "unpinned" else Severity.WARNING
        explains = machine.reading.verdict == "unpinned"
        fix = None
        if explains and entry.setting.strip().lower() != machine.pin.other:
            fix = machine.pin.respelling(entry, Safety.UNSAFE)
        message = f"kube-proxy does not know {name}: the variable is called {pin.VARIABLE}"
        yield machine.problem(message, entry.place, fix=fix, explains=explains, severity=severity)

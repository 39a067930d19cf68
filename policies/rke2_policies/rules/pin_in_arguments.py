"""IPTABLES_MODE is not among kube-proxy's arguments, because RKE2 does not start with such a flag.

At its start RKE2 reads kube-proxy's arguments with kube-proxy's own code, and ends at a flag that
kube-proxy does not have (k3s-io/k3s pkg/agent/run.go `getConntrackConfig`). So the node goes down
with the next restart: "failed to validate kube-proxy conntrack configuration". A disabled
kube-proxy makes no difference. The fix moves the pin to kube-proxy-extra-env, and is unsafe; where
the machine has no need of a pin, the removal is only shown. There is none for `legacy`.

```yaml before
kube-proxy-arg:
  - IPTABLES_MODE=nft
  - proxy-mode=iptables
```

```yaml after
kube-proxy-arg:
  - proxy-mode=iptables
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
      kube-proxy-arg: [--IPTABLES_MODE=nft]
      kube-proxy-extra-env: [GOGC=50]
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [GOGC=50, IPTABLES_MODE=nft]
```

```yaml before
kube-proxy-arg: [IPTABLES_MODE=nft, v=2]
disable-kube-proxy: true
```

```yaml after
kube-proxy-arg: [v=2]
disable-kube-proxy: true
```

```yaml before
kube-proxy-arg: [IPTABLES_MODE=legacy]
```

```yaml good
kube-proxy-arg: [proxy-mode=iptables]
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.moving import from_setting
from rke2_policies.rule import rule

_KEY = "kube-proxy-arg"


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    for entry in machine[_KEY].entries:
        if entry.text.lstrip("-").partition("=")[0].strip() != pin.VARIABLE:
            continue
        message = (
            f"RKE2 does not start: {pin.VARIABLE} is no flag of kube-proxy; it belongs in {pin.KEY}"
        )
        fix = from_setting(machine, machine[_KEY], entry)
        yield machine.problem(message, entry.place, fix=fix, explains=True)

"""IPTABLES_MODE is set for kube-proxy, because the setting of another component does not reach it.

RKE2 gives the environment and the arguments of a component to that component only, each in a pod
of its own (rancher/rke2 pkg/podtemplate/podtemplate.go `Pod`), so kube-proxy detects its backend.
Among the arguments of a component it is also a flag that the component does not know. It is an
error where kube-proxy has no pin, and a warning where it has one and this item is superfluous.
The fix moves the pin to kube-proxy-extra-env, and is unsafe; where the machine has its pin, the
removal is only shown. There is none for `legacy`.

```yaml before
etcd-extra-env:
  - IPTABLES_MODE=nft
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
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
      kube-apiserver-extra-env:
        - GOGC=50
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
      kube-apiserver-extra-env:
        - GOGC=50
```

```yaml before
kubelet-arg: [IPTABLES_MODE=legacy]
```

```yaml good
etcd-extra-env:
  - GOGC=50
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.facts import rke2_flags
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.moving import from_setting
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    for name, setting in machine.settings.items():
        # misspelt-setting speaks of names that do not exist, pin-in-arguments of kube-proxy-arg.
        if name in (pin.KEY, "kube-proxy-arg") or name not in rke2_flags():
            continue
        if not name.endswith(("-extra-env", "-arg")):
            continue
        for entry in setting.entries:
            if entry.name.lstrip("-").strip() != pin.VARIABLE:
                continue
            message = f"{pin.VARIABLE} in {name} never reaches kube-proxy: it belongs in {pin.KEY}"
            yield machine.problem(
                message,
                entry.place,
                fix=from_setting(machine, setting, entry),
                explains=machine.reading.verdict == "unpinned",
                severity=None if machine.verdict == "unpinned" else Severity.WARNING,
            )

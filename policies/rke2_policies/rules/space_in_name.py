"""The name IPTABLES_MODE ends at the equals sign, because a space before it becomes a part of it.

RKE2 trims nothing around the `=`, so that `IPTABLES_MODE = nft` sets a variable whose name ends in
a space (rancher/rke2 pkg/podtemplate/podtemplate.go `addExtraEnv`). Since 1.32 Kubernetes takes
such a name, and kube-proxy detects its backend; before, there may be no kube-proxy at all
(kubernetes/kubernetes pkg/features/kube_features.go `RelaxedEnvironmentVariableValidation`). It is
a warning where another item sets IPTABLES_MODE. The fix is unsafe, because it renames a variable.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE = nft
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
      kube-proxy-extra-env: ["IPTABLES_MODE =nft"]
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: ["IPTABLES_MODE=nft"]
```

There is no fix for `legacy`, nor where another item is the pin; remove the item:

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE = legacy
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE = nft
  - IPTABLES_MODE=nft
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
    if machine.verdict == "not-applicable":
        return
    for entry in machine.environment.entries:
        if entry.name == pin.VARIABLE or entry.name.strip() != pin.VARIABLE:
            continue
        lacking = machine.reading.verdict == "unpinned"
        severity = None if machine.verdict == "unpinned" else Severity.WARNING
        fix = None
        if lacking and machine.pin.judge(entry.setting) != "other":
            fix = machine.pin.respelling(entry, Safety.UNSAFE)
        message = (
            f"the variable's name is {entry.name!r}, with the space, which kube-proxy does not "
            f"know: write {pin.VARIABLE}=VALUE"
        )
        yield machine.problem(message, entry.place, fix=fix, explains=lacking, severity=severity)

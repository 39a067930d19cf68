"""Every item of kube-proxy-extra-env is NAME=VALUE, because RKE2 skips an item without `=`.

RKE2 logs `environment variable for pod … was not valid`, leaves the item out, and starts
kube-proxy without it (rancher/rke2 pkg/podtemplate/podtemplate.go `addExtraEnv`). Nothing else
tells. It is an error where the item was to be the pin and nothing else pins kube-proxy, and a
warning for every other item. The fix for such a pin is unsafe; for other variables, write what
was meant.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE nft
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
        - IPTABLES_MODE:nft   # two dots instead of =
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
        - IPTABLES_MODE=nft   # two dots instead of =
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - GOGC
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - GODEBUG=netdns=go
```
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Safety, Severity
from rke2_policies.machine import Machine
from rke2_policies.route import Templated
from rke2_policies.rule import rule

_OURS = re.compile(rf"{pin.VARIABLE}\b", re.IGNORECASE)


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    for entry in machine.environment.entries:
        if "=" in entry.text or not entry.text or isinstance(entry.value, dict):
            continue
        if isinstance(entry.text, Templated):
            continue
        ours = _OURS.match(entry.text) is not None and not machine.pin.is_denied_in(entry.text)
        severity = Severity.ERROR if ours and machine.verdict == "unpinned" else None
        explains = ours and machine.reading.verdict == "unpinned"
        # Where another item sets the variable, this one would only repeat or override it.
        fix = machine.pin.respelling(entry, Safety.UNSAFE) if explains else None
        message = f"{entry.text!r} is not NAME=VALUE: RKE2 logs it and goes on without it"
        yield machine.problem(message, entry.place, fix=fix, explains=explains, severity=severity)

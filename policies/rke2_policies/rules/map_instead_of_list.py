"""kube-proxy-extra-env is a list of NAME=VALUE, because a mapping reaches no kube-proxy.

Rancher drops a setting whose value is a mapping (rancher/rancher pkg/capr/planner/filter.go
`filterField`). RKE2 makes one text of the mapping, without `=`, and skips it (rancher/rke2
pkg/podtemplate/podtemplate.go `addExtraEnv`). The cluster stays active, and kube-proxy detects
its backend. A mapping is right in one place only: `kubeProxy.extraEnv` of Cluster API's RKE2
provider. It is an error, and a warning where another file sets the pin all the same. The fix is
safe where the mapping says nothing but IPTABLES_MODE and nft, and unsafe otherwise; there is none
for `legacy`.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: {IPTABLES_MODE: nft}
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
  GODEBUG: netdns=go
  IPTABLES_MODE: nft
```

```yaml after
kube-proxy-extra-env:
  - GODEBUG=netdns=go
  - IPTABLES_MODE=nft
```

```yaml before
kube-proxy-extra-env:
  IPTABLES_MODE: legacy
```

```yaml before
kube-proxy-extra-env: {GODEBUG: netdns=go}
```

```yaml before config.yaml.d/20-pin.yaml
kube-proxy-extra-env+:
  - IPTABLES_MODE=nft
```

```yaml after
kube-proxy-extra-env: [GODEBUG=netdns=go]
```

```yaml good
kube-proxy-extra-env:
  - GODEBUG=netdns=go
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edits import Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine, Said
from rke2_policies.pin import Pin
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    setting = machine.environment
    in_force = {entry.place for entry in setting.entries}
    for said in setting.said:
        if not isinstance(said.value, dict) or not said.by_configuration:
            continue
        if said is not setting.said[-1] and said.place not in in_force:
            continue
        gone = "Rancher drops it" if machine.origin == "rancher" else "RKE2 finds no variable in it"
        message = f"{pin.KEY} is a mapping: {gone}; write a list of NAME=VALUE"
        severity = None if machine.verdict == "unpinned" else Severity.WARNING
        ours = pin.names_variable(said.value)
        explains = ours and machine.reading.verdict == "unpinned"
        # Where another item sets the variable, this one would only repeat or override it.
        fix = _as_list(machine.pin, said) if explains or not ours else None
        yield machine.problem(
            message, said.place.key, fix=fix, explains=explains, severity=severity
        )


def _as_list(wanted: Pin, said: Said) -> Fix | None:
    variable = pin.variable_of(said.value)
    variables = [variable] if variable is not None else [*said.value.items()]
    safety = Safety.UNSAFE
    items = []
    for name, value in variables:
        if not isinstance(value, str) or isinstance(value, Templated):
            return None
        if name == pin.VARIABLE and wanted.is_meant_by(value):
            items.append(wanted.text)
            safety = Safety.SAFE if len(variables) == 1 else safety
        elif name == pin.VARIABLE and wanted.judge(value) == "other":
            return None
        else:
            items.append(f"{name}={value}")
    return Fix("make it a list", (Set(said.place.route, items),), safety) if items else None

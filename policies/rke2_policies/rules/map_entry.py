"""Every item of kube-proxy-extra-env is a text NAME=VALUE, because RKE2 skips a mapping.

`- IPTABLES_MODE: nft` is YAML for a mapping, and so is the `name` and `value` of a pod's `env`.
Rancher does not look into lists (rancher/rancher pkg/capr/planner/filter.go `filterField`); RKE2
makes a text without `=` of it, logs that it is not valid, and starts kube-proxy without it
(rancher/rke2 pkg/podtemplate/podtemplate.go `addExtraEnv`). It is an error where the pin is lost
by it, and otherwise a warning. The fix is safe where the mapping says nothing but IPTABLES_MODE
and nft, and unsafe for other values. There is none for `legacy`, and none for several variables
in one item: write an item for each.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE: nft
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
kube-proxy-extra-env:
  - name: IPTABLES_MODE
    value: nft
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - GODEBUG: netdns=go
```

```yaml after
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - GODEBUG=netdns=go
```

```yaml before
kube-proxy-extra-env:
  - {IPTABLES_MODE: nft, GODEBUG: netdns=go}
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE: legacy
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
from rke2_policies.pin import Entry, Pin
from rke2_policies.route import Templated
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.WARNING)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    for entry in machine.environment.entries:
        # A mapping in place of the whole list is the matter of map-instead-of-list.
        if not isinstance(entry.value, dict) or not isinstance(entry.place.route[-1], int):
            continue
        ours = pin.names_variable(entry.value)
        severity = Severity.ERROR if ours and machine.verdict == "unpinned" else None
        explains = ours and machine.reading.verdict == "unpinned"
        message = "this item is a mapping, which RKE2 logs and leaves out: write NAME=VALUE"
        # Where another item sets the variable, this one would only repeat or override it.
        fix = _as_text(machine.pin, entry) if explains or not ours else None
        yield machine.problem(message, entry.place, fix=fix, explains=explains, severity=severity)


def _as_text(wanted: Pin, entry: Entry) -> Fix | None:
    variable = pin.variable_of(entry.value)
    if variable is None or isinstance(variable[1], Templated):
        return None
    name, value = variable
    text, safety = f"{name}={value}", Safety.UNSAFE
    if name == pin.VARIABLE:
        if wanted.judge(value) == "other":
            return None
        text = wanted.text
        safety = Safety.SAFE if wanted.is_meant_by(value) else Safety.UNSAFE
    return Fix(f"write {text}", (Set(entry.place.route, text),), safety)

"""The setting is called kube-proxy-extra-env, because a name that does not exist is dropped.

Names are compared to the letter, with case, `-` and `_`. Rancher leaves out what its table of
settings does not have, without any message (rancher/rancher pkg/capr/planner/filter.go
`filterField`); RKE2 logs `Unknown flag … found in config.yaml, skipping` and starts (k3s-io/k3s
pkg/configfilearg/parser.go `stripInvalidFlags`). It is an error where the machine has no pin by
it, and a warning where it has. The fix renames the key, and is unsafe; there is none where the
right key is set as well, or the value is `legacy`.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-env:
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
```

```yaml before
cni: canal
```

```yaml before config.yaml.d/20-pin.yaml
kube_proxy_extra_env+:
  - IPTABLES_MODE=nft
```

```yaml after config.yaml.d/20-pin.yaml
kube-proxy-extra-env+:
  - IPTABLES_MODE=nft
```

```yaml before
Kube-Proxy-Extra-Env:
  - GOGC=50
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good
kube-proxy-arg:
  - v=2
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
kube-proxy-extra-mount:
  - /lib/modules:/lib/modules:ro
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.edit_distance import nearest
from rke2_policies.edits import Rename
from rke2_policies.facts import rancher_settings, rke2_flags
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.machine import Machine, Setting
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    if machine.verdict == "not-applicable":
        return
    known = rancher_settings() if machine.origin == "rancher" else rke2_flags()
    for name, setting in machine.settings.items():
        if name in known or name.endswith("+") or not setting.said:
            continue
        if not _means_the_key(name, setting, tuple(known)):
            continue
        said = setting.said[-1]
        route = said.place.route
        other = machine.pin.read(said.entries).verdict == "other"
        fix = None
        if not machine.environment.said and isinstance(route[-1], str) and not other:
            right = f"{pin.KEY}+" if route[-1].endswith("+") else pin.KEY
            fix = Fix(f"call it {right}", (Rename(route, right),), Safety.UNSAFE)
        who = "Rancher drops it" if machine.origin == "rancher" else "RKE2 skips it"
        message = f"there is no setting {name}: {who}; it is called {pin.KEY}"
        severity = None if machine.verdict == "unpinned" else Severity.WARNING
        explains = machine.reading.verdict == "unpinned"
        yield machine.problem(
            message, said.place.key, fix=fix, explains=explains, severity=severity
        )


def _means_the_key(name: str, setting: Setting, known: tuple[str, ...]) -> bool:
    if nearest(name, known) == pin.KEY:
        return True
    # `kube-proxy-env` lies nearer to other names, but its value tells.
    return "proxy" in name.lower() and pin.names_variable(setting.said[-1].value)

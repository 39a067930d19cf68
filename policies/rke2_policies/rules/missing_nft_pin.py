"""Every kube-proxy runs with IPTABLES_MODE=nft, because a detected backend may change.

Without the pin, kube-proxy's image counts rules at the first iptables call of each start, and
takes legacy where it finds ten legacy rules, or more legacy rules than nft rules (k3s-io/k3s-root
iptables-detect/iptables-detect.sh). Custom rules, an update of the host or a busy node change the
answer; NAT rules are then missing, and traffic between pods, Services and nodes fails (SUSE
article 000022178, "Cause"). Every node decides for itself, agents too.

The fix adds the setting, or the item to the list that decides. It is safe, but a changed
configuration restarts RKE2: Rancher does it on every node, one after the other; elsewhere
somebody has to (SUSE article 000022178, "Resolution"). It is a warning, and the fix unsafe, where
it is not certain what the machine runs: the version is missing, or `config.yaml` is not in the
input. `50-rancher.yaml` has no fix, because Rancher writes it: set the pin in the Cluster. For
hosts with nothing but the old iptables, the policy's `backend: legacy` makes the pin a legacy one.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: cilium   # chosen by the network team
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: cilium   # chosen by the network team
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true}
```

A selector for the workers leaves the other machines without the pin:

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
```

Without a version nobody can tell whether this is RKE2:

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  rkeConfig:
    machineGlobalConfig: {}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
```

Servers and agents have files of their own:

```yaml before server-1/etc/rancher/rke2/config.yaml
cni: canal
kube-proxy-extra-env:
  - GOGC=50   # less memory
```

```yaml before agent-1/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
kube-proxy-extra-env: GOGC=50
```

```yaml before agent-2/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
kube-proxy-extra-env: []
```

```yaml after server-1/etc/rancher/rke2/config.yaml
cni: canal
kube-proxy-extra-env:
  - GOGC=50   # less memory
  - IPTABLES_MODE=nft
```

```yaml after agent-1/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
kube-proxy-extra-env:
  - GOGC=50
  - IPTABLES_MODE=nft
```

```yaml after agent-2/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

Nothing is changed where the main file is missing, or where Rancher writes the file:

```yaml before config.yaml.d/20-cni.yaml
cni: canal
```

```yaml before
cni: canal
```

```yaml before config.yaml.d/50-rancher.yaml
{"kube-proxy-extra-env": ["GOGC=50"], "server": "https://10.0.0.1:9345"}
```

What SUSE article 000022178, "Resolution", asks for:

```yaml good
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

```yaml good
cni: canal
```

```yaml good config.yaml.d/20-pin.yaml
kube-proxy-extra-env+:
  - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine, Setting
from rke2_policies.route import MISSING, Json
from rke2_policies.rule import rule

_EMPTY: tuple[Json, ...] = (None, "", [])


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    # Where only the version is missing, all else about the machine is known.
    version_only = machine.verdict == "unknown" and "kubernetesVersion" in machine.reason
    if machine.verdict != "unpinned" and not (version_only and not machine.open):
        return
    setting = machine.environment
    if setting.said:
        last = setting.said[-1]
        place = last.place.key
        # What Rancher does not pass on is not mended by more of it, and an empty variable is
        # empty-backend's to mend.
        writable = last.by_configuration and not machine.is_ranchers(last)
        writable = writable and not _is_lost(setting) and machine.reading.entry is None
        fix = machine.pin.adding(last.value, last.place) if writable else None
    else:
        place = machine.home / pin.KEY if machine.home is not None else machine.place
        fix = machine.pin.adding_to(machine.home) if machine.home is not None else None
    message = f"kube-proxy is not pinned to {machine.pin.backend}: {_why(machine)}"
    if machine.managed and fix is None:
        message += "; set the pin in the Cluster's machineGlobalConfig"
    yield machine.problem(message, place, fix=fix, related=machine.elsewhere)


def _why(machine: Machine) -> str:
    setting = machine.environment
    if not setting.said:
        if machine.elsewhere:
            return f"{pin.KEY} is set for other machines only"
        if machine.origin == "file":
            return machine.reason
        return f"nothing sets {pin.KEY}"
    if _is_lost(setting):
        return f"{pin.KEY} never arrives: {setting.dropped}"
    if setting.said[-1].value in _EMPTY:
        return f"{pin.KEY} is empty"
    return f"{pin.KEY} does not set {pin.VARIABLE}"


def _is_lost(setting: Setting) -> bool:
    """Return whether a value is set, and dropped on its way."""
    return setting.value is MISSING and setting.said[-1].value not in _EMPTY

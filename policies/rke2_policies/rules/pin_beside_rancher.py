"""On a machine that Rancher manages the pin stands in the Cluster, because Rancher plans from it.

`50-rancher.yaml` in `config.yaml.d` says that Rancher manages the machine (rancher/rancher
pkg/capr/planner/planner.go). A pin in `config.yaml`, or in another drop-in, works as long as
Rancher's file does not set kube-proxy-extra-env without a `+`. But Rancher does not know of it: a
new machine comes without it, and the next list in the Cluster replaces it. It is a note, and
there is no automatic fix: set the pin in the Cluster's machineGlobalConfig, and then remove it
here.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before config.yaml.d/50-rancher.yaml
{"cni": "calico", "server": "https://10.0.0.1:9345"}
```

```yaml before config.yaml.d/50-rancher.yaml
{"kube-proxy-extra-env": ["GOGC=50"], "server": "https://10.0.0.1:9345"}
```

```yaml before config.yaml.d/60-pin.yaml
kube-proxy-extra-env+: [IPTABLES_MODE=nft]
```

```yaml good config.yaml.d/50-rancher.yaml
{"kube-proxy-extra-env": ["IPTABLES_MODE=nft"], "server": "https://10.0.0.1:9345"}
```

```yaml good config.yaml.d/60-memory.yaml
kube-proxy-extra-env+: [GOGC=50]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.NOTE)
def check(machine: Machine) -> Iterator[Problem]:
    place = machine.decided_by
    if machine.verdict != "pinned" or not machine.managed or place is None:
        return
    for said in machine.environment.said:
        here = said.place.document == place.document
        # Rancher itself writes agentEnvVars into an environment file.
        if here and said.by_configuration and not machine.is_ranchers(said):
            message = (
                "the pin works, but Rancher does not know of it: "
                "set it in the Cluster's machineGlobalConfig"
            )
            yield machine.problem(message, place)
            return

"""A drop-in's kube-proxy-extra-env replaces the list before it, so it repeats the pin.

RKE2 reads `config.yaml`, and then the files of `config.yaml.d` in the byte order of their names.
A key that comes again replaces the whole list; only `key+` adds to it (k3s-io/k3s
pkg/configfilearg/parser.go `readConfigFile`). The pin of the earlier file is gone then, and
kube-proxy detects its backend. The same happens below `kube-proxy-extra-env+` in one file, if the
plain key follows. The fix adds the pin to the list that counts; a `+` at its key would do as
well. `50-rancher.yaml` is Rancher's own file, and has no fix: set the pin in the Cluster's
machineGlobalConfig. It is a warning where a template may still add the pin.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before config.yaml.d/20-proxy.yaml
# less memory on small nodes
kube-proxy-extra-env:
  - GOGC=50
```

```yaml after config.yaml.d/20-proxy.yaml
# less memory on small nodes
kube-proxy-extra-env:
  - GOGC=50
  - IPTABLES_MODE=nft
```

```yaml before config.yaml.d/10-pin.yaml
kube-proxy-extra-env+:
  - IPTABLES_MODE=nft
kube-proxy-extra-env: []
```

```yaml after config.yaml.d/10-pin.yaml
kube-proxy-extra-env+:
  - IPTABLES_MODE=nft
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml before config.yaml.d/50-rancher.yaml
{"kube-proxy-extra-env": ["GOGC=50"], "server": "https://10.0.0.1:9345"}
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good config.yaml.d/20-proxy.yaml
kube-proxy-extra-env+:
  - GOGC=50
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.rule import rule


@rule(Machine, severity=Severity.ERROR)
def check(machine: Machine) -> Iterator[Problem]:
    loss = machine.loss
    if machine.origin != "file" or loss is None or machine.verdict not in ("unpinned", "unknown"):
        return
    if machine.reading.verdict == "unknown":
        return  # Nobody knows whether the pin is gone: templated-pin says so.
    kept, taker = loss
    message = f"this replaces the list that pins kube-proxy: {taker.by} takes the pin away"
    # Where the list names the variable, in vain, another rule says what to make of that.
    fix = None if pin.names_variable(taker.value) else machine.pin.adding(taker.value, taker.place)
    if machine.is_ranchers(taker):
        fix = None
        message += "; Rancher writes that file: set the pin in the Cluster's machineGlobalConfig"
    related = ((machine.pin.place_of(kept.entries, kept.place), f"{kept.by} sets it"),)
    severity = None if machine.verdict == "unpinned" else Severity.WARNING
    yield machine.problem(
        message, taker.place.key, fix=fix, related=related, explains=True, severity=severity
    )

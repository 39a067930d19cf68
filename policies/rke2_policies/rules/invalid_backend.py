"""The value of IPTABLES_MODE is `nft` to the letter, because any other word breaks kube-proxy.

The script that chooses the backend hands the value on as it is, and the next one knows `nft` and
`legacy` only (k3s-io/k3s-root iptables-detect/iptables-detect.sh, xtables-set-mode.sh). With
`NFT`, `nftables`, `auto`, quotes or a comment inside, it exits with 1 at every iptables call of
kube-proxy, which then writes no rules at all: that is worse than no pin. Nothing checks the value
before. The fix is safe where the value plainly means nft (another case of letters, `nftables`,
`nf_tables`, quotes around it), and unsafe for every other value.

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nftables
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
        - IPTABLES_MODE="nft"   # the quotes become part of the value
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
        - IPTABLES_MODE=nft   # the quotes become part of the value
```

```yaml before
kube-proxy-extra-env: ["IPTABLES_MODE=auto"]
```

```yaml after
kube-proxy-extra-env: ["IPTABLES_MODE=nft"]
```

```yaml before
kube-proxy-extra-env:
  - "IPTABLES_MODE=nft # the pin"
```

```yaml after
kube-proxy-extra-env:
  - "IPTABLES_MODE=nft"
```

```yaml good
kube-proxy-extra-env:
  - "IPTABLES_MODE=nft"   # quotes around the whole item are YAML's own
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
    entry = machine.reading.entry
    if entry is None or machine.reading.verdict != "broken" or machine.verdict == "not-applicable":
        return
    if "," in entry.setting or "\n" in entry.text:
        return  # comma-joined and multi-line-entry say what is wrong.
    value = entry.setting
    safety = Safety.SAFE if machine.pin.is_meant_by(value) else Safety.UNSAFE
    message = (
        f"{pin.VARIABLE} is {value!r}, which breaks kube-proxy's iptables: "
        f"the word is {machine.pin.backend}"
    )
    yield machine.problem(message, entry.place, fix=machine.pin.respelling(entry, safety))

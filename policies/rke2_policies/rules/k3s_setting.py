"""K3s has no kube-proxy-extra-env, because its kube-proxy is no container of its own.

K3s runs kube-proxy inside its own process, where IPTABLES_MODE means nothing. K3s does not know
the setting, and Rancher drops it for K3s machines: its table of K3s settings does not have it
(rancher/kontainer-driver-metadata). Whoever reads the file believes in a pin that does not exist.
There is no automatic fix: remove the key.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: edge, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.5+k3s1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
```

```yaml before etc/rancher/k3s/config.yaml
flannel-backend: vxlan
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: edge, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.5+k3s1
  rkeConfig:
    machineGlobalConfig:
      flannel-backend: vxlan
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.foreign import Foreign
from rke2_policies.rule import rule


@rule(Foreign, severity=Severity.WARNING)
def check(foreign: Foreign) -> Iterator[Problem]:
    if foreign.runtime != "k3s":
        return
    for route in foreign.config_routes:
        config = foreign.document[route]
        for key in (pin.KEY, f"{pin.KEY}+"):
            if isinstance(config, dict) and key in config:
                who = "Rancher drops" if route else "K3s does not know"
                message = f"{who} {key}: this is K3s, which runs kube-proxy in its own process"
                yield Problem(message, Place(foreign.document.id, (*route, key), on_key=True))

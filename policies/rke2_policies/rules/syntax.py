"""A file of RKE2 or Rancher is valid YAML, because nothing in it counts otherwise.

RKE2 ends at a file that it cannot parse, be it `config.yaml` or any drop-in (k3s-io/k3s
pkg/configfilearg/parser.go `MustParse`); kubectl, Fleet and Helm refuse such a manifest. Until it
can be read, nobody can say what the machines run with; the other files are checked all the same.
It is found where the path or the bytes say that the file is RKE2's or Rancher's. There is no
automatic fix: the place is where the reader stopped, and the cause often stands in the line above.

```yaml before
cni: canal
kube-proxy-extra-env: [IPTABLES_MODE=nft
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: canal
     kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good
cni: canal
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.file import Broken
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(Broken, severity=Severity.ERROR)
def check(broken: Broken) -> Iterator[Problem]:
    if broken.templated:
        message = f"{broken.message}; this is a template: render it and lint the result"
        yield Problem(message, broken.place, severity=Severity.NOTE)
    else:
        yield Problem(broken.message, broken.place)

"""A key stands in its mapping once, because of several only the last one counts.

RKE2 and Kubernetes read YAML with go-yaml v2, which takes a key twice without a word; the last
value replaces the earlier one, lists included (go-yaml/yaml v2.4.0 decode.go `mappingSlice`). An
earlier `kube-proxy-extra-env` then has no effect, although it looks as if it had. There is no
automatic fix, because it would delete lines: put both values into one, and remove the other.
`key+` in RKE2's own files is not meant: it may come more than once, and adds to the list each
time.

```yaml before
kube-proxy-extra-env:
  - GOGC=50
cni: canal
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
      cni: canal
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
kube-proxy-extra-env+:
  - GOGC=50
kube-proxy-extra-env+:
  - GODEBUG=netdns=go
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.document import Document, Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.route import Repeated
from rke2_policies.rule import rule


@rule(Document, severity=Severity.WARNING)
def check(document: Document) -> Iterator[Problem]:
    for route in document.repeated:
        step = route[-1]
        if isinstance(step, Repeated) and not step.key.endswith("+"):
            place = Place(document.id, route)
            last = document.at(*route[:-1], step.key)
            message = f"this {step.key} does not count: it comes again further down"
            yield Problem(message, place.key, None, ((last.key, "this one counts"),))

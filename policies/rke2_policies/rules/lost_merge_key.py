"""RKE2's own files do without the merge key `<<`, because RKE2 loses what it would bring.

RKE2 reads its files into a list of keys, and go-yaml v2 overwrites the merged keys there, at
every level and without an error (go-yaml/yaml v2.4.0 decode.go `mappingSlice`). Anchors and
aliases as values work, and in Rancher's objects `<<` works, too. It is an error where the pin is
lost by it, and otherwise a warning. There is no automatic fix: write the settings out where `<<`
stands.

```yaml before
common: &common
  kube-proxy-extra-env:
    - IPTABLES_MODE=nft
<<: *common
cni: canal
```

```yaml before
common: &common
  cni: canal
  profile: cis
<<: *common
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good
kube-proxy-extra-env: &environment
  - IPTABLES_MODE=nft
kube-apiserver-extra-env: *environment
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - config: &pin
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineGlobalConfig:
      <<: *pin
      cni: canal
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.document import Place
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.route import Json
from rke2_policies.rule import rule

_SHOWN = 3


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    machine = node.machine
    for one in node.files:
        document = one.document
        if document is None:
            continue
        for route, merged in document.lost_merges.items():
            keys = dict.fromkeys(_keys(merged))
            if not keys:
                continue
            at_top = len(route) == 1 and any(key.removesuffix("+") == pin.KEY for key in keys)
            lost = at_top and machine.verdict == "unpinned" and pin.names_variable(merged)
            names = ", ".join([*keys][:_SHOWN]) + (" and more" if len(keys) > _SHOWN else "")
            message = f"RKE2 loses << in its own files: write out what it would bring ({names})"
            severity = Severity.ERROR if lost else None
            place = Place(document.id, route).key
            yield machine.problem(message, place, explains=lost, severity=severity)


def _keys(merged: Json) -> Iterator[str]:
    match merged:
        case dict():
            yield from merged
        case list():
            for one in merged:
                yield from _keys(one)

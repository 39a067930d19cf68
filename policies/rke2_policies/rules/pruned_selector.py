"""The selector of an entry is called machineLabelSelector, because the API server prunes others.

An entry without `machineLabelSelector` applies to every machine (rancher/rancher
pkg/capr/planner/config.go), and a field that the schema does not have is pruned. So the settings
of one pool reach all of them. Only `kubectl apply` refuses such a field
(pkg/crds/yaml/generated/provisioning.cattle.io_clusters.yaml). It is an error where the entry
takes the pin from a machine, and otherwise a warning. The fix gives the selector its name, and is
unsafe, because the entry then applies to fewer machines; there is none where
`machineLabelSelector` is there as well.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [GOGC=50]
        labelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [GOGC=50]
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config: {kubelet-arg: [max-pods=200]}
        matchLabels: {rke.cattle.io/worker-role: "true"}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config: {kubelet-arg: [max-pods=200]}
        machineLabelSelector:
          matchLabels:
            rke.cattle.io/worker-role: "true"
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineSelectorConfig:
      - config: {kubelet-arg: [max-pods=200]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true"}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.edit_distance import nearest
from rke2_policies.edits import Remove, Rename, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.label_selector import Invalid, parse
from rke2_policies.route import Json, Route
from rke2_policies.rule import rule

_FIELD = "machineLabelSelector"
_LISTS = {"machineSelectorConfig": "config", "machineSelectorFiles": "fileSources"}
_SELECTORS = frozenset({"selector", "labelSelector", "machineSelector", "nodeSelector"})
_PARTS = frozenset({"matchLabels", "matchExpressions"})


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    if all(machine.verdict == "not-applicable" for machine in cluster.machines):
        return
    for field, content in _LISTS.items():
        entries = cluster.document[(*cluster.config_route, field)]
        for i, entry in enumerate(entries if isinstance(entries, list) else []):
            for name in entry if isinstance(entry, dict) else ():
                if name in (content, _FIELD) or not _means_selector(name):
                    continue
                by = f"{field}[{i}]"
                where = "" if _FIELD in entry else f", so that {by} applies to every machine"
                message = f"the API server prunes {name}{where}: the field is called {_FIELD}"
                route = (*cluster.config_route, field, i)
                fix = _fix(route, name, entry)
                severity = Severity.ERROR if _takes_pin(cluster, by) else None
                yield Problem(message, cluster.at((*route, name)).key, fix, (), severity)


def _means_selector(name: str) -> bool:
    return name in _SELECTORS | _PARTS or nearest(name, (_FIELD,)) is not None


def _takes_pin(cluster: Cluster, by: str) -> bool:
    losses = (one.loss for one in cluster.machines if one.verdict == "unpinned")
    return any(loss is not None and loss[1].by == by for loss in losses)


def _fix(route: Route, name: str, entry: dict[str, Json]) -> Fix | None:
    if _FIELD in entry or len(_PARTS & entry.keys()) > 1:
        return None
    whole = {name: entry[name]} if name in _PARTS else entry[name]
    if isinstance(parse(whole), Invalid):
        return None
    if name not in _PARTS:
        return Fix(f"call it {_FIELD}", (Rename((*route, name), _FIELD),), Safety.UNSAFE)
    edit = Set((*route, _FIELD, name), entry[name])
    return Fix(f"put it into {_FIELD}", (edit, Remove((*route, name))), Safety.UNSAFE)

"""A list that a selector sets for labelled machines of a custom cluster repeats the pin.

The machines of a custom cluster register themselves, and bring labels that no file shows: those
that their registration command gives them (`--label`), `rke.cattle.io/node-name` and
`rke.cattle.io/machine-id` (rancher/rancher pkg/controllers/capr/unmanaged/controller.go). A
machine with the label that an entry asks for gets the entry's list in place of the one before
(pkg/capr/planner/config.go `addUserConfig`), and loses the pin, unless a later entry gives it
back. It is a warning, because there may be none. The fix adds the pin to the list; it is safe,
and restarts RKE2 only where the entry applies. There is none where the list names IPTABLES_MODE
already: say what these machines are to run with.

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
        machineLabelSelector:
          matchLabels: {site: edge}
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
          kube-proxy-extra-env: [GOGC=50, IPTABLES_MODE=nft]
        machineLabelSelector:
          matchLabels: {site: edge}
```

Of several values one may get the pin back, and another one not:

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
      - config: {kube-proxy-extra-env: []}
        machineLabelSelector:
          matchExpressions:
            - {key: rke.cattle.io/node-name, operator: In, values: [till-1, till-2]}
            - {key: rke.cattle.io/worker-role, operator: Exists}
      - config: {kube-proxy-extra-env: [GOGC=50, IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/node-name: till-1}
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
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchExpressions:
            - {key: rke.cattle.io/node-name, operator: In, values: [till-1, till-2]}
            - {key: rke.cattle.io/worker-role, operator: Exists}
      - config: {kube-proxy-extra-env: [GOGC=50, IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/node-name: till-1}
```

Nothing is changed where the list already chooses a backend:

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
      - config: {kube-proxy-extra-env: [IPTABLES_MODE=legacy]}
        machineLabelSelector:
          matchLabels: {site: museum}
```

A later entry may give the pin back, and kube-proxy on Windows ignores the list:

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
      - config: {kube-proxy-extra-env: [GOGC=50]}
        machineLabelSelector:
          matchLabels: {site: edge}
      - config: {kube-proxy-extra-env: [GOGC=50, IPTABLES_MODE=nft]}
        machineLabelSelector:
          matchLabels: {site: edge}
      - config: {kube-proxy-extra-env: [GOGC=50]}
        machineLabelSelector:
          matchLabels: {cattle.io/os: windows}
```

The labels of machine pools are known:

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
      - config:
          kube-proxy-extra-env: [GOGC=50]
        machineLabelSelector:
          matchLabels: {site: edge}
    machinePools:
      - {name: all, controlPlaneRole: true, etcdRole: true, workerRole: true}
```
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice, product

from rke2_policies import pin
from rke2_policies.cluster import Cluster, Layer
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Selector
from rke2_policies.machine import Machine
from rke2_policies.rule import rule

_TRIED = 100
"""How many combinations of values are tried for an entry. Nearly always the first one decides."""


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    if not cluster.custom:
        return  # All labels of a pool's machines are known.
    for layer in cluster.layers[1:]:
        machine = _loser(cluster, layer)
        if machine is None:
            continue
        value, place = layer.config[pin.KEY], layer.place / pin.KEY
        fix = None if pin.names_variable(value) else machine.pin.adding(value, place)
        kept = machine.environment.said[-1]
        message = (
            f"machines with these labels lose the pin, because {layer.by} replaces the list of "
            f"{kept.by}: set {machine.pin.text} here, too"
        )
        related = ((machine.pin.place_of(kept.entries, kept.place), f"{kept.by} sets it"),)
        yield machine.problem(message, place.key, fix=fix, related=related)


def _loser(cluster: Cluster, layer: Layer) -> Machine | None:
    """Return a machine that has the pin, and had none if it had the labels that an entry asks for."""
    selector = layer.selector
    if pin.KEY not in layer.config or not isinstance(selector, Selector):
        return None
    entries = pin.entries(layer.config[pin.KEY], layer.place / pin.KEY)
    if cluster.pin.read(entries).verdict in ("pinned", "unknown"):
        return None
    for pool, machine in zip(cluster.pools, cluster.machines, strict=True):
        said = machine.environment.said
        # What a service's environment or a file of Rancher's says may outlast any entry.
        if machine.verdict != "pinned" or not all(one.by_configuration for one in said):
            continue
        for labels in _labelled(selector, pool.labels):
            if selector.matches(labels) and _last(cluster, labels) == layer:
                return machine
    return None


def _labelled(selector: Selector, known: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield what a machine's labels may be for a selector to match that does not match without."""
    if selector.matches(known) is not False:
        return  # Not for labels that are to be added: the machine's own verdict says it.
    wanted: dict[str, tuple[str, ...]] = {}
    for one in selector.requirements:
        # A machine has the labels of its roles, or not, and none of those of Nodes.
        if one.key in known or one.key.endswith("-role") or _is_for_nodes(one.key):
            continue
        if one.operator == "In":
            wanted[one.key] = one.values
        elif one.operator == "Exists":
            wanted.setdefault(one.key, ("any",))
    for values in islice(product(*wanted.values()), _TRIED):
        labels = {**known, **dict(zip(wanted, values, strict=True))}
        if labels.get("cattle.io/os") != "windows":
            yield labels


def _is_for_nodes(key: str) -> bool:
    return key.partition("/")[0].endswith("kubernetes.io")


def _last(cluster: Cluster, labels: Mapping[str, str]) -> Layer | None:
    """Return the entry whose list reaches a machine; None where a template decides."""
    last = None
    for layer in cluster.layers:
        if pin.KEY in layer.config and isinstance(layer.selector, Selector):
            matches = layer.selector.matches(labels)
            if matches is None:
                return None
            last = layer if matches else last
    return last

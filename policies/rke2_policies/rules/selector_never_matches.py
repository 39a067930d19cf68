"""A selector names labels that Machines have, because Rancher does not look at those of Nodes.

Rancher matches `machineLabelSelector` against the labels of the Machine object (rancher/rancher
pkg/capr/planner/config.go). It has the labels of its pool, those of its roles, which are `"true"`
or absent, and what `machinePools[].labels` says
(pkg/controllers/provisioningv2/provisioningcluster/template.go). Labels of Nodes, such as
`kubernetes.io/hostname`, and `machineDeploymentLabels` are not among them. A selector that matches
no machine makes its entry count for nothing.

It is an error where the entry holds the pin and a machine lacks it, and otherwise a warning. The
fix moves such a pin to machineGlobalConfig, if the entry holds nothing else, and is unsafe; all
else is for you to decide.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: canal
    machineSelectorConfig:
      - config:
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector:
          matchLabels: {node-role.kubernetes.io/worker: "true"}
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
      cni: canal
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true}
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
        machineLabelSelector:
          matchLabels: {rke.cattle.io/etcd-role: "false"}
      - config: {kubelet-arg: [max-pods=250]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/rke-machine-pool-name: workers}
      - config: {kubelet-arg: [max-pods=300]}
        machineLabelSelector:
          matchExpressions:
            - {key: tier, operator: In, values: [front]}
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true, machineDeploymentLabels: {tier: front}}
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
      - config: {kubelet-arg: [max-pods=250]}
        machineLabelSelector:
          matchLabels: {rke.cattle.io/worker-role: "true", tier: front}
    machinePools:
      - {name: cp, controlPlaneRole: true, etcdRole: true}
      - {name: worker, workerRole: true, labels: {tier: front}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster, Layer
from rke2_policies.document import Place
from rke2_policies.edit_distance import nearest
from rke2_policies.finding import Problem, Severity
from rke2_policies.label_selector import Requirement, Selector
from rke2_policies.moving import to_global_config
from rke2_policies.route import Templated
from rke2_policies.rule import rule

_POOL = "rke.cattle.io/rke-machine-pool-name"
_ROLES = tuple(f"rke.cattle.io/{role}-role" for role in ("control-plane", "etcd", "worker"))
_NODE_LABELS = (
    "node-role.kubernetes.io/", "kubernetes.io/", "node.kubernetes.io/", "beta.kubernetes.io/",
    "topology.kubernetes.io/", "failure-domain.beta.kubernetes.io/",
)  # fmt: skip
# What Machines have instead of some labels of Nodes.
_INSTEAD = {
    "node-role.kubernetes.io/control-plane": _ROLES[0],
    "node-role.kubernetes.io/master": _ROLES[0],
    "node-role.kubernetes.io/etcd": _ROLES[1],
    "node-role.kubernetes.io/worker": _ROLES[2],
    "kubernetes.io/os": "cattle.io/os",
    "beta.kubernetes.io/os": "cattle.io/os",
}


@rule(Cluster, severity=Severity.WARNING)
def check(cluster: Cluster) -> Iterator[Problem]:
    if all(machine.verdict == "not-applicable" for machine in cluster.machines):
        return
    for layer in cluster.layers[1:]:
        selector = layer.selector
        if not isinstance(selector, Selector):
            continue
        if any(selector.matches(pool.labels) is not False for pool in cluster.pools):
            continue
        reasons = ((one, _why_never(one, cluster)) for one in selector.requirements)
        requirement, why = next(((one, why) for one, why in reasons if why), (None, ""))
        if requirement is None:
            continue
        entries = pin.entries(layer.config.get(pin.KEY), layer.place / pin.KEY)
        pins = cluster.pin.read(entries).verdict == "pinned"
        depends = pins and any(machine.verdict == "unpinned" for machine in cluster.machines)
        fix = None
        if depends and len(entries) == len(layer.config) == 1:
            fix = to_global_config(cluster, layer.entry.route)
        message = f"{layer.by} never matches: {why}"
        severity = Severity.ERROR if depends else None
        place = _place(layer, requirement)
        yield Problem(message, place, fix, (), severity, explains=fix is not None)


def _why_never(requirement: Requirement, cluster: Cluster) -> str:
    """Return why no machine meets a condition; "" where one does, or where that is not certain."""
    key, values = requirement.key, requirement.values
    if requirement.operator not in ("In", "Exists"):
        return ""
    if any(requirement.holds(pool.labels) is not False for pool in cluster.pools):
        return ""
    if any(isinstance(value, Templated) for value in values):
        return ""
    if key in _ROLES and values and "true" not in values:
        return f'{key} is only ever "true", and absent from machines without the role'
    if key == _POOL and not cluster.custom and not _templated_pools(cluster):
        names = [pool.name for pool in cluster.pools]
        meant = next((near for value in values if (near := nearest(value, names))), None)
        hint = f", but one is called {meant}" if meant else ""
        return f"no machine pool is called {' or '.join(values)}{hint}"
    if any(key in pool.deployment_labels for pool in cluster.pools):
        return f"{key} is in machineDeploymentLabels, which Machines do not get: use labels"
    if key.startswith(_NODE_LABELS):
        instead = f"; Machines have {_INSTEAD[key]}" if key in _INSTEAD else ""
        return f"{key} is a label of Nodes, and selectors match those of Machines{instead}"
    return ""


def _templated_pools(cluster: Cluster) -> bool:
    """Return whether a template decides which pools there are, or how they are called."""
    route = (*cluster.config_route, "machinePools")
    return any(one[: len(route)] == route for one in cluster.document.generated) or any(
        machine.open for machine in cluster.machines
    )


def _place(layer: Layer, requirement: Requirement) -> Place:
    place = layer.entry / "machineLabelSelector"
    for step in requirement.route:
        place = place / step
    return place.key if isinstance(requirement.route[-1], str) else place

"""Settings stand in fields that the Cluster's schema has, because the API server prunes all others.

`kubectl apply` refuses an unknown field; Helm, Fleet and Rancher's UI do not ask for that, and
the API server then stores the object without the field and without a word (rancher/rancher
pkg/crds/yaml/generated/provisioning.cattle.io_clusters.yaml). `controlPlaneConfig` and
`workerConfig` are fields of earlier versions that templates still have. It is an error where the
field names the pin and a machine lacks it, and otherwise a warning. The fix calls the field by
its name, or moves its settings, and is unsafe; where nothing is lacking, the removal of a pin is
only shown. There is none where the field holds other settings without a place, or `legacy`: move
them yourself.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalconfig:
      cni: canal   # as everywhere
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      cni: canal   # as everywhere
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    kube-proxy-extra-env:
      - IPTABLES_MODE=nft
    machineGlobalConfig:
      cni: canal
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
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  machineGlobalConfig:
    kube-proxy-extra-env: [IPTABLES_MODE=nft]
  rkeConfig:
    upgradeStrategy: {workerConcurrency: "1"}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    upgradeStrategy: {workerConcurrency: "1"}
    machineGlobalConfig:
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
    machineSelectorConfig:
      - kube-proxy-extra-env: [IPTABLES_MODE=nft]
        machineLabelSelector: {}
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineSelectorConfig:
      - machineLabelSelector: {}
        config:
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
    controlPlaneConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
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
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    workerConfig:
      - config:
          kubelet-arg: [max-pods=200]
          kube-proxy-extra-env: [IPTABLES_MODE=nft]
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
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.edit_distance import nearest
from rke2_policies.edits import Remove, Rename, Set
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.moving import lacks_pin, to_global_config
from rke2_policies.route import Json, Route
from rke2_policies.rule import rule

# rancher/rancher pkg/crds/yaml/generated/provisioning.cattle.io_clusters.yaml
_SPEC = frozenset(
    {
        "agentEnvVars", "cloudCredentialSecretName", "clusterAPIConfig",
        "clusterAgentDeploymentCustomization", "defaultClusterRoleForProjectMembers",
        "defaultPodSecurityAdmissionConfigurationTemplateName", "enableNetworkPolicy",
        "fleetAgentDeploymentCustomization", "kubernetesVersion", "localClusterAuthEndpoint",
        "redeploySystemAgentGeneration", "rkeConfig", "webhookDeploymentCustomization",
    }
)  # fmt: skip
_RKE_CONFIG = frozenset(
    {
        "additionalManifest", "chartValues", "dataDirectories", "etcd", "etcdSnapshotCreate",
        "etcdSnapshotRestore", "infrastructureRef", "machineGlobalConfig", "machinePoolDefaults",
        "machinePools", "machineSelectorConfig", "machineSelectorFiles", "networking",
        "provisionGeneration", "registries", "rotateCertificates", "rotateEncryptionKeys",
        "upgradeStrategy",
    }
)  # fmt: skip
_SELECTOR_ENTRY = frozenset({"config", "machineLabelSelector"})
_OBSOLETE = frozenset({"controlPlaneConfig", "workerConfig"})
_HOMES: dict[str, type] = {"machineGlobalConfig": dict, "machineSelectorConfig": list}


class _Field(NamedTuple):
    """A field that the schema does not have."""

    above: Route
    name: str
    value: Json
    beside: dict[str, Json]
    """The mapping that it stands in."""

    @property
    def route(self) -> Route:
        return (*self.above, self.name)


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    nobody = all(machine.verdict == "not-applicable" for machine in cluster.machines)
    if cluster.kind != "Cluster" or nobody:
        return
    lacking = lacks_pin(cluster)
    unpinned = any(machine.verdict == "unpinned" for machine in cluster.machines)
    for field in _pruned(cluster):
        says = field.name == pin.KEY or pin.names_variable(field.value) or _has_key(field.value)
        in_entry = isinstance(field.above[-1], int)
        meant = None if in_entry else nearest(field.name, _HOMES)
        if not says and meant is None and field.name not in _OBSOLETE:
            continue
        fix = None
        if not cluster.pin.is_denied_in(str(field.value)):
            fix = _fix(cluster, field, meant, lacking=lacking)
        severity = Severity.ERROR if says and unpinned else Severity.WARNING
        message = f"the API server prunes {field.name} here: {_instead(field, meant)}"
        explains = says and lacking and fix is not None
        yield Problem(message, cluster.at(field.route).key, fix, (), severity, explains)


def _pruned(cluster: Cluster) -> Iterator[_Field]:
    """Yield the fields that the API server prunes where settings are looked for."""
    places: list[tuple[Route, frozenset[str]]] = [
        (cluster.spec_route, _SPEC),
        (cluster.config_route, _RKE_CONFIG),
        *((layer.entry.route, _SELECTOR_ENTRY) for layer in cluster.layers[1:]),
    ]
    for above, known in places:
        mapping = cluster.document[above]
        for name, value in mapping.items() if isinstance(mapping, dict) else ():
            if name not in known:
                yield _Field(above, name, value, mapping)


def _has_key(value: Json) -> bool:
    match value:
        case dict():
            return pin.KEY in value or any(map(_has_key, value.values()))
        case list():
            return any(map(_has_key, value))
        case _:
            return False


def _instead(field: _Field, meant: str | None) -> str:
    if meant == field.name:
        return "it belongs in rkeConfig"
    if meant is not None:
        return f"the field is called {meant}"
    if field.name in _OBSOLETE:
        return "Rancher has machineGlobalConfig and machineSelectorConfig instead"
    if isinstance(field.above[-1], int):
        return "it belongs in the config of this entry"
    return "it belongs in rkeConfig.machineGlobalConfig"


def _fix(cluster: Cluster, field: _Field, meant: str | None, *, lacking: bool) -> Fix | None:
    config = cluster.config if isinstance(cluster.config, dict) else {}
    if meant is not None and meant not in config:
        if not isinstance(field.value, _HOMES[meant]) or not isinstance(cluster.config, dict):
            return None
        if field.above == cluster.config_route:
            return Fix(f"call it {meant}", (Rename(field.route, meant),), Safety.UNSAFE)
        edit = Set((*cluster.config_route, meant), field.value)
        return Fix("move it to rkeConfig", (edit, Remove(field.route)), Safety.UNSAFE)
    if isinstance(field.above[-1], int) and field.name == pin.KEY:
        entries = pin.entries(field.value, cluster.at(field.route))
        if "config" in field.beside or cluster.pin.read(entries).verdict != "pinned":
            return None
        edit = Set((*field.above, "config", pin.KEY), field.value)
        return Fix("move it to config", (edit, Remove(field.route)), Safety.UNSAFE)
    if field.name != pin.KEY and not (_has_key(field.value) and _is_only_pin(field.value)):
        return None
    if lacking:
        return to_global_config(cluster, field.route)
    return Fix("remove it", (Remove(field.route),), Safety.SHOWN)


def _is_only_pin(value: Json) -> bool:
    """Return whether a field holds nothing but kube-proxy-extra-env, for whatever machines."""
    match value:
        case {**entry} if entry:
            rest = {k: v for k, v in entry.items() if k not in (pin.KEY, "machineLabelSelector")}
            return not rest or (rest.keys() == {"config"} and _is_only_pin(rest["config"]))
        case [*entries] if entries:
            return all(map(_is_only_pin, entries))
        case _:
            return False

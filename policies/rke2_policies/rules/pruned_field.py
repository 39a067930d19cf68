"""What the Cluster's schema does not know is pruned by the API server."""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.edit_distance import nearest
from rke2_policies.edits import Rename
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.route import Json, Route
from rke2_policies.rule import rule

# rancher/rancher pkg/crds/yaml/generated/provisioning.cattle.io_clusters.yaml: spec.rkeConfig.
_CONFIG_FIELDS = frozenset(
    {
        "additionalManifest", "chartValues", "dataDirectories", "etcd", "etcdSnapshotCreate",
        "etcdSnapshotRestore", "infrastructureRef", "machineGlobalConfig", "machinePoolDefaults",
        "machinePools", "machineSelectorConfig", "machineSelectorFiles", "networking",
        "provisionGeneration", "registries", "rotateCertificates", "rotateEncryptionKeys",
        "upgradeStrategy",
    }
)  # fmt: skip
# Fields of earlier versions, or of other tools, that are still found in templates.
_OBSOLETE = frozenset({"controlPlaneConfig", "workerConfig", "localClusterAuthEndpoint"})
_MEANINGFUL = ("machineGlobalConfig", "machineSelectorConfig")


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    if cluster.kind != "Cluster":
        return
    lost = any(machine.verdict == "unpinned" for machine in cluster.machines)
    for route, key, value in _unknown(cluster):
        names = key == pin.KEY or pin.names_variable(value) or _has_key(value)
        meant = nearest(key, _MEANINGFUL)
        if not names and key not in _OBSOLETE and meant is None:
            continue
        severity = Severity.ERROR if names and lost else Severity.WARNING
        fix = _fix(cluster, route, key, meant) if names or meant else None
        message = f"the API server prunes {key} here: "
        if meant == key:
            message += "it belongs into rkeConfig"
        elif meant is not None:
            message += f"the field is called {meant}"
        elif key in ("controlPlaneConfig", "workerConfig"):
            message += "Rancher has machineGlobalConfig and machineSelectorConfig instead"
        else:
            message += "it belongs into rkeConfig.machineGlobalConfig"
        yield Problem(
            message, cluster.at((*route, key)).key, fix, (), severity, explains=names and lost
        )


def _unknown(cluster: Cluster) -> Iterator[tuple[Route, str, Json]]:
    spec = cluster.spec
    for key, value in spec.items() if isinstance(spec, dict) else ():
        if key == pin.KEY or nearest(key, _MEANINGFUL) or key == "machinePools":
            yield cluster.spec_route, key, value
    config = cluster.config
    for key, value in config.items() if isinstance(config, dict) else ():
        if key not in _CONFIG_FIELDS:
            yield cluster.config_route, key, value


def _has_key(value: Json) -> bool:
    match value:
        case dict():
            return pin.KEY in value or any(map(_has_key, value.values()))
        case list():
            return any(map(_has_key, value))
        case _:
            return False


def _fix(cluster: Cluster, route: Route, key: str, meant: str | None) -> Fix | None:
    config = cluster.config
    if meant is not None and route == cluster.config_route and meant not in (config or {}):
        return Fix(f"call it {meant}", (Rename((*route, key), meant),), Safety.UNSAFE)
    if pin.KEY not in cluster.layers[0].config:
        return pin.adding_to(cluster.layers[0].place, Safety.UNSAFE)
    return None

"""What Rancher plans from has the types of its schema, because the API server refuses any other.

`machineGlobalConfig` and the `config` of a selector are mappings, `machineSelectorConfig` and
`machinePools` are lists (rancher/rancher
pkg/crds/yaml/generated/provisioning.cattle.io_clusters.yaml). With another type the whole object
is refused, so that nothing of the change arrives. Text below a `|` is what Terraform's
`machine_global_config` takes, and often comes from there. There is no automatic fix: take the `|`
away, so that the lines below it are YAML themselves.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig: |
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
    machineSelectorConfig:
      - config: |
          kube-proxy-extra-env:
            - IPTABLES_MODE=nft
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env:
        - IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.route import Json, Route, Templated
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    for route, wanted in _typed(cluster):
        value = cluster.document[route]
        if value is None or isinstance(value, wanted | Templated):
            continue
        name = "mapping" if wanted is dict else "list"
        hint = ""
        if wanted is dict and isinstance(value, str):
            hint = "; text is for Terraform: here its lines stand below the key, without the |"
        message = f"{route[-1]} has to be a {name}: the API server refuses the whole object{hint}"
        yield Problem(message, cluster.at(route).key, explains=True)


def _typed(cluster: Cluster) -> Iterator[tuple[Route, type[Json]]]:
    """Yield where something has to be a mapping or a list."""
    route = cluster.config_route
    yield route, dict
    yield (*route, "machineGlobalConfig"), dict
    yield (*route, "machinePools"), list
    entries: Route = (*route, "machineSelectorConfig")
    yield entries, list
    for layer in cluster.layers[1:]:
        yield (*layer.entry.route, "config"), dict

"""The pin stands in machineGlobalConfig, because agentEnvVars hides it or does not pass it on.

Rancher hands `agentEnvVars` to its installer, which writes only `RKE2_*` and the proxy variables
into the environment file of RKE2's service (rancher/system-agent-installer-rke2 package/run.sh);
so IPTABLES_MODE never reaches kube-proxy. It is an error where a machine lacks the pin, and
otherwise a warning. The fix moves it and is unsafe; where nothing is lacking, the removal is
only shown. There is none for `legacy`.

`RKE2_KUBE_PROXY_EXTRA_ENV` does arrive (rancher/rke2 pkg/cli/cmds/root.go), and is a note: who
reads machineGlobalConfig does not see it, and kube-proxy-extra-env replaces it since v1.31.8,
v1.32.4 and v1.33.0. There is no automatic fix: set the pin in machineGlobalConfig with your next
change, because Rancher restarts RKE2 for both.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  agentEnvVars:
    - name: HTTPS_PROXY
      value: http://proxy:3128
    - name: IPTABLES_MODE
      value: nft
  rkeConfig:
    machineGlobalConfig:
      cni: canal
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  agentEnvVars:
    - name: HTTPS_PROXY
      value: http://proxy:3128
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
  agentEnvVars:
    - {name: IPTABLES_MODE, value: nft}
    - {name: HTTPS_PROXY, value: "http://proxy:3128"}
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml after
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  agentEnvVars:
    - {name: HTTPS_PROXY, value: "http://proxy:3128"}
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
  agentEnvVars:
    - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}
  rkeConfig: {}
```

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  agentEnvVars:
    - {name: RKE2_KUBE_PROXY_EXTRA_ENV, value: IPTABLES_MODE=nft}
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  agentEnvVars:
    - {name: HTTPS_PROXY, value: "http://proxy:3128"}
  rkeConfig:
    machineGlobalConfig:
      kube-proxy-extra-env: [IPTABLES_MODE=nft]
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.cluster import Cluster
from rke2_policies.document import Place
from rke2_policies.edits import Remove
from rke2_policies.finding import Fix, Problem, Safety, Severity
from rke2_policies.moving import lacks_pin, to_global_config
from rke2_policies.rule import rule


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    route = (*cluster.spec_route, "agentEnvVars")
    variables = cluster.document[route]
    for i, variable in enumerate(variables if isinstance(variables, list) else []):
        place = cluster.at((*route, i))
        match variable:
            case {"name": pin.VARIABLE, **rest}:
                yield from _useless(cluster, place, str(rest.get("value", "")))
            case {"name": pin.ENVIRONMENT_KEY, "value": str()}:
                yield from _hidden(cluster, place / "value")


def _useless(cluster: Cluster, place: Place, value: str) -> Iterator[Problem]:
    if all(machine.verdict == "not-applicable" for machine in cluster.machines):
        return
    lacking = lacks_pin(cluster)
    fix = None
    if cluster.pin.judge(value) != "other":
        remove = Fix("remove it", (Remove(place.route),), Safety.SHOWN)
        fix = to_global_config(cluster, place.route) if lacking else remove
    unpinned = any(machine.verdict == "unpinned" for machine in cluster.machines)
    message = (
        f"{pin.VARIABLE} in agentEnvVars never reaches kube-proxy: "
        f"it belongs in machineGlobalConfig.{pin.KEY}"
    )
    severity = None if unpinned else Severity.WARNING
    yield Problem(message, place, fix, (), severity, explains=fix is not None and lacking)


def _hidden(cluster: Cluster, place: Place) -> Iterator[Problem]:
    concerned = [one for one in cluster.machines if one.verdict != "not-applicable"]
    if not concerned or any(machine.verdict != "pinned" for machine in concerned):
        return  # Why a machine is not pinned is the matter of other rules.
    if any(machine.decided_by == place for machine in concerned):
        message = (
            f"{pin.ENVIRONMENT_KEY} pins kube-proxy, but out of sight: "
            f"set {pin.KEY} in machineGlobalConfig, which replaces it"
        )
        yield Problem(message, place, severity=Severity.NOTE)
        return
    said = concerned[0].environment.said[-1]
    message = f"{pin.KEY} in {said.by} replaces this since v1.31.8, v1.32.4 and v1.33.0"
    yield Problem(message, place, None, ((said.place.key, "this counts"),), Severity.NOTE)

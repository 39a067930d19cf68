"""All servers of a cluster have the same disable-kube-proxy, because agents learn it from them.

Agents have no such setting: they take what the server says that they join (k3s-io/k3s
pkg/agent/config/config.go). With servers that disagree, it is a matter of chance on which
machines kube-proxy runs, and RKE2 asks for the same value on all of them (rancher/rke2-docs
docs/reference/server_config.md, "Critical Configuration Values"). There is no automatic fix: set
it once, in `machineGlobalConfig`, and take it out of the selectors.

```yaml before
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machinePools:
      - {name: cp, controlPlaneRole: true}
      - {name: etcd, etcdRole: true}
      - {name: worker, workerRole: true}
    machineSelectorConfig:
      - config:
          disable-kube-proxy: true
        machineLabelSelector:
          matchLabels: {rke.cattle.io/control-plane-role: "true"}
```

```yaml good
apiVersion: provisioning.cattle.io/v1
kind: Cluster
metadata: {name: shop, namespace: fleet-default}
spec:
  kubernetesVersion: v1.33.4+rke2r1
  rkeConfig:
    machinePools:
      - {name: cp, controlPlaneRole: true}
      - {name: etcd, etcdRole: true}
      - {name: worker, workerRole: true}
    machineGlobalConfig:
      disable-kube-proxy: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.cluster import Cluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.machine import Machine
from rke2_policies.route import Templated
from rke2_policies.rule import rule

_KEY = "disable-kube-proxy"


@rule(Cluster, severity=Severity.ERROR)
def check(cluster: Cluster) -> Iterator[Problem]:
    servers = [machine for machine in cluster.machines if machine.is_server]
    if any(machine.open or isinstance(machine[_KEY].value, Templated) for machine in servers):
        return
    off = [machine for machine in servers if machine[_KEY].value is True]
    on = [machine for machine in servers if machine[_KEY].value is not True]
    if not off or not on:
        return
    exception = _most_special(off, on)
    message = (
        f"{_KEY} has to be the same on all servers: it is true for "
        f"{_names(off)}, and not for {_names(on)}"
    )
    related = dict.fromkeys(
        (said.place.key, f"{said.by} sets it, too")
        for machine in servers
        for said in machine[_KEY].said
        if said.place != exception[_KEY].place
    )
    place = exception[_KEY].place
    if place is not None:
        yield exception.problem(message, place.key, related=tuple(related))


def _most_special(off: list[Machine], on: list[Machine]) -> Machine:
    """Return the machine for which most was said: it is the exception."""
    return max((*off, *on), key=lambda machine: len(machine[_KEY].said))


def _names(machines: list[Machine]) -> str:
    names = [machine.name.rpartition("/")[2] for machine in machines]
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")

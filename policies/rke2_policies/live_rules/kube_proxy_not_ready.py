"""kube-proxy's Pod runs, and stays running.

A kube-proxy whose iptables fail ends and is started again and again; its Pod is not ready, and the
node has no rules for Services, or old ones.

```dump found pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "env": [{"name": "IPTABLES_MODE", "value": "nft"}]}]},
 "status": {"phase": "Pending"}}
```

```dump good pod.json
{"kind": "Pod", "metadata": {"name": "kube-proxy-a", "labels": {"component": "kube-proxy"}},
 "spec": {"containers": [{"name": "kube-proxy", "env": [{"name": "IPTABLES_MODE", "value": "nft"}]}]},
 "status": {"phase": "Running", "containerStatuses": [{"name": "kube-proxy", "ready": true}]}}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.WARNING)
def check(node: LiveNode) -> Iterator[Problem]:
    pod = node.evidence.pod
    if pod is None or (pod.phase in ("", "Running") and pod.ready is not False):
        return
    state = pod.phase if pod.phase != "Running" else "Running, but not ready"
    message = f"kube-proxy's Pod {pod.name} is {state}"
    if pod.restarts:
        message += f", after {pod.restarts} restarts" if pod.restarts > 1 else ", after a restart"
    yield node.problem(message, f"kubectl -n kube-system logs {pod.name} --previous")

"""Every node has a kube-proxy, unless the cluster does without.

A node without the Pod has none that runs: its manifest was rejected, for instance because a variable's
name ends in a space, or the service did not come up. Nothing keeps that node's rules for Services.
Where no node has one, `disable-kube-proxy` says that it is meant to be so; without it, what keeps the
Pod away is the same on all of them.

```dump found node-1/env
IPTABLES_MODE=nft
```

```dump found node-2/pod.json
{"kind": "List", "items": []}
```

```dump found pod.json
{"kind": "List", "items": []}
```

```dump good node-1/env
IPTABLES_MODE=nft
```

```dump good node-2/env
IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import LiveCluster
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveCluster, severity=Severity.WARNING)
def check(cluster: LiveCluster) -> Iterator[Problem]:
    concerned = [node for node in cluster.nodes if not node.not_applicable]
    if any(node.running is not None and not node.evidence.has_no_pod for node in concerned):
        why = "though others of the cluster have one"
    else:
        why = "and nothing says that kube-proxy is disabled"
    for node in concerned:
        if node.evidence.has_no_pod:
            remedy = "look into the logs of rke2-server or rke2-agent, and of the kubelet"
            yield node.problem(f"this node has no Pod of kube-proxy, {why}", remedy)

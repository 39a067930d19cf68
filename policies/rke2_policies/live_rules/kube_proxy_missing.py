"""Every node of a cluster has a kube-proxy where others have one.

A node without the Pod has none that runs: its manifest was rejected, for instance because a variable's
name ends in a space, or the service did not come up. Nothing keeps that node's rules for Services.

```dump found node-1/env
IPTABLES_MODE=nft
```

```dump found node-2/pod.json
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
    there = [node for node in cluster.nodes if node.running is not None]
    for node in cluster.nodes:
        if node.evidence.has_no_pod and not node.not_applicable and there:
            message = "this node has no Pod of kube-proxy, though others of the cluster have one"
            remedy = "look into the logs of rke2-server or rke2-agent, and of the kubelet"
            yield node.problem(message, remedy)

"""All nodes of a cluster are pinned, or none is.

Every node makes kube-proxy of its own configuration, so a pin that was written into the servers' files
says nothing to the agents; with Rancher, a selector may leave some machines out. Services then work
from one node and not from another.

```dump found node-1/env
IPTABLES_MODE=nft
```

```dump found node-2/env
KUBERNETES_PORT=tcp://10.43.0.1:443
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
from rke2_policies.diagnosis.wording import counted, some
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveCluster, severity=Severity.ERROR)
def check(cluster: LiveCluster) -> Iterator[Problem]:
    concerned = [
        node for node in cluster.nodes if not node.not_applicable and node.mode is not None
    ]
    pinned = [node.name for node in concerned if node.is_pinned]
    others = [node for node in concerned if not node.is_pinned]
    if not pinned:
        return
    for node in others:
        message = f"this node is not pinned, and {counted(len(pinned), 'other')} of the cluster"
        message += f" {'is' if len(pinned) == 1 else 'are'}: {some(pinned)}"
        remedy = f"write {node.pin.text} into this node's configuration, too"
        yield node.problem(message, remedy, explains=True)

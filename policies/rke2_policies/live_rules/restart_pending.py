"""kube-proxy runs with what the node's configuration says.

RKE2 writes kube-proxy's manifest when its service starts, and at no other time (rancher/rke2
pkg/executor/staticpod/staticpod.go). A pin that was written into a file since then does nothing yet.

```dump found config.yaml
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```dump found env
KUBERNETES_PORT=tcp://10.43.0.1:443
```

```dump good config.yaml
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```dump good env
IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.ERROR)
def check(node: LiveNode) -> Iterator[Problem]:
    running, configured = node.running, node.configured
    # What is configured wrong is other rules' business: nobody should restart with that.
    if running is None or configured is None or node.judge(configured) != "pinned":
        return
    if node.judge(running) == "pinned":
        return
    now = "is not set" if running.value is None else f"is still {running.value}"
    message = (
        f"restart pending: {configured.by} says {pin.VARIABLE}={configured.value}, "
        f"and in {running.by} it {now}"
    )
    remedy = "restart rke2-server or rke2-agent on this node"
    yield node.problem(message, remedy, explains=True)

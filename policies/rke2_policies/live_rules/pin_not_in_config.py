"""The pin that kube-proxy runs with is still there after the next start.

The service was started with a pin that the configuration does not say any more, or that comes from
elsewhere: from an argument of the service, or from `RKE2_KUBE_PROXY_EXTRA_ENV` in an environment file.
If nobody says it, the next start goes back to detecting.

```dump found config.yaml
cni: canal
profile: cis
```

```dump found env
IPTABLES_MODE=nft
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

from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.WARNING)
def check(node: LiveNode) -> Iterator[Problem]:
    running, configured = node.running, node.configured
    if node.judge(running) != "pinned" or configured is None or configured.value is not None:
        return
    message = "kube-proxy is pinned, but the configuration here does not say so"
    if node.next.backend != "unknown":
        message += f": without it, the next start chooses {node.next.backend} ({node.next.why})"
    remedy = f"write {node.pin.text} into the configuration, or see that whatever says it stays"
    yield node.problem(message, remedy)

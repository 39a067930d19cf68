"""A few legacy rules more do not change kube-proxy's backend.

Without a pin, ten legacy rules make the next start choose legacy, and fewer do if nft has fewer
still. Counting nft's rules may take five seconds; on a node that is slower than that, nothing is
counted, and a single legacy rule suffices (k3s-io/k3s-root iptables-detect/iptables-detect.sh). That
is what SUSE article 000022178 describes as a node that is "heavily contended for resources".

```dump found iptables-legacy-save
*filter
-A INPUT -s 192.0.2.0/24 -j DROP
COMMIT
```

```dump found iptables-nft-save
*nat
-A KUBE-SERVICES -j KUBE-NODEPORTS
-A KUBE-SERVICES -j RETURN
COMMIT
```

```dump found ip6tables-legacy-save
```

```dump found ip6tables-nft-save
```

```dump found env
KUBERNETES_PORT=tcp://10.43.0.1:443
```

```dump good iptables-nft-save
*nat
-A KUBE-SERVICES -j KUBE-NODEPORTS
COMMIT
```

```dump good iptables-legacy-save
```

```dump good ip6tables-legacy-save
```

```dump good ip6tables-nft-save
```

```dump good env
KUBERNETES_PORT=tcp://10.43.0.1:443
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.diagnosis.wording import by_owner, counted, foreign_rules
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.WARNING)
def check(node: LiveNode) -> Iterator[Problem]:
    legacy, margin = node.counts.legacy, node.counts.margin
    if node.pin is not pin.NFT or node.next_mode is None or not legacy:
        return
    if node.judge(node.next_mode) != "unpinned" or node.next.backend != "nft":
        return
    message = (
        f"{counted(legacy, 'legacy rule')} ({by_owner(node)}); with "
        f"{margin + 1} more, or on a slow node with none, kube-proxy chooses legacy"
    )
    remedy = "pin kube-proxy to nft"
    if foreign := foreign_rules(node):
        remedy += f", and move {foreign} to nft"
    yield node.problem(message, remedy, explains=True)

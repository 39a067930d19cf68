"""The next start of kube-proxy chooses the backend that is wanted.

Without a pin, the image counts rules when its container calls iptables for the first time: 10 legacy
rules or more are enough for legacy, and so is one more than there are in nft, the rules of IPv4 and
IPv6 taken together (k3s-io/k3s-root iptables-detect/iptables-detect.sh). Legacy rules that nobody in
the cluster has written come from somewhere on the host: a package, a script, an administrator; they
have to move to nft, and the pin makes kube-proxy independent of them.

```dump found iptables-legacy-save
*filter
-A INPUT -s 192.0.2.0/24 -j DROP
COMMIT
```

```dump found ip6tables-legacy-save
```

```dump found iptables-nft-save
```

```dump found ip6tables-nft-save
```

```dump found env
KUBERNETES_PORT=tcp://10.43.0.1:443
```

```dump good iptables-legacy-save
*filter
-A INPUT -s 192.0.2.0/24 -j DROP
COMMIT
```

```dump good ip6tables-legacy-save
```

```dump good iptables-nft-save
```

```dump good ip6tables-nft-save
```

```dump good env
IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.diagnosis.live_node import LiveNode
from rke2_policies.diagnosis.wording import by_owner, foreign_rules
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.ERROR)
def check(node: LiveNode) -> Iterator[Problem]:
    if node.next.backend != node.pin.other or node.judge(node.next_mode) == "other":
        return
    whose = f" ({by_owner(node)})" if node.owners else ""
    message = f"the next start of kube-proxy chooses {node.pin.other}: {node.next.why}{whose}"
    most = Severity.ERROR
    if node.next_mode is None:
        message += ", unless it is pinned, which nothing here tells"
    elif node.judge(node.running) == "pinned":
        # What runs is pinned, and only the files that were looked at are not.
        most = Severity.WARNING
    remedy = f"pin kube-proxy to {node.pin.backend}"
    if node.pin.backend == "nft" and (foreign := foreign_rules(node)):
        remedy = f"move {foreign} to nft, and {remedy}"
    yield node.problem(message, remedy, most=most, explains=True)

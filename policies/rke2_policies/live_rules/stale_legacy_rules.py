"""A node whose kube-proxy works with nft has no legacy rules.

Pinning deletes nothing. What kube-proxy, Calico or a CNI plugin wrote into the legacy tables before
goes on matching traffic there: a Service that moved is sent to where it was, and one that is gone
still seems to be there. Nothing of RKE2 removes them (rancher/rke2 bundle/bin/rke2-killall.sh asks the
host's default iptables only), and a Calico maintainer advises the same as we do: drain the node and
start it anew (projectcalico/calico#5482). Rules of others have to move to nft first, or they are
back after the start.

```dump found iptables-legacy-save
*nat
:KUBE-SERVICES - [0:0]
-A PREROUTING -m comment --comment "kubernetes service portals" -j KUBE-SERVICES
COMMIT
```

```dump found env
IPTABLES_MODE=nft
```

```dump good iptables-legacy-save
```

```dump good env
IPTABLES_MODE=nft
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.diagnosis.live_node import CLUSTERS_OWN, LiveNode
from rke2_policies.diagnosis.wording import by_owner, counted, first_rule, foreign_rules
from rke2_policies.finding import Problem, Severity
from rke2_policies.rule import rule


@rule(LiveNode, severity=Severity.WARNING)
def check(node: LiveNode) -> Iterator[Problem]:
    if node.pin is not pin.NFT or not (node.is_pinned or node.judge(node.next_mode) == "pinned"):
        return
    if node.current == "legacy":  # they are in use: the node has a graver problem
        return
    own = [owner for owner in node.owners if owner in CLUSTERS_OWN]
    if node.counts.legacy:
        verb = "is" if node.counts.legacy == 1 else "are"
        message = f"{counted(node.counts.legacy, 'legacy rule')} {verb} left"
        message += f" ({by_owner(node)}), such as {first_rule(node)}" if node.legacy_rules else ""
        remedy = "drain and reboot the node, or flush the legacy tables in a maintenance window"
        if not own:
            remedy = f"move {foreign_rules(node)} to nft, and remove them from legacy"
        elif len(own) < len(node.owners):
            remedy = f"move {foreign_rules(node)} to nft, then {remedy}"
        yield node.problem(message, remedy)
    elif node.has_legacy_tables:
        message = "there are legacy tables, and no dump tells what is in them"
        remedy = (
            "look with iptables-legacy-save and ip6tables-legacy-save in kube-proxy's container"
        )
        yield node.problem(message, remedy, severity=Severity.NOTE)

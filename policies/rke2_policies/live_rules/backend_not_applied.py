"""kube-proxy's iptables work.

The image's iptables are a script until their first call, which points them at one backend; it knows
the words `nft` and `legacy`, and fails for every other `IPTABLES_MODE`, at every call (k3s-io/k3s-root
iptables-detect/xtables-set-mode.sh). kube-proxy then cannot write a single rule. Look at the bytes of
the value: quotes, a carriage return, a comma with what follows, and capitals are part of it.

```dump found env
IPTABLES_MODE=NFT
```

```dump found env
IPTABLES_MODE=nft
```

```dump found readlink
iptables-detect.sh
```

```dump good env
IPTABLES_MODE=nft
```

```dump good readlink
xtables-nft-multi
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
    remedy = f"write {node.pin.text}, exactly, and restart the service"
    if node.judge(running) == "broken" and running is not None:
        yield node.problem(
            f"kube-proxy's iptables fail with {pin.VARIABLE}={running.value!r} ({running.by})",
            remedy,
            explains=True,
        )
    elif node.current == "undecided" and running is not None and running.value is not None:
        yield node.problem(
            f"{pin.VARIABLE} is {running.value}, but kube-proxy's iptables have chosen no backend",
            "look into kube-proxy's log: it has not called iptables yet, or they fail",
            explains=True,
        )
    elif node.judge(configured) == "broken" and configured is not None:
        yield node.problem(
            f"kube-proxy's iptables will fail with {pin.VARIABLE}={configured.value!r}"
            f" ({configured.by})",
            remedy,
            explains=True,
        )
    elif (
        (machine := node.evidence.machine) is not None
        and machine.verdict == "broken"
        and node.judge(configured) != "other"
    ):
        yield node.problem(f"the next start fails: {machine.reason}", "mend the configuration")

"""The pin stands in config.yaml, where people look for it, not in the environment of the service.

RKE2's service reads `/etc/default/rke2-server` (or `rke2-agent`) and two more files (rancher/rke2
bundle/lib/systemd/system/rke2-server.service), and `RKE2_KUBE_PROXY_EXTRA_ENV` in them sets the
same flag as `kube-proxy-extra-env`. The pin works there, but whoever reads `config.yaml` does not
see it, and any value in the configuration replaces the variable since v1.31.8, v1.32.4 and
v1.33.0; before, both were added (rancher/rke2 pkg/cli/cmds/root.go, commit 0ee96d5b0). Where the
node has no pin by that, rule `drop-in-drops-pin` says so, as an error. There is no automatic fix:
move the variable to `config.yaml`.

```yaml before etc/default/rke2-agent
RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft
```

```yaml before
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
  - GOGC=50
```

```yaml before etc/default/rke2-server
RKE2_KUBE_PROXY_EXTRA_ENV=IPTABLES_MODE=nft
```

```yaml good
kube-proxy-extra-env:
  - IPTABLES_MODE=nft
```

```yaml good etc/default/rke2-server
HTTPS_PROXY=http://proxy.example.org:3128
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies import pin
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.rule import rule


@rule(Node, severity=Severity.NOTE)
def check(node: Node) -> Iterator[Problem]:
    setting = node.machine.environment
    for one in node.environment:
        document = one.document
        if document is None or not isinstance(document[(pin.ENVIRONMENT_KEY,)], str):
            continue
        place = document.at(pin.ENVIRONMENT_KEY)
        last = setting.said[-1]
        if last.place == place:
            if node.machine.verdict == "pinned":
                message = f"the pin works here, but nobody who reads {node.name} sees it"
                yield Problem(message, place)
        elif node.machine.loss is None:
            message = f"{last.by} replaces this"
            if last.by_configuration:
                message = (
                    f"{pin.KEY} in {last.by} replaces this since v1.31.8, v1.32.4 and v1.33.0; "
                    "before, both were added"
                )
            yield Problem(message, place, None, ((last.place.key, "this counts"),))

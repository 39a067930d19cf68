"""An agent's file holds settings that agents know, because RKE2 skips those of servers there.

RKE2 logs `Unknown flag … found in config.yaml, skipping` and starts (k3s-io/k3s
pkg/configfilearg/parser.go; rancher/rke2 pkg/cli/cmds/agent.go). `disable-kube-proxy` is such a
setting: agents take it from the servers (k3s-io/k3s pkg/agent/config/config.go), so it does not
turn kube-proxy off here, and kube-proxy still needs the pin. That is a warning; every other
setting of servers is a note, and `cni` is none, because SUSE's Edge Image Builder writes it for
agents as well (suse-edge/edge-image-builder pkg/kubernetes/cluster.go). There is no automatic
fix: remove the setting, or set it on the servers. That a file is an agent's is told by its path,
or guessed from `server`; say `--as rke2-server-config` if it is not.

```yaml before agent/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
disable-kube-proxy: true
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml before agent/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
tls-san: [rke2.example.com]
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good agent/etc/rancher/rke2/config.yaml
server: https://10.0.0.1:9345
kube-proxy-extra-env: [IPTABLES_MODE=nft]
```

```yaml good server/etc/rancher/rke2/config.yaml
cni: canal
disable-kube-proxy: true
```
"""

from __future__ import annotations

from collections.abc import Iterator

from rke2_policies.facts import is_server_only
from rke2_policies.finding import Problem, Severity
from rke2_policies.node import Node
from rke2_policies.rule import rule

_KUBE_PROXY = "disable-kube-proxy"
_HARMLESS = frozenset({"cni"})


@rule(Node, severity=Severity.WARNING)
def check(node: Node) -> Iterator[Problem]:
    if node.role != "agent":
        return
    for name, setting in node.machine.settings.items():
        if not is_server_only(name) or name in _HARMLESS or setting.place is None:
            continue
        message = f"an agent does not know {name} and skips it"
        if name == _KUBE_PROXY:
            message += ": the servers decide whether kube-proxy runs"
        if node.role_is_guess:
            message += " (say --as rke2-server-config if this is a server's file)"
        severity = None if name == _KUBE_PROXY else Severity.NOTE
        yield Problem(message, setting.place.key, severity=severity)
